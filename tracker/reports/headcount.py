"""People counted by events, recognised or not: crossings at doors, and how many are inside.

The rules of the count are in presence/occupancy.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tracker.presence.occupancy import Count, Passage, View, in_view, microseconds
from tracker.reports.columns import Instants, Rows, instant_of

Flags: TypeAlias = NDArray[np.bool_]
_NEVER_US = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Crossings:
    """N crossings of doors at which everybody is counted, by time.

    at: (N,) UTC. enters: (N,) inwards. recognised: (N,) of somebody with a name or a visitor id. camera: (N,) texts.
    """

    at: Instants
    enters: Flags
    recognised: Flags
    camera: NDArray[Any]

    @classmethod
    def of(cls, passages: Iterable[Passage]) -> Self:
        """Of events at doors, in any order."""
        known = list(passages)
        codes, cameras = pd.factorize(np.array([each.camera_id for each in known], dtype=object))
        in_any_order = cls(
            at=np.array([each.at_us for each in known], dtype="int64").astype("datetime64[us]"),
            enters=np.array([each.enters for each in known], dtype=bool),
            recognised=np.array([each.person_id is not None for each in known], dtype=bool),
            camera=np.asarray(cameras, dtype=object)[codes],
        )
        return in_any_order.take(np.argsort(in_any_order.at, kind="stable"))

    def take(self, rows: slice | Flags | Rows) -> Self:
        """These rows."""
        return type(self)(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})

    def unrecognised(self) -> Self:
        """Those of people who were not recognised."""
        return self.take(~self.recognised)

    def then(self, later: Self) -> Self:
        """These, and later ones."""
        pairs = {each.name: (getattr(self, each.name), getattr(later, each.name)) for each in fields(self)}
        return type(self)(**{name: np.concatenate(pair) for name, pair in pairs.items()})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Headcount:
    """What is counted of a site in a range by events. Where it is not counted, visits are.

    crossings: at the doors; None where entries and exits are those of visits. steps: (instants, people) how many are
    inside from each instant on, by the doors; None where the visits that go on say so. views: of people in rooms, where
    `steps` is None: somebody unidentified in view is inside as well. end_us: up to then (microseconds, not included).
    """

    crossings: Crossings | None = None
    steps: tuple[Instants, NDArray[np.int64]] | None = None
    views: tuple[View, ...] = ()
    end_us: int = _NEVER_US

    @property
    def counts_people(self) -> bool:
        """Whether the people inside are others than those of the visits."""
        return self.steps is not None or bool(self.views)

    def without_people(self, person_ids: Iterable[str]) -> Headcount:
        """The same without views of these people. At doors everybody counts."""
        unwanted = set(person_ids)
        kept = tuple(view for view in self.views if view.person_id not in unwanted)
        return replace(self, views=kept)

    def people(self, visiting: pd.Series[int]) -> pd.Series[int]:
        """People inside from each instant on, until the next. visiting: the same by the visits that go on."""
        if self.steps is not None:
            return _changes(*self.steps)
        if not self.views:
            return visiting
        found = [step for step in in_view(self.views) if step[0] < self.end_us]
        at = np.array([at_us for at_us, *_ in found], dtype="datetime64[us]")
        together = np.array([0, *(people for *_, people in found)], dtype=np.int64)
        visits = np.append(0, visiting.to_numpy(dtype=np.int64))
        visiting_at = pd.DatetimeIndex(visiting.index).tz_localize(None).to_numpy().astype("datetime64[us]")
        both = np.union1d(visiting_at, at)
        by_visits, by_views = (np.searchsorted(each, both, side="right") for each in (visiting_at, at))
        return _changes(both, np.maximum(visits[by_visits], together[by_views]))

    def then(self, later: Headcount) -> Headcount:
        """This, and what follows from a reset on."""
        crossings, steps = self.crossings, self.steps
        if crossings is not None and later.crossings is not None:
            crossings = crossings.then(later.crossings)
        if steps is not None and later.steps is not None:
            steps = (np.concatenate([steps[0], later.steps[0]]), np.concatenate([steps[1], later.steps[1]]))
        return Headcount(crossings=crossings, steps=steps, views=(*self.views, *later.views))

    def between(self, since: datetime, until: datetime) -> Headcount:
        """What of it touches [since, until)."""
        crossings, steps = self.crossings, self.steps
        begin, end = instant_of(since), instant_of(until)
        if crossings is not None:
            first, last = np.searchsorted(crossings.at, [begin, end])
            crossings = crossings.take(slice(first, last))
        if steps is not None:
            first = max(int(np.searchsorted(steps[0], begin, side="right")) - 1, 0)
            last = int(np.searchsorted(steps[0], end))
            steps = (steps[0][first:last], steps[1][first:last])
        since_us, end_us = microseconds(since), microseconds(until)
        kept = tuple(
            View(max(view.since_us, since_us), view.until_us, view.camera_id, view.person_id)
            for view in self.views
            if view.until_us > since_us and view.since_us < end_us
        )
        if all(view.person_id is not None for view in kept):
            kept = ()
        return Headcount(crossings=crossings, steps=steps, views=kept, end_us=end_us)


def headcount_of(counted: Count) -> Headcount:
    """The same as numpy columns."""
    if counted.steps is None:
        return Headcount(views=tuple(counted.views))
    steps = np.array(counted.steps, dtype=np.int64)
    return Headcount(
        crossings=Crossings.of(counted.crossings),
        steps=(steps[:, 0].astype("datetime64[us]"), steps[:, 1]),
    )


def _changes(at: Instants, people: NDArray[np.int64]) -> pd.Series[int]:
    """Steps without those at which nothing changes."""
    changed = np.diff(people, prepend=0) != 0
    return pd.Series(people[changed], index=pd.DatetimeIndex(at[changed]).tz_localize(UTC), dtype="int64")
