"""The documents `days/{date}`: the figures of each local day, written by the hourly job when its records changed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, Snapshot, decoded, fields_of, in_transaction, sessions_touching, stamped
from functions.event_records import EventRecords
from functions.site import SiteConfig, claim
from tracker.cloud import documents
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.paths import Collection, path_of
from tracker.presence.calendar import day_range
from tracker.presence.day import day_document, day_figures, days_counted, evidence_range
from tracker.presence.events import EARLIEST, LATEST, Event
from tracker.presence.occupancy import cameras_of
from tracker.presence.sessions import Session

LOG = logging.getLogger(__name__)

STALE: Fields = {"stale": True}
"""Put into the document of a day from which a session was removed, or where the count of people was corrected: no
changed record shows that."""
CURSOR, EVENTS_CURSOR = "sessions_until", "events_until"
"""In each document of a day: sessions, and where people are counted events, that the server received before are in
the figures."""
_OVERLAP = timedelta(minutes=5)
"""The server may show a record this much later than it received it."""
_MAX_CHANGED = 2000
_MAX_DAYS = 62
"""Days written for a site in one run; further ones are written in the next."""
_MAX_RECORDS = 20_000
"""Documents of one query."""
_LONGEST = timedelta(days=60)
"""Of a longer session only the first days count here: its times are wrong."""


def local_days(session: Fields | None, zone: tzinfo, now: datetime) -> set[date]:
    """The local days that a stored session touches, an open one up to `now`; none where its times cannot be read."""
    if session is None:
        return set()
    started_at, ended_at = session.get("started_at"), session.get("ended_at") or now
    if not isinstance(started_at, datetime) or not isinstance(ended_at, datetime):
        return set()
    if not EARLIEST <= started_at < LATEST or not EARLIEST <= ended_at < LATEST:
        return set()
    first = started_at.astimezone(zone).date()
    last = max(first, min(ended_at, started_at + _LONGEST).astimezone(zone).date())
    return {first + timedelta(days=number) for number in range((last - first).days + 1)}


def mark_corrected(client: firestore.Client, site: SiteConfig, event: Event, *, now: datetime) -> None:
    """Have the days written again whose count a corrected event changes."""
    if site.is_derived_here and event.camera_id in cameras_of(site.rules):
        for day in sorted(days_counted([event.at], site.rules, now=now)):
            client.document(_path(site, day)).set(STALE, merge=True)


def update_days(client: firestore.Client, site: SiteConfig, *, now: datetime) -> int:
    """Write the days whose records changed since the last run, and today where it is missing. Returns how many.

    Reads the changed sessions, and those of each day that is written; where people are counted, events too. A site that
    counts people and that nobody derives yet is claimed: without named people no session did that. now: UTC.
    """
    if not site.derived_by and EventRecords(client, site, _limited).counts_people():
        site = in_transaction(client, partial(claim, client, site.site_id))
    if not site.is_derived_here:
        return 0
    days = client.collection(path_of(site.site_id, Collection.DAYS))
    changed, cursors = set[date](), dict[str, datetime | None]()
    sources = [_sessions(client, site, now)]
    if EventRecords(client, site, _limited).counts_people():
        sources.append(_events(client, site, now))
    for each in sources:
        found, cursors[each.cursor] = _changed_days(each, _last_cursor(days, each.cursor), now)
        changed |= found
    stale = days.where(filter=FieldFilter("stale", "==", True)).limit(_MAX_DAYS).stream()
    changed |= {day for each in stale if (day := _day_of(each.id)) is not None}
    today = now.astimezone(site.rules.zone).date()
    if today not in changed and not client.document(_path(site, today)).get().exists:
        changed.add(today)
    for day in sorted(changed):
        in_transaction(client, partial(_write_day, client, site, day, cursors, now))
    return len(changed)


@dataclass(frozen=True, slots=True)
class _Source:
    """Records whose changes change days. cursor: the field of their cursor. days_of: those that a record changes."""

    cursor: str
    query: Any
    days_of: Callable[[Fields], set[date]]


def _sessions(client: firestore.Client, site: SiteConfig, now: datetime) -> _Source:
    sessions = client.collection(path_of(site.site_id, Collection.SESSIONS))
    query = sessions.select([RECEIVED_AT, "started_at", "ended_at"])
    return _Source(CURSOR, query, lambda session: local_days(session, site.rules.zone, now))


def _events(client: firestore.Client, site: SiteConfig, now: datetime) -> _Source:
    cameras = cameras_of(site.rules)

    def days_of(event: Fields) -> set[date]:
        at = event.get("at")
        if event.get("camera_id") not in cameras or not isinstance(at, datetime) or not EARLIEST <= at < LATEST:
            return set()
        return days_counted([at], site.rules, now=now)

    events = client.collection(path_of(site.site_id, Collection.EVENTS))
    return _Source(EVENTS_CURSOR, events.select([RECEIVED_AT, "at", "camera_id"]), days_of)


def _last_cursor(days: Any, cursor: str) -> datetime | None:
    newest = days.order_by(cursor, direction=firestore.Query.DESCENDING).limit(1)
    found = next((fields_of(each).get(cursor) for each in newest.stream()), None)
    return found if isinstance(found, datetime) else None


def _changed_days(source: _Source, cursor: datetime | None, now: datetime) -> tuple[set[date], datetime | None]:
    """The days of the records that the server received since the cursor, and the next cursor."""
    query = source.query.order_by(RECEIVED_AT)
    if cursor is not None:
        query = query.where(filter=FieldFilter(RECEIVED_AT, ">", cursor))
    page = list(query.limit(_MAX_CHANGED).stream())
    days: set[date] = set()
    complete = last = cursor  # records of one transaction have one time: the cursor must not split them
    for record in map(fields_of, page):
        received_at = record[RECEIVED_AT]
        if received_at != last:
            if len(days) >= _MAX_DAYS:
                return days, last
            complete, last = last, received_at
        days |= source.days_of(record)
    if len(page) == _MAX_CHANGED and complete != cursor:
        return days, complete
    return days, last if last is None else max(cursor or last, min(last, now - _OVERLAP))


def _write_day(
    client: firestore.Client,
    site: SiteConfig,
    day: date,
    cursors: Mapping[str, datetime | None],
    now: datetime,
    transaction: firestore.Transaction,
) -> None:
    """Reads the document first: where a session is removed meanwhile, the transaction conflicts and runs again."""
    reference = client.document(_path(site, day))
    reference.get(transaction=transaction)
    passages = None
    if EVENTS_CURSOR in cursors:
        passages = EventRecords(client, site, _limited).passages(*evidence_range(day, site.rules))
    figures = day_figures(_sessions_of(client, site, day, now), day, site.rules, now=now, passages=passages)
    transaction.set(reference, stamped({**day_document(figures), **cursors}))


def _sessions_of(client: firestore.Client, site: SiteConfig, day: date, now: datetime) -> list[Session]:
    """The sessions that touch a day."""
    since, until = day_range(day, site.rules.zone)
    sessions = client.collection(path_of(site.site_id, Collection.SESSIONS))
    decode = partial(documents.session_of, site.site_id, now=now)
    queries = sessions_touching(sessions, since, until)
    found = {each.session_id: each for query in queries for each in decoded(_limited(query), decode)}
    return list(found.values())


def _limited(query: Any) -> list[Snapshot]:
    page = list(query.limit(_MAX_RECORDS).stream())
    if len(page) == _MAX_RECORDS:
        LOG.error("%s: more than %d of one day; the figures count these", page[0].reference.parent.path, _MAX_RECORDS)
    return page


def _day_of(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        LOG.error("days/%s: expected a date such as 2026-01-31", name)
        return None


def _path(site: SiteConfig, day: date) -> str:
    return path_of(site.site_id, Collection.DAYS, day.isoformat())
