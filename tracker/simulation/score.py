"""Accuracy of derived visits against the ground truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.presence.occupancy import Count, microseconds

_INADMISSIBLE_S = 1e7
"""Cost of an inadmissible pair; larger than the time between any two visits."""
ON_TIME = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A true or derived visit; times UTC. dwell_s: net, None where it is unknown."""

    person_id: str
    started_at: datetime
    ended_at: datetime
    dwell_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Derived visits compared with the truth; shares in 0..1, None where there is nothing to compare.

    entries, exits: 1 - |ours - true| / true by hour, weighted by the true count (errors of different hours do not
    cancel; can be below 0). total: ours / true. matched: true visits with an overlapping derived visit of the same
    person, one to one. invented: other derived visits / true visits. on_time: true visits matched with both ends within
    a minute. measured: matched visits with a known dwell. dwell_median, dwell_p95: of |ours - true| / true over those.
    occupancy: mean over time of |ours - true|, relative to the mean of the truth.
    """

    visits: int
    entries: float | None
    exits: float | None
    total: float | None
    matched: float | None
    invented: float | None
    on_time: float | None
    measured: float | None
    dwell_median: float | None
    dwell_p95: float | None
    occupancy: float | None


def score(truth: Sequence[Visit], ours: Sequence[Visit], *, zone: tzinfo, tolerance: timedelta) -> Score:
    """Compare visits with the truth. tolerance: maximum gap between visits that still match."""
    pairs = matched(truth, ours, tolerance=tolerance)
    count = len(truth)
    errors = [
        abs(our.dwell_s - true.dwell_s) / true.dwell_s
        for true, our in pairs
        if our.dwell_s is not None and true.dwell_s
    ]
    on_time = sum(
        abs(our.started_at - true.started_at) <= ON_TIME and abs(our.ended_at - true.ended_at) <= ON_TIME
        for true, our in pairs
    )
    return Score(
        visits=count,
        entries=_hourly([visit.started_at for visit in truth], [visit.started_at for visit in ours], zone),
        exits=_hourly([visit.ended_at for visit in truth], [visit.ended_at for visit in ours], zone),
        total=len(ours) / count if count else None,
        matched=len(pairs) / count if count else None,
        invented=(len(ours) - len(pairs)) / count if count else None,
        on_time=on_time / count if count else None,
        measured=len(errors) / count if count else None,
        dwell_median=float(np.median(errors)) if errors else None,
        dwell_p95=float(np.percentile(errors, 95)) if errors else None,
        occupancy=_occupancy_error(truth, ours),
    )


def matched(truth: Sequence[Visit], ours: Sequence[Visit], *, tolerance: timedelta) -> list[tuple[Visit, Visit]]:
    """Pairs (true, ours) of one person that overlap within the tolerance, in the largest one-to-one matching."""
    mine: dict[str, list[Visit]] = {}
    for visit in ours:
        mine.setdefault(visit.person_id, []).append(visit)
    true: dict[str, list[Visit]] = {}
    for visit in truth:
        true.setdefault(visit.person_id, []).append(visit)
    return [pair for person_id in sorted(true) for pair in _pairs(true[person_id], mine.get(person_id, []), tolerance)]


def _pairs(truth: list[Visit], ours: list[Visit], tolerance: timedelta) -> list[tuple[Visit, Visit]]:
    if not ours:
        return []
    slack = tolerance.total_seconds()
    starts, ends = _ends(truth)
    our_starts, our_ends = _ends(ours)
    differences = np.abs(starts[:, None] - our_starts) + np.abs(ends[:, None] - our_ends)
    overlaps = (our_starts <= ends[:, None] + slack) & (our_ends >= starts[:, None] - slack)
    rows, columns = linear_sum_assignment(
        np.where(overlaps, np.minimum(differences, _INADMISSIBLE_S / 1e3), _INADMISSIBLE_S)
    )
    return [(truth[row], ours[column]) for row, column in zip(rows, columns, strict=True) if overlaps[row, column]]


def _ends(visits: Iterable[Visit]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Starts and ends, seconds since 1970."""
    pairs = np.array([(visit.started_at.timestamp(), visit.ended_at.timestamp()) for visit in visits])
    return pairs[:, 0], pairs[:, 1]


def _hourly(truth: Iterable[datetime], ours: Iterable[datetime], zone: tzinfo) -> float | None:
    true, mine = _by_hour(truth, zone), _by_hour(ours, zone)
    if not true:
        return None
    wrong = sum(abs(true[hour] - mine[hour]) for hour in true.keys() | mine.keys())
    return 1 - wrong / true.total()


def _by_hour(times: Iterable[datetime], zone: tzinfo) -> Counter[tuple[int, int]]:
    there = (at.astimezone(zone) for at in times)
    return Counter((at.toordinal(), at.hour) for at in there)


def _occupancy_error(truth: Sequence[Visit], ours: Sequence[Visit]) -> float | None:
    """Gross, from start to end of each visit."""
    inside_s = sum((visit.ended_at - visit.started_at).total_seconds() for visit in truth)
    if not inside_s:
        return None
    steps = [
        (at.timestamp(), sign * side)
        for side, visits in ((1, ours), (-1, truth))
        for visit in visits
        for at, sign in ((visit.started_at, 1), (visit.ended_at, -1))
    ]
    at_s, by = np.array(sorted(steps)).T
    return float(np.abs(np.cumsum(by))[:-1] @ np.diff(at_s) / inside_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedScore:
    """People counted at doors compared with the truth; shares, None where there is nothing to compare.

    entries: ours / true. occupancy: mean over time of |ours - true| people inside, relative to the true peak.
    recognised: entries by people who were recognised / ours.
    """

    entries: float | None
    occupancy: float | None
    recognised: float | None


def counted_score(truth: Sequence[Visit], counted: Count) -> CountedScore:
    """Compare a count of all days with the truth: every stay inside, without the gaps that visits bridge."""
    entered = [each for each in counted.crossings if each.enters]
    steps: dict[int, int] = {}
    for visit in truth:
        for at, step in ((visit.started_at, 1), (visit.ended_at, -1)):
            steps[microseconds(at)] = steps.get(microseconds(at), 0) + step
    ours = dict(counted.steps or ())
    at_us = sorted({*steps, *ours})
    true = np.cumsum([steps.get(each, 0) for each in at_us])
    people = list(accumulate(at_us, lambda before, each: ours.get(each, before), initial=0))[1:]
    wrong = np.abs(np.array(people) - true)[:-1] @ np.diff(at_us) if at_us else 0
    recognised = sum(each.person_id is not None for each in entered)
    return CountedScore(
        entries=len(entered) / len(truth) if truth else None,
        occupancy=float(wrong / (at_us[-1] - at_us[0]) / true.max()) if truth else None,
        recognised=recognised / len(entered) if entered else None,
    )
