"""Pages of rows that were written after a place, in the order in which they were written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from config.errors import StoreError
from tracker.store import event_rows
from tracker.store.event_rows import Row
from tracker.store.sync_rows import Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsent:
    """One record to be sent. record: None where the row is damaged, as `problem` says.

    collection, record_id: what it is called, and how its row is found again. site_id: empty for people.
    """

    collection: str
    site_id: str
    record_id: str
    record: object | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Unsent records in order, and how far the kind has been sent once they are. is_last: nothing comes after them."""

    records: tuple[Unsent, ...]
    reached: Position
    is_last: bool


@dataclass(frozen=True, slots=True)
class Scope:
    """The one camera of the one site of which records may be sent."""

    site_id: str
    camera_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the rows of a kind are found. keys: what orders the rows of one transaction; they are selected last.

    of_camera: the condition, with a site and a camera to be filled in, of rows that are of one; "" where none is.
    """

    select: str
    table: str
    keys: tuple[str, ...]
    condition: str
    of_camera: str = ""

    def within(self, scope: Scope | None) -> tuple[str, list[str | int]]:
        """The condition of its rows, and the values in it."""
        if scope is None or not self.of_camera:
            return self.condition, []
        return f"{self.condition} AND {self.of_camera}", [scope.site_id, scope.camera_id]


def rows_after(
    connection: sqlite3.Connection, source: Source, position: Position, scope: Scope | None, limit: int
) -> tuple[list[Row], Position]:
    """Up to `limit` rows, each ended by `changed` and its keys, and the position after them.

    The caller holds a read transaction, so that a short page reaches up to the version that it sees.
    """
    condition, values = source.within(scope)
    keys = ", ".join(source.keys)
    select = f"SELECT {source.select}, changed, {keys} FROM {source.table} WHERE {condition}"  # noqa: S608 - fixed names
    rows: list[Row] = []
    past = position.changed
    if position.within is not None:
        past += 1
        marks = ", ".join("?" * len(source.keys))
        rows = connection.execute(
            f"{select} AND changed = ? AND ({keys}) > ({marks}) ORDER BY {keys} LIMIT ?",
            (*values, past, *position.within, limit),
        ).fetchall()
    if len(rows) < limit:
        rows += connection.execute(
            f"{select} AND changed > ? ORDER BY changed, {keys} LIMIT ?", (*values, past, limit - len(rows))
        ).fetchall()
    if len(rows) < limit:
        (version,) = connection.execute("SELECT version FROM state").fetchone()
        return rows, Position(max(int(version), position.changed))
    width = len(source.keys)
    return rows, Position(rows[-1][-width - 1] - 1, tuple(rows[-1][-width:]))


def count_after(connection: sqlite3.Connection, source: Source, position: Position, scope: Scope | None) -> int:
    """How many rows of a kind are unsent."""
    condition, values = source.within(scope)
    select = f"SELECT count(*) FROM {source.table} WHERE {condition}"  # noqa: S608 - fixed names
    past, found = position.changed, 0
    if position.within is not None:
        past += 1
        keys, marks = ", ".join(source.keys), ", ".join("?" * len(source.keys))
        query = f"{select} AND changed = ? AND ({keys}) > ({marks})"
        found = int(connection.execute(query, (*values, past, *position.within)).fetchone()[0])
    return found + int(connection.execute(f"{select} AND changed > ?", (*values, past)).fetchone()[0])


def unsent_of(
    collection: str, site_id: str, record_id: str, row: Sequence[object], read: Callable[[Row], object]
) -> Unsent:
    record: object | None = None
    problem = ""
    try:
        (record,) = event_rows.read_all([tuple(row)], read)
    except StoreError as error:
        problem = error.problem
    return Unsent(collection=collection, site_id=site_id, record_id=record_id, record=record, problem=problem)
