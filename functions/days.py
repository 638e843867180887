"""The documents `days/{date}`: the figures of each local day, written by the hourly job when its sessions changed."""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import Fields, decoded, fields_of, in_transaction, sessions_touching, stamped
from functions.site import SiteConfig
from tracker.cloud import documents
from tracker.cloud.documents import RECEIVED_AT
from tracker.cloud.paths import Collection, path_of
from tracker.presence.calendar import day_range
from tracker.presence.day import day_document, day_figures
from tracker.presence.events import EARLIEST, LATEST
from tracker.presence.sessions import Session

LOG = logging.getLogger(__name__)

STALE: Fields = {"stale": True}
"""Put into the document of a day from which a session was removed: no changed session shows that."""
CURSOR = "sessions_until"
"""In each document of a day: sessions that the server received before are in the figures."""
_OVERLAP = timedelta(minutes=5)
"""The server may show a session this much later than it received it."""
_MAX_CHANGED = 2000
_MAX_DAYS = 62
"""Days written for a site in one run; further ones are written in the next."""
_MAX_SESSIONS = 20_000
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


def update_days(client: firestore.Client, site: SiteConfig, *, now: datetime) -> int:
    """Write the days whose sessions changed since the last run, and today where it is missing. Returns how many.

    Reads the changed sessions, and those of each day that is written. now: UTC.
    """
    if not site.is_derived_here:
        return 0
    days = client.collection(path_of(site.site_id, Collection.DAYS))
    changed, cursor = _changed_days(client, site, _last_cursor(days), now)
    stale = days.where(filter=FieldFilter("stale", "==", True)).limit(_MAX_DAYS).stream()
    changed |= {day for each in stale if (day := _day_of(each.id)) is not None}
    today = now.astimezone(site.rules.zone).date()
    if today not in changed and not client.document(_path(site, today)).get().exists:
        changed.add(today)
    for day in sorted(changed):
        in_transaction(client, partial(_write_day, client, site, day, cursor, now))
    return len(changed)


def _last_cursor(days: Any) -> datetime | None:
    newest = days.order_by(CURSOR, direction=firestore.Query.DESCENDING).limit(1)
    found = next((fields_of(each).get(CURSOR) for each in newest.stream()), None)
    return found if isinstance(found, datetime) else None


def _changed_days(
    client: firestore.Client, site: SiteConfig, cursor: datetime | None, now: datetime
) -> tuple[set[date], datetime | None]:
    """The days of the sessions that the server received since the cursor, and the next cursor."""
    sessions = client.collection(path_of(site.site_id, Collection.SESSIONS))
    query = sessions.order_by(RECEIVED_AT)
    if cursor is not None:
        query = query.where(filter=FieldFilter(RECEIVED_AT, ">", cursor))
    page = list(query.limit(_MAX_CHANGED).select([RECEIVED_AT, "started_at", "ended_at"]).stream())
    days: set[date] = set()
    complete = last = cursor  # sessions of one transaction have one time: the cursor must not split them
    for session in map(fields_of, page):
        received_at = session[RECEIVED_AT]
        if received_at != last:
            if len(days) >= _MAX_DAYS:
                return days, last
            complete, last = last, received_at
        days |= local_days(session, site.rules.zone, now)
    if len(page) == _MAX_CHANGED and complete != cursor:
        return days, complete
    return days, last if last is None else max(cursor or last, min(last, now - _OVERLAP))


def _write_day(
    client: firestore.Client,
    site: SiteConfig,
    day: date,
    cursor: datetime | None,
    now: datetime,
    transaction: firestore.Transaction,
) -> None:
    """Reads the document first: where a session is removed meanwhile, the transaction conflicts and runs again."""
    reference = client.document(_path(site, day))
    reference.get(transaction=transaction)
    figures = day_figures(_sessions_of(client, site, day, now), day, site.rules.zone)
    transaction.set(reference, stamped({**day_document(figures), CURSOR: cursor}))


def _sessions_of(client: firestore.Client, site: SiteConfig, day: date, now: datetime) -> list[Session]:
    """The sessions that touch a day."""
    since, until = day_range(day, site.rules.zone)
    sessions = client.collection(path_of(site.site_id, Collection.SESSIONS))
    decode = partial(documents.session_of, site.site_id, now=now)
    found: dict[str, Session] = {}
    for query in sessions_touching(sessions, since, until):
        page = list(query.limit(_MAX_SESSIONS).stream())
        if len(page) == _MAX_SESSIONS:
            LOG.error("days/%s: more than %d sessions; the figures count these", day, _MAX_SESSIONS)
        found.update((each.session_id, each) for each in decoded(page, decode))
    return list(found.values())


def _day_of(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        LOG.error("days/%s: expected a date such as 2026-01-31", name)
        return None


def _path(site: SiteConfig, day: date) -> str:
    return path_of(site.site_id, Collection.DAYS, day.isoformat())
