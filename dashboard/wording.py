"""Durations, times and numbers as text for people."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from tracker.presence.calendar import CLOCK, local_text
from tracker.presence.events import OPERATOR
from tracker.reports.text import count_text, length_text


def duration(seconds: float | None) -> str:
    """A length of time: `45 s`, `12 min`, `1 h 05 min`, `3 d 4 h`; a dash for None."""
    if seconds is None:
        return "–"
    return length_text(max(0.0, seconds), coarse=True)


def clock(at: datetime, zone: ZoneInfo) -> str:
    """Hours and minutes at the site."""
    return local_text(at, zone, CLOCK)


def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """The time at the site, with the day in front when it is not today."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    return clock(at, zone) if local.date() == today else f"{day(local.date(), today)} {clock(at, zone)}"


def stamp(at: datetime, zone: ZoneInfo) -> str:
    """Day and time at the site, for columns: `Sun 22 Nov 13:37`."""
    local = at.astimezone(zone)
    return f"{local:%a} {local.day} {local_text(at, zone, '%b %H:%M')}"


def day(on: date, today: date) -> str:
    """`today`, `yesterday`, else `14 Mar`, with the year when it is another one."""
    if on == today:
        return "today"
    if on == today - timedelta(days=1):
        return "yesterday"
    return f"{on.day} {on:%b}" if on.year == today.year else f"{on.day} {on:%b %Y}"


def count(number: int, one: str, many: str | None = None) -> str:
    """`1 visit`, `1,204 visits`."""
    return count_text(number, one, many)


def percent(fraction: float | None) -> str:
    """`37 %`; a dash for None."""
    return "–" if fraction is None else f"{fraction:.0%}".replace("%", " %")


def capital(text: str) -> str:
    """The text with a capital in front, the rest as it is."""
    return text[:1].upper() + text[1:]


def sentence(text: str) -> str:
    """The text with a full stop behind and a capital in front, unless it begins with a name, which stays as it is.

    A name is the text before a colon, as in `my store.sqlite3: it is a folder`, or a first word with other characters
    than letters.
    """
    full = text if text.endswith((".", "!", "?")) else f"{text}."
    named = ": " in full or not full.split(maxsplit=1)[0].rstrip(",.!?").isalpha()
    return full if named else capital(full)


def camera_text(camera_id: str | None) -> str:
    """The camera of an event: `by hand` for one that somebody added, empty for none."""
    return "by hand" if camera_id == OPERATOR else camera_id or ""


def initials(name: str) -> str:
    """The initials of a name, at most two."""
    words = [word for word in name.split() if word]
    letters = [words[0][0], words[-1][0]] if len(words) > 1 else [word[0] for word in words]
    return "".join(letters).upper() or "?"
