"""One SQLite file, safe for many threads and processes: one writer connection, a reader connection a thread.

The file is in WAL mode: readers see the last commit and never wait for the writer. `synchronous=FULL` flushes each
commit to the disk, so a power cut loses nothing that was committed. Writers take turns: threads by a lock, processes by
`BEGIN IMMEDIATE`, and the wait for both together has one limit.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from config.errors import StoreBusyError, StoreError
from tracker.presence.events import time_text
from tracker.store.faults import explained, explained_scrub, refuse_stub, refuse_torn
from tracker.store.migrations import is_current, migrate

log = logging.getLogger("footfall.store")

JOURNAL_LIMIT_BYTES = 16 * 2**20
"""The write-ahead log is cut back to this after a checkpoint."""
CACHE_KIB = 32 * 2**10
"""Page cache of the writer: enough for the ends of all indexes of a store of years."""


class Database:
    """The connections to one store file. Constructing touches nothing; `open` does."""

    def __init__(
        self, path: Path, *, busy_timeout_s: float, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path = path
        self.clock = clock
        self._timeout_s = busy_timeout_s
        self._hurry = threading.local()
        self._writer: sqlite3.Connection | None = None
        self._write_lock = threading.Lock()
        self._readers: dict[threading.Thread, _Reader] = {}
        self._readers_lock = threading.Lock()
        self._opened = False
        self._file_id: tuple[int, int] | None = None

    def open(self, *, create: bool) -> None:
        """Check the file and bring it to this version.

        create: make the file and its folder where missing, and prove that it can be written. Without it a missing
        file is refused, and a file that needs no migration is opened for reading only until the first write.
        Raises StoreError or StoreBusyError; a file that is refused is not changed. A scrub that is due is tried, and
        is no reason not to open when it fails.
        """
        if self._opened:
            return
        with explained(self.path):
            self._require_place(create=create)
            self._opened = True
            try:
                if create or not self._is_current():
                    writer = self._connect_writer("rwc" if create else "rw")
                    if writer.execute("SELECT scrub_due FROM state").fetchone()[0]:
                        self.scrub_or_warn()
                self._file_id = _file_id(self.path)
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close every connection; waits for a write in progress. Closing again does nothing."""
        with self._readers_lock:
            self._opened = False
            readers = list(self._readers.values())
            self._readers.clear()
        if self._is_replaced():  # not last: the last connection removes the log at the path, which may be another one
            self._close_writer()
        for reader in readers:
            reader.close()
        self._close_writer()  # last, because only a connection that may write can tidy up the write-ahead log
        self._file_id = None

    def _close_writer(self) -> None:
        with self._write_lock:
            if self._writer is not None:
                if self._is_replaced():  # the log would ruin the file that is at its path now
                    _empty_log(self._writer)
                self._writer.close()
                self._writer = None

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """This thread's read-only connection; every SELECT sees the last commit."""
        with explained(self.path):
            reader = self._reader()
            with reader.lock:
                self._require_open()
                yield reader.connection

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """One transaction: all that happens inside is committed together, or nothing of it when an error leaves."""
        with explained(self.path), self._turn() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                transaction = Transaction(connection, self.clock())
                yield transaction
                transaction.stamp()
                connection.execute("COMMIT")
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def patience(self, timeout_s: float) -> Iterator[None]:
        """Writes of this thread inside wait no longer than that for other writers."""
        before = self._patience_s
        self._hurry.timeout_s = timeout_s
        try:
            yield
        finally:
            self._hurry.timeout_s = before

    @property
    def _patience_s(self) -> float:
        return float(getattr(self._hurry, "timeout_s", self._timeout_s))

    @contextmanager
    def _turn(self) -> Iterator[sqlite3.Connection]:
        """The writer connection, for this thread alone. Waiting for it leaves less time to wait for other processes."""
        deadline = time.monotonic() + self._patience_s
        if not self._write_lock.acquire(timeout=self._patience_s):
            raise StoreBusyError(
                f"{self.path}: other threads of this program are writing to the store, or waiting to",
                fix="try again; stop other programs that write to it if this lasts",
            )
        try:
            connection = self._connect_writer()
            if self._is_replaced():
                _empty_log(connection)
            self._require_same_file()
            left_ms = max(0, round(1000 * (deadline - time.monotonic())))
            connection.execute(f"PRAGMA busy_timeout = {left_ms}")
            yield connection
        finally:
            self._write_lock.release()

    def scrub(self) -> None:
        """Rewrite the whole file and empty the write-ahead log, so that no copy of deleted rows stays in them.

        `secure_delete` alone is not enough: SQLite leaves parts of old rows behind when it moves rows within a page.
        Writers wait meanwhile. It takes about the size of the store on the disk, and as much for temporary files.
        Raises StoreError where that is not free, and StoreBusyError when readers of other processes keep
        old pages open past the busy timeout; while `scrub_due` is set, it is done when the store is opened next.
        """
        with explained_scrub(self.path), self._turn() as connection:
            try:
                connection.execute("VACUUM")
            except sqlite3.Error:
                _empty_log(connection)  # gives back the room that the attempt took
                raise
            deadline = time.monotonic() + self._timeout_s
            while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                if time.monotonic() > deadline:
                    raise StoreBusyError(
                        f"{self.path}: a program that reads the store keeps old pages alive",
                        fix="stop the dashboard and other readers",
                    )
            connection.execute("UPDATE state SET scrub_due = 0")

    def scrub_or_warn(self) -> None:
        """`scrub`; a failure is logged, and the scrub stays due."""
        try:
            self.scrub()
        except StoreError as error:
            log.warning("%s", error)

    def _require_place(self, *, create: bool) -> None:
        if self.path.is_dir():
            raise StoreError(
                f"{self.path}: it is a folder", fix="give the path of a file, such as .../footfall.sqlite3"
            )
        if create:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        size = self.path.stat().st_size if self.path.exists() else 0
        if size == 0 and not create:
            fix = f"run 'footfall track' or 'footfall enroll' first, with --store or settings that lead to {self.path}"
            raise StoreError(f"no store at {self.path}", fix=fix)
        refuse_stub(self.path, size)

    def _is_current(self) -> bool:
        with self.reading() as connection:
            current = is_current(connection, self.path)
            refuse_torn(connection, self.path)
            return current

    def _connect_writer(self, mode: str = "rw") -> sqlite3.Connection:
        """The writer connection, made at first need. The caller holds the write lock, or is `open`."""
        self._require_open()
        if self._writer is None:
            connection = self._connect(mode)
            try:
                current = is_current(connection, self.path)
                refuse_torn(connection, self.path)
                if not current:
                    _use_wal(connection, time.monotonic() + self._timeout_s)
                    migrate(connection, self.path)
                _prepare_writer(connection)
            except BaseException:
                connection.close()
                raise
            self._writer = connection
        return self._writer

    def _reader(self) -> _Reader:
        thread = threading.current_thread()
        with self._readers_lock:
            self._require_open()
            if thread not in self._readers:
                for ended in [known for known in self._readers if not known.is_alive()]:
                    self._readers.pop(ended).close()
                self._readers[thread] = _Reader(self._connect("ro"))
            return self._readers[thread]

    def _connect(self, mode: str) -> sqlite3.Connection:
        self._require_same_file()
        uri = f"{self.path.absolute().as_uri()}?mode={mode}"
        if mode == "ro" and _cannot_change(self.path):
            uri += "&immutable=1"  # else SQLite makes files beside it, even to read
        # Autocommit: this module begins and ends transactions. The locks above separate threads.
        return sqlite3.connect(uri, uri=True, timeout=self._timeout_s, isolation_level=None, check_same_thread=False)

    def _require_same_file(self) -> None:
        """Raises StoreError when the file at the path is not the one that was opened, as after `rm`, `mv` or `cp`."""
        if self._is_replaced():
            raise StoreError(
                f"{self.path}: the store was deleted or replaced while in use",
                fix="put the old file back, or stop all agents and dashboards before you replace the store",
            )

    def _is_replaced(self) -> bool:
        return self._file_id is not None and _file_id(self.path) != self._file_id

    def _require_open(self) -> None:
        if not self._opened:
            raise StoreError(f"{self.path}: the store is closed", fix="open it before use")


