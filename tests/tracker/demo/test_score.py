from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tracker.demo.clip import TrueSegment, TrueVisit
from tracker.demo.scene import ActorKind
from tracker.demo.score import Scorecard, compare, unidentified_visits
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Segment, Session, SessionState

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def person(person_id: str, name: str, kind: PersonKind) -> Person:
    return Person(person_id=person_id, name=name, created_at=START, kind=kind)


NAMES = {
    who.person_id: who
    for who in (
        person("p-1", "Eileen", PersonKind.ENROLLED),
        person("p-2", "Ada", PersonKind.ENROLLED),
        person("v-1", "Visitor 1", PersonKind.VISITOR),
        person("v-2", "Visitor 2", PersonKind.VISITOR),
    )
}


def true(who: str, *stays: tuple[float, float], kind: ActorKind = ActorKind.STRANGER) -> TrueVisit:
    return TrueVisit(label=who, person=who, kind=kind, segments=tuple(TrueSegment(*stay) for stay in stays))


TRUTH = (
    true("Eileen", (2.0, 20.0), (24.0, 40.0), kind=ActorKind.ENROLLED),
    true("s", (5.0, 15.0)),
    true("s", (30.0, 38.0)),
)


def visit(person_id: str, *stays: tuple[float, float | None]) -> Session:
    segments = tuple(
        Segment(START + timedelta(seconds=a), None if b is None else START + timedelta(seconds=b)) for a, b in stays
    )
    ended = segments[-1].ended_at
    return Session(
        session_id=f"{person_id}-{stays[0][0]}",
        site_id="main",
        person_id=person_id,
        started_at=segments[0].started_at,
        ended_at=ended,
        dwell_s=sum((99.0 if b is None else b) - a for a, b in stays),
        gross_s=0.0,
        segments=segments,
        enter_inferred=False,
        exit_inferred=False,
        state=SessionState.OPEN if ended is None else SessionState.CLOSED,
    )


EILEEN = visit("p-1", (2.1, 20.2), (24.0, 39.9))
FIRST, SECOND = visit("v-1", (5.2, 14.8)), visit("v-1", (30.4, 38.1))


def judged(*sessions: Session, truth: tuple[TrueVisit, ...] = TRUTH) -> Scorecard:
    return compare(truth, sessions, started_at=START, names=NAMES)


def test_accurate_run_passes_with_its_errors() -> None:
    card = judged(SECOND, EILEEN, FIRST)
    assert card.passed
    assert [row.label for row in card.rows] == ["Eileen", "s", "s"]
    assert [row.who for row in card.rows] == ["Eileen", "Visitor 1", "Visitor 1"]
    assert [row.enter_error_s for row in card.rows] == pytest.approx([0.1, 0.2, 0.4])
    assert [row.exit_error_s for row in card.rows] == pytest.approx([-0.1, -0.2, 0.1])
    assert [row.dwell_error_s for row in card.rows] == pytest.approx([0.0, -0.4, -0.3])
    assert all(row.entered_s is not None and row.true_entered_s is not None for row in card.rows)


@pytest.mark.parametrize(
    ("sessions", "problem"),
    [
        pytest.param(
            (visit("p-2", (2.1, 20.2), (24.0, 39.9)), FIRST, SECOND),
            "recognised as Ada, should be Eileen",
            id="wrong-person",
        ),
        pytest.param(
            (visit("v-2", (2.1, 20.2), (24.0, 39.9)), FIRST, SECOND),
            "recognised as Visitor 2, should be Eileen",
            id="enrolled-person-taken-for-a-visitor",
        ),
        pytest.param(
            (EILEEN, visit("p-2", (5.2, 14.8)), SECOND),
            "recognised as Ada, should be a visitor",
            id="stranger-taken-for-somebody-enrolled",
        ),
        pytest.param(
            (EILEEN, visit("p-9", (5.2, 14.8)), SECOND),
            "recognised as p-9, should be a visitor",
            id="person-whom-the-store-does-not-know",
        ),
        pytest.param(
            (EILEEN, FIRST, visit("v-2", (30.4, 38.1))),
            "came back as Visitor 2, was Visitor 1 before",
            id="stranger-with-two-ids",
        ),
        pytest.param((EILEEN, FIRST), "not found", id="missing-visit"),
        pytest.param(
            (EILEEN, FIRST, SECOND, visit("v-2", (44.0, 45.0))), "no true visit at this time", id="extra-visit"
        ),
        pytest.param(
            (EILEEN, FIRST, SECOND, visit("v-2", (5.6, 14.5))), "no true visit at this time", id="seen-as-two-people"
        ),
        pytest.param((replace(EILEEN, dwell_s=34.0 - 1.1), FIRST, SECOND), "dwell -1.1 s", id="dwell-off"),
        pytest.param((EILEEN, visit("v-1", (6.1, 15.0)), SECOND), "entered +1.1 s, dwell -1.1 s", id="late-enter"),
        pytest.param((EILEEN, visit("v-1", (3.9, 13.9)), SECOND), "entered -1.1 s, left -1.1 s", id="shifted"),
        pytest.param((EILEEN, FIRST, visit("v-1", (30.0, None))), "has not ended", id="never-ended"),
    ],
)
def test_failing_runs(sessions: tuple[Session, ...], problem: str) -> None:
    card = judged(*sessions)
    assert not card.passed
    assert [row.problem for row in card.rows if not row.ok] == [problem]


