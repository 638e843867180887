"""Truth files of `footfall camera count`: who really crossed the line, and when."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from config.errors import RecordError
from tracker.agent.count_score import Passing

_FIELDS = ("at_s", "direction")
_INWARD = {"in": True, "out": False}
_FIX = "give CSV with the columns at_s,direction (seconds since the beginning; in or out), or JSON with these fields"


def read_truth(path: Path) -> list[Passing]:
    """The passings of a CSV or JSON file with the fields at_s and direction (in or out).

    JSON: a list of objects, or an object with such a list as `crossings`. Raises RecordError, with the row.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})", fix="check the path of --truth") from error
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not UTF-8 text", fix=_FIX) from error
    rows = _rows_of_json(path, text) if path.suffix.lower() == ".json" else _rows_of_csv(path, text)
    return [_passing(f"{path}, {place}", row) for place, row in rows]


def _rows_of_csv(path: Path, text: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    reader = csv.DictReader(io.StringIO(text, newline=""), skipinitialspace=True)
    missing = [name for name in _FIELDS if name not in (reader.fieldnames or ())]
    if missing:
        raise RecordError(f"{path}: no column {' and no column '.join(missing)} in its first line", fix=_FIX)
    try:
        for row in reader:
            yield f"line {reader.line_num}", row
    except csv.Error as error:
        raise RecordError(f"{path}, line {reader.line_num}: not CSV ({error})", fix=_FIX) from error


def _rows_of_json(path: Path, text: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not JSON ({error})", fix=_FIX) from error
    rows = document.get("crossings") if isinstance(document, dict) else document
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RecordError(f"{path}: not a list of crossings", fix=_FIX)
    return [(f"crossing {number}", row) for number, row in enumerate(rows, 1)]


def _passing(place: str, row: Mapping[str, Any]) -> Passing:
    """Raises RecordError."""
    seconds, direction = row.get("at_s"), row.get("direction")
    try:
        at_s = float(seconds if isinstance(seconds, int | float | str) else "")
    except (ValueError, OverflowError):
        at_s = math.nan
    if not (0 <= at_s < math.inf) or isinstance(seconds, bool):
        raise RecordError(f"{place}: at_s is {_shown(seconds)}, not a number of seconds from 0 on", fix=_FIX)
    inward = _INWARD.get(direction.strip().lower()) if isinstance(direction, str) else None
    if inward is None:
        raise RecordError(f"{place}: direction is {_shown(direction)}, neither in nor out", fix=_FIX)
    return Passing(at_s=at_s, inward=inward)


def _shown(value: object) -> str:
    return "missing" if value is None else repr(value)[:40]
