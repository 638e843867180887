"""Sessions as numpy columns: parsed from a store's portions, put together, and cut."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Instants: TypeAlias = NDArray[np.datetime64]
Rows: TypeAlias = NDArray[np.intp]
LATE = np.datetime64("9999-01-01", "us")
"""Later than any visit."""
SessionColumns: TypeAlias = Mapping[str, Sequence[Any]]
"""Some sessions by column, one value a session: session_id, person_id, started_at, ended_at, segments, enter_inferred,
exit_inferred, bounce, enter_camera_id, exit_camera_id. Times are text, as `time_text` writes them, None while open;
segments: a JSON list of [start, end], None for one.
"""


class Codes:
    """Numbers for texts, in the order in which they appear; -1 for None."""

    def __init__(self) -> None:
        self.codes: dict[str, int] = {}
        self._known = pd.CategoricalDtype(pd.Index([], dtype="object"))

    def __len__(self) -> int:
        return len(self.codes)

    def of(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """The numbers of some texts."""
        places, found = pd.factorize(np.array(texts, dtype=object))
        codes = [self.codes.setdefault(text, len(self.codes)) for text in found]
        return np.array([*codes, -1], dtype=np.int32)[places]

    def column(self, codes: NDArray[np.int32]) -> pd.Categorical:
        """The texts of some numbers."""
        if len(self.codes) != len(self._known.categories):  # to make one takes longer than to cut the columns
            self._known = pd.CategoricalDtype(pd.Index(list(self.codes), dtype="object"))
        return pd.Categorical.from_codes(codes, dtype=self._known)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """N sessions by column.

    session_id: (N,) texts. person, enter_camera, exit_camera: (N,) int32, codes; -1 for no camera. started, ended: (N,)
    UTC, NaT while open. enter_inferred, exit_inferred, bounce: (N,) bool. part_of, part_started, part_ended: (M,) the
    segments of the sessions that have several, by their row.
    """

    session_id: NDArray[Any]
    person: NDArray[np.int32]
    started: Instants
    ended: Instants
    enter_inferred: NDArray[np.bool_]
    exit_inferred: NDArray[np.bool_]
    bounce: NDArray[np.bool_]
    enter_camera: NDArray[np.int32]
    exit_camera: NDArray[np.int32]
    part_of: NDArray[np.int64]
    part_started: Instants
    part_ended: Instants

    def __len__(self) -> int:
        return len(self.session_id)

    @classmethod
    def parsed(cls, portion: SessionColumns, people: Codes, cameras: Codes) -> Self:
        """From what a store gives, in its order. people, cameras: are added to."""
        parts = [
            (row, *part)
            for row, text in enumerate(portion["segments"])
            if text is not None
            for part in json.loads(text)
        ]
        part_of, part_starts, part_ends = zip(*parts, strict=True) if parts else ((), (), ())
        ids = np.empty(len(portion["session_id"]), dtype=object)
        ids[:] = portion["session_id"]
        return cls(
            session_id=ids,
            person=people.of(portion["person_id"]),
            started=instants_of(portion["started_at"]),
            ended=instants_of(portion["ended_at"]),
            enter_inferred=np.array(portion["enter_inferred"], dtype=bool),
            exit_inferred=np.array(portion["exit_inferred"], dtype=bool),
            bounce=np.array(portion["bounce"], dtype=bool),
            enter_camera=cameras.of(portion["enter_camera_id"]),
            exit_camera=cameras.of(portion["exit_camera_id"]),
            part_of=np.array(part_of, dtype=np.int64),
            part_started=instants_of(part_starts),
            part_ended=instants_of(part_ends),
        )

    @classmethod
    def joined(cls, portions: Iterable[Self]) -> Self:
        """All of them, one portion after another."""
        known = list(portions)
        first_rows = np.cumsum([0, *map(len, known)])
        columns = {
            each.name: np.concatenate([getattr(portion, each.name) for portion in known]) for each in fields(cls)
        }
        columns["part_of"] = np.concatenate(
            [portion.part_of + first for portion, first in zip(known, first_rows, strict=False)]
        )
        return cls(**columns)

    def take(self, rows: Rows) -> Self:
        """These rows, in their order."""
        places = np.full(len(self), -1, dtype=np.int64)
        places[rows] = np.arange(len(rows))
        kept = places[self.part_of] >= 0
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = {name: columns.pop(name)[kept] for name in ("part_of", "part_started", "part_ended")}
        return type(self)(
            **{name: column[rows] for name, column in columns.items()},
            **{**parts, "part_of": places[parts["part_of"]]},
        )

    def between(self, first: int, last: int) -> Self:
        """The rows from the first to before the last one; no column is copied."""
        columns = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = {name: columns.pop(name) for name in ("part_of", "part_started", "part_ended")}
        kept = (self.part_of >= first) & (self.part_of < last)
        return type(self)(
            **{name: column[first:last] for name, column in columns.items()},
            **{**{name: part[kept] for name, part in parts.items()}, "part_of": parts["part_of"][kept] - first},
        )

    def in_order(self, people: Codes) -> Self:
        """The same by start, then person."""
        used, place = np.unique(self.person, return_inverse=True)
        texts = list(people.codes)
        ranks = np.empty(len(used), dtype=np.int32)
        ranks[sorted(range(len(used)), key=lambda each: texts[used[each]])] = np.arange(len(used))
        return self.take(np.lexsort((ranks[place], self.started)))


def instants_of(texts: Iterable[str | None]) -> Instants:
    """Texts as `time_text` writes them as instants; NaT for None."""
    return np.array([None if text is None else text[:-1] for text in texts], dtype="datetime64[us]")


def instant_of(at: datetime) -> np.datetime64:
    """A time, timezone-aware."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "us")