def test_missing_and_extra_visits_are_distinguished() -> None:
    card = judged(EILEEN, FIRST, visit("v-2", (44.0, 45.0)))
    assert [row.true_entered_s for row in card.rows if row.entered_s is None] == [30.0]
    assert [row.entered_s for row in card.rows if row.true_entered_s is None] == [44.0]


def test_split_visit_is_one_wrong_and_one_extra() -> None:
    card = judged(EILEEN, visit("v-1", (5.0, 9.0)), visit("v-1", (11.0, 15.0)), SECOND)
    assert not card.passed
    assert [row.true_entered_s is None for row in card.rows].count(True) == 1


def test_simultaneous_visits_are_paired_by_person() -> None:
    truth = (true("Eileen", (2.0, 10.0), kind=ActorKind.ENROLLED), true("s", (2.4, 10.4)))
    card = judged(visit("p-1", (2.4, 10.4)), visit("v-1", (2.0, 10.0)), truth=truth)
    assert card.passed
    assert [row.who for row in card.rows] == ["Eileen", "Visitor 1"]


def test_two_strangers_under_one_id_fail() -> None:
    truth = (true("s", (2.0, 10.0)), true("r", (20.0, 30.0)))
    card = judged(visit("v-1", (2.0, 10.0)), visit("v-1", (20.0, 30.0)), truth=truth)
    assert [row.problem for row in card.rows] == ["", "Visitor 1 is already assigned to another stranger"]


def test_tolerance_is_a_parameter() -> None:
    late = (EILEEN, visit("v-1", (6.1, 15.0)), SECOND)
    assert compare(TRUTH, late, started_at=START, names=NAMES, tolerance_s=1.2).passed


def test_error_equal_to_the_tolerance_is_ok() -> None:
    assert judged(EILEEN, visit("v-1", (6.0, 15.0)), SECOND).passed


def test_empty_scorecard_does_not_pass() -> None:
    assert not judged(truth=()).passed


def test_no_measured_visit_at_all_fails_every_row() -> None:
    assert [row.problem for row in judged().rows] == ["not found"] * 3


def test_naive_start_is_rejected() -> None:
    with pytest.raises(ValueError, match="zone"):
        compare(TRUTH, (), started_at=START.replace(tzinfo=None), names=NAMES)


def test_who_never_shows_a_face_is_right_without_a_name_only() -> None:
    truth = (true("back", (5.0, 15.0), kind=ActorKind.UNIDENTIFIED),)
    for person_id, problem in (("u-0123456789abcdef", ""), ("v-1", "recognised as Visitor 1, should be unidentified")):
        (row,) = compare(truth, [visit(person_id, (5.0, 15.2))], started_at=START, names=NAMES).rows
        assert row.problem == problem
    (row,) = compare(TRUTH[1:2], [visit("u-0123456789abcdef", (5.0, 15.0))], started_at=START, names=NAMES).rows
    assert row.problem == "recognised as unidentified, should be a visitor"


def test_visits_of_unidentified_people_are_from_their_enter_to_their_exit() -> None:
    def event(person_id: str, kind: EventKind, second: float) -> Event:
        at = START + timedelta(seconds=second)
        return Event(kind=kind, site_id="main", camera_id="hall", person_id=person_id, at=at, track_id=person_id)

    gone, there, named = "u-0123456789abcdef", "u-fedcba9876543210", "p-1"
    events = [event(gone, EventKind.ENTER, 5), event(there, EventKind.ENTER, 6), event(named, EventKind.ENTER, 7)]
    now = START + timedelta(seconds=60)
    first, second = unidentified_visits([*events, event(gone, EventKind.EXIT, 15)], now=now)
    assert (first.person_id, first.dwell_s, first.state) == (gone, 10, SessionState.CLOSED)
    assert (second.person_id, second.dwell_s, second.ended_at) == (there, 54, None)
