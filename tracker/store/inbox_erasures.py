"""Forgetting people who were forgotten on another machine, which publishes a digest of the id only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.presence.events import time_text
from tracker.presence.people import digest_of
from tracker.store import camera_rows, people_rows
from tracker.store.cursors import uploaded_through
from tracker.store.database import Transaction
from tracker.store.forgetting import forget

_NAMING = ("people", "aliases", "events", "matches", "presences", "line_states", "zone_stays", "waiting_corrections")
"""The tables that hold ids of people."""
_HISTORY = {"events": "event_id", "zone_stays": "stay_id"}


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingErasure:
    """A person was forgotten elsewhere. digest: of the id, as the store keeps it. erase_history: their events too."""

    digest: str
    at: datetime
    erase_history: bool


def write(writing: Transaction, erasures: Iterable[IncomingErasure], *, whole_history: bool) -> set[str]:
    """Forget the people of these digests here, for good. Returns the ids they had here.

    whole_history: what was uploaded of their history is downloaded again without a name, so it is deleted here.
    """
    connection = writing.connection
    new = {
        each.digest: each
        for each in erasures
        if connection.execute("SELECT 1 FROM forgotten WHERE digest = ?", (each.digest,)).fetchone() is None
    }
    if not new:
        return set()
    connection.executemany(
        "INSERT INTO forgotten (digest, at, erase_history) VALUES (?, ?, ?)",
        [(each.digest, time_text(each.at), each.erase_history) for each in new.values()],
    )
    writing.touch_people()
    meant: dict[str, IncomingErasure] = {}
    for (person_id,) in connection.execute(
        " UNION ".join(f"SELECT person_id FROM {table} WHERE person_id IS NOT NULL" for table in _NAMING)
    ).fetchall():
        erasure = new.get(digest_of(person_id))
        if erasure is not None:
            meant.setdefault(people_rows.resolve(connection, person_id), erasure)
    forgotten: set[str] = set()
    for person_id, erasure in meant.items():
        ids = people_rows.ids_of(connection, person_id)
        _forget(writing, ids, erase_history=erasure.erase_history, whole_history=whole_history)
        forgotten.update(ids)
    return forgotten


def _forget(writing: Transaction, ids: Sequence[str], *, erase_history: bool, whole_history: bool) -> None:
    connection = writing.connection
    uploaded = {table: _uploaded_ids(writing, table, ids) for table in _HISTORY}
    if whole_history and not erase_history:
        writing.touch_events()
        writing.touched_people.update(ids)
        for one_id in ids:
            camera_rows.delete_presences(writing, one_id)
        for table, column in _HISTORY.items():
            writing.delete(table, column, uploaded[table])
    elif not erase_history:
        connection.executemany(
            "UPDATE events SET downloaded = 1 WHERE event_id = ?", [(each,) for each in uploaded["events"]]
        )
    forget(writing, ids[0], erase_history=erase_history)
    if not whole_history and uploaded["events"]:
        _keep_local(writing)
    writing.delete("waiting_corrections", "person_id", ids)
    writing.delete("unreadable_documents", "record_id", ids)


def _uploaded_ids(writing: Transaction, table: str, ids: Sequence[str]) -> list[str]:
    """The records of a history that are in Firestore: downloaded or uploaded."""
    through = uploaded_through(writing.connection, table)
    return [
        record_id
        for one_id in ids
        for (record_id,) in writing.connection.execute(
            f"SELECT {_HISTORY[table]} FROM {table} WHERE person_id = ? AND (downloaded > 0 OR changed <= ?)",
            (one_id, through),
        ).fetchall()
    ]


def _keep_local(writing: Transaction) -> None:
    """What was uploaded and now has a new id here has another one in Firestore: it is not uploaded again."""
    writing.connection.execute(
        "UPDATE events SET downloaded = changed WHERE changed = ? AND (downloaded > 0 OR (kind = 'exit' AND inferred))",
        (writing.changed,),
    )
    writing.mark_downloaded("zone_stays")
