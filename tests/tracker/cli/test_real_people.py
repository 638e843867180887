"""Real clips: A and D are recognised wherever they are tracked, and two strangers never are."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import Settings
from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import NOON, examined
from tests.tracker.sources import open_source
from tracker.cameras.frames import Frame
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import FaceName, Recognition
from tracker.presence.people import Person
from tracker.store.store import Store
from tracker.vision.engine import AnalysedFaces, FaceEngine

TESTDATA = os.environ.get("FOOTFALL_TESTDATA", "")
CLIPS = {"A": "woman_a_turning.gif", "D": "man_d_nodding.gif", "W and M": "two_walking_in.gif"}
ENROLLED = [
    pytest.param({"A": (2, 9, 18), "D": (2, 25, 50)}, id="three-each"),
    pytest.param({"A": (0, 4), "D": (61,)}, id="her-from-the-side-him-once"),
    pytest.param({"A": (20,), "D": (0, 1, 2, 3)}, id="her-once"),
]
WORTH_A_NAME = 5


@pytest.fixture(scope="module")
def frames() -> Mapping[str, list[Frame]]:
    if not TESTDATA:
        pytest.skip("FOOTFALL_TESTDATA does not name the folder with the clips")
    sources = {
        who: open_source(str(Path(TESTDATA) / file), start_at=NOON, realtime=False) for who, file in CLIPS.items()
    }
    return {who: list(iter(source.read, None)) for who, source in sources.items()}


def write_pictures(frames: Mapping[str, list[Frame]], chosen: Mapping[str, tuple[int, ...]], folder: Path) -> Path:
    for who, indices in chosen.items():
        (folder / who).mkdir(parents=True)
        for index in indices:
            cv2.imwrite(str(folder / who / f"{index}.png"), frames[who][index].image)
    return folder


@pytest.mark.parametrize("chosen", ENROLLED[:1])
def test_command_line_names_them_only(
    chosen: Mapping[str, tuple[int, ...]], frames: Mapping[str, list[Frame]], run: Run, tmp_path: Path
) -> None:
    assert run("enroll", write_pictures(frames, chosen, tmp_path / "people")).code == 0
    for number, file in enumerate(CLIPS.values()):
        start = f"2026-03-02T12:{number:02d}:00"
        words = ("--camera", Path(TESTDATA) / file, "--camera-id", file.partition("_")[0], "--start", start)
        assert run("track", *words, "--fast").code == 0
    with Store(tmp_path / "store.sqlite3") as store:
        names = {person.person_id: person.name for person in store.people.all()}
        matches, events = store.matches.select(), store.events.select()
    results = [(match.camera_id, names.get(match.person_id or "")) for match in matches]
    assert [each for each in results if each[0] != "two"] == [("woman", "A"), ("man", "D")]
    assert {name for camera, name in results if camera == "two"} == {None}
    assert all("too small" in match.reason for match in matches if match.camera_id == "two")
    assert [(event.camera_id, names[event.person_id], event.kind) for event in events] == [
        ("woman", "A", "enter"), ("woman", "A", "exit"), ("man", "D", "enter"), ("man", "D", "exit"),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def seen(frames: Mapping[str, list[Frame]], models_folder: Path) -> Mapping[str, list[AnalysedFaces]]:
    settings = Settings(models={"dir": models_folder})
    engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
    return {who: [engine.analyse(frame.image) for frame in film] for who, film in frames.items()}


@pytest.fixture(params=ENROLLED)
def chosen(request: pytest.FixtureRequest) -> Mapping[str, tuple[int, ...]]:
    """By person, the frames that she or he is enrolled from."""
    found: Mapping[str, tuple[int, ...]] = request.param
    return found


@pytest.fixture
def recognition(
    chosen: Mapping[str, tuple[int, ...]], seen: Mapping[str, list[AnalysedFaces]], tmp_path: Path
) -> Recognition:
    settings = Settings()
    known = KnownPeople(settings.match)
    with Store(tmp_path / "store.sqlite3") as store:
        for who, indices in chosen.items():
            vectors = np.concatenate([seen[who][index].vectors for index in indices])
            store.people.add(Person(person_id=who, name=who, created_at=NOON, consented_at=NOON), vectors)
        known.refresh(store.people)
    return Recognition(site_id="gym", camera_id="film", known=known, track=settings.track, zone=UTC)


def look(recognition: Recognition, faces: AnalysedFaces, at: datetime) -> tuple[FaceName, ...]:
    """The next frame, of which only the faces that are due are examined."""
    shown = examined(faces, recognition.due(faces.faces, at))
    return recognition.update(shown, at, size_wh=(480, 270)).faces


def test_every_track_of_five_frames_has_the_right_name(
    chosen: Mapping[str, tuple[int, ...]],
    frames: Mapping[str, list[Frame]],
    seen: Mapping[str, list[AnalysedFaces]],
    recognition: Recognition,
) -> None:
    """Over the frames that nobody was enrolled from."""
    for who, film in frames.items():
        recognition.end()
        lasted: Counter[str] = Counter()
        named: dict[str, set[str | None]] = defaultdict(set)
        for frame, faces in zip(film, seen[who], strict=True):
            if frame.index in chosen.get(who, ()):
                continue
            for face in look(recognition, faces, frame.at):
                lasted[face.track_id] += 1
                named[face.track_id].add(face.person_id)
        assert lasted.most_common(1)[0][1] > len(film) // 2
        expected = {who} if who in chosen else set()
        for track_id, count in lasted.items():
            assert named[track_id] - {None} <= expected
            assert count < WORTH_A_NAME or named[track_id] - {None} == expected


@pytest.mark.parametrize(("first", "second"), [("A", "D"), ("D", "A")])
def test_who_appears_in_front_of_somebody_is_named_within_a_second(
    first: str, second: str, seen: Mapping[str, list[AnalysedFaces]], recognition: Recognition
) -> None:
    """From one frame to the next, at the same place and size, so that only the face is another one."""
    place = seen[first][0].faces.boxes
    film = [*(seen[first] * 3)[:50], *(seen[second] * 3)[:50]]
    names = []
    for index, faces in enumerate(film):
        there = replace(faces, faces=replace(faces.faces, boxes=place))
        names += [face.person_id for face in look(recognition, there, NOON + timedelta(seconds=index / 25))]
    assert set(names[2:50]) == {first}
    assert set(names[50:75]) <= {first, None, second}
    assert set(names[77:]) == {second}
