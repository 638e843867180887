"""Real clips through the whole agent, by bodies. A camera that pans lets people pass the line in its middle."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from config.settings import CameraRole, CameraSettings, PresenceSettings, Settings
from tests.tracker.fake_cameras import NOON, ScriptedCamera, seconds
from tests.tracker.sources import open_source
from tests.tracker.vision.scenes import ten_faces
from tracker.agent.assembly import assemble
from tracker.agent.loop import Agent
from tracker.identity.known import KnownPeople
from tracker.identity.networks import embedder_of
from tracker.presence.events import is_unidentified
from tracker.store.store import Store
from tracker.vision.faces import Image

FPS = 12.5
Told = list[tuple[str, str]]
ROOM = CameraSettings(id="room", source="0")


def door(x: float) -> CameraSettings:
    """With an upright line at x, in parts of the picture's width; inside is left."""
    return CameraSettings(id="door", source="0", role=CameraRole.DOOR, line=((x, 0.0), (x, 1.0)), inside="left")


@pytest.fixture(scope="module")
def clips() -> Mapping[str, list[Image]]:
    folder = os.environ.get("FOOTFALL_TESTDATA")
    if not folder:
        pytest.skip("FOOTFALL_TESTDATA does not name the folder with the clips")
    names = ("two_walking_in", "man_d_nodding", "woman_a_turning")
    sources = {name: open_source(f"{Path(folder) / name}.gif", start_at=NOON, realtime=False) for name in names}
    return {name: [frame.image for frame in iter(source.read, None)] for name, source in sources.items()}


def panned(images: Sequence[Image]) -> list[Image]:
    """As by a camera that turns to the right by a fifth of its picture."""
    starts = np.linspace(50, 150, len(images)).round().astype(int)
    return [np.ascontiguousarray(image[:, start : start + 330]) for image, start in zip(images, starts, strict=True)]


@pytest.fixture
def watch(tmp_path: Path, models_folder: Path) -> Callable[[Sequence[Image], CameraSettings], Told]:
    """(who: named, visitor or unidentified, kind) of each event that an agent reports of these pictures."""

    def run(images: Sequence[Image], camera: CameraSettings) -> Told:
        settings = Settings(models={"dir": models_folder}, presence=PresenceSettings(exit_after_s=1.5, merge_gap_s=60))
        script = [(index / FPS, image) for index, image in enumerate(images)]
        with Store(tmp_path / f"{camera.id}.sqlite3") as store:
            known = KnownPeople(settings.match, embedder_of(settings, store))
            (agent,) = assemble(settings, [camera], [ScriptedCamera(script)], store, known)
            assert isinstance(agent, Agent)
            agent.run(threading.Event())
            found = store.events.select()
            assert all(0 <= seconds(each.at) <= len(images) / FPS for each in found)
            known_ids = {person.person_id for person in store.people.all()}
            assert {each.person_id for each in found if not is_unidentified(each.person_id)} <= known_ids
            return [("u" if is_unidentified(each.person_id) else "v", str(each.kind)) for each in found]

    return run


Watch = Callable[[Sequence[Image], CameraSettings], Told]


def test_two_who_are_too_far_to_be_recognised_come_in(clips: Mapping[str, list[Image]], watch: Watch) -> None:
    assert watch(panned(clips["two_walking_in"]), door(0.55)) == [("u", "enter")] * 2


def test_and_go_out(clips: Mapping[str, list[Image]], watch: Watch) -> None:
    assert watch(panned(clips["two_walking_in"])[::-1], door(0.55)) == [("u", "exit")] * 2


def test_in_a_room_they_are_two(clips: Mapping[str, list[Image]], watch: Watch) -> None:
    assert sorted(watch(clips["two_walking_in"], ROOM)) == [("u", "enter")] * 2 + [("u", "exit")] * 2


@pytest.mark.parametrize("name", ["man_d_nodding", "woman_a_turning"])
def test_one_who_is_recognised_is_one(name: str, clips: Mapping[str, list[Image]], watch: Watch) -> None:
    assert watch(panned(clips[name]), door(0.42)) == [("v", "enter")]
    assert watch(clips[name], ROOM) == [("v", "enter"), ("v", "exit")]


@pytest.mark.parametrize("image", [np.zeros((270, 480, 3), np.uint8), ten_faces()[:540]], ids=["empty", "poster"])
def test_what_does_not_move_passes_no_line(image: Image, watch: Watch) -> None:
    assert watch([image] * 15, door(0.5)) == []


def test_an_empty_room_has_nobody(watch: Watch) -> None:
    assert watch([np.full((270, 480, 3), 90, np.uint8)] * 40, ROOM) == []
