"""Who counts as audience, when, and as what: by tracks with a name, once an hour, without staff."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.tracker.fake_cameras import ADA, BOB, EVE, NOON, AgentHarness, at, face_of, scene
from tracker.agent.audience import Audience, Counted
from tracker.identity.recognition import FaceName, RecognitionResult
from tracker.presence.audience import LABELS, Attribute, AudienceGroup
from tracker.presence.events import CameraRef
from tracker.presence.people import Person, Role
from tracker.store.store import Store
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import Quality

ROOT = Path(__file__).parents[3]
FRAME = np.zeros((8, 8, 3), np.uint8)
HAPPY, SAD = (LABELS[Attribute.EXPRESSION].index(label) for label in ("happy", "sad"))


@dataclass
class Mirror:
    """Reads as class what the first landmark of a face says: with 0.9, the rest evenly."""

    classes: int = 7
    looks: int = 0

    def read(self, image: Image, faces: Faces) -> FloatArray:
        del image
        self.looks += len(faces)
        found = np.full((len(faces), self.classes), 0.1 / (self.classes - 1), np.float32)
        found[np.arange(len(faces)), faces.landmarks[:, 0, 0].astype(int)] = 0.9
        return found


@dataclass
class Known:
    """The part of KnownPeople that is needed."""

    staff: set[str] = field(default_factory=set)
    forgotten: set[str] = field(default_factory=set)

    def person(self, person_id: str) -> Person | None:
        if person_id in self.forgotten:
            return None
        role = Role.STAFF if person_id in self.staff else Role.MEMBER
        return Person(person_id=person_id, name=person_id, created_at=NOON, role=role)


@dataclass
class Hall:
    """A camera whose frames are given as (track, name or None, class that the face shows)."""

    known: Known = field(default_factory=Known)
    mirror: Mirror = field(default_factory=Mirror)
    counted: Counted = field(default_factory=Counted)
    camera_id: str = "front"

    def __post_init__(self) -> None:
        self.audience = Audience(
            CameraRef("gym", self.camera_id),
            readers={Attribute.EXPRESSION: self.mirror},
            known=self.known,  # type: ignore[arg-type]
            counted=self.counted,
            zone=UTC,
        )

    def see(
        self,
        second: float,
        *faces: tuple[str, str | None, int],
        ended: Sequence[str] = (),
        usable: bool = True,
        **quality: float,
    ) -> None:
        count = len(faces)
        marks = np.zeros((count, 5, 2), np.float32)
        marks[:, 0, 0] = [shown for *_, shown in faces]
        values = {each.name: np.ones(count, np.float32) for each in fields(Quality)}
        values |= {"widths_px": np.full(count, 80, np.float32)}
        values |= {name: np.full(count, value, np.float32) for name, value in quality.items()}
        seen = AnalysedFaces(
            faces=Faces(np.zeros((count, 4), np.float32), np.ones(count, np.float32), marks),
            quality=Quality(**values),
            rejections=(None,) * count,
            vectors=np.zeros((count, 128), np.float32),
            usable=np.full(count, usable),
        )
        names = tuple(FaceName(track_id=track, person_id=name, reason="") for track, name, _ in faces)
        result = RecognitionResult(sightings=(), matches=(), faces=names, ended=tuple(ended))
        self.audience.observe(FRAME, seen, result, at(second))

    def walk_by(self, second: float, person: str | None, shown: int = HAPPY, track: str | None = None) -> None:
        """Somebody is in sight for two seconds."""
        track = track or f"{person}-{second}"
        for step in range(3):
            self.see(second + step, (track, person, shown))
        self.see(second + 3, ended=[track])

    def counts(self) -> dict[datetime, Mapping[str, int]]:
        return {each.hour: each.people for each in self.audience.unsaved}


def test_a_track_counts_once_at_its_end_by_the_mean_of_its_looks() -> None:
    hall = Hall()
    for second, shown in enumerate((HAPPY, SAD, HAPPY)):
        hall.see(second, ("t", "p-ada", shown))
    assert hall.counts() == {}
    hall.see(3, ended=["t"])
    assert hall.counts() == {NOON: {"happy": 1}}


def test_all_tracks_count_when_the_run_ends() -> None:
    hall = Hall()
    for second in (0, 1):
        hall.see(second, ("a", "p-ada", HAPPY), ("b", "p-bob", SAD))
    hall.audience.end()
    assert hall.counts() == {NOON: {"happy": 1, "sad": 1}}
    hall.audience.end()
    assert hall.counts() == {NOON: {"happy": 1, "sad": 1}}


def test_staff_do_not_count_also_when_their_name_comes_last() -> None:
    hall = Hall(Known(staff={"p-vera"}))
    hall.walk_by(0, "p-vera")
    for second, name in enumerate((None, None, "p-vera")):
        hall.see(10 + second, ("late", name, HAPPY))
    hall.see(20, ended=["late"])
    assert hall.counts() == {}


@pytest.mark.parametrize("name", [None, "p-gone"], ids=["unnamed", "forgotten"])
def test_nobody_counts_without_a_name(name: str | None) -> None:
    hall = Hall(Known(forgotten={"p-gone"}))
    hall.walk_by(0, name)
    assert hall.counts() == {}


def test_a_name_that_was_withdrawn_does_not_count() -> None:
    hall = Hall()
    for second, name in enumerate(("p-ada", "p-ada", None)):
        hall.see(second, ("t", name, HAPPY))
    hall.audience.end()
    assert hall.counts() == {}


def test_looks_at_the_one_before_are_not_those_of_the_next_on_a_track() -> None:
    hall = Hall()
    for second, (name, shown) in enumerate([("p-ada", HAPPY)] * 5 + [("p-bob", SAD)] * 2):
        hall.see(second, ("t", name, shown))
    hall.audience.end()
    assert hall.counts() == {NOON: {"sad": 1}}


def test_one_look_is_too_few() -> None:
    hall = Hall()
    hall.see(0, ("t", "p-ada", HAPPY))
    hall.see(0.5, ("t", "p-ada", HAPPY))
    hall.see(9, ended=["t"])
    assert hall.counts() == {}


@pytest.mark.parametrize(("turned_until", "counts"), [(3899, {NOON: {"happy": 1}}), (3900, {})], ids=["open", "shown"])
def test_nobody_is_added_to_an_hour_that_is_shown_already(turned_until: int, counts: dict[datetime, object]) -> None:
    hall = Hall()
    for second in (3590, 3591):
        hall.see(second, ("t", "p-ada", HAPPY))
    hall.see(turned_until, ("t", "p-ada", HAPPY), yaw=80.0)
    hall.see(turned_until, ended=["t"])
    assert hall.counts() == counts


@pytest.mark.parametrize(
    "poor",
    [{"yaw": 31.0}, {"yaw": np.nan}, {"widths_px": 47.0}, {"usable": False}],
    ids=["aside", "not-examined", "small", "rejected"],
)
def test_faces_that_show_too_little_are_not_looked_at(poor: dict[str, float]) -> None:
    hall = Hall()
    for second in range(4):
        hall.see(second, ("t", "p-ada", HAPPY), **poor)  # type: ignore[arg-type]
    hall.audience.end()
    assert (hall.mirror.looks, hall.counts()) == (0, {})


def test_a_face_is_looked_at_once_a_second() -> None:
    hall = Hall()
    for step in range(50):
        hall.see(step / 10, ("t", "p-ada", HAPPY))
    assert hall.mirror.looks == 5


def test_somebody_counts_once_an_hour_at_all_cameras_together() -> None:
    hall = Hall()
    back = Hall(counted=hall.counted, camera_id="back")
    for second in (0, 10, 20, 30, 40):
        hall.walk_by(second, "p-ada")
    back.walk_by(50, "p-ada")
    back.walk_by(60, "p-bob")
    hall.walk_by(3600, "p-ada", SAD)
    assert hall.counts() == {NOON: {"happy": 1}, NOON + timedelta(hours=1): {"sad": 1}}
    assert back.counts() == {NOON: {"happy": 1}}


def test_groups_are_unsaved_until_what_was_written_is_all() -> None:
    hall = Hall()
    hall.walk_by(0, "p-ada")
    written = hall.audience.unsaved
    hall.walk_by(10, "p-bob")
    hall.audience.saved(written)
    assert [each.people for each in hall.audience.unsaved] == [{"happy": 2}]
    hall.audience.saved(hall.audience.unsaved)
    assert hall.audience.unsaved == ()
    assert written[0].since == at(0)


def test_months_leave_no_more_in_memory_than_a_day() -> None:
    hall = Hall()
    for hour in range(200):
        hall.walk_by(3600 * hour, "p-ada")
        hall.audience.saved(hall.audience.unsaved)
    assert len(hall.audience._counts) <= 25
    assert len(hall.counted._people) <= 25
    assert hall.audience._tracks == {}


# -- an agent


@dataclass
class Smiles:
    """Everybody smiles."""

    def read(self, image: Image, faces: Faces) -> FloatArray:
        del image
        return np.eye(7, dtype=np.float32)[[HAPPY] * len(faces)]


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3", readers={Attribute.EXPRESSION: Smiles()})


def stored(store: Store) -> list[AudienceGroup]:
    return store.audience.groups("gym", since=NOON, until=NOON + timedelta(hours=5))


SCRIPT = [*scene(0, 4, ADA), *scene(4.5, 12, ADA, BOB), *scene(12.5, 20, 0, 0, EVE), *scene(20.5, 30)]


def test_an_agent_counts_members_and_visitors_and_leaves_staff_out(harness: AgentHarness) -> None:
    harness.enrol("Ada", ADA)
    vera = Person(person_id="p-vera", name="Vera", created_at=NOON, consented_at=NOON, role=Role.STAFF)
    harness.store.people.add(vera, face_of(BOB)[None])
    harness.play(SCRIPT)
    (group,) = stored(harness.store)
    assert (group.camera_id, group.hour, group.since, group.people) == ("front", NOON, NOON, {"happy": 2})


@pytest.mark.parametrize("frames", [5, 20, 35, 50])
def test_a_recording_stopped_and_played_again_counts_nobody_twice(tmp_path: Path, frames: int) -> None:
    readers = {Attribute.EXPRESSION: Smiles()}
    whole, broken = (AgentHarness(tmp_path / f"{name}.sqlite3", readers=readers) for name in ("whole", "broken"))
    whole.play(SCRIPT)
    broken.play(SCRIPT, frames=frames)
    broken.play(SCRIPT)
    assert stored(broken.store) == stored(whole.store)
    assert sum(stored(whole.store)[0].people.values()) == 3


def test_people_who_have_left_are_stored_while_others_are_in_sight(harness: AgentHarness) -> None:
    harness.play(SCRIPT, frames=35)
    assert [each.people for each in stored(harness.store)] == [{"happy": 3}]
    again = AgentHarness(harness.path, readers=harness.readers)
    during: list[int] = []
    script = [*scene(3600, 3604, ADA), *scene(3604.5, 3615, 0, BOB)]
    script.insert(-1, lambda: during.append(sum(stored(harness.store)[-1].people.values())))  # type: ignore[arg-type]
    again.play(script)
    assert during == [1]


def test_a_count_is_written_at_once_and_once(harness: AgentHarness) -> None:
    """While somebody who left counts as present, and nothing else is new. Nobody is in sight from 4.5 s on."""
    found: list[tuple[int, int]] = []

    def look() -> None:
        found.append((len(stored(harness.store)), harness.store.version()))

    harness.enrol("Ada", ADA)
    harness.play([*scene(0, 4, ADA), look, *scene(4.5, 7, 0), look, *scene(7.5, 9, 0), look])
    assert [count for count, _ in found] == [0, 1, 1]
    assert found[1] == found[2]


def test_small_groups_are_deleted_when_their_hour_is_over(harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, ADA), *scene(5.5, 60), *scene(3700, 3702)])
    assert len(stored(harness.store)) == 1
    AgentHarness(harness.path).play(scene(4000, 4010))  # also when the setting is off by then
    assert stored(harness.store) == []


def test_the_end_of_a_recording_leaves_no_small_groups_of_hours_that_are_over(harness: AgentHarness) -> None:
    harness.play([*scene(0, 5, ADA), *scene(5.5, 60), *scene(3650, 3651), *scene(4000, 4005, BOB)])
    assert [each.hour for each in stored(harness.store)] == [NOON + timedelta(hours=1)]


def test_without_the_setting_nothing_of_it_is_imported_or_read(models_folder: Path, tmp_path: Path) -> None:
    """The folder has no networks for it."""
    code = (
        "import sys, pathlib\n"
        "from config.settings import CameraSettings, Settings\n"
        "from tracker.agent.assembly import assemble\n"
        "from tracker.cameras.sources import prepare_source\n"
        "from tracker.identity.known import KnownPeople\n"
        "from tracker.store.store import Store\n"
        "models, path = map(pathlib.Path, sys.argv[1:])\n"
        "settings = Settings(models={'dir': models})\n"
        "cameras = [CameraSettings(id='hall', source='0')]\n"
        "with Store(path) as store:\n"
        "    assemble(settings, cameras, [prepare_source('0')], store, KnownPeople(settings.match))\n"
        "print(*sorted({'tracker.agent.audience', 'tracker.vision.attributes'} & set(sys.modules)), 'done')\n"
    )
    command = [sys.executable, "-c", code, str(models_folder), str(tmp_path / "gym.sqlite3")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "done"


def test_a_group_is_kept_apart_from_that_of_another_run(harness: AgentHarness) -> None:
    """After a restart nobody knows who was counted before it: somebody may count again, so the groups are not added."""
    harness.play(scene(0, 5, ADA))
    harness.play(scene(60, 65, ADA))
    assert [(each.since, sum(each.people.values())) for each in stored(harness.store)] == [(at(0), 1), (at(60), 1)]
    assert replace(stored(harness.store)[0], since=at(60)) == stored(harness.store)[1]