class Transaction:
    """The state of one write transaction.

    connection: for the statements. now: UTC, when it began. changed: the store version that it makes; rows carry it.
    touched_sessions: by (site_id, person_id) as stored the earliest time (text) of a fact that changed.
    touched_people: ids whose sessions must all be derived again. events_since: the earliest time (text) of an event
    that changed. scrub: rows of somebody who was erased are to be overwritten on the disk after the commit.
    """

    def __init__(self, connection: sqlite3.Connection, now: datetime) -> None:
        self.connection = connection
        self.now = now
        self.changed = int(connection.execute("SELECT version FROM state").fetchone()[0]) + 1
        self._changes_before = connection.total_changes
        self.touched_sessions: dict[tuple[str, str], str] = {}
        self.touched_people: set[str] = set()
        self.events_since: str | None = None
        self.scrub = False
        self._touched: set[str] = set()

    def touch_people(self) -> None:
        """Record that people, vectors or aliases change, so that galleries are loaded again."""
        self._touched.add("people_version")

    def touch_events(self) -> None:
        """Record that events or sessions change, so that readers look again."""
        self._touched.add("events_version")

    def touch_session(self, site_id: str, person_id: str, at: str) -> None:
        """Record that a fact about a person changed, so that the sessions from then on are derived again."""
        key = (site_id, person_id)
        earliest = self.touched_sessions.get(key)
        if earliest is None or at < earliest:
            self.touched_sessions[key] = at

    def touch_event(self, site_id: str, person_id: str, at: str) -> None:
        """Record that an event is new or changed, so that sessions and counts from then on follow."""
        self.touch_events()
        self.touch_session(site_id, person_id, at)
        self.events_since = at if self.events_since is None else min(at, self.events_since)

    def delete(self, table: str, column: str, values: Iterable[object]) -> int:
        """Delete the rows of a table in which a column has one of these values. Returns how many there were."""
        statement = f"DELETE FROM {table} WHERE {column} = ?"
        return self.connection.executemany(statement, [(value,) for value in values]).rowcount

    def mark_downloaded(self, *tables: str) -> None:
        """Record that the rows written so far are as they are in Firestore, so that they are not uploaded."""
        for table in tables:
            self.connection.execute(f"UPDATE {table} SET downloaded = changed WHERE changed = ?", (self.changed,))

    def stamp(self) -> None:
        """Advance the store's version and its time, unless the transaction changed nothing."""
        if self.connection.total_changes > self._changes_before:
            self.connection.execute("UPDATE state SET ticked_at = ?", (time_text(self.now),))
            for column in ("version", *sorted(self._touched)):
                self.connection.execute(f"UPDATE state SET {column} = ?", (self.changed,))


