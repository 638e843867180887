"""Entrances and exits, and the events made from transitions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tracker.presence.events import CameraRef, EventKind
from tracker.presence.room import Presence, Sighting, observe
from tracker.presence.transitions import Transition, passages

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def sighting(person: str, seconds: float, since: float | None = None, track: str = "t") -> Sighting:
    return Sighting(
        person_id=person,
        track_id=track,
        since=at(seconds if since is None else since),
        seen_at=at(seconds),
        x_frac=0.5,
        y_frac=0.5,
    )


def stand_at(kind: str, script: list[tuple[float, list[Sighting]]], *, ended: bool = True) -> list[Transition]:
    open_: dict[str, Presence] = {}
    found: list[Transition] = []
    fields: dict[str, Any] = {"camera": CameraRef("s", "c"), "exit_after": timedelta(seconds=30)}
    for seconds, sightings in script:
        open_, transitions = observe(open_, sightings, now=at(seconds), **fields)
        found += passages(transitions, EventKind(kind))
    if ended:
        open_, transitions = observe(open_, (), now=at(script[-1][0]), ended=True, **fields)
        found += passages(transitions, EventKind(kind))
        assert open_ == {}
    return found


def reported(events: list[Transition]) -> list[tuple[str, str, float]]:
    assert all(event.inferred is False for event in events)
    return [(event.person_id, event.kind, (event.at - START).total_seconds()) for event in events]


def test_an_entrance_reports_an_enter_once_at_the_first_sighting() -> None:
    script = [(second, [sighting("ada", second, since=0.5 if second == 2 else None)]) for second in (2, 3, 10)]
    assert reported(stand_at("enter", [*script, (60, [])])) == [("ada", "enter", 0.5)]


def test_an_exit_reports_an_exit_at_the_last_sighting() -> None:
    script = [(second, [sighting("ada", second)]) for second in (2, 3, 10)]
    assert reported(stand_at("exit", [*script, (39.9, [])], ended=False)) == []
    assert reported(stand_at("exit", [*script, (40, [])], ended=False)) == [("ada", "exit", 10)]
    assert reported(stand_at("exit", script)) == [("ada", "exit", 10)]


@pytest.mark.parametrize(("kind", "expected"), [("enter", [0.0, 100.0]), ("exit", [20.0, 100.0])])
def test_a_person_who_passes_again_soon_is_counted_once(kind: str, expected: list[float]) -> None:
    script = [(second, [sighting("ada", second, track=f"t{second}")]) for second in (0, 20, 100)]
    assert [seconds for _, _, seconds in reported(stand_at(kind, script))] == expected


def test_people_at_an_entrance_are_kept_apart() -> None:
    script = [(0, [sighting("ada", 0)]), (1, [sighting("bob", 1, track="u"), sighting("ada", 1)])]
    assert reported(stand_at("enter", script)) == [("ada", "enter", 0), ("bob", "enter", 1)]


def test_transitions_with_equal_keys_make_one_event() -> None:
    one = Transition(kind=EventKind.ENTER, person_id="ada", track_id="t", at=at(0), x_frac=0.1, y_frac=0.5)
    moved = Transition(kind=EventKind.ENTER, person_id="ada", track_id="t", at=at(0), x_frac=0.9, y_frac=0.5)
    later = Transition(kind=EventKind.ENTER, person_id="ada", track_id="t", at=at(1), x_frac=0.1, y_frac=0.5)
    camera = CameraRef("s", "c")
    assert one.key == moved.key != later.key
    assert one.event(camera).event_id == moved.event(camera).event_id != later.event(camera).event_id
    assert one.event(camera).event_id != one.event(CameraRef("s", "d")).event_id
