"""Files that commands write: complete or not at all."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, TypeAlias
from zoneinfo import ZoneInfo

from config.errors import FootfallError
from tracker.reports.sheets import Column, Row
from tracker.reports.text import rows_csv

_BYTE_ORDER_MARK = "\ufeff"
STDIO = "-"
"""The name of a file that means stdin or stdout."""
Documents: TypeAlias = Iterable[object]


@contextmanager
def json_lines(out: str) -> Iterator[Callable[[Documents], None]]:
    """A function that writes documents to a file, a line each; `-` is stdout.

    The file is there when all is written: an error or interrupt leaves what was there before. Raises FootfallError
    when it cannot be written.
    """
    if out == STDIO:
        yield lambda documents: _write(sys.stdout, documents)
        return
    path = Path(out)
    with replacing(path) as beside:
        with explained(path):
            file = beside.open("w", encoding="utf-8", newline="\n")
        with file:

            def write(documents: Documents) -> None:
                with explained(path):
                    _write(file, documents)
                    file.flush()

            yield write


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end, and is deleted when an error or interrupt ends it.

    A device or pipe is written directly. Raises FootfallError when the place cannot be taken.
    """
    with explained(path):
        is_special = path.exists() and not path.is_file()
        final = path.resolve()
    if is_special:
        yield path
        return
    beside = final.with_name(f".{final.name}.part")
    try:
        yield beside
        with explained(path):
            beside.replace(final)
    finally:
        with suppress(OSError):  # the folder may not exist
            beside.unlink(missing_ok=True)


def write_list(path: Path, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Write rows as CSV for spreadsheets, completely or not at all; names that are no text are escaped.

    Raises FootfallError when it cannot be written.
    """
    text = _BYTE_ORDER_MARK + rows_csv(columns, rows, ZoneInfo("UTC"))
    with replacing(path) as beside, explained(path):
        beside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def make_folder(path: Path, *, fix: str) -> None:
    """Create the folder where it is missing. Raises FootfallError."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FootfallError(f"{path}: cannot make this folder ({error.strerror})", fix=fix) from error


def _write(stream: TextIO, documents: Documents) -> None:
    stream.writelines(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n" for document in documents)


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an OSError about a file into a FootfallError."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader is gone: that is no fault of the file
    except OSError as error:
        raise FootfallError(
            f"{path}: cannot be written ({error.strerror})", fix="check path, permissions and free space"
        ) from error
