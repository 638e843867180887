"""How many people are inside, recognised or not: counted at doors, with who is in view in rooms as evidence.

Pure, and beside the sessions: those are about people who have a name or a visitor id. Times are microseconds since
1970, UTC, which a store's columns and datetimes become alike.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice, zip_longest
from operator import itemgetter
from typing import NamedTuple, TypeAlias

from tracker.presence.events import OPERATOR, Event, EventKind, is_unidentified
from tracker.presence.rules import Closings, Rules

RESET_AT = time(4)
"""When, on its own clock, the count of a site that never closes is reset."""

_MICROSECOND, _SURELY_RESET = timedelta(microseconds=1), timedelta(days=2)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Step: TypeAlias = tuple[int, int]
"""(at_us, people): so many from this instant on."""


class Passage(NamedTuple):
    """What the count needs of an event. person_id: None for somebody unidentified."""

    at_us: int
    enters: bool
    camera_id: str
    track_id: str
    person_id: str | None

    @classmethod
    def of(cls, event: Event) -> Passage:
        who = None if is_unidentified(event.person_id) else event.person_id
        return cls(microseconds(event.at), event.kind is EventKind.ENTER, event.camera_id, event.track_id, who)


class View(NamedTuple):
    """A time [since_us, until_us) for which one room camera has somebody in view; see Passage."""

    since_us: int
    until_us: int
    camera_id: str
    person_id: str | None


class Count(NamedTuple):
    """What is counted from a reset on.

    crossings: at doors where everybody is counted, in no order. views: of room cameras, by start. steps: how many
    people are inside by the two; None where not everybody is counted at the doors.
    """

    crossings: list[Passage]
    views: list[View]
    steps: list[Step] | None


def cameras_of(rules: Rules) -> frozenset[str]:
    """The cameras whose events count by the rules of a site."""
    doors = rules.entrances | rules.exits | {OPERATOR} if rules.counts_everybody else frozenset()
    return rules.rooms | doors


def count(passages: Iterable[Passage], rules: Rules, *, since: datetime, until: datetime | None = None) -> Count:
    """The count from a reset on, up to a later one; None for all there is.

    passages: of the cameras that count, from `max_visit` before `since` on, in any order. Whoever is inside is whoever
    came in and did not leave since the last reset; see `inside`.
    """
    found, since_us = list(passages), microseconds(since)
    last_us = max((each.at_us for each in found), default=since_us) if until is None else microseconds(until)
    end = since + (last_us - since_us) * _MICROSECOND + _SURELY_RESET
    resets_us = [microseconds(each) for each in resets(rules, since, end)]
    in_rooms = (each for each in found if each.camera_id in rules.rooms)
    seen = views(in_rooms, resets_us=resets_us, longest_us=rules.max_visit // _MICROSECOND)
    if not rules.counts_everybody:
        return Count(
            [], [View(max(each.since_us, since_us), *each[1:]) for each in seen if each.until_us > since_us], None
        )
    crossings = [each for each in found if each.camera_id not in rules.rooms and each.at_us >= since_us]
    margin_us = margin(rules) // _MICROSECOND
    return Count(crossings, seen, inside(crossings, seen, resets_us=resets_us, margin_us=margin_us))


def margin(rules: Rules) -> timedelta:
    """So long at either end a view is no evidence for the count at doors."""
    return max(rules.exit_after, rules.skew)


def microseconds(at: datetime) -> int:
    """A time, timezone-aware, as microseconds since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at_us: int) -> datetime:
    """Microseconds since 1970 as a time, UTC."""
    return _EPOCH + at_us * _MICROSECOND


def reset_times(rules: Rules) -> Closings:
    """When the count is reset: whenever the site closes, or at RESET_AT where it never does."""
    return Closings(rules if rules.closes_at is not None else replace(rules, closes_at=RESET_AT))


def resets(rules: Rules, since: datetime, until: datetime) -> list[datetime]:
    """The instants (UTC) at which the count is reset: the last one up to `since`, and those up to `until`."""
    times = reset_times(rules)
    found = [times.after(since - timedelta(days=3))]
    while (following := times.after(found[-1])) <= max(since, until):
        found = [following] if following <= since else [*found, following]
    return found


