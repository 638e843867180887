"""The part of the embedded store that is about what Firestore does not have yet."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from tracker.presence import rule_text
from tracker.presence.coverage import CoverageSpan
from tracker.presence.health import CameraHealth
from tracker.store import outbox_rows, people_rows, site_rows, sync_rows
from tracker.store.event_rows import read_time
from tracker.store.leases import hold
from tracker.store.outbox_pages import Page, Scope, Unsent, count_after
from tracker.store.store_file import StoreFile
from tracker.store.sync_rows import MADE_HERE, Gone, Kind, Parked, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """Somebody who was forgotten here. digest: by which every machine knows them again. at: when."""

    person_id: str
    digest: str
    at: datetime
    erase_history: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is not sent yet. counts: rows by kind, those without any left out; `forgotten` are people whose erasure is
    to be told, `deletions` what else vanished here. oldest_at: the time of the event that waits longest."""

    counts: Mapping[str, int]
    oldest_at: datetime | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the cloud answered. positions: how far kinds are sent. gone: what has vanished there too. refused: to be
    parked. delivered: (collection, record_id) of parked ones that went through. notes: by name, None takes one away."""

    positions: Mapping[Kind, Position] = field(default_factory=dict)
    gone: Sequence[Gone] = ()
    refused: Sequence[Parked] = ()
    delivered: Iterable[tuple[str, str]] = ()
    notes: Mapping[str, str | None] = field(default_factory=dict)


class Outbox:
    """What is to be sent, and how far that got. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def begin(self) -> None:
        """Keep this store in step from now on: what vanishes is remembered until it has vanished in the cloud too."""
        with self._file.reading() as connection:
            if sync_rows.is_begun(connection):
                return
        with self._file.writing() as writing:
            sync_rows.begin(writing)

    def lease(self) -> AbstractContextManager[None]:
        """Be the one that sends for this file, while inside. Raises StoreBusyError naming the process that does."""
        return hold(
            self._file.path,
            "uplink",
            busy=f"{self._file.path} is being sent to Firestore already",
            fix="let that one go on; 'footfall status' shows how far it is",
        )

    def cursor(self, kind: Kind) -> Position:
        """How far a kind has been sent."""
        with self._file.reading() as connection:
            return sync_rows.position(connection, kind)

    def page(
        self, kind: Kind, position: Position, *, now: datetime, limit: int, scope: Scope | None = None, vectors: bool
    ) -> Page:
        """Up to `limit` rows of a kind after a position, in their newest state; events with the matches behind them.

        scope: only what this camera told. vectors: with those of people. now: at which open visits are judged, and
        stays in zones that may still turn out to be somebody else's.
        """
        with self._file.one_state() as connection:
            if kind is Kind.SESSIONS:
                return outbox_rows.select_sessions(connection, position, limit, now=now)
            if kind is Kind.PEOPLE:
                return outbox_rows.select_people(connection, position, limit, with_vectors=vectors)
            if kind is Kind.ALIASES:
                return outbox_rows.select_aliases(connection, position, limit)
            if kind is Kind.ZONE_STAYS:
                return outbox_rows.select_zone_stays(connection, position, scope, limit, now=now)
            return _SELECT[kind](connection, position, scope, limit)

    def deletions(self, *, limit: int) -> tuple[list[Gone], list[Unsent], list[Forgotten]]:
        """What vanished here, what is to be said of that, and who was forgotten."""
        with self._file.one_state() as connection:
            found = sync_rows.gone(connection, limit=limit)
            said: list[Unsent] = []
            forgotten: list[Forgotten] = []
            for each in found:
                if each.kind == "session":
                    said += outbox_rows.deleted_session(connection, each.site_id, each.record_id)
                elif each.kind == "zone_stay":
                    said += _said_of_stay(connection, each)
                else:
                    forgotten += _forgotten(connection, each.record_id)
            return found, said, forgotten

    def cameras_here(self, scope: Scope | None = None) -> list[CameraHealth]:
        """The last known state of each camera that is followed on this machine."""
        with self._file.reading() as connection:
            return outbox_rows.select_cameras(connection, scope)

    def watches_here(self, camera: Scope, *, since: str, limit: int) -> list[CoverageSpan]:
        """When a camera watched, as seen on this machine, from the watch that began at `since` (text) on, by start."""
        with self._file.reading() as connection:
            return outbox_rows.select_watches(connection, camera, since, limit)

    def rules_text(self) -> str:
        """The rules by which visits are made, as JSON; empty where they are to be made anew."""
        with self._file.reading() as connection:
            return rule_text.written(site_rows.rules(connection, ""))

    def acknowledge(self, receipt: Receipt) -> None:
        """Write what the cloud answered, all of it or nothing."""
        with self._file.writing() as writing:
            sync_rows.save_positions(writing, receipt.positions)
            sync_rows.drop_gone(writing, receipt.gone)
            sync_rows.unpark(writing, receipt.delivered)
            sync_rows.park(writing, receipt.refused)
            for name, value in receipt.notes.items():
                sync_rows.save_note(writing, name, value)

    def notes(self, start: str) -> dict[str, str]:
        """All notes of sending whose names begin so, by the rest of the name."""
        with self._file.reading() as connection:
            return sync_rows.notes(connection, start)

    def rejected(self) -> list[Parked]:
        """What the cloud refused for good, oldest first."""
        with self._file.reading() as connection:
            return sync_rows.parked(connection)

    def requeue(self) -> int:
        """Have everything that is parked sent again. Returns how much there was; what is refused again stays parked."""
        with self._file.writing() as writing:
            found = sync_rows.parked(writing.connection)
            for each in found:
                if not outbox_rows.touch(writing.connection, each.collection, each.record_id, writing.changed):
                    sync_rows.unpark(writing, [(each.collection, each.record_id)])
        return len(found)

    def backlog(self, *, visits: bool, people: bool, scope: Scope | None = None) -> Backlog:
        """What is not sent yet. visits, people: whether this machine sends those at all. scope: only what this camera
        told, which takes nothing back; who was forgotten waits there too, until it is said who can tell.

        Visits are not the business of a store that has no events of its own.
        """
        sources = dict(outbox_rows.SOURCES)
        for kind in () if people else (Kind.PEOPLE, Kind.ALIASES):
            sources.pop(kind)
        with self._file.one_state() as connection:
            events = sync_rows.position(connection, Kind.EVENTS)
            first = outbox_rows.select_events(connection, events, scope, 1)
            visits = visits and (bool(first.records) or sync_rows.note(connection, MADE_HERE) is not None)
            if visits:
                sources |= {Kind.SESSIONS: outbox_rows.SESSIONS}
            counts = {
                str(kind): count_after(connection, each, sync_rows.position(connection, kind), scope)
                for kind, each in sources.items()
            }
            counts |= _count_gone(connection, visits=visits, stays=scope is None)
            oldest = outbox_rows.time_of(connection, first.records[0].record_id) if first.records else None
        return Backlog(
            counts={kind: count for kind, count in counts.items() if count},
            oldest_at=None if oldest is None else read_time(oldest),
        )


