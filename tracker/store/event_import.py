"""Events of other systems: staged in a temporary database, then written to a store in one transaction.

Staging needs no lock on the store and little memory, however many events there are.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config.errors import RecordError
from tracker.presence.events import ANONYMOUS_PREFIX, Event, is_unidentified
from tracker.store import people_rows
from tracker.store.database import Transaction
from tracker.store.event_rows import EVENTS
from tracker.store.faults import explained
from tracker.store.tables import Row, read_time

_BATCH = 5_000
_INSERT = (
    f"INSERT INTO events ({EVENTS.column_list}, changed) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"
    " WHERE ?13 OR NOT EXISTS (SELECT 1 FROM events WHERE kind = ?1 AND site_id = ?2 AND camera_id = ?3"
    " AND person_id = ?4 AND at = ?5) ON CONFLICT (event_id) DO NOTHING"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedEvent:
    """An event of another system. line: its number in the file.

    identified: it came with an id or a track; else one of the same kind, camera, person and time is the same event.
    name: of the person, None where the other system gave none.
    """

    line: int
    event: Event
    identified: bool
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """An event whose id belongs to another event already."""

    line: int
    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of staged events. people: how many people they brought in."""

    new: int
    people: int
    conflicts: Sequence[Conflict]


class StagedEvents:
    """Events that wait to be written. Raises StoreError where the folder for temporary files is full."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        connection.execute(f"CREATE TABLE staged ({EVENTS.column_list}, line, identified, name)")

    def add(self, events: Iterable[ImportedEvent]) -> None:
        """Stage events."""
        with _temporary():
            self._connection.executemany(
                "INSERT INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                ((*EVENTS.row(each.event), each.line, each.identified, each.name) for each in events),
            )

    def count(self) -> int:
        """How many events are staged."""
        return int(self._connection.execute("SELECT count(*) FROM staged").fetchone()[0])

    def by_site(self) -> Mapping[str, int]:
        """How many events each site has."""
        return dict(self._connection.execute("SELECT site_id, count(*) FROM staged GROUP BY site_id").fetchall())

    def batches(self) -> Iterator[list[Row]]:
        """The values of events, each with its line and whether it is identified, in the order of staging."""
        cursor = self._connection.execute(f"SELECT {EVENTS.column_list}, line, identified FROM staged ORDER BY rowid")
        while batch := cursor.fetchmany(_BATCH):
            yield batch

    def people(self) -> Iterator[tuple[str, str | None, str]]:
        """Each person id, the name that came with it, and the time (text) of the earliest event."""
        yield from self._connection.execute("SELECT person_id, max(name), min(at) FROM staged GROUP BY person_id")


@contextmanager
def staging() -> Iterator[StagedEvents]:
    """A temporary database for events, deleted at the end."""
    with _temporary():
        connection = sqlite3.connect("", isolation_level=None)  # a file without a name, which no crash leaves behind
    try:
        connection.execute("PRAGMA synchronous = OFF")
        yield StagedEvents(connection)
    finally:
        connection.close()


def write(
    writing: Transaction, staged: StagedEvents, *, skip_conflicts: bool, progress: Callable[[int], None]
) -> Written:
    """Write the staged events that are not there yet, and a person for each id of which nothing is known.

    Events of forgotten people are left out. progress: called with the number of events written so far.
    Raises RecordError on the first conflict unless they are to be skipped.
    """
    forgotten = people_rows.forgotten_among(writing.connection, (person_id for person_id, *_ in staged.people()))
    new = done = 0
    conflicts: list[Conflict] = []
    for batch in staged.batches():
        rows = [row for row in batch if row[3] not in forgotten]
        inserted = _insert(writing, rows)
        if inserted < len(rows):
            conflicts += _conflicts(writing.connection, rows)
        if conflicts and not skip_conflicts:
            raise RecordError(
                f"line {conflicts[0].line}: event_id: another event has the id {conflicts[0].event_id[:64]!r}",
                fix="put the name of the system before its ids, leave event_id out, or add --partial",
            )
        new, done = new + inserted, done + len(batch)
        progress(done)
    return Written(new=new, people=_add_people(writing, staged, forgotten), conflicts=conflicts)


def _insert(writing: Transaction, rows: Sequence[Row]) -> int:
    before = writing.connection.total_changes
    writing.connection.executemany(_INSERT, [(*row[:-2], writing.changed, row[-1]) for row in rows])
    count = writing.connection.total_changes - before
    if count:
        for row in rows:
            writing.touch_event(row[1], row[3], row[4])
    return count


def _conflicts(connection: sqlite3.Connection, rows: Iterable[Row]) -> Iterator[Conflict]:
    for kind, site_id, camera_id, _, at, *_, event_id, line, identified in rows:
        if identified:
            there = connection.execute(
                "SELECT kind, site_id, camera_id, at FROM events WHERE event_id = ?", (event_id,)
            ).fetchone()
            if there != (kind, site_id, camera_id, at):
                yield Conflict(line=line, event_id=event_id)


def _add_people(writing: Transaction, staged: StagedEvents, forgotten: set[str]) -> int:
    return sum(
        people_rows.save_known_by_events(writing, person_id, name=name, since=read_time(since))
        for person_id, name, since in staged.people()
        if person_id not in forgotten and not person_id.startswith(ANONYMOUS_PREFIX) and not is_unidentified(person_id)
    )


@contextmanager
def _temporary() -> Iterator[None]:
    with explained(Path(tempfile.gettempdir())):
        yield
