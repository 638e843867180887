"""From faces to named tracks: when a name is given, from when it applies, and what is recorded."""

from __future__ import annotations

import math
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from config.recognition import MatchSettings
from config.settings import TrackSettings
from tests.tracker.fake_cameras import ADA, BLURRED, BOB, EVE, NOON, AgentHarness, FakeEngine, at, face_of, picture
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition, RecognitionResult
from tracker.presence.people import Person


class CoverageSpan:
    """One camera's recognition over a store, frames half a second apart."""

    def __init__(self, harness: AgentHarness) -> None:
        self.harness = harness
        self.known = KnownPeople(MatchSettings())
        self.recognition = Recognition(
            site_id="gym", camera_id="front", known=self.known, track=TrackSettings(), zone=UTC
        )
        self.now = 0.0

    def see(self, *people: int) -> RecognitionResult:
        self.known.refresh(self.harness.store.people)
        image = picture(*people)
        found = self.recognition.update(FakeEngine().analyse(image), at(self.now), size_wh=(400, 100))
        self.now += 0.5
        return found


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    return AgentHarness(tmp_path / "gym.sqlite3")


@pytest.fixture
def watch(harness: AgentHarness) -> CoverageSpan:
    return CoverageSpan(harness)


def test_name_is_given_at_the_second_usable_face_and_dated_back(harness: AgentHarness, watch: CoverageSpan) -> None:
    ada = harness.enrol("Ada", ADA)
    first, second, third = (watch.see(ADA) for _ in range(3))
    assert (first.sightings, first.faces[0].person_id) == ((), None)
    assert "1 of 2 good sightings" in first.faces[0].reason
    assert [(each.person_id, each.since, each.seen_at) for each in second.sightings] == [(ada, at(0), at(0.5))]
    assert [(each.since, each.seen_at) for each in third.sightings] == [(at(1), at(1))]


def test_decision_is_recorded_once_with_distance_and_margin(harness: AgentHarness, watch: CoverageSpan) -> None:
    ada, _bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    matches = [match for _ in range(5) for match in watch.see(ADA).matches]
    assert [(match.person_id, match.at, match.authorised) for match in matches] == [(ada, at(0.5), True)]
    assert matches[0].distance == pytest.approx(0, abs=1e-6)
    assert matches[0].margin == pytest.approx(math.sqrt(2), rel=1e-3)
    assert 0 < matches[0].quality <= 1


def test_margin_without_a_runner_up_is_none(harness: AgentHarness, watch: CoverageSpan) -> None:
    harness.enrol("Ada", ADA)
    matches = [match for _ in range(2) for match in watch.see(ADA).matches]
    assert [match.margin for match in matches] == [None]


def test_person_without_access_is_named_but_not_authorised(harness: AgentHarness, watch: CoverageSpan) -> None:
    banned = Person(person_id="p-eve", name="Eve", created_at=NOON, access=False, consented_at=NOON)
    harness.store.people.add(banned, face_of(EVE)[None])
    matches = [match for _ in range(2) for match in watch.see(EVE).matches]
    assert [(match.person_id, match.authorised) for match in matches] == [("p-eve", False)]


def test_person_out_of_validity_is_named_but_not_authorised(harness: AgentHarness, watch: CoverageSpan) -> None:
    last_day = NOON.date() - timedelta(days=1)
    former = Person(person_id="p-eve", name="Eve", created_at=NOON, valid_until=last_day, consented_at=NOON)
    harness.store.people.add(former, face_of(EVE)[None])
    matches = [match for _ in range(2) for match in watch.see(EVE).matches]
    assert [(match.person_id, match.authorised) for match in matches] == [("p-eve", False)]


def test_unusable_faces_are_tracked_but_not_counted(harness: AgentHarness, watch: CoverageSpan) -> None:
    ada = harness.enrol("Ada", ADA)
    reasons = {watch.see(BLURRED + ADA).faces[0].reason for _ in range(4)}
    assert reasons == {f"no usable face among {count}; the last is too blurred" for count in (1, 2, 3, 4)}
    watch.see(ADA)
    named = watch.see(ADA)
    assert [(each.person_id, each.since) for each in named.sightings] == [(ada, at(0))]
    assert [each.person_id for each in watch.see(BLURRED + ADA).sightings] == [ada]