def views(passages: Iterable[Passage], *, resets_us: Sequence[int], longest_us: int) -> list[View]:
    """The views of room cameras, by start: from an enter to the exit of the same camera and track, whoever it names.

    passages: of room cameras, in any order. resets_us: ascending. A view is no longer than `longest_us`; one without an
    exit ends at the next reset.
    """
    begun: dict[tuple[str, str], Passage] = {}
    found: list[View] = []
    for passage in sorted(passages, key=_in_time):
        key = (passage.camera_id, passage.track_id)
        first = begun.get(key)
        if first is not None and passage.at_us - first.at_us > longest_us:
            found.append(_unended(first, resets_us, longest_us))
            del begun[key]
            first = None
        if passage.enters and first is None:
            begun[key] = passage
        elif first is not None and not passage.enters:
            found.append(View(first.at_us, passage.at_us, first.camera_id, first.person_id))
            del begun[key]
    found += [_unended(first, resets_us, longest_us) for first in begun.values()]
    return sorted((view for view in found if view.until_us > view.since_us), key=itemgetter(0))


def in_view(views: Iterable[View], *, margin_us: int = 0) -> Iterator[tuple[int, int, int]]:
    """(at_us, recognised, together) from each instant on: how many people there are at least, by two measures.

    recognised: different people with a name or a visitor id, on however many cameras. together: the most whom one
    camera has in view that has unidentified people among them, 0 where none has. Both are lower bounds: somebody
    unidentified may be in view of several cameras, and named on another one. margin_us: is left out at either end of
    each view.
    """
    changes: list[tuple[int, int, str, str | None]] = []
    for since_us, until_us, camera_id, person_id in views:
        if until_us - since_us > 2 * margin_us:
            changes.append((since_us + margin_us, 1, camera_id, person_id))
            changes.append((until_us - margin_us, -1, camera_id, person_id))
    changes.sort(key=itemgetter(0))
    people, cameras, unidentified = dict[str, int](), Counter[str](), dict[str, int]()
    for (at_us, step, camera_id, person_id), following in zip_longest(changes, islice(changes, 1, None)):
        cameras[camera_id] += step
        counter, key = (unidentified, camera_id) if person_id is None else (people, person_id)
        count = counter.get(key, 0) + step
        if count:
            counter[key] = count
        else:
            del counter[key]
        if following is None or following[0] != at_us:
            yield at_us, len(people), max(map(cameras.__getitem__, unidentified)) if unidentified else 0


def inside(
    crossings: Iterable[Passage], views: Iterable[View], *, resets_us: Sequence[int], margin_us: int
) -> list[Step]:
    """How many people are inside, from the first reset on, one step for each change.

    crossings: of the doors since the first reset, in any order. Each enter adds one and each exit takes one away, but
    the count never falls below the people in view, to which it returns at a reset. margin_us: so long at either
    end of a view it is no evidence, as the camera may see the person in front of the door, or by another clock.
    """
    changes: dict[int, int] = {}
    for crossing in crossings:
        changes[crossing.at_us] = changes.get(crossing.at_us, 0) + (1 if crossing.enters else -1)
    evidence = {at_us: max(some, others) for at_us, some, others in in_view(views, margin_us=margin_us)}
    count, least, steps, at_reset = 0, 0, list[Step](), set(resets_us)
    for at_us in sorted({*changes, *evidence, *at_reset}):
        least = evidence.get(at_us, least)
        count = max((0 if at_us in at_reset else count) + changes.get(at_us, 0), least)
        if at_us >= resets_us[0] and (not steps or steps[-1][1] != count):
            steps.append((at_us, count))
    return steps


def _unended(first: Passage, resets_us: Sequence[int], longest_us: int) -> View:
    until_us = first.at_us + longest_us
    following = bisect_right(resets_us, first.at_us)
    if following < len(resets_us):
        until_us = min(until_us, resets_us[following])
    return View(first.at_us, until_us, first.camera_id, first.person_id)


def _in_time(passage: Passage) -> tuple[int, bool, bool, str]:
    """Of one instant enters come first, and of those on one track the one with a name."""
    return passage.at_us, not passage.enters, passage.person_id is None, passage.person_id or ""
