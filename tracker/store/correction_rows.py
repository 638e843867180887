"""Rows of corrections. Events that they add are rows among the others; voided events stay, but are not read."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from config.errors import RecordError
from tracker.presence.events import ITSELF, Action, Correction, time_text
from tracker.presence.people import Redaction
from tracker.store import event_rows, vector_rows
from tracker.store.database import Transaction
from tracker.store.tables import Row, read_all, read_time


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonCorrection:
    """A correction as it is exchanged with Firestore, and the person of its event."""

    correction: Correction
    person_id: str


def insert(writing: Transaction, correction: Correction) -> None:
    """Add a correction whose id is not there yet; it is in force if it is the latest of its event.

    Raises RecordError when it voids an event that is not in the store.
    """
    connection = writing.connection
    if correction.event is not None:
        event_rows.insert_events(writing, [correction.event])
    event = connection.execute(
        "SELECT site_id, person_id, at FROM events WHERE event_id = ?", (correction.event_id,)
    ).fetchone()
    if event is None:
        raise RecordError(
            f"correction: event_id: no event has the id {correction.event_id}",
            fix="'footfall report explain' shows the events of a visit and their ids",
        )
    connection.execute(
        "INSERT INTO corrections (correction_id, action, event_id, author, at, reason, schema, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (correction_id) DO NOTHING",
        (
            correction.correction_id,
            correction.action,
            correction.event_id,
            correction.by,
            time_text(correction.at),
            correction.reason,
            correction.schema,
            writing.changed,
        ),
    )
    (latest,) = connection.execute(
        "SELECT action FROM corrections WHERE event_id = ? ORDER BY at DESC, correction_id DESC LIMIT 1",
        (correction.event_id,),
    ).fetchone()
    voided = latest == Action.VOID
    moved = connection.execute(
        "UPDATE events SET voided = ?1, changed = ?2 WHERE event_id = ?3 AND voided <> ?1",
        (voided, writing.changed, correction.event_id),
    ).rowcount
    if moved:
        writing.touch_event(*event)
    if moved and voided:
        _delete_shadow(connection, correction.event_id)


def _delete_shadow(connection: sqlite3.Connection, event_id: str) -> None:
    """Delete faces of the track of a voided event, where its person has no other event of that track."""
    voided = event_rows.select_one(connection, event_id)
    if voided is None or connection.execute("SELECT 1 FROM shadow_vectors LIMIT 1").fetchone() is None:
        return
    theirs = event_rows.select_of_person(connection, voided.site_id, voided.person_id, since="")
    if all(each.track_id != voided.track_id for each in theirs):
        vector_rows.delete_shadow(connection, voided.track_id, person_id=voided.person_id)


def select(connection: sqlite3.Connection, event_id: str | None) -> list[Correction]:
    """Corrections of one event, or of all, by time. Raises StoreError on a row that is none."""
    return _read(connection, "?1 IS NULL OR c.event_id = ?1", event_id)


def of_people(connection: sqlite3.Connection, person_ids: Sequence[str]) -> list[Correction]:
    """Corrections of the events of these ids, by time. Raises StoreError on a row that is none."""
    theirs = "SELECT event_id FROM events WHERE person_id IN (SELECT value FROM json_each(?1))"
    return _read(connection, f"c.event_id IN ({theirs})", json.dumps(person_ids))


def _read(connection: sqlite3.Connection, condition: str, value: str | None) -> list[Correction]:
    rows = connection.execute(
        "SELECT c.correction_id, c.action, c.event_id, c.author, c.at, c.reason, c.schema FROM corrections c"
        f" WHERE {condition} ORDER BY c.at, c.correction_id",
        (value,),
    ).fetchall()

    def read(row: Row) -> Correction:
        correction_id, action, about_id, by, at, reason, schema = row
        event = event_rows.select_one(connection, about_id) if action == Action.ADD else None
        return Correction(
            action=Action(action),
            event_id=about_id,
            by=by,
            at=read_time(at),
            reason=reason,
            event=event,
            schema=schema,
            correction_id=correction_id,
        )

    return read_all(rows, read)


def redact(writing: Transaction, redaction: Redaction) -> None:
    """Take a name out of the reasons and authors of all corrections; those that change are uploaded again."""
    connection = writing.connection
    rows = connection.execute("SELECT correction_id, author, reason FROM corrections").fetchall()
    for correction_id, by, reason in rows:
        redacted = _redacted(redaction, by, reason)
        if redacted != (by, reason):
            connection.execute(
                "UPDATE corrections SET author = ?, reason = ?, changed = ? WHERE correction_id = ?",
                (*redacted, writing.changed, correction_id),
            )
    for correction_id, text in connection.execute(
        "SELECT correction_id, correction FROM waiting_corrections"
    ).fetchall():
        document = json.loads(text)
        document["by"], document["reason"] = _redacted(redaction, document["by"], document["reason"])
        connection.execute(
            "UPDATE waiting_corrections SET correction = ? WHERE correction_id = ?",
            (json.dumps(document), correction_id),
        )


def _redacted(redaction: Redaction, by: str, reason: str) -> tuple[str, str]:
    return by if by == ITSELF else redaction.user_name(by), redaction.text(reason)


def clear_reasons(writing: Transaction, person_ids: Sequence[str]) -> None:
    """Empty the reasons of corrections of events of these ids: they may hold a name."""
    writing.connection.executemany(
        "UPDATE corrections SET reason = '', changed = ?"
        " WHERE event_id IN (SELECT event_id FROM events WHERE person_id = ?)",
        [(writing.changed, person_id) for person_id in person_ids],
    )
