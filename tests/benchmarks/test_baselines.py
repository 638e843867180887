"""The simpler methods that visits are compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from benchmarks.baselines import first_seen, pairs
from tracker.presence.events import Event, EventKind

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def event(kind: str, minutes: float, person: str = "ada") -> Event:
    at = NOON + timedelta(minutes=minutes)
    return Event(
        kind=EventKind(kind), site_id="gym", camera_id="door-1", person_id=person, at=at, track_id=f"{kind}{minutes}"
    )


def minutes_of(at: datetime) -> float:
    return (at - NOON).total_seconds() / 60


def test_exit_pairs_with_the_preceding_enter() -> None:
    events = [event("exit", 30), event("enter", 0), event("enter", 10), event("exit", 31), event("exit", 5, "bob")]
    found = pairs(events, now=NOON + timedelta(hours=2))
    assert [(visit.person_id, minutes_of(visit.started_at), minutes_of(visit.ended_at)) for visit in found] == [
        ("ada", 10, 30),
    ]  # fmt: skip


def test_enter_without_exit_lasts_until_now() -> None:
    (visit,) = pairs([event("enter", 0)], now=NOON + timedelta(hours=2))
    assert visit.dwell_s == 7200


def test_timer_spans_first_to_last_sighting_of_a_local_day() -> None:
    events = [event("enter", 0), event("exit", 10), event("enter", 300), event("exit", 310), event("enter", 24 * 60)]
    found = first_seen(events, zone=UTC)
    assert [visit.dwell_s for visit in found] == [310 * 60, 0]
