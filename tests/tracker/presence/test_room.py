from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.presence.events import CameraRef, Event, EventKind
from tracker.presence.room import Gap, Presence, Sighting, observe
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
CAMERA = CameraRef("s", "a")
EXIT_AFTER = timedelta(seconds=30)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(
    seconds: float, person: str = "p", *, since: float | None = None, track: str = "t1", x: float = 0.5
) -> Sighting:
    began = seconds if since is None else since
    return Sighting(person_id=person, track_id=track, since=at(began), seen_at=at(seconds), x_frac=x, y_frac=0.5)


class Room:
    """One camera's presences over time, fed as an agent does."""

    def __init__(self) -> None:
        self.open: dict[str, Presence] = {}
        self.left: dict[str, datetime] = {}
        self.events: list[Event] = []

    def step(self, now: float, *sightings: Sighting, ended: bool = False, gap: Gap | None = None) -> None:
        self.open, transitions = observe(
            self.open,
            sightings,
            camera=CAMERA,
            now=at(now),
            exit_after=EXIT_AFTER,
            ended=ended,
            left=self.left,
            gap=gap,
        )
        events = [each.event(CAMERA) for each in transitions]
        self.events += events
        self.left |= {event.person_id: event.at for event in events if event.kind is EventKind.EXIT}

    @property
    def reported(self) -> list[tuple[str, float]]:
        return [(str(event.kind), (event.at - START).total_seconds()) for event in self.events]


def test_a_person_enters_at_the_first_sighting_and_leaves_at_the_last() -> None:
    room = Room()
    room.step(0, seen(0, x=0.1))
    room.step(10, seen(10, x=0.9))
    room.step(39.9)
    assert room.reported == [("enter", 0)]
    room.step(40)
    assert room.reported == [("enter", 0), ("exit", 10)]
    assert room.open == {}
    entered, left = room.events
    assert (entered.x_frac, left.x_frac) == (0.1, 0.9)
    assert (entered.site_id, entered.camera_id, entered.track_id) == ("s", "a", "t1")
    assert not left.inferred


def test_a_short_cover_is_no_exit() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(29, seen(29, track="t2"))
    room.step(58)
    assert room.reported == [("enter", 0)]
    assert room.open["p"].seen_at == at(29)


def test_enter_and_exit_carry_the_track_that_began_the_presence() -> None:
    room = Room()
    room.step(0, seen(0, track="first"))
    room.step(5, seen(5, track="second"))
    room.step(60)
    assert [event.track_id for event in room.events] == ["first", "first"]


def test_a_late_name_reaches_back_to_the_start_of_its_track() -> None:
    room = Room()
    room.step(100, seen(100, since=3))
    assert room.reported == [("enter", 3)]
    assert room.open["p"].entered_at == at(3)


def test_a_late_name_within_exit_after_of_the_last_sighting_goes_on() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(90, seen(90, since=25, track="t2"))
    assert room.reported == [("enter", 0)]


def test_a_late_name_never_reaches_back_before_an_earlier_exit() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(20, seen(20))
    room.step(50)
    room.step(60, seen(60, since=15, track="t2"))
    assert room.reported == [("enter", 0), ("exit", 20), ("enter", 20)]


def test_one_call_may_end_one_presence_and_begin_the_next() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(100, seen(100))
    assert room.reported == [("enter", 0), ("exit", 0), ("enter", 100)]
    assert room.open["p"].entered_at == at(100)


def test_seen_again_after_just_exit_after_is_out_and_in() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(30, seen(30))
    assert room.reported == [("enter", 0), ("exit", 0), ("enter", 30)]


def test_a_sighting_that_the_exit_has_accounted_for_opens_nothing() -> None:
    room = Room()
    room.step(20, seen(20))
    room.step(50)
    room.step(60, seen(20), seen(15, since=10, track="t2"))
    assert room.reported == [("enter", 20), ("exit", 20)]
    assert room.open == {}


def test_one_person_seen_by_two_tracks_is_one_presence() -> None:
    room = Room()
    room.step(0, seen(0, track="t1"), seen(0, track="t2"))
    room.step(1, seen(1, track="t2", x=0.7), seen(1, track="t1", since=0, x=0.2))
    room.step(40)
    assert room.reported == [("enter", 0), ("exit", 1)]


def test_the_order_of_sightings_in_a_frame_changes_nothing() -> None:
    frame = [seen(9, track="t1", since=2), seen(9, track="t2"), seen(9, "q", since=4, track="t3"), seen(8, "q")]
    forth, back = Room(), Room()
    forth.step(9, *frame)
    back.step(9, *reversed(frame))
    assert forth.open == back.open
    assert forth.events == back.events


def test_an_old_sighting_does_not_bring_the_last_one_back() -> None:
    room = Room()
    room.step(10, seen(10, x=0.9))
    room.step(11, seen(4, x=0.1))
    assert (room.open["p"].seen_at, room.open["p"].x_frac) == (at(10), 0.9)


