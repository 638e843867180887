"""Lists of picture pairs that are known to show the same person or two people: CSV files as people write them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from config.errors import RecordError

COLUMNS = ("file_x", "file_y", "same")
_YES = frozenset({"1", "1.0", "same", "t", "true", "y", "yes"})
_NO = frozenset({"0", "0.0", "different", "f", "false", "n", "no"})
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, as the list names them, and whether they show the same person."""

    first: str
    second: str
    same: bool


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a CSV file with the columns file_x, file_y and same, in any order; other columns do not matter.

    Takes commas, semicolons, tabs or bars, UTF-8 or UTF-16 with or without a mark, any case, and for `same` yes/no,
    true/false, 1/0, y/n, same/different. Blank lines are passed over. Raises RecordError naming the line.
    """
    lines = io.StringIO(_text(path), newline="")
    header = lines.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().strip('"').casefold() for name in header.split(delimiter)]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RecordError(
            f"{path}: no column {' or '.join(missing)}, found {', '.join(filter(None, names)) or 'nothing'}"[:300],
            fix=f"begin the file with the line {','.join(COLUMNS)}",
        )
    places = tuple(names.index(name) for name in COLUMNS)
    try:
        pairs = _pairs(path, csv.reader(lines, delimiter=delimiter, strict=True), places)
    except csv.Error as error:
        raise RecordError(f"{path}: not a CSV file ({error})", fix="check quotes and delimiters") from error
    if not pairs:
        raise RecordError(f"{path}: no pair in it", fix=f"write a line a pair: {','.join(COLUMNS)}")
    return pairs


def _pairs(path: Path, rows: Iterable[list[str]], places: tuple[int, ...]) -> list[Pair]:
    pairs = []
    for number, row in enumerate(rows, 2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) <= max(places):
            raise RecordError(
                f"{path}, line {number}: {len(cells)} columns, the header has more", fix="complete the line"
            )
        first, second, same = (cells[place] for place in places)
        if not first or not second:
            raise RecordError(f"{path}, line {number}: a file name is missing", fix="give two file names")
        pairs.append(Pair(first, second, _same(path, number, same)))
    return pairs


def _same(path: Path, number: int, text: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise RecordError(f"{path}, line {number}: same is {text[:40]!r}", fix="write yes or no, true or false, 1 or 0")
    return word in _YES


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})", fix="give a readable CSV file") from error
    wide = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not text in UTF-8", fix="save it as CSV in UTF-8") from error
