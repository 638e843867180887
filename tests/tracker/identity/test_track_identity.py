"""Which faces are examined: all of a track until it is settled, then about one a second."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from config.settings import TrackSettings
from tests.tracker.fake_cameras import ADA, BLENDED, BLURRED, BOB, EVE, AgentHarness, FakeEngine, at, picture
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition, RecognitionResult
from tracker.identity.track_identity import SETTLED_FACES

FPS = 25
LIKE_ADA, LIKE_BOB, BETWEEN = BLENDED + 8, BLENDED + 12, BLENDED + 9
"""0.68 and 1 from Ada's face, 0.85 and 0.52 from Bob's; as far from both."""
NOBODY = 0


class Camera:
    """One camera's recognition over a store. examined: the number of faces examined in each frame."""

    def __init__(self, store: AgentHarness, match: MatchSettings | None = None, *, everything: bool = False) -> None:
        self.store = store.store
        self.known = KnownPeople(match or MatchSettings())
        self.recognition = Recognition(
            site_id="gym", camera_id="front", known=self.known, track=TrackSettings(), zone=UTC
        )
        self.everything = everything
        self.examined: list[int] = []

    def see(self, *people: int, frames: int) -> list[RecognitionResult]:
        """The same people for some frames."""
        return [self._see(picture(*people)) for _ in range(frames)]

    def _see(self, image: np.ndarray) -> RecognitionResult:
        self.known.refresh(self.store.people)
        engine, now = FakeEngine(), at(len(self.examined) / FPS)
        faces = engine.detect(image)
        due = self.recognition.due(faces, now)
        seen = engine.examine(image, faces, due | self.everything)
        self.examined.append(engine.examined)
        return self.recognition.update(seen, now, size_wh=(400, 100))


@pytest.fixture
def store(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


def test_settled_track_is_examined_about_once_a_second(store: AgentHarness) -> None:
    ada = store.enrol("Ada", ADA)
    camera = Camera(store)
    results = camera.see(ADA, frames=5 * FPS)
    assert camera.examined[:SETTLED_FACES] == [1] * SETTLED_FACES
    assert sum(camera.examined[SETTLED_FACES:]) in range(4, 7)
    assert [each.faces[0].person_id for each in results] == [None] + [ada] * (5 * FPS - 1)
    assert len({each.faces[0].track_id for each in results}) == 1


def test_visitor_is_settled_as_well(store: AgentHarness) -> None:
    camera = Camera(store)
    results = camera.see(EVE, frames=3 * FPS)
    assert sum(camera.examined) in range(SETTLED_FACES + 2, SETTLED_FACES + 5)
    assert len({each.faces[0].person_id for each in results} - {None}) == 1


@pytest.mark.parametrize(("face", "clear_by"), [(BETWEEN, 0.06), (LIKE_ADA, 0.1)], ids=["undecided", "runner-up-near"])
def test_every_face_is_examined_where_the_decision_is_not_clear(
    store: AgentHarness, face: int, clear_by: float
) -> None:
    store.enrol("Ada", ADA)
    store.enrol("Bob", BOB)
    camera = Camera(store, MatchSettings(clear_by=clear_by))
    camera.see(face, frames=2 * FPS)
    assert camera.examined == [1] * 2 * FPS


def test_people_apart_are_examined_in_turn(store: AgentHarness) -> None:
    store.enrol("Ada", ADA)
    store.enrol("Bob", BOB)
    camera = Camera(store)
    camera.see(ADA, NOBODY, BOB, frames=5 * FPS)
    assert camera.examined[:SETTLED_FACES] == [2] * SETTLED_FACES
    assert max(camera.examined[SETTLED_FACES:]) == 1
    assert sum(camera.examined[SETTLED_FACES:]) in range(8, 14)


def test_face_that_was_out_of_sight_or_blurred_is_examined_again(store: AgentHarness) -> None:
    store.enrol("Ada", ADA)
    camera = Camera(store)
    camera.see(ADA, frames=FPS // 2)
    camera.see(frames=FPS // 2)
    camera.see(ADA, frames=1)
    assert camera.examined[-1] == 1
    camera.see(ADA, frames=FPS // 2)
    camera.see(BLURRED + ADA, frames=FPS)
    assert camera.examined[-2:] == [1, 1]
    camera.see(ADA, frames=2)
    assert camera.examined[-2:] == [1, 0]


def test_somebody_else_at_the_same_position_is_named_within_a_second(store: AgentHarness) -> None:
    ada, bob = store.enrol("Ada", ADA), store.enrol("Bob", BOB)
    camera = Camera(store)
    camera.see(ADA, frames=3 * FPS)
    results = camera.see(BOB, frames=2 * FPS)
    names = [each.faces[0].person_id for each in results]
    assert names == sorted(names, key=[ada, None, bob].index)
    assert names.index(bob) <= FPS + 1
    assert not any(each.retracted for each in results)


def test_change_within_a_track_keeps_what_was_right_as_if_every_face_were_examined(store: AgentHarness) -> None:
    """Bob's face is near enough to Ada's to go on with her track. She was there long enough to have been there."""
    _ada, bob = store.enrol("Ada", ADA), store.enrol("Bob", BOB)
    since = []
    for everything in (True, False):
        camera = Camera(store, everything=everything)
        before = camera.see(ADA, frames=5 * FPS)
        results = camera.see(LIKE_BOB, frames=8 * FPS)
        assert {each.faces[0].track_id for each in (*before, *results)} == {before[0].faces[0].track_id}
        assert not any(each.retracted for each in results)
        since.append(next(each.since for result in results for each in result.sightings if each.person_id == bob))
    assert since[0] == at(5)
    assert 0 <= (since[1] - since[0]).total_seconds() <= 1


def test_track_of_a_forgotten_person_is_examined_at_once(store: AgentHarness) -> None:
    ada = store.enrol("Ada", ADA)
    camera = Camera(store)
    camera.see(ADA, frames=FPS // 2)
    assert camera.examined[-1] == 0
    store.store.people.forget(ada, erase_history=False)
    camera.see(ADA, frames=2)
    assert camera.examined[-2:] == [1, 1]
