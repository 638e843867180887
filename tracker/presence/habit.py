"""When somebody usually comes: on which weekdays, at what time of day. Pure, standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from statistics import median_low, quantiles

_MIN_VISITS = 3
_MOST_WEEKDAYS = 3
_USUAL_SHARE = 0.7
_SAME_TIME_MIN = 90.0
"""Half of the visits begin within so many minutes where there is a usual time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """What the beginnings of visits have in common.

    weekdays: 0 Monday to 6 Sunday, the ones on which most visits began; empty where they are spread over the week.
    around: the usual time of day, None where there is none.
    """

    weekdays: tuple[int, ...] = ()
    around: time | None = None


def habit_of(starts: Sequence[datetime]) -> Habit:
    """The habit that visits show which began then, in local time; none below three visits."""
    if len(starts) < _MIN_VISITS:
        return Habit()
    minutes = [60 * each.hour + each.minute for each in starts]
    first, _, third = quantiles(minutes, n=4, method="inclusive")
    usual = median_low(minutes)
    same_time = third - first <= _SAME_TIME_MIN
    return Habit(weekdays=_weekdays(starts), around=time(*divmod(usual, 60)) if same_time else None)


def _weekdays(starts: Sequence[datetime]) -> tuple[int, ...]:
    """The fewest weekdays on which most visits began; none where that takes too many."""
    ranked = Counter(each.weekday() for each in starts).most_common()
    for count in range(1, _MOST_WEEKDAYS + 1):
        if sum(visits for _, visits in ranked[:count]) >= _USUAL_SHARE * len(starts):
            return tuple(sorted(weekday for weekday, _ in ranked[:count]))
    return ()
