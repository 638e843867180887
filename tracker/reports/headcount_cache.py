"""The count of the people at a site, read from a store and kept in memory.

It is read in stretches that begin at a reset of the count, since no stretch has an effect on a later one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from tracker.presence.occupancy import Passage, cameras_of, count, resets
from tracker.presence.rules import Rules
from tracker.reports.columns import instants_of
from tracker.reports.headcount import Crossings, Headcount, headcount_of
from tracker.store.session_queries import Snapshot

_MICROSECOND = timedelta(microseconds=1)


class HeadcountCache:
    """The count of one site by its rules, kept as far back as it was asked for. Not thread-safe.

    After a change it is read again from the reset before the earliest change on.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._version = 0
        self._begin = datetime.max.replace(tzinfo=UTC)
        self._known: Headcount | None = None

    def between(self, snapshot: Snapshot, since: datetime, until: datetime, now: datetime) -> Headcount | None:
        """What is counted of [since, until) up to now; None where visits are counted alone. Raises StoreError."""
        if not cameras_of(self.rules) or not snapshot.has_unidentified():
            return None
        begin, changed = resets(self.rules, since, since)[0], snapshot.changed_after(self._version)
        known, first = self._known, self._begin
        self._known = None  # an error while reading leaves nothing behind
        if known is None or (changed is not None and changed <= first):
            known, first = read(snapshot, self.rules, begin, None), begin
        elif changed is not None:
            reset = resets(self.rules, changed, changed)[0]
            unchanged = known.between(first, reset)
            known = unchanged.then(read(snapshot, self.rules, reset, None))
        if begin < first:
            earlier = read(snapshot, self.rules, begin, first).between(begin, first)
            known, first = earlier.then(known), begin
        self._version, self._known, self._begin = snapshot.version, known, first
        return known.between(since, min(until, now + _MICROSECOND))


def read(snapshot: Snapshot, rules: Rules, since: datetime, until: datetime | None) -> Headcount:
    """The count from a reset on, up to a later one; None for no limit. Raises StoreError."""
    passages = _passages(snapshot, cameras_of(rules), since - rules.max_visit, until)
    return headcount_of(count(passages, rules, since=since, until=until))


def read_door(snapshot: Snapshot, rules: Rules, camera_id: str, since: datetime, until: datetime) -> Headcount | None:
    """The crossings of one door in [since, until); None where it does not count everybody."""
    if camera_id not in rules.counted or not snapshot.has_unidentified():
        return None
    return Headcount(crossings=Crossings.of(_passages(snapshot, {camera_id}, since, until)))


def _passages(
    snapshot: Snapshot, camera_ids: Iterable[str], since: datetime, until: datetime | None
) -> Iterator[Passage]:
    for columns in snapshot.events(camera_ids, since, until):
        at_us = instants_of(columns["at"]).astype("int64").tolist()
        rest = (columns[name] for name in ("camera_id", "track_id", "person_id"))
        yield from map(Passage._make, zip(at_us, map(bool, columns["enters"]), *rest, strict=True))
