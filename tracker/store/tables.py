"""Tables whose rows are records: the fields of a dataclass are the columns, times are text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from types import NoneType
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_type_hints

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
        self._times = [place for place, each in enumerate(self.columns) if datetime in _types(hints[each])]
        self._conversions = [
            (place, convert)
            for place, each in enumerate(self.columns)
            if (convert := _conversion(_types(hints[each]))) is not None
        ]

    def row(self, record: _Record) -> Row:
        """The values of a record, by column."""
        values = list(self._values(record))
        for place in self._times:
            if values[place] is not None:
                values[place] = time_text(values[place])
        return tuple(values)

    def save(self, writing: Transaction, records: Iterable[_Record], on_conflict: str = "") -> int:
        """Insert records. on_conflict: the clause for those that are there. Returns how many are new or changed."""
        rows = [(*self.row(record), writing.changed) for record in records]
        return writing.connection.executemany(f"{self.insert} {on_conflict}", rows).rowcount

    def record(self, row: Row) -> _Record:
        """The record of a row; columns after those of the record are left out. Raises ValueError, TypeError."""
        values = list(row)
        for place, convert in self._conversions:
            if values[place] is not None:
                values[place] = convert(values[place])
        return self._kind(**dict(zip(self.columns, values, strict=False)))

    def read(self, rows: Iterable[Row]) -> list[_Record]:
        """The records of rows. Raises StoreError naming the row that cannot be one."""
        return read_all(rows, self.record)


def _types(hint: Any) -> tuple[Any, ...]:
    return tuple(part for part in get_args(hint) if part is not NoneType) or (hint,)


def _conversion(types: tuple[Any, ...]) -> Callable[[Any], object] | None:
    """What makes a field's value of a column's."""
    (kind,) = types
    if kind is datetime:
        return read_time
    if kind is bool or issubclass(kind, StrEnum):
        return kind  # type: ignore[no-any-return]
    return None
