"""Documents of corrections and zone stays."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from config.errors import RecordError
from tracker.presence.documents import decode, encode
from tracker.presence.events import Action, Correction, Event, EventKind
from tracker.presence.zones import ZoneStay

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVENT = Event(kind=EventKind.EXIT, site_id="gym", camera_id="@operator", person_id="p-ada", at=NOON, track_id="t")
ADDED = Correction(action=Action.ADD, event_id=EVENT.event_id, by="ann", at=NOON, reason="she waved", event=EVENT)
VOIDED = Correction(action=Action.VOID, event_id=EVENT.event_id, by="ann", at=NOON)
STAY = ZoneStay(
    site_id="gym",
    camera_id="hall",
    zone="free weights",
    person_id="p-ada",
    started_at=NOON,
    seen_at=NOON + timedelta(seconds=90),
    over=True,
)


@pytest.mark.parametrize("correction", [ADDED, VOIDED], ids=["added", "voided"])
def test_corrections_survive(correction: Correction) -> None:
    document = json.loads(json.dumps(encode(correction)))
    assert decode(Correction, document) == correction


def test_a_correction_contains_the_whole_added_event() -> None:
    assert encode(ADDED)["event"] == encode(EVENT)
    assert encode(VOIDED)["event"] is None


def test_stays_in_zones_survive() -> None:
    document = json.loads(json.dumps(encode(STAY)))
    assert decode(ZoneStay, document) == STAY
    assert document["seen_at"] == "2026-03-02T12:01:30.000000Z"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"action": "erase"}, "action: expected add or void", id="unknown-action"),
        pytest.param({"by": ""}, "by: expected a text", id="by-nobody"),
        pytest.param({"at": "2026-03-02"}, "at: expected an ISO 8601 time", id="naive"),
        pytest.param({"event": None}, "expected the event", id="added-without-event"),
        pytest.param({"event": {}}, "event: kind is missing", id="half-an-event"),
        pytest.param({"extra": 1}, "unknown field", id="extra"),
    ],
)
def test_an_invalid_correction_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        decode(Correction, encode(ADDED) | fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"over": 1}, "over: expected true or false", id="over-is-a-number"),
        pytest.param({"zone": " "}, "zone: expected a text", id="no-zone"),
        pytest.param({"seen_at": "2026-03-02T11:00:00Z"}, "started_at: expected", id="ends-before-it-starts"),
    ],
)
def test_an_invalid_zone_stay_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError, match=message):
        decode(ZoneStay, encode(STAY) | fields)
