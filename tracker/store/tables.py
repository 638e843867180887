"""Tables whose rows are records: the fields of a dataclass are the columns; times and days are text, tuples JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

from config.errors import StoreError
from tracker.presence.events import time_text
from tracker.store.database import Transaction

Row: TypeAlias = tuple[Any, ...]
_Record = TypeVar("_Record")


def read_all(rows: Iterable[Row], read: Callable[[Row], _Record]) -> list[_Record]:
    """The records of rows. Raises StoreError naming the row that cannot be one."""
    records: list[_Record] = []
    for row in rows:
        try:
            records.append(read(row))
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise StoreError(
                f"the store holds a damaged row {row!r} ({error})", fix="restore the store from a backup"
            ) from error
    return records


def read_time(text: str) -> datetime:
    """The instant of a time as `time_text` wrote it."""
    return datetime.fromisoformat(text)


class Table(Generic[_Record]):
    """A table of records of one kind, with the statements that name all of its columns.

    columns: of the record, in order. select: all rows. select_merged: all rows, called `r`, with the ids that merged
    people have now. insert: values as `row` gives them, ended by `changed`.
    """

    def __init__(self, name: str, kind: type[_Record], *, derived: Iterable[str] = (), versioned: bool = True) -> None:
        """derived: columns that are no field, inserted after them. versioned: rows have `changed`, inserted last."""
        self.name = name
        self.columns = tuple(field.name for field in fields(kind))  # type: ignore[arg-type]
        self.column_list = ", ".join(self.columns)
        self.select = f"SELECT {self.column_list} FROM {name}"
        merged = ("coalesce(a.into_id, r.person_id)" if each == "person_id" else f"r.{each}" for each in self.columns)
        self.select_merged = (
            f"SELECT {', '.join(merged)} FROM {name} r LEFT JOIN aliases a ON a.person_id = r.person_id"
        )
        stored = (*self.columns, *derived, *(["changed"] if versioned else []))
        self.insert = f"INSERT INTO {name} ({', '.join(stored)}) VALUES ({', '.join('?' * len(stored))})"
        self._kind = kind
        self._values = attrgetter(*self.columns)
        hints = get_type_hints(kind)
        kinds = [(place, _kind(hints[each])) for place, each in enumerate(self.columns)]
        self._writers = [(place, _WRITERS[each]) for place, each in kinds if each in _WRITERS]
        self._readers = [(place, read) for place, each in kinds if (read := _reader(each)) is not None]

    def row(self, record: _Record) -> Row:
        """The values of a record, by column."""
        values = list(self._values(record))
        for place, write in self._writers:
            if values[place] is not None:
                values[place] = write(values[place])
        return tuple(values)

    def save(self, writing: Transaction, records: Iterable[_Record], on_conflict: str = "") -> int:
        """Insert records. on_conflict: the clause for those that are there. Returns how many are new or changed."""
        rows = [(*self.row(record), writing.changed) for record in records]
        return writing.connection.executemany(f"{self.insert} {on_conflict}", rows).rowcount

    def record(self, row: Row) -> _Record:
        """The record of a row; columns after those of the record are left out. Raises ValueError, TypeError."""
        values = list(row)
        for place, read in self._readers:
            if values[place] is not None:
                values[place] = read(values[place])
        return self._kind(**dict(zip(self.columns, values, strict=False)))

    def read(self, rows: Iterable[Row]) -> list[_Record]:
        """The records of rows. Raises StoreError naming the row that cannot be one."""
        return read_all(rows, self.record)


def _kind(hint: Any) -> type:
    """The type of a field's values but None; of a generic type its origin."""
    present = [part for part in get_args(hint) if part is not NoneType]
    (kind,) = present if NoneType in get_args(hint) else (hint,)
    origin: type | None = get_origin(kind)
    return origin or cast("type", kind)


def _reader(kind: type) -> Callable[[Any], object] | None:
    """What makes a field's value of a column's."""
    if kind in _READERS:
        return _READERS[kind]
    return kind if kind is bool or issubclass(kind, StrEnum) else None


def _write_texts(texts: tuple[str, ...]) -> str:
    return json.dumps(texts, ensure_ascii=False)


def _read_texts(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_WRITERS: Mapping[type, Callable[[Any], object]] = {datetime: time_text, date: date.isoformat, tuple: _write_texts}
_READERS: Mapping[type, Callable[[Any], object]] = {datetime: read_time, date: date.fromisoformat, tuple: _read_texts}
