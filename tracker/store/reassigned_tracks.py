"""Reassigned tracks: what a camera still reports of a track that a user gave to another person is that person's.

A camera that still has somebody in view whose visit a user corrected goes on to name the person as before.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from tracker.presence.events import ITSELF, Action, Event, EventKind, time_text
from tracker.presence.room import Presence

_LONGEST = timedelta(days=2)
"""An enter longer before an event is not that of its track."""


def events(connection: sqlite3.Connection, reported: Iterable[Event]) -> Iterator[Event]:
    """The events that a camera reports, of whom they are now; without exits of what users voided."""
    for event in reported:
        owner_id = event.person_id if event.kind is EventKind.ENTER else _owner(connection, event, event.at)
        if owner_id is not None:
            yield event if owner_id == event.person_id else replace(event, person_id=owner_id, event_id="")


def presences(connection: sqlite3.Connection, reported: Iterable[Presence]) -> list[Presence]:
    """The same for whom a camera has in view; of several of one person, that seen last."""
    found: dict[str, Presence] = {}
    for presence in reported:
        owner_id = _owner(connection, presence, presence.entered_at)
        other = None if owner_id is None else found.get(owner_id)
        if owner_id is not None and (other is None or other.seen_at <= presence.seen_at):
            found[owner_id] = presence if owner_id == presence.person_id else replace(presence, person_id=owner_id)
    return list(found.values())


def _owner(connection: sqlite3.Connection, reported: Event | Presence, until: datetime) -> str | None:
    """Whose the track is after what users said of its enter; None where they voided it."""
    place = (reported.site_id, reported.camera_id, reported.track_id)
    enter = connection.execute(
        "SELECT event_id, at, voided FROM events WHERE person_id = ? AND at BETWEEN ? AND ?"
        " AND kind = 'enter' AND site_id = ? AND camera_id = ? AND track_id = ? ORDER BY at DESC LIMIT 1",
        (reported.person_id, time_text(until - _LONGEST), time_text(until), *place),
    ).fetchone()
    if enter is None or not enter[2]:
        return reported.person_id
    correction = connection.execute(
        "SELECT author, at FROM corrections WHERE event_id = ? ORDER BY at DESC, correction_id DESC LIMIT 1",
        (enter[0],),
    ).fetchone()
    if correction is None or correction[0] == ITSELF:
        return reported.person_id
    heir = connection.execute(
        "SELECT person_id FROM events WHERE at = ? AND voided = 0"
        " AND kind = 'enter' AND site_id = ? AND camera_id = ? AND track_id = ?",
        (enter[1], *place),
    ).fetchone()
    if heir is not None:
        return str(heir[0])
    stays = connection.execute(
        "SELECT 1 FROM events JOIN corrections USING (event_id)"
        " WHERE person_id = ? AND voided = 0 AND action = ? AND author = ? AND corrections.at >= ? LIMIT 1",
        (reported.person_id, Action.ADD, *correction),
    ).fetchone()
    return None if stays is None else reported.person_id  # the times of the visit were corrected
