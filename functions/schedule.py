"""The hourly job: close sessions that are due, write the figures of changed days, delete expired records."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.database import delete_documents, fields_of
from functions.days import update_days
from functions.forgetting import erase_late
from functions.sessions import update_sessions
from functions.site import SiteConfig, read_site
from tracker.cloud.paths import SITES, Collection, path_of, record_id

LOG = logging.getLogger(__name__)

_PAGE = 300
_MAX_DELETED = 6000
"""Documents deleted for a site in one run; further ones are deleted in the next."""
_LOOK_BACK = timedelta(hours=3)
"""Late records of forgotten people are searched among those received since: one run, and two that may have failed."""
_TIME_FIELDS = {Collection.MATCHES: "at", Collection.ZONE_STAYS: "seen_at", Collection.HEARTBEATS: "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """closed: people whose open sessions were due. days: documents `days/{date}` written. expired, erased: documents
    deleted by retention, and because they name a forgotten person. failed: sites that are retried in an hour."""

    closed: int = 0
    days: int = 0
    expired: int = 0
    erased: int = 0
    failed: int = 0


def run_all(client: firestore.Client, *, now: datetime) -> Summary:
    """Run the hourly job for every site, also for one without a document of its own. A failure is logged."""
    closed = days = expired = erased = failed = 0
    for reference in client.collection(SITES).list_documents(page_size=_PAGE):
        site_id = record_id(reference.id)
        try:
            erased += erase_late(client, site_id, since=now - _LOOK_BACK, now=now)
            site = read_site(client, site_id)
            expired += delete_expired(client, site, now=now)
            closed += close_due(client, site, now=now)
            days += update_days(client, site, now=now)
        except Exception:  # sites are independent: a fault of one must not stop the job for the others
            LOG.exception("site %s failed; it is retried in an hour", site_id)
            failed += 1
    return Summary(closed=closed, days=days, expired=expired, erased=erased, failed=failed)


def close_due(client: firestore.Client, site: SiteConfig, *, now: datetime) -> int:
    """Close the open sessions that are due by now. Returns of how many people."""
    if not site.is_derived_here:
        return 0
    due = client.collection(path_of(site.site_id, Collection.SESSIONS)).where(filter=FieldFilter("due_at", "<", now))
    done: set[str] = set()
    while True:
        found = [fields_of(each).get("person_id") for each in due.order_by("due_at").limit(_PAGE).stream()]
        people = dict.fromkeys(each for each in found if isinstance(each, str) and each not in done)
        for person_id in people:
            update_sessions(client, site.site_id, person_id, at=now, now=now)
        if not people:
            return len(done)
        done.update(people)


def delete_expired(client: firestore.Client, site: SiteConfig, *, now: datetime) -> int:
    """Delete what is older than the retention of the site. Returns how many documents."""
    count = 0
    for collection, age in site.retention.items():
        time_field = _TIME_FIELDS[collection]
        old = client.collection(path_of(site.site_id, collection)).where(filter=FieldFilter(time_field, "<", now - age))
        query = old.order_by(time_field).limit(_PAGE).select([])
        while count < _MAX_DELETED:
            page = [each.reference for each in query.stream()]
            count += delete_documents(client, page)
            if len(page) < _PAGE:
                break
    return count
