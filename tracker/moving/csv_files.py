"""CSV files of names and vectors: a column with a name, and the numbers in one column or in as many as there are."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from config.errors import PeopleError
from tracker.moving.json_files import ImportedFile, numbers_of
from tracker.moving.records import ImportedPerson, field_key

_NAMES = ("name", "fullname", "person", "label", "username", "id")
_FEWEST = 8
"""Numbers in a row."""
_FIX = "write a name and then the numbers in each row, all with a decimal point or all with a decimal comma"


def read_csv(content: bytes, *, name: str) -> ImportedFile:
    """The people of a CSV file in UTF-8; commas, semicolons or tabs are between the columns.

    Numbers of a row have a decimal point, or a decimal comma where commas are not between the columns.
    Raises PeopleError where a row has no name or no numbers.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise PeopleError(f"{name}: it is not in UTF-8", fix="save it as CSV in UTF-8") from error
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if any(row)]
    except csv.Error as error:
        raise PeopleError(f"{name}: not a CSV file ({error})", fix="export it again") from error
    titles = [field_key(title) for title in rows[0]] if rows else []
    column = next((titles.index(each) for each in _NAMES if each in titles), None)
    if rows and (column is not None or _vector(rows[0], 0) is None):
        del rows[0]
    column = column or 0
    found: dict[str, list[object]] = {}
    for number, row in enumerate(rows, 1):
        vector = _vector(row, column)
        called = row[column].strip() if column < len(row) else ""
        if vector is None or not called:
            raise PeopleError(f"{name}: row {number} has no name or no vector", fix=_FIX)
        found.setdefault(called, []).append(vector)
    if not found:
        raise PeopleError(f"{name}: no people found in it", fix=_FIX)
    return ImportedFile(
        people=tuple(ImportedPerson(name=each, keys=(each,), vectors=tuple(rows)) for each, rows in found.items())
    )


def _delimiter(text: str) -> str:
    """What is between the columns; commas beside many semicolons or tabs are decimal commas, or in names."""
    first = text.partition("\n")[0]
    return next((each for each in ";\t" if first.count(each) >= _FEWEST), max(",;\t", key=first.count))


def _vector(row: Sequence[str], column: int) -> object | None:
    """The numbers of a row: of one cell that holds them all, else of the last cells, without that of the name."""
    for cell in row:
        inside = numbers_of(cell)
        if inside is not None:
            return inside
    cells = row[column + 1 :] or row[:column]
    if not any("." in cell for cell in cells):
        cells = [cell.replace(",", ".") for cell in cells]
    numbers: list[float] = []
    for cell in reversed(cells):
        try:
            numbers.append(float(cell))
        except ValueError:
            break
    return numbers[::-1] if len(numbers) >= _FEWEST else None
