"""Backups of a store: made while it is in use, verified, and restored."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from config.errors import StoreBusyError, StoreError
from tracker.presence.events import time_text
from tracker.presence.people import digest_of
from tracker.store.faults import explained, first_damage, refuse_stub
from tracker.store.leases import holder_of
from tracker.store.migrations import APPLICATION_ID, is_current
from tracker.store.store import Store
from tracker.store.tables import read_time

Progress = Callable[[float], None]
"""Called with the share that is done, 0..1."""
_PAGES = 2_000
_MAGIC = b"SQLite format 3\0"
_SIDE_FILES = ("-wal", "-shm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a store file holds. newest_at: the time of the latest event, UTC."""

    bytes: int
    people: int
    vectors: int
    events: int
    newest_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore did.

    kept: the previous store under its new name, None where there was none. forgotten: how many people were forgotten
    again, who had been forgotten since the backup; None where the previous store could not be read.
    """

    contents: Contents
    kept: Path | None
    forgotten: int | None


def back_up(store: Path, to: Path, *, force: bool, progress: Progress) -> Contents:
    """Copy a store, as it is at this moment, into the file `to`. Agents and readers go on meanwhile.

    force: replace a file that is there. Raises StoreError when there is no store, it is damaged, the file is there
    already or cannot be written; then the file is as it was before.
    """
    _require_store(store)
    with explained(to):
        if to.is_dir():
            raise StoreError(f"{to}: it is a folder", fix=f"give a file, such as {to / 'footfall-backup.sqlite3'}")
        if to.exists() and to.samefile(store):
            raise StoreError(f"{to}: it is the store itself", fix="give another file")
        if to.exists() and not force:
            raise StoreError(f"{to}: the file exists", fix="give another name, or add --force to replace it")
    with _copied(store, to, progress) as copy:
        contents = _contents(copy)
        with explained(to):
            copy.replace(to.resolve())
    return contents


def restore(backup: Path, store: Path, *, now: datetime, progress: Progress) -> Restored:
    """Replace a store that no program has open by a backup. The previous store is kept beside it.

    Who was forgotten since the backup is forgotten again. Raises StoreBusyError while an agent, a dashboard or another
    command has the store open, and StoreError when the backup is damaged, of another program or of a newer version;
    then the store is as it was before.
    """
    place = store.resolve()
    _require_store(backup)
    if place.exists() and place.samefile(backup):
        raise StoreError(f"{backup}: it is the store itself", fix="give the file of a backup")
    with explained(store):
        place.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(place), _copied(backup, place, progress) as copy:
        digests = _forgotten(place)
        _checkpoint(place)
        kept = _rename_old(place, now)
        try:
            with explained(store):
                copy.replace(place)
        except StoreError:
            if kept is not None:
                kept.replace(place)
            raise
    with Store(place) as restored:
        restored.users.sign_out_everybody()  # also who was signed out or removed since the backup
        restored.display_links.revoke_all()  # also those that were revoked since
        restored.devices.revoke_all()
    return Restored(
        contents=_contents(place),
        kept=kept,
        forgotten=None if digests is None else _forget_again(place, digests),
    )


def _require_store(path: Path) -> None:
    """Raises StoreError unless the file is a store that this version can read."""
    with explained(path):
        if not path.is_file():
            raise StoreError(f"no store at {path}", fix="give the path of a file that holds a store")
        refuse_stub(path, path.stat().st_size)
        with closing(_connect(path)) as connection:
            is_current(connection, path)
            if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                raise StoreError(f"no store at {path}: it is empty", fix="give the path of a file that holds a store")


def _connect(path: Path, mode: str = "ro") -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, timeout=10)


@contextmanager
def _copied(source: Path, final: Path, progress: Progress) -> Iterator[Path]:
    """A verified copy beside `final`, of one moment; deleted at the end unless it was moved."""
    place = final.resolve()
    copy = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with explained(source), closing(_connect(source)) as reading:
            reading.execute("BEGIN")  # holds one state, so that writes meanwhile do not start the copy over
            reading.execute("SELECT 1 FROM sqlite_master").fetchone()
            with explained(final), closing(_connect(copy, "rwc")) as writing:
                reading.backup(writing, pages=_PAGES, progress=lambda _, left, all_: progress(1 - left / max(all_, 1)))
        _require_whole(copy, source)
        with explained(final):
            _give_rights(place if place.exists() else source, copy)
            _flush(copy, os.O_RDWR)
        yield copy
        with suppress(OSError):  # not every system can flush a folder
            _flush(place.parent, os.O_RDONLY)
    finally:
        for end in ("", *_SIDE_FILES):
            with suppress(OSError):
                copy.with_name(copy.name + end).unlink(missing_ok=True)


def _require_whole(copy: Path, source: Path) -> None:
    with explained(source), closing(_connect(copy, "rw")) as connection:
        problem = first_damage(connection)
        connection.execute("PRAGMA journal_mode = WAL")  # what other tools made may be in another mode
    if problem is not None:
        raise StoreError(f"{source}: the file is damaged ({problem})", fix="run 'footfall doctor --full'")


def _give_rights(like: Path, copy: Path) -> None:
    """The mode and, where this user may give it, the owner of another file."""
    shutil.copymode(like, copy)
    if hasattr(os, "chown"):
        with suppress(OSError):
            os.chown(copy, like.stat().st_uid, like.stat().st_gid)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _contents(path: Path) -> Contents:
    with explained(path), closing(_connect(path)) as connection:
        people, vectors, events, newest = connection.execute(
            "SELECT (SELECT count(*) FROM people), (SELECT count(*) FROM vectors), (SELECT count(*) FROM events),"
            " (SELECT max(at) FROM events)"
        ).fetchone()
        return Contents(
            bytes=path.stat().st_size,
            people=people,
            vectors=vectors,
            events=events,
            newest_at=None if newest is None else read_time(newest),
        )


@contextmanager
def _exclusive(place: Path) -> Iterator[None]:
    """Keep agents and uploads out while inside. Raises StoreBusyError when a program has the store open."""
    with ExitStack() as held:
        for file in sorted(place.parent.glob(f"{place.name}.*.lock")):
            lock = FileLock(file, timeout=0)
            try:
                held.enter_context(lock)
            except Timeout as error:
                raise StoreBusyError(
                    f"{place}: the store is in use by {holder_of(file.with_suffix('.pid'))}",
                    fix="stop agents, dashboards and other commands on this store, then restore again",
                ) from error
        _checkpoint(place)
        yield


def _checkpoint(place: Path) -> None:
    """Write the write-ahead log into the file, which SQLite does only where nobody else has it open.

    A damaged store stays as it is, with its log. Raises StoreBusyError when another program has the store open.
    """
    with explained(place):
        if not place.exists() or not _is_database(place):
            return
    connection = _connect(place, "rw")
    try:
        connection.execute("PRAGMA busy_timeout = 0")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusyError(
                f"{place}: another program has the store open",
                fix="stop agents, dashboards and other commands on this store, then restore again",
            ) from error
    finally:
        connection.close()


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _rename_old(place: Path, now: datetime) -> Path | None:
    """Give the previous store another name, with its log. Returns it, None where there is no store."""
    if not place.exists():
        return None
    stamp = time_text(now)[:19].replace("-", "").replace(":", "")
    kept = place.with_name(f"{place.name}.replaced-{stamp}")
    with explained(place):
        for end in (*_SIDE_FILES, ""):
            side = place.with_name(place.name + end)
            if side.exists():
                side.rename(kept.with_name(kept.name + end))
    return kept


def _forgotten(place: Path) -> dict[str, bool] | None:
    """Digests of those whom the store forgot, and whether with their history; None where it cannot be read."""
    if not place.exists():
        return {}
    try:
        with closing(_connect(place)) as connection:
            return dict(connection.execute("SELECT digest, erase_history FROM forgotten").fetchall())
    except sqlite3.Error:
        return None


def _forget_again(place: Path, digests: dict[str, bool]) -> int:
    count = 0
    with Store(place).open() as store:
        for person in store.people.all():
            digest = digest_of(person.person_id)
            if digest in digests:
                store.people.forget(person.person_id, erase_history=bool(digests[digest]))
                count += 1
    return count