def test_the_end_of_a_recording_closes_everybody_at_the_last_sighting_as_inferred() -> None:
    room = Room()
    room.step(0, seen(0), seen(0, "gone"))
    room.step(35, seen(29), seen(35, "q"), ended=True)
    assert room.open == {}
    closed = {event.person_id: event for event in room.events if event.kind is EventKind.EXIT}
    assert [(who, closed[who].at, closed[who].inferred) for who in sorted(closed)] == [
        ("gone", at(0), False),
        ("p", at(29), True),
        ("q", at(35), True),
    ]


def test_events_come_in_order_of_time() -> None:
    room = Room()
    room.step(0, seen(0, "z"), seen(0, "a"))
    room.step(20, seen(20, "a"))
    room.step(100, seen(100, "m", since=40), seen(100, "b", since=30))
    times = [second for _, second in room.reported]
    assert times == sorted(times)


def gap(frames_since: float, until: float) -> Gap:
    return Gap(frames_since=at(frames_since), until=at(until))


def test_time_without_frames_is_not_unseen_time() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(100, gap=gap(0, 100))
    assert room.reported == [("enter", 0)]
    room.step(120, seen(120, track="t2"), gap=gap(0, 100))
    assert room.reported == [("enter", 0)]
    assert room.open["p"].seen_at == at(120)


def test_after_a_gap_the_unseen_leave_at_their_last_sighting() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(130, gap=gap(0, 100))
    assert room.reported == [("enter", 0), ("exit", 0)]


def test_a_gap_does_not_bridge_who_was_out_of_sight_before_it() -> None:
    room = Room()
    room.step(0, seen(0))
    room.step(20, gap=gap(0, 20))
    room.step(40, gap=gap(20, 40))
    assert room.reported == [("enter", 0), ("exit", 0)]


def test_observe_does_not_change_its_arguments() -> None:
    room = Room()
    room.step(0, seen(0))
    before = dict(room.open)
    observe(room.open, [seen(5)], now=at(5), camera=CAMERA, exit_after=EXIT_AFTER)
    assert room.open == before


@pytest.mark.parametrize("seconds", [0, -1], ids=["zero", "negative"])
def test_exit_after_must_be_positive(seconds: float) -> None:
    with pytest.raises(ValueError, match="exit_after"):
        observe({}, [], now=START, camera=CAMERA, exit_after=timedelta(seconds=seconds))


def test_evidence_cannot_start_after_the_sighting() -> None:
    with pytest.raises(ValueError, match="since"):
        seen(0, since=1)


def test_a_presence_cannot_end_before_it_begins() -> None:
    with pytest.raises(ValueError, match="entered_at"):
        Presence(
            site_id="s", camera_id="a", person_id="p", track_id="t", entered_at=at(2), seen_at=at(1), x_frac=0, y_frac=0
        )


Step = tuple[float, list[tuple[str, str, float]]]


@st.composite
def recordings(draw: st.DrawFn) -> list[Step]:
    """Frames at growing times with people, their tracks, and how far back each name reaches."""
    now = 0.0
    steps: list[Step] = []
    for _ in range(draw(st.integers(1, 15))):
        now += draw(st.sampled_from([0.5, 5.0, 29.0, 30.0, 45.0, 400.0]))
        people = draw(st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("xyz"), st.floats(0, 90)), max_size=3))
        steps.append((now, people))
    return steps


def played(steps: Iterable[Step]) -> Room:
    room = Room()
    now = 0.0
    for now, people in steps:
        room.step(now, *(seen(now, who, since=max(now - back, 0), track=track) for who, track, back in people))
    room.step(now, ended=True)
    return room


@settings(max_examples=200, deadline=None, derandomize=True)
@given(recordings())
def test_presences_of_a_person_alternate_and_never_overlap(steps: list[Step]) -> None:
    room = played(steps)
    for person in "pq":
        own = [event for event in room.events if event.person_id == person]
        assert [event.kind for event in own] == [EventKind.ENTER, EventKind.EXIT] * (len(own) // 2)
        assert all(earlier.at <= later.at for earlier, later in pairwise(own))
    assert room.open == {}


@settings(max_examples=200, deadline=None, derandomize=True)
@given(recordings())
def test_net_dwell_never_exceeds_time_in_sight_and_the_rules_allowance(steps: list[Step]) -> None:
    room = played(steps)
    found = sessions(room.events, rules=Rules(exit_after=EXIT_AFTER), now=at(10**6))
    for person in "pq":
        spans = sorted((max(now - back, 0), now) for now, people in steps for who, _, back in people if who == person)
        in_sight, allowance, end = 0.0, 0.0, None
        for start, stop in spans:
            if end is None or start >= end:
                in_sight += stop - start
                if end is not None and start - end < EXIT_AFTER.total_seconds():
                    allowance += start - end
                end = stop
            else:
                in_sight += max(stop - end, 0.0)
                end = max(end, stop)
        dwell_s = sum(session.dwell_s for session in found if session.person_id == person)
        assert dwell_s <= in_sight + allowance + 1e-3