_SELECT = {
    Kind.EVENTS: outbox_rows.select_events,
    Kind.CORRECTIONS: outbox_rows.select_corrections,
}


def _count_gone(connection: sqlite3.Connection, *, visits: bool, stays: bool) -> dict[str, int]:
    """How many people are to be told to be forgotten, and how much else to be deleted. visits, stays: those too."""
    forgotten = sum(
        people_rows.is_forgotten(connection, person_id)
        for (person_id,) in connection.execute("SELECT record_id FROM deletions WHERE kind = 'person'").fetchall()
    )
    (deletions,) = connection.execute(
        "SELECT count(*) FROM deletions WHERE (? AND kind = 'session') OR (? AND kind = 'zone_stay'"
        " AND NOT EXISTS (SELECT 1 FROM zone_stays WHERE stay_id = deletions.record_id))",
        (visits, stays),
    ).fetchone()
    return {"forgotten": forgotten, "deletions": int(deletions)}


def _said_of_stay(connection: sqlite3.Connection, gone: Gone) -> list[Unsent]:
    row = connection.execute("SELECT 1 FROM zone_stays WHERE stay_id = ?", (gone.record_id,)).fetchone()
    if row is not None:
        return []
    return [Unsent(collection="zone_stays", site_id=gone.site_id, record_id=gone.record_id, record=None)]


def _forgotten(connection: sqlite3.Connection, person_id: str) -> list[Forgotten]:
    digest = people_rows.digest(person_id)
    row = connection.execute("SELECT at, erase_history FROM forgotten WHERE digest = ?", (digest,)).fetchone()
    if row is None:  # merged: what is said of the alias says it
        return []
    return [Forgotten(person_id=person_id, digest=digest, at=read_time(row[0]), erase_history=bool(row[1]))]
