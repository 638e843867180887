"""Cameras, corrections and the store with similar faces, end to end, with synthetic vectors."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from config.settings import TrackSettings
from tests.tracker.fake_cameras import ADA, EVE, AgentHarness, ManualClock, ScriptedCamera, at, face_of
from tracker.agent.health import Meter
from tracker.agent.roles.role import Changes, RoleState
from tracker.agent.writer import Writer
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition, RecognitionResult
from tracker.presence.events import CameraRef, EventKind, Match
from tracker.presence.health import CameraState
from tracker.presence.people import PersonKind
from tracker.presence.transitions import Transition
from tracker.store.store import Store
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, FloatArray
from tracker.vision.quality import Quality

MATCH = MatchSettings()


def like(number: int, distance: float, other: int = 100) -> FloatArray:
    """A face that far from face_of(number), in a direction of its own."""
    vector = face_of(number).copy()
    vector[other] = distance
    return vector


def seen(*vectors: FloatArray) -> AnalysedFaces:
    """Good faces side by side."""
    count = len(vectors)
    ones = np.ones(count, np.float32)
    boxes = np.array([[100 * x, 0, 100 * x + 80, 90] for x in range(count)], np.float32).reshape(count, 4)
    return AnalysedFaces(
        faces=Faces(boxes, ones, np.zeros((count, 5, 2), np.float32)),
        quality=Quality(**{each.name: 80 * ones for each in fields(Quality)} | {"yaw": 0 * ones}),
        rejections=(None,) * count,
        vectors=np.array(vectors, np.float32).reshape(count, 128),
        usable=np.ones(count, np.bool_),
    )


FRONT = CameraRef("gym", "front")


@dataclass
class Camera:
    """Recognition over a store, frames half a second apart; `leave` ends all tracks."""

    store: Store
    known: KnownPeople = field(default_factory=lambda: KnownPeople(MATCH))
    now: float = 0.0
    evidence_days: int = 7
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.recognition = Recognition(
            site_id="gym", camera_id="front", known=self.known, track=TrackSettings(), zone=UTC
        )
        meter = Meter(FRONT, source=ScriptedCamera([]), clock=self.clock)
        self.recorder = Writer(
            FRONT, store=self.store, known=self.known, meter=meter, clock=self.clock,
            evidence_days=self.evidence_days, visitor_days=30, audit_days=365,
        )  # fmt: skip

    def see(self, *vectors: FloatArray, times: int = 1) -> RecognitionResult:
        for _ in range(times):
            self.known.refresh(self.store.people)
            found = self.recognition.update(seen(*vectors), at(self.now), size_wh=(400, 100))
            enters = [
                self.enter(each.person_id, each.track_id) for each in found.sightings if each.since < at(self.now)
            ]
            self.recorder.add(Changes(transitions=tuple(enters)), found.matches, found.evidence)
            self.recorder.keep_up(RoleState(), CameraState.LIVE)
            self.now += 0.5
        return found

    def enter(self, person_id: str, track_id: str) -> Transition:
        return Transition(
            kind=EventKind.ENTER, person_id=person_id, track_id=track_id, at=at(self.now), x_frac=0.5, y_frac=0.5
        )

    def leave(self) -> None:
        self.now += 60
        self.recognition.end()

    @property
    def matches(self) -> list[Match]:
        return self.store.matches.select()


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


@pytest.fixture
def camera(harness: AgentHarness) -> Camera:
    return Camera(harness.store)


def names(found: RecognitionResult) -> list[str | None]:
    return [face.person_id for face in found.faces]


# -- limits and negatives


def test_changed_limit_applies_at_runtime(harness: AgentHarness, camera: Camera) -> None:
    ada = harness.enrol("Ada", ADA)
    assert names(camera.see(like(ADA, 0.45), times=3)) == [ada]
    camera.leave()
    harness.store.people.replace_limits({ada: 0.4})
    found = camera.see(like(ADA, 0.45), times=6)
    assert names(found) == [None]
    assert found.faces[0].reason == f"between match and stranger: {ada} at 0.45"
    harness.store.people.replace_limits({})
    assert names(camera.see(like(ADA, 0.45), times=3)) == [ada]


def test_evidence_of_a_wrong_match_can_become_negatives(harness: AgentHarness, camera: Camera) -> None:
    ada = harness.enrol("Ada", ADA)
    twin = like(ADA, 0.4)
    track_id = camera.see(twin, times=3).faces[0].track_id
    vectors, taken_for = harness.store.matches.evidence(track_id)
    assert set(taken_for) == {ada}
    assert np.abs(vectors - twin).max() < 1e-6
    harness.store.people.add_negatives(ada, vectors)
    camera.leave()
    found = camera.see(like(ADA, 0.4, other=100) + 0.01 * face_of(77), times=4)
    (visitor,) = harness.store.people.all(kind=PersonKind.VISITOR)
    assert names(found) == [visitor.person_id]
    assert f"marked as not {ada}" in found.faces[0].reason
    camera.leave()
    assert names(camera.see(like(ADA, 0.1), times=3)) == [ada]


def test_evidence_is_bounded_and_of_enrolled_people_only(harness: AgentHarness, camera: Camera) -> None:
    ada = harness.enrol("Ada", ADA)
    stranger = camera.see(face_of(EVE), times=6).faces[0].track_id
    camera.leave()
    known = camera.see(face_of(ADA), times=30).faces[0].track_id
    assert len(harness.store.matches.evidence(stranger)[1]) == 0
    assert harness.store.matches.evidence(known)[1] == (ada, ada)


@pytest.mark.parametrize(("days", "kept"), [(7, 2), (0, 0)])
def test_evidence_is_kept_only_if_enabled(harness: AgentHarness, days: int, kept: int) -> None:
    harness.enrol("Ada", ADA)
    camera = Camera(harness.store, evidence_days=days)
    track_id = camera.see(face_of(ADA), times=4).faces[0].track_id
    assert len(camera.matches) == 1
    assert len(harness.store.matches.evidence(track_id)[1]) == kept


def test_old_evidence_is_erased(harness: AgentHarness, camera: Camera) -> None:
    harness.enrol("Ada", ADA)
    track_id = camera.see(face_of(ADA), times=4).faces[0].track_id
    for day, kept in ((6, 2), (8, 0)):
        camera.clock.seconds = day * 86400
        camera.see()
        assert len(harness.store.matches.evidence(track_id)[1]) == kept


# -- one person is in one place


def test_of_two_tracks_with_one_name_the_nearer_keeps_it(harness: AgentHarness, camera: Camera) -> None:
    ada = harness.enrol("Ada", ADA)
    found = camera.see(like(ADA, 0.4), like(ADA, 0.1, other=101), times=4)
    assert names(found) == [None, ada]
    assert found.faces[0].reason == f"looks like {ada}, who is elsewhere in the frame"
    assert [each.person_id for each in found.sightings] == [ada]


def test_name_moves_to_the_nearer_track(harness: AgentHarness, camera: Camera) -> None:
    ada = harness.enrol("Ada", ADA)
    assert names(camera.see(like(ADA, 0.4), times=3)) == [ada]
    assert names(camera.see(like(ADA, 0.4), face_of(ADA), times=3)) == [None, ada]
    (taken_back,) = [match for match in camera.matches if match.person_id is None]
    assert "elsewhere in the frame" in taken_back.reason
    assert [match.person_id for match in camera.matches].count(ada) == 2


# -- visitors who turn out to be one


def visits_of_two_sides(camera: Camera) -> list[str]:
    """One stranger as two visitors: first frontal, later a profile 1.3 away."""
    ids = []
    for vector in (face_of(EVE), like(EVE, 1.3)):
        (person_id,) = names(camera.see(vector, times=5))
        assert person_id is not None
        ids.append(person_id)
        camera.leave()
    return ids


def test_merged_visitors_have_merged_visits(harness: AgentHarness, camera: Camera) -> None:
    frontal, profile = visits_of_two_sides(camera)
    assert frontal != profile
    assert names(camera.see(like(EVE, 0.65), times=5)) == [frontal]
    assert [person.person_id for person in harness.store.people.all()] == [frontal]
    assert {event.person_id for event in harness.store.events.select()} == {frontal}
    camera.leave()
    for vector in (face_of(EVE), like(EVE, 1.3)):
        assert names(camera.see(vector, times=5)) == [frontal]
        camera.leave()
    again = Camera(harness.store, now=camera.now)
    assert names(again.see(like(EVE, 1.3), times=5)) == [frontal]


def test_merge_is_retried_when_writing_fails(harness: AgentHarness, camera: Camera) -> None:
    frontal, profile = visits_of_two_sides(camera)
    found = camera.known.visitor_for(
        np.stack([like(EVE, 0.65)] * 4), at=at(camera.now), camera_id="front", track_id="front-9"
    )
    assert found is not None
    assert found.merged == (profile,)
    harness.store.people.rename(frontal, "the plumber")
    camera.known.refresh(harness.store.people)
    assert camera.known.person(profile) is None
    assert camera.known.unsaved_merges == ((profile, frontal),)
    camera.see()
    assert [person.name for person in harness.store.people.all()] == ["the plumber"]
    assert camera.known.unsaved_merges == ()


def test_merge_with_a_forgotten_person_is_dropped(harness: AgentHarness, camera: Camera) -> None:
    frontal, profile = visits_of_two_sides(camera)
    vectors = np.stack([like(EVE, 0.65)] * 4)
    camera.known.visitor_for(vectors, at=at(camera.now), camera_id="front", track_id="front-9")
    harness.store.people.forget(profile, erase_history=True)
    camera.see()
    assert [person.person_id for person in harness.store.people.all()] == [frontal]
    assert camera.known.unsaved_merges == ()


def test_two_strangers_in_one_frame_are_not_merged(harness: AgentHarness, camera: Camera) -> None:
    both = names(camera.see(face_of(EVE), like(EVE, 1.3), times=5))
    assert len(set(both)) == 2
    camera.leave()
    camera.see(like(EVE, 0.65), times=5)
    assert len(harness.store.people.all(kind=PersonKind.VISITOR)) == 2
