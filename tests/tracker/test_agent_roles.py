"""An agent at a door, an entrance, an exit, and in a room with zones.

In these pictures a pixel's blue value says whose face is centred there: ten pixels are a tenth of the frame.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import pytest

from config.settings import CameraRole, CameraSettings, MatchSettings, TrackSettings
from tests.tracker.puppets import ADA, BOB, PRESENCE, Cue, ScriptedCamera, Stage, face_of, seconds
from tracker.agent import Agent
from tracker.doorway import doorway_of, zones_of
from tracker.faces.engine import Seen
from tracker.faces.faces import Faces, Image
from tracker.faces.quality import Quality
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.events import EventKind

DOOR = CameraSettings(
    id="door", source="0", role=CameraRole.DOOR, line=((0.1, 0.5), (0.9, 0.5)), inside="below", hold_frames=2
)
HALL = CameraSettings(
    id="hall",
    source="0",
    zones={"left": ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), "right": ((0.5, 0), (1, 0), (1, 1), (0.5, 1))},
)
TELLS = {CameraRole.ENTRANCE: EventKind.ENTER, CameraRole.EXIT: EventKind.EXIT}


class PlaceEngine:
    """Reads whose face is where on a picture."""

    def see(self, image: Image) -> Seen:
        ys, xs = np.nonzero(image[:, :, 0])
        numbers, count = image[ys, xs, 0].astype(int), len(xs)
        boxes = np.stack([xs - 15, ys - 15, xs + 15, ys + 15], axis=1).astype(np.float32).reshape(count, 4)
        ones = np.ones(count, np.float32)
        return Seen(
            faces=Faces(boxes, ones, np.zeros((count, 5, 2), np.float32)),
            quality=Quality(**{each.name: ones for each in fields(Quality)} | {"widths_px": 80 * ones}),
            rejections=(None,) * count,
            vectors=np.array([face_of(number) for number in numbers], np.float32).reshape(count, 128),
            usable=np.ones(count, np.bool_),
        )


def picture(**people: tuple[float, float]) -> Image:
    image = np.zeros((100, 100, 3), np.uint8)
    for name, (x, y) in people.items():
        image[round(y), round(x), 0] = {"ada": ADA, "bob": BOB}[name]
    return image


def walk(start: float, ys: Sequence[float], *, x: float = 50, name: str = "ada", step_s: float = 0.5) -> list[Cue]:
    return [(start + index * step_s, picture(**{name: (x, y)})) for index, y in enumerate(ys)]


def empty(start: float, end: float) -> list[Cue]:
    return [(start + index, picture()) for index in range(int(end - start) + 1)]


@dataclass
class Post(Stage):
    """One camera with a role, over a store."""

    camera: CameraSettings = DOOR

    def watch(self, script: Sequence[Cue], *, stopped: bool = False) -> None:
        """Run an agent over the script to its end, or as if somebody stopped it there."""
        stop = threading.Event()
        source = ScriptedCamera([*script, stop.set] if stopped else script)
        known = KnownPeople(self.match)
        recognition = Recognition(
            site_id="gym", camera_id=self.camera.id, known=known, match=MatchSettings(), track=TrackSettings()
        )
        Agent(
            site_id="gym",
            camera_id=self.camera.id,
            source=source,
            engine=PlaceEngine(),
            recognition=recognition,
            known=known,
            store=self.store,
            presence=PRESENCE,
            clock=source.clock,
            doorway=doorway_of(self.camera, site_id="gym", max_gap_s=1.5),
            zones=zones_of(self.camera, site_id="gym"),
            tells=TELLS.get(self.camera.role),
        ).run(stop)

    def stays(self) -> list[tuple[str, float, float, bool]]:
        found = self.store.zone_stays(site_id="gym")
        return [(each.zone, seconds(each.started_at), seconds(each.seen_at), each.over) for each in found]


@pytest.fixture
def post(tmp_path: Path) -> Post:
    post = Post(tmp_path / "footfall.sqlite3")
    post.enrol("Ada", ADA)
    post.enrol("Bob", BOB)
    return post


ADA_ID, BOB_ID = f"p-{ADA:012x}", f"p-{BOB:012x}"


def test_a_door_tells_who_went_in_and_who_went_out(post: Post) -> None:
    post.watch([*walk(0, range(20, 90, 10)), *empty(4, 12), *walk(20, range(80, 10, -10), name="bob"), *empty(24, 30)])
    assert post.told() == [(ADA_ID, "enter", 2.0, False), (BOB_ID, "exit", 22.0, False)]
    assert post.store.presences() == []
    assert post.store.standings(site_id="gym", camera_id="door") == []


def test_standing_at_a_door_is_nothing(post: Post) -> None:
    post.watch(walk(0, [45, 50, 52, 49, 50, 51, 48, 50, 52] * 4))
    assert post.told() == []


def test_the_side_is_kept_over_a_restart(post: Post) -> None:
    """The second run begins where the first one stopped; the person has another track there."""
    post.watch(walk(0, [20, 25, 30, 35]))
    before = post.store.standings(site_id="gym", camera_id="door")
    assert before == []  # the recording was over, so its tracks are
    post.watch(walk(10, [20, 25, 30, 35]), stopped=True)
    (stood,) = post.store.standings(site_id="gym", camera_id="door")
    assert (stood.person_id, stood.held is not None) == (ADA_ID, True)
    post.watch([*walk(13, [65, 70, 75, 80]), *empty(15, 25)])
    assert post.told() == [(ADA_ID, "enter", 13.0, False)]


def test_a_recording_played_again_tells_the_same(post: Post) -> None:
    script = [*walk(0, range(20, 90, 10)), *empty(4, 12)]
    post.watch(script[:5], stopped=True)
    post.watch(script[:7], stopped=True)
    post.watch(script)
    assert post.told() == [(ADA_ID, "enter", 2.0, False)]
    post.watch(script)
    assert len(post.told()) == 1


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        pytest.param(CameraRole.ENTRANCE, [("enter", 0.0, False)], id="entrance"),
        pytest.param(CameraRole.EXIT, [("exit", 2.0, False)], id="exit"),
    ],
)
def test_a_camera_at_a_way_in_or_out_tells_one_kind(
    post: Post, role: CameraRole, expected: list[tuple[str, float, bool]]
) -> None:
    post.camera = replace_role(role)
    post.watch([*walk(0, [40, 45, 50, 55, 60]), *empty(3, 50)])
    assert [each[1:] for each in post.told()] == expected


def test_the_end_of_a_recording_at_an_exit_is_a_way_out_too(post: Post) -> None:
    post.camera = replace_role(CameraRole.EXIT)
    post.watch(walk(0, [40, 45, 50, 55, 60]))
    assert [each[1:] for each in post.told()] == [("exit", 2.0, False)]


def test_a_room_tells_who_is_in_which_zone(post: Post) -> None:
    post.camera = HALL
    places = [10, 20, 30, 40, 60, 70, 80]
    post.watch([(index, picture(ada=(x, 50))) for index, x in enumerate(places)])
    assert post.stays() == [("left", 1.0, 3.0, True), ("right", 4.0, 6.0, True)]
    assert [each[1] for each in post.told()] == ["enter", "exit"]


def test_stays_in_zones_go_on_after_a_restart(post: Post) -> None:
    post.camera = HALL
    script = [(index, picture(ada=(20, 50))) for index in range(10)]
    post.watch(script[:5], stopped=True)
    assert post.stays() == [("left", 1.0, 4.0, False)]
    post.watch([*script[6:], *empty(10, 20)])
    assert post.stays() == [("left", 1.0, 9.0, True)]


def replace_role(role: CameraRole) -> CameraSettings:
    return CameraSettings(id="way", source="0", role=role)


def test_a_room_has_no_line_and_a_door_no_zones() -> None:
    assert doorway_of(HALL, site_id="gym", max_gap_s=1.5) is None
    assert zones_of(DOOR, site_id="gym") is None
