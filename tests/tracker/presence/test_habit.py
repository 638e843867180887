"""Weekdays and times of day at which somebody usually comes."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from tracker.presence.habit import Habit, habit_of

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def starts(*when: tuple[int, str]) -> list[datetime]:
    """(days after Monday 2 March, time of day)"""
    return [datetime.combine(MONDAY + timedelta(days=days), time.fromisoformat(at), UTC) for days, at in when]


@pytest.mark.parametrize(
    ("when", "habit"),
    [
        pytest.param([], Habit(), id="never"),
        pytest.param([(1, "18:00"), (8, "18:00")], Habit(), id="twice-is-no-habit"),
        pytest.param(
            [(1, "18:00"), (3, "18:10"), (8, "18:20"), (10, "18:05"), (15, "18:15"), (19, "18:12")],
            Habit(weekdays=(1, 3), around=time(18, 10)),
            id="two-weekdays-and-a-time",
        ),
        pytest.param(
            [(0, "08:00"), (7, "12:00"), (14, "17:00"), (21, "20:00")], Habit(weekdays=(0,)), id="at-any-time"
        ),
        pytest.param([(day, "07:30") for day in range(7)], Habit(around=time(7, 30)), id="on-any-day"),
    ],
)
def test_habit_is_what_most_visits_have_in_common(when: list[tuple[int, str]], habit: Habit) -> None:
    assert habit_of(starts(*when)) == habit
    assert habit_of(starts(*reversed(when))) == habit
