"""Counts of the audience by the hour: sums of groups, without any reference to a person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from tracker.presence.audience import HOUR, OPEN_FOR, Attribute, AudienceGroup, published
from tracker.presence.events import time_text
from tracker.store.database import Transaction
from tracker.store.store_file import StoreFile
from tracker.store.tables import Row, read_all, read_time

_SELECT = "SELECT site_id, camera_id, hour, since, attribute, label, people FROM audience"
_KEY = ("site_id", "hour", "camera_id", "since", "attribute")
_ORDER = "ORDER BY site_id, hour, camera_id, since, attribute, label"


class AudienceCounts:
    """The audience of each hour. Every method raises StoreError when the file or the disk fails."""

    def __init__(self, file: StoreFile) -> None:
        self._file = file

    def groups(
        self, site_id: str, *, since: datetime, until: datetime, camera_id: str | None = None
    ) -> list[AudienceGroup]:
        """The groups of a site whose hours begin in [since, until), by hour. Publish them by `published_groups` only.

        camera_id: those of one camera.
        """
        query = f"""
            {_SELECT} WHERE site_id = ?1 AND hour >= ?2 AND hour < ?3 AND (?4 IS NULL OR camera_id = ?4) {_ORDER}
        """
        return _groups(self._file.rows(query, (site_id, time_text(since), time_text(until), camera_id)))

    def seal(self, now: datetime) -> None:
        """Reduce hours that are closed to what may be published: smaller groups are deleted for good."""
        limit = (time_text(now - HOUR - OPEN_FOR),)
        query = f"{_SELECT} WHERE sealed = 0 AND hour <= ? {_ORDER}"
        if not self._file.rows(query, limit):
            return
        with self._file.writing() as writing:
            for group in _groups(writing.connection.execute(query, limit).fetchall()):
                _replace(writing, replace(group, people=published(group.people)), sealed=True)


def save(writing: Transaction, groups: Iterable[AudienceGroup]) -> None:
    """Write groups, each in place of what was stored of it before: saving again changes nothing."""
    for each in groups:
        _replace(writing, each, sealed=False)


def _replace(writing: Transaction, group: AudienceGroup, *, sealed: bool) -> None:
    key = (group.site_id, time_text(group.hour), group.camera_id, time_text(group.since), group.attribute.value)
    writing.connection.execute(
        "DELETE FROM audience WHERE (site_id, hour, camera_id, since, attribute) = (?, ?, ?, ?, ?)", key
    )
    writing.connection.executemany(
        "INSERT INTO audience (site_id, hour, camera_id, since, attribute, label, people, sealed, changed)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, label, people, int(sealed), writing.changed) for label, people in group.people.items()],
    )


def _groups(rows: Iterable[Row]) -> list[AudienceGroup]:
    """rows: of one group one after the other. Raises StoreError on a damaged row."""
    single = read_all(rows, _group)
    return [
        replace(same[0], people={label: people for each in same for label, people in each.people.items()})
        for same in (list(each) for _, each in groupby(single, key=attrgetter(*_KEY)))
    ]


def _group(row: Row) -> AudienceGroup:
    """What one row has of its group."""
    site_id, camera_id, hour, since, attribute, label, people = row
    return AudienceGroup(
        site_id=site_id,
        camera_id=camera_id,
        hour=read_time(hour),
        since=read_time(since),
        attribute=Attribute(attribute),
        people={label: people},
    )
