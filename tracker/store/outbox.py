"""The part of the store that is uploaded to Firestore: what is pending, how far it got, what was rejected."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, Event
from tracker.presence.health import CameraHealth
from tracker.store import cursors, outbox_rows, site_rows
from tracker.store.cursors import Cursor, Deletion, Rejected, Stream
from tracker.store.leases import hold
from tracker.store.outbox_messages import (
    Erasure,
    Message,
    day_messages,
    deletion_messages,
    erasures_of,
    messages_of,
)
from tracker.store.outbox_rows import pending
from tracker.store.store_file import StoreFile

_MACHINE = "machine id"
_SITE = "upload to site "
"""The start of the names under which the sites that were uploaded to are kept."""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages in order, and the cursor of the stream once they are uploaded. is_last: there are no more."""

    messages: tuple[Message, ...]
    cursor: Cursor
    is_last: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletions:
    """What was deleted here. rows: all of them; messages: what to upload of them; erasures: of people."""

    rows: Sequence[Deletion]
    messages: Sequence[Message]
    erasures: Sequence[Erasure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is pending. counts: rows by stream, without empty ones; `forgotten` are people to erase, `deletions` other
    records to delete. oldest_at: the time of the event that waits longest."""

    counts: Mapping[str, int]
    oldest_at: datetime | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What became of a batch. cursors: how far streams are uploaded. deletions: done in Firestore too. rejected: new
    dead letters. delivered: (collection, record_id) of dead letters that are delivered now. sites: uploaded to. state:
    values to keep by name, None deletes one."""

    cursors: Mapping[Stream, Cursor] = field(default_factory=dict)
    deletions: Sequence[Deletion] = ()
    rejected: Sequence[Rejected] = ()
    delivered: Iterable[tuple[str, str]] = ()
    sites: Iterable[str] = ()
    state: Mapping[str, str | None] = field(default_factory=dict)


class Outbox:
    """What is to be uploaded. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def begin(self) -> None:
        """Track changes from now on: deletions are remembered until they are done in Firestore too."""
        with self._file.reading() as connection:
            if cursors.is_begun(connection):
                return
        with self._file.writing() as writing:
            cursors.begin(writing)

    def lease(self) -> AbstractContextManager[None]:
        """Be the only uploader of this file while inside. Raises StoreBusyError naming the process that is."""
        return hold(
            self._file.path,
            "upload",
            busy=f"{self._file.path} is being uploaded to Firestore already",
            fix="let that process go on; 'footfall status' shows its progress",
        )

    def machine_id(self) -> str:
        """The id of this store among the machines of a site, made once."""
        with self._file.reading() as connection:
            known = cursors.select(connection, _MACHINE)
        if known is not None:
            return known
        with self._file.writing() as writing:
            known = cursors.select(writing.connection, _MACHINE) or f"m-{secrets.token_hex(6)}"
            cursors.save(writing, _MACHINE, known)
        return known

    def cursor(self, stream: Stream) -> Cursor:
        """How far a stream is uploaded."""
        with self._file.reading() as connection:
            return cursors.cursor(connection, stream)

    def page(
        self,
        stream: Stream,
        cursor: Cursor,
        *,
        now: datetime,
        limit: int,
        scope: CameraRef | None = None,
        vectors: bool,
    ) -> Page:
        """Up to `limit` rows of a stream after a cursor, in their newest state; events with the matches behind them.

        scope: only of this camera. vectors: with those of people. now: at which stays in zones may be reassigned.
        """
        with self._file.one_state() as connection:
            found = pending(connection, stream, cursor, scope=scope, limit=limit, now=now)
            if stream is Stream.DAYS:
                messages = day_messages(connection, cursor, found, now=now)
            else:
                messages = (
                    each
                    for row in found.rows
                    for each in messages_of(connection, stream, row, now=now, vectors=vectors)
                )
            return Page(tuple(messages), found.cursor, found.is_last)

    def deletions(self, *, limit: int, kinds: Sequence[str] = cursors.DELETABLE) -> Deletions:
        """What was deleted here and not in Firestore yet, oldest first."""
        with self._file.one_state() as connection:
            rows = cursors.deletions(connection, limit=limit, kinds=kinds)
            messages = [each for row in rows for each in deletion_messages(connection, row)]
            erasures = [each for row in rows for each in erasures_of(connection, row)]
            return Deletions(rows=rows, messages=messages, erasures=erasures)

    def sites(self) -> list[str]:
        """All sites that this store has records of, or uploaded any to."""
        with self._file.reading() as connection:
            return sorted({*cursors.select_all(connection, _SITE), *site_rows.with_facts(connection)})

    def cameras_here(self, scope: CameraRef | None = None) -> list[CameraHealth]:
        """The last known health of each camera of this machine."""
        with self._file.reading() as connection:
            return outbox_rows.select_cameras(connection, scope)

    def coverage_here(self, camera: CameraRef, *, since: str, limit: int) -> list[CoverageSpan]:
        """When a camera of this machine watched, from the span that began at `since` (text) on, by start."""
        with self._file.reading() as connection:
            return outbox_rows.select_coverage(connection, camera, since, limit)

    def acknowledge(self, done: Acknowledgement) -> None:
        """Write what became of a batch, all of it or nothing."""
        with self._file.writing() as writing:
            cursors.advance(writing, done.cursors)
            cursors.drop_deletions(writing, done.deletions)
            cursors.drop_rejected(writing, done.delivered)
            cursors.reject(writing, done.rejected)
            for site_id in done.sites:
                cursors.save(writing, f"{_SITE}{site_id}", "1")
            for name, value in done.state.items():
                cursors.save(writing, name, value)

    def state(self, prefix: str) -> dict[str, str]:
        """All values of the state of uploading whose names begin so, by the rest of the name."""
        with self._file.reading() as connection:
            return cursors.select_all(connection, prefix)

    def rejected(self) -> list[Rejected]:
        """Dead letters: what Firestore refused for good, oldest first."""
        with self._file.reading() as connection:
            return cursors.rejected(connection)

    def requeue(self) -> int:
        """Have all dead letters uploaded again. Returns their number; what is refused again stays one."""
        with self._file.writing() as writing:
            found = cursors.rejected(writing.connection)
            for each in found:
                if not outbox_rows.touch(writing.connection, each.collection, each.record_id, writing.changed):
                    cursors.drop_rejected(writing, [(each.collection, each.record_id)])
        return len(found)

    def backlog(self, *, sessions: bool = False, people: bool = True, scope: CameraRef | None = None) -> Backlog:
        """What is pending. sessions, people: whether this machine uploads them. scope: only of this camera, which
        deletes nothing; erasures are counted there too, until they are rejected."""
        skipped = {Stream.DAYS}
        skipped |= set() if people else {Stream.PEOPLE, Stream.ALIASES}
        skipped |= set() if sessions else {Stream.SESSIONS}
        with self._file.one_state() as connection:
            counts = {
                str(stream): outbox_rows.count_after(connection, stream, cursors.cursor(connection, stream), scope)
                for stream in Stream
                if stream not in skipped
            }
            deleted = cursors.deletions(connection, limit=-1, kinds=cursors.DELETABLE)
            counts["forgotten"] = sum(len(erasures_of(connection, each)) for each in deleted)
            ours = [each for each in deleted if scope is None and (sessions or each.kind != "session")]
            counts["deletions"] = sum(len(deletion_messages(connection, each)) for each in ours)
        return Backlog(
            counts={stream: count for stream, count in counts.items() if count},
            oldest_at=self.oldest_at(scope=scope),
        )

    def oldest_at(self, *, scope: CameraRef | None = None) -> datetime | None:
        """The time of the event that waits longest, None where none does. scope: only of this camera."""
        start = self.cursor(Stream.EVENTS)
        first = self.page(Stream.EVENTS, start, now=self._file.now(), limit=1, scope=scope, vectors=False)
        oldest = first.messages[0].record if first.messages else None
        return oldest.at if isinstance(oldest, Event) else None