def test_stranger_becomes_a_visitor_at_the_fourth_usable_face(harness: AgentHarness, watch: CoverageSpan) -> None:
    seen = [watch.see(EVE) for _ in range(5)]
    assert [len(each.sightings) for each in seen] == [0, 0, 0, 1, 1]
    (match,) = [match for each in seen for match in each.matches]
    assert (match.person_id, match.authorised, match.margin) == (seen[3].sightings[0].person_id, False, None)
    assert match.reason.startswith("a stranger by 4 sightings")
    assert seen[3].sightings[0].since == at(0)


def test_two_people_in_one_frame_get_their_own_names(harness: AgentHarness, watch: CoverageSpan) -> None:
    ada, bob = harness.enrol("Ada", ADA), harness.enrol("Bob", BOB)
    watch.see(ADA, 0, BOB)
    seen = watch.see(ADA, 0, BOB)
    assert [face.person_id for face in seen.faces] == [ada, bob]
    assert [each.person_id for each in seen.sightings] == [ada, bob]
    assert [each.x_frac for each in seen.sightings] == pytest.approx([0.1, 0.6])
    assert len({face.track_id for face in seen.faces}) == 2


def test_long_unidentified_track_is_recorded_when_it_ends_and_a_short_one_is_not(
    harness: AgentHarness, watch: CoverageSpan
) -> None:
    harness.enrol("Ada", ADA)
    for _ in range(3):
        watch.see(BLURRED + ADA)
    for _ in range(2):
        watch.see(0, 0, 0, BLURRED + BOB)
    matches = [match for _ in range(6) for match in watch.see().matches]
    assert [(match.person_id, match.distance, match.at) for match in matches] == [(None, None, at(1))]
    assert matches[0].reason == "no usable face among 3; the last is too blurred"


def test_end_closes_tracks_and_resets_time(harness: AgentHarness, watch: CoverageSpan) -> None:
    ada = harness.enrol("Ada", ADA)
    for _ in range(3):
        watch.see(ADA, BLURRED + BOB)
    (match,) = watch.recognition.end()
    assert (match.person_id, match.at) == (None, at(1))
    assert watch.recognition.end() == ()
    watch.now = -3600.0
    watch.see(ADA)
    assert [(each.person_id, each.since) for each in watch.see(ADA).sightings] == [(ada, at(-3600))]


def test_ended_tracks_are_not_kept(harness: AgentHarness, watch: CoverageSpan) -> None:
    harness.enrol("Ada", ADA)
    for _ in range(200):
        watch.see(ADA, EVE)
        watch.now += 5
    assert len(watch.recognition._identities) == 2


@pytest.mark.parametrize(("distance", "clear"), [(0.0, True), (0.8, True), (0.95, False)])
def test_a_face_is_clear_that_matches_with_a_wide_margin(
    distance: float, clear: bool, harness: AgentHarness, watch: CoverageSpan
) -> None:
    cosine = 1 - distance**2 / 2
    enrolled = cosine * face_of(ADA) + math.sqrt(1 - cosine**2) * face_of(EVE)
    harness.store.people.add(Person(person_id="p-ada", name="Ada", created_at=NOON), enrolled[None])
    seen = [watch.see(ADA).faces[0] for _ in range(2)]
    assert [(face.person_id, face.clear) for face in seen] == [(None, False), ("p-ada", clear)]


def test_the_face_of_a_visitor_is_not_clear(harness: AgentHarness, watch: CoverageSpan) -> None:
    harness.enrol("Ada", ADA)
    seen = [watch.see(EVE).faces[0] for _ in range(6)]
    assert seen[-1].person_id is not None
    assert not any(face.clear for face in seen)
