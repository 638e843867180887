"""What waits for a review, in words: nobody's picture is kept, so these are what a person decides by."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard.wording import capital, clock, count, day, moment
from tracker.identity.review import Resemblance
from tracker.presence.habit import Habit
from tracker.review.doubts import DoubtfulVisit
from tracker.review.strangers import Stranger

_NAMES_SHOWN = 3
_LIKE = {
    Resemblance.STRONG: "probably {name}",
    Resemblance.NEAR: "looks like {name}",
    Resemblance.SLIGHT: "looks a little like {name}",
}
_DOUBTS = ((0.67, "very doubtful"), (0.33, "doubtful"), (0.0, "a little doubtful"))


def listed(words: Sequence[str]) -> str:
    """`Tue`, `Tue and Thu`, `Mon, Tue and Thu`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def stranger_name(stranger: Stranger) -> str:
    """The labels of the visitors, the first of many."""
    names = [person.name for person in stranger.people]
    if len(names) <= _NAMES_SHOWN:
        return listed(names)
    return listed([*names[: _NAMES_SHOWN - 1], f"{len(names) - _NAMES_SHOWN + 1} more"])


def stranger_visits(stranger: Stranger) -> str:
    """`6 visits, mostly Tue and Thu around 18:10, by door-1`."""
    parts = [count(stranger.visits, "visit"), habit_words(stranger.habit)]
    parts.append(f"by {stranger.camera_id}" if stranger.camera_id else "")
    return ", ".join(filter(None, parts))


def habit_words(habit: Habit) -> str:
    """`mostly Tue and Thu around 18:10`; empty without a habit."""
    days = [calendar.day_abbr[weekday] for weekday in habit.weekdays]
    usual = habit.around
    at = "" if usual is None else f"around {usual.replace(minute=usual.minute // 5 * 5):%H:%M}"
    return " ".join(filter(None, ("mostly", listed(days) if days else "", at))) if days or at else ""


def stranger_seen(stranger: Stranger, zone: ZoneInfo, now: datetime) -> str:
    """`First seen 3 Nov, last yesterday 18:20`."""
    first, last = stranger.first_seen.astimezone(zone).date(), moment(stranger.last_seen, zone, now)
    today = now.astimezone(zone).date()
    if stranger.visits == 1:
        return f"Seen once, {day(first, today)} {clock(stranger.first_seen, zone)}"
    when = f"today {last}" if stranger.last_seen.astimezone(zone).date() == today else last
    return f"First seen {day(first, today)}, last {when}"


def likeness_words(stranger: Stranger, names: Mapping[str, str]) -> str:
    """`Looks a little like Ben (1.08)`; empty where the stranger resembles nobody."""
    like = stranger.like
    if like is None:
        return ""
    return capital(f"{_LIKE[like.resemblance].format(name=names[like.person_id])} ({like.distance:.2f})")


def visit_time(doubtful: DoubtfulVisit, zone: ZoneInfo, now: datetime) -> str:
    """`Today 09:12 to 10:02, by door-1`."""
    visit = doubtful.visit
    today, local = now.astimezone(zone).date(), visit.started_at.astimezone(zone).date()
    until = "now" if visit.ended_at is None else clock(visit.ended_at, zone)
    return capital(f"{day(local, today)} {clock(visit.started_at, zone)} to {until}, by {doubtful.match.camera_id}")


def visit_doubt(doubtful: DoubtfulVisit) -> str:
    """`very doubtful`, `doubtful` or `a little doubtful`."""
    return next(words for least, words in _DOUBTS if doubtful.doubt >= least)


def visit_figures(doubtful: DoubtfulVisit, names: Mapping[str, str]) -> str:
    """`Distance 0.97 of at most 1.05; Ben is next at 1.03`."""
    distance = doubtful.match.distance
    found = "" if distance is None else f"Distance {distance:.2f} of at most {doubtful.limit:.2f}"
    rival, margin = doubtful.runner_up, doubtful.match.margin
    if rival is not None:
        next_one = f"{names[rival.person_id]} is next at {rival.distance:.2f}"
    elif margin is None:
        next_one = ""
    else:
        next_one = f"the next person is {margin:.2f} farther" if margin >= 0 else f"another is {-margin:.2f} nearer"
    return "; ".join(filter(None, (found, next_one)))


def visit_faces(doubtful: DoubtfulVisit) -> str:
    """What an answer can teach."""
    if not doubtful.vectors:
        return "No face of this visit is kept: the answer counts for the visit alone"
    return f"{count(doubtful.vectors, 'face')} of this visit kept"