class _Reader:
    """A read-only connection and the lock that keeps `close` from pulling it away in the middle of a SELECT."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.lock = threading.RLock()

    def close(self) -> None:
        with self.lock:
            self.connection.close()


def _cannot_change(path: Path) -> bool:
    """Whether the file is whole, without a write-ahead log, on a disk that is mounted for reading only."""
    if sys.platform == "win32" or not os.statvfs(path).f_flag & os.ST_RDONLY:
        return False
    log = path.with_name(f"{path.name}-wal")
    return not log.exists() or not log.stat().st_size


def _file_id(path: Path) -> tuple[int, int] | None:
    """The identity of the file at a path; None without a file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move the write-ahead log into the file that it belongs to, if that goes at once."""
    with suppress(sqlite3.Error):
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    """Put a new file into WAL mode; SQLite does not wait by itself when two processes do this at once."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _prepare_writer(connection: sqlite3.Connection) -> None:
    for pragma in (
        "synchronous = FULL",
        "fullfsync = ON",  # macOS: flush the disk's own cache too
        "foreign_keys = ON",
        "secure_delete = ON",  # what is deleted is overwritten with zeros
        f"cache_size = -{CACHE_KIB}",
        f"journal_size_limit = {JOURNAL_LIMIT_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("UPDATE state SET version = version WHERE only = 0")  # no row: proves that this user may write
