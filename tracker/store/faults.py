"""What SQLite and the disk complain about, told in words that a person can act on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import StoreBusyError, StoreError

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
        "restore it from a backup, or move it away and start a new store; the sqlite3 tool's .recover may save rows",
    ),
    "SQLITE_IOERR": ("the disk reports an error", "check the disk, its cable and its free space, then try again"),
    "SQLITE_TOOBIG": ("a record is too long", "shorten the text or leave the record out"),
}
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what goes wrong inside into StoreError or StoreBusyError (somebody else is writing; try again)."""
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(path, error) from error
    except UnicodeEncodeError as error:
        raise StoreError(
            f"{path}: a text holds {error.object[error.start : error.end]!r}, which is no character",
            fix="correct the name or id; file names in another encoding than UTF-8 give such texts",
        ) from error


def _in_words(path: Path, error: sqlite3.Error) -> StoreError:
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith(_BUSY):
        return StoreBusyError(
            f"{path}: another program is writing to the store", fix="try again; stop the other one if this lasts"
        )
    for start, (problem, fix) in _FIXES.items():
        if name.startswith(start):
            return StoreError(f"{path}: {problem} ({error})", fix=fix)
    return StoreError(f"{path}: {error}", fix="run 'footfall doctor'; if it finds nothing, report this message")
