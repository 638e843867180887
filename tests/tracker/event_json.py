"""Enter and exit events as JSON lines."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from tracker.presence.events import Event, EventKind

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=1)
WHOLE = {"kind": "enter", "camera_id": "gate", "person_id": "ada", "at": "2026-01-05T12:00:00Z"}
"""The fields that an event needs; at NOON."""


def event(minutes: float, kind: str = "enter", person: str = "ada", site: str = "gym") -> Event:
    """An event so many minutes after NOON."""
    return Event(
        kind=EventKind(kind),
        site_id=site,
        camera_id="gate",
        person_id=person,
        at=NOON + timedelta(minutes=minutes),
        track_id=f"gate-{minutes:g}",
    )


def lines(*documents: object) -> str:
    """The documents as JSON, a line each."""
    return "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)
