"""A notation for events and visits in tests.

Events: "a+0 b+60 b-600" is enter at camera a at 0 s, enter at b at 60 s, exit at b at 600 s. Each camera uses one track
("a1") unless an event names another: "a-600:a2". "~" after a sign marks an inferred event.
Visits: "0-20,60-90" is one visit of two segments, "5-" an open one; "?" marks an inferred enter or exit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tracker.presence.events import Event, EventKind
from tracker.presence.room import Presence
from tracker.presence.sessions import Session

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_STEP = re.compile(r"(?P<camera>\w)(?P<sign>[+-])(?P<inferred>~?)(?P<at>[\d.]+)(:(?P<track>\w+))?")


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def events_of(text: str, person: str = "p", site: str = "s") -> list[Event]:
    """The events of one person from the notation."""
    steps = [_STEP.fullmatch(word) for word in text.split()]
    return [
        Event(
            kind=EventKind.ENTER if step["sign"] == "+" else EventKind.EXIT,
            site_id=site,
            camera_id=step["camera"],
            person_id=person,
            at=at(float(step["at"])),
            track_id=step["track"] or f"{step['camera']}1",
            inferred=bool(step["inferred"]),
        )
        for step in steps
        if step is not None
    ]


def presence(camera: str, entered: float, seen: float, person: str = "p") -> Presence:
    return Presence(
        site_id="s",
        camera_id=camera,
        person_id=person,
        track_id=f"{camera}1",
        entered_at=at(entered),
        seen_at=at(seen),
        x_frac=0.5,
        y_frac=0.5,
    )


def timelines(found: Iterable[Session]) -> list[str]:
    """The visits in the notation."""
    found = list(found)
    assert {type(each) for visit in found for each in (visit.enter_inferred, visit.exit_inferred)} <= {bool}

    def second(instant: datetime | None) -> str:
        return "" if instant is None else f"{(instant - START).total_seconds():g}"

    return [
        ("?" if visit.enter_inferred else "")
        + ",".join(f"{second(segment.started_at)}-{second(segment.ended_at)}" for segment in visit.segments)
        + ("?" if visit.exit_inferred else "")
        for visit in found
    ]
