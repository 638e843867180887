"""A preview shows the visits that corrections change, and no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tracker.presence.events import Action, Correction, Event, EventKind
from tracker.presence.preview import preview
from tracker.presence.rules import Rules

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=1)
RULES = Rules(entrances=frozenset({"gate"}), exits=frozenset({"gate"}))


def event(minutes: float, kind: str) -> Event:
    at = NOON + timedelta(minutes=minutes)
    return Event(
        kind=EventKind(kind), site_id="gym", camera_id="gate", person_id="ada", at=at, track_id=f"gate-{minutes:g}"
    )


def test_a_voided_exit_changes_its_own_visit_and_no_other() -> None:
    events = [event(number * 60.0, kind) for number, kind in enumerate(("enter", "exit") * 2)]
    void = Correction(action=Action.VOID, event_id=events[1].event_id, by="Ann", at=NOW)
    change = preview(events, [void], rules=RULES, now=NOW)
    assert [(each.started_at, each.ended_at) for each in change.before] == [(events[0].at, events[1].at)]
    assert [(each.started_at, each.exit_inferred) for each in change.after] == [(events[0].at, True)]


def test_nothing_changes_without_corrections() -> None:
    change = preview([event(0, "enter"), event(60, "exit")], [], rules=RULES, now=NOW)
    assert (change.before, change.after) == ((), ())
