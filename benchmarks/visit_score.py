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
from tracker.presence.sessions import Session
from tracker.simulation.truth import Segment

_INADMISSIBLE_S = 1e7
"""Cost of an inadmissible pair; larger than the time between any two visits."""
ON_TIME = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredVisit:
    """A true or derived visit; times UTC. dwell_s: net, None where it is unknown."""

    person_id: str
    started_at: datetime
    ended_at: datetime
    dwell_s: float | None

    @classmethod
    def of(cls, session: Session, now: datetime) -> ScoredVisit:
        """A session; one that is open ends now."""
        return cls(
            person_id=session.person_id,
            started_at=session.started_at,
            ended_at=session.ended_at or now,
            dwell_s=session.dwell_s if session.dwell_known else None,
        )


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


Pair = tuple[ScoredVisit, ScoredVisit]


def true_visits(segments: Iterable[Segment], *, merge_gap: timedelta) -> list[ScoredVisit]:
    """Visits of the segments (in any order), by start, then person; a gap up to merge_gap does not end a visit."""
    by_person: dict[str, list[list[Segment]]] = {}
    for segment in sorted(segments, key=lambda segment: segment.entered_at):
        groups = by_person.setdefault(segment.person_id, [])
        if groups and segment.entered_at - groups[-1][-1].left_at <= merge_gap:
            groups[-1].append(segment)
        else:
            groups.append([segment])
    found = [_joined(group) for groups in by_person.values() for group in groups]
    return sorted(found, key=lambda visit: (visit.started_at, visit.person_id))


def _joined(segments: Sequence[Segment]) -> ScoredVisit:
    return ScoredVisit(
        person_id=segments[0].person_id,
        started_at=segments[0].entered_at,
        ended_at=segments[-1].left_at,
        dwell_s=sum((segment.left_at - segment.entered_at).total_seconds() for segment in segments),
    )


def score(truth: Sequence[ScoredVisit], ours: Sequence[ScoredVisit], *, zone: tzinfo, tolerance: timedelta) -> Score:
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


def matched(truth: Sequence[ScoredVisit], ours: Sequence[ScoredVisit], *, tolerance: timedelta) -> list[Pair]:
    """Pairs (true, ours) of one person that overlap within the tolerance, in the largest one-to-one matching."""
    mine: dict[str, list[ScoredVisit]] = {}
    for visit in ours:
        mine.setdefault(visit.person_id, []).append(visit)
    true: dict[str, list[ScoredVisit]] = {}
    for visit in truth:
        true.setdefault(visit.person_id, []).append(visit)
    return [pair for person_id in sorted(true) for pair in _pairs(true[person_id], mine.get(person_id, []), tolerance)]


def _pairs(truth: list[ScoredVisit], ours: list[ScoredVisit], tolerance: timedelta) -> list[Pair]:
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


def _ends(visits: Iterable[ScoredVisit]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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


def _occupancy_error(truth: Sequence[ScoredVisit], ours: Sequence[ScoredVisit]) -> float | None:
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


def counted_score(truth: Sequence[ScoredVisit], counted: Count) -> CountedScore:
    """Compare a count of all days with the truth: every segment, without the gaps that visits bridge."""
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
