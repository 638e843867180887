"""Corrections of events by an operator."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from itertools import permutations

import pytest

from tests.tracker.presence.stories import at, events_of, timelines
from tracker.presence.events import OPERATOR, Action, Correction, Event, corrected
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions


def void(event: Event, seconds: float = 0) -> Correction:
    return Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=at(seconds))


def add(event: Event, seconds: float = 0) -> Correction:
    return Correction(action=Action.ADD, event_id=event.event_id, by="ann", at=at(seconds), event=event)


def test_a_voided_event_did_not_happen() -> None:
    events = events_of("a+0 a-60 a+9000 a-9060")
    kept = corrected(events, [void(events[2]), void(events[3])])
    assert timelines(sessions(kept, rules=Rules(), now=at(10000))) == ["0-60"]


def test_an_added_event_happened() -> None:
    missed = replace(events_of("d-600")[0], camera_id=OPERATOR, event_id="")
    for rules in (Rules(), Rules(entrances=frozenset("d"), exits=frozenset("d"))):
        assert timelines(sessions(corrected(events_of("d+0"), [add(missed)]), rules=rules, now=at(10000))) == ["0-600"]
        assert timelines(sessions(corrected(events_of("a+0 a+5:x"), [add(missed)]), rules=rules, now=at(10000))) == [
            "0-600"
        ]


def test_the_latest_correction_of_an_event_applies() -> None:
    (event,) = events_of("a+0")
    corrections = [void(event, 1), add(event, 2), void(event, 3), add(event, 4)]
    for order in permutations(corrections):
        assert corrected([event], order) == [event]
        assert corrected([event], order[:0]) == [event]
    for order in permutations(corrections[:3]):
        assert corrected([event], order) == []


def test_corrections_of_unknown_events_wait_for_them() -> None:
    early, late = events_of("a+0 a-60")
    assert corrected([early], [void(late)]) == [early]
    assert corrected([early, late], [void(late)]) == [early]


def test_a_correction_has_an_id_made_from_its_content() -> None:
    (event,) = events_of("a+0")
    assert void(event).correction_id == void(event).correction_id
    others = [void(event, 1), add(event), replace(void(event), by="bob", correction_id="")]
    assert len({each.correction_id for each in (void(event), *others)}) == 4
    assert add(event).correction_id != event.event_id


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"by": " "}, "by", id="empty-author"),
        pytest.param({"event_id": ""}, "event_id", id="about-nothing"),
        pytest.param({"at": datetime(2026, 1, 5)}, "zone", id="naive-time"),  # noqa: DTZ001 - what is refused
        pytest.param({"action": Action.ADD}, "expected the event", id="added-without-event"),
        pytest.param({"event": events_of("a+0")[0]}, "expected the event", id="voided-with-event"),
        pytest.param({"action": Action.ADD, "event": events_of("a+0")[0]}, "id of the event", id="another-event"),
        pytest.param({"action": "erase"}, "erase", id="unknown-action"),
    ],
)
def test_a_correction_that_makes_no_sense_is_refused(fields: dict[str, object], message: str) -> None:
    base = {"action": Action.VOID, "event_id": "e", "by": "ann", "at": datetime(2026, 1, 5, tzinfo=UTC)}
    with pytest.raises(ValueError, match=message):
        Correction(**(base | fields))
