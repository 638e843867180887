"""Forgetting those who were forgotten on another machine, of whom only a digest of the id is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from tracker.presence.events import time_text
from tracker.store import camera_rows, people_rows
from tracker.store.database import Transaction
from tracker.store.forgetting import forget
from tracker.store.sent import sent_through

_NAMING = ("people", "aliases", "events", "matches", "presences", "line_states", "zone_stays", "waiting_corrections")
"""The tables that hold ids of people."""
_HISTORY = ("events", "zone_stays")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """Somebody asked to be forgotten. digest: of the id, as the store keeps it. erase_history: their events too."""

    digest: str
    at: datetime
    erase_history: bool


def bury(writing: Transaction, tombstones: Iterable[Tombstone], *, whole_history: bool) -> set[str]:
    """Forget everybody here whom the tombstones mean, and never take them in again. Returns the ids they had here.

    whole_history: what was sent of their history comes down again without a name, so what is left of it here goes.
    """
    connection = writing.connection
    new = {
        each.digest: each
        for each in tombstones
        if connection.execute("SELECT 1 FROM forgotten WHERE digest = ?", (each.digest,)).fetchone() is None
    }
    if not new:
        return set()
    connection.executemany(
        "INSERT INTO forgotten (digest, at, erase_history) VALUES (?, ?, ?)",
        [(each.digest, time_text(each.at), each.erase_history) for each in new.values()],
    )
    writing.touch_people()
    meant: dict[str, Tombstone] = {}
    for (person_id,) in connection.execute(
        " UNION ".join(f"SELECT person_id FROM {table} WHERE person_id IS NOT NULL" for table in _NAMING)  # noqa: S608 - fixed names
    ).fetchall():
        tombstone = new.get(people_rows.digest(person_id))
        if tombstone is not None:
            meant.setdefault(people_rows.resolve(connection, person_id), tombstone)
    buried: set[str] = set()
    for person_id, tombstone in meant.items():
        ids = people_rows.ids_of(connection, person_id)
        _forget(writing, ids, erase_history=tombstone.erase_history, whole_history=whole_history)
        buried.update(ids)
    return buried


def _forget(writing: Transaction, ids: Sequence[str], *, erase_history: bool, whole_history: bool) -> None:
    connection = writing.connection
    sent = {table: _sent_ids(writing, table, ids) for table in _HISTORY}
    if whole_history and not erase_history:
        writing.touch_events()
        writing.touched_people.update(ids)
        for one_id in ids:
            camera_rows.delete_presences(writing, one_id)
        for table, column in zip(_HISTORY, ("event_id", "stay_id"), strict=True):
            connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", sent[table])  # noqa: S608 - fixed names
    elif not erase_history:
        connection.executemany("UPDATE events SET came_down = 1 WHERE event_id = ?", sent["events"])
    forget(writing, ids[0], erase_history=erase_history)
    if not whole_history and sent["events"]:
        _keep_to_ourselves(writing)
    connection.executemany("DELETE FROM waiting_corrections WHERE person_id = ?", [(one_id,) for one_id in ids])
    connection.executemany("DELETE FROM refused_arrivals WHERE record_id = ?", [(one_id,) for one_id in ids])


def _sent_ids(writing: Transaction, table: str, ids: Sequence[str]) -> list[tuple[str]]:
    """The records of a history that are in the cloud: those that came from there or were sent."""
    column = "event_id" if table == "events" else "stay_id"
    through = sent_through(writing.connection, table)
    return [
        row
        for one_id in ids
        for row in writing.connection.execute(
            f"SELECT {column} FROM {table} WHERE person_id = ? AND (came_down > 0 OR changed <= ?)",  # noqa: S608 - fixed names
            (one_id, through),
        ).fetchall()
    ]


def _keep_to_ourselves(writing: Transaction) -> None:
    """What was sent and now has a new id here has another one in the cloud: it stays here, and how it ended too."""
    connection, changed = writing.connection, writing.changed
    connection.execute(
        "UPDATE events SET came_down = changed WHERE changed = ? AND (came_down > 0 OR (kind = 'exit' AND inferred))",
        (changed,),
    )
    connection.execute("UPDATE zone_stays SET came_down = changed WHERE changed = ?", (changed,))
