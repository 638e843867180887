"""Errors of SQLite and the disk as StoreError: what is wrong, and how to correct it."""

from __future__ import annotations

import math
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import StoreBusyError, StoreError

DAMAGE_FIX = (
    "stop agents and dashboards, see what 'footfall doctor --full' finds, and restore a backup with 'footfall restore';"
    " without one, the sqlite3 tool's .recover may save rows"
)
_FIXES = {
    "SQLITE_FULL": ("the disk is full", "free some space on the disk and try again; what was stored before is safe"),
    "SQLITE_READONLY": ("it is read-only", "give this user the right to write the file and its folder"),
    "SQLITE_PERM": ("access is denied", "give this user the right to read and write the file and its folder"),
    "SQLITE_CANTOPEN": (
        "it cannot be opened",
        "check that the file and its folder exist, are not folders themselves, and may be read and written",
    ),
    "SQLITE_NOTADB": ("it is not a Footfall store", "give the path of another file with --store sqlite:///PATH"),
    "SQLITE_CORRUPT": (
        "the file is damaged",
        DAMAGE_FIX,
    ),
    "SQLITE_IOERR": ("the disk reports an error", "check the disk, its cable and its free space, then try again"),
    "SQLITE_TOOBIG": ("a record is too long", "shorten the text or leave the record out"),
}
_SMALLEST_BYTES = 512
"""One page of the smallest size."""
_FULL_BYTES = 65536
_NO_ROOM = ("SQLITE_FULL", "SQLITE_IOERR")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise errors of SQLite and the disk inside as StoreError, or StoreBusyError while another program writes."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(path, error) from error
    except OSError as error:
        raise _described(path, "SQLITE_CANTOPEN", f"{error.strerror or error}: {error.filename}") from error
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{path}: a text holds {error.object[error.start : error.end]!r}, which is no character",
            fix="correct the name or id; file names in another encoding than UTF-8 give such texts",
        ) from error


@contextmanager
def explained_scrub(path: Path) -> Iterator[None]:
    """As `explained`; the error adds that the rows are erased, and how to have them overwritten on the disk too."""
    try:
        with explained(path):
            yield
    except StoreError as error:
        fix = error.fix
        name = getattr(error.__cause__, "sqlite_errorname", None) or ""
        if name.startswith(_NO_ROOM):
            size_mb = math.ceil(path.stat().st_size / 1e6)
            fix = "" if name.startswith("SQLITE_FULL") else "check the disk and its cable, "
            fix += f"free about {size_mb} MB on its disk and as much in the folder for temporary files"
        raise type(error)(
            f"{path}: erased, but not overwritten on the disk yet: {error.problem.removeprefix(f'{path}: ')}",
            fix=f"{fix}, then start an agent or do the same again",
        ) from error


def refuse_stub(path: Path, size_bytes: int) -> None:
    """Refuse a file of a few bytes, which SQLite would take for an empty one and overwrite. Raises StoreError."""
    if 0 < size_bytes < _SMALLEST_BYTES:
        raise _described(path, "SQLITE_NOTADB", "it is shorter than any database")


def refuse_torn(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file whose last page is cut off, where SQLite would read zeros. Raises StoreError.

    The file itself must not be opened here: closing it would drop the locks that this process holds on it.
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size > 0:  # after a crash it holds what the file lacks
        return
    page_bytes = int(connection.execute("PRAGMA page_size").fetchone()[0])
    if path.stat().st_size % page_bytes:
        raise _described(path, "SQLITE_CORRUPT", "the last page is cut off")


def first_damage(connection: sqlite3.Connection, *, full: bool = False) -> str | None:
    """The first damage that SQLite finds in a file, in its words; None where there is none.

    full: compare every index with its table, which takes several times as long.
    """
    found = connection.execute("PRAGMA integrity_check(1)" if full else "PRAGMA quick_check(1)").fetchone()
    problem = " ".join(str(found[0]).split())
    return None if problem == "ok" else problem


def _described(path: Path, name: str, detail: str) -> StoreError:
    problem, fix = _FIXES[name]
    return StoreError(f"{path}: {problem} ({detail})", fix=fix)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.absolute().parent).free < _FULL_BYTES
    except OSError:
        return False


def _in_words(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(_BUSY):
        return StoreBusyError(
            f"{path}: another program is writing to the store", fix="try again; stop the other one if this lasts"
        )
    if name.startswith("SQLITE_IOERR") and _is_full(path):
        name = "SQLITE_FULL"  # SQLite reports it for the file only, not for the logs beside it
    for start in _FIXES:
        if name.startswith(start):
            return _described(path, start, str(error))
    return StoreError(f"{path}: {error}", fix="run 'footfall doctor'; if it finds nothing, report this message")
