"""What is due every hour: visits that silence or the closing hour has ended, and records that were kept long enough."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.forgetting import delete_documents, erase_late
from functions.sites import Site, site_of
from functions.snapshots import fields_of
from functions.visits import refresh
from tracker.cloud.layout import SITES, Collection, path_of, record_id

LOG = logging.getLogger(__name__)

_PAGE = 300
_MOST_DELETED = 6000
"""Documents deleted a site and hour, so that one run ends in time; the rest goes in the next hours."""
_LOOK_BACK = timedelta(hours=3)
"""What arrived in the last hour, and in the two before in case a run was left out."""
_AGE = {"matches": "at", "zone_stays": "seen_at", "heartbeats": "at"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """closed: people whose open visits were looked at because they were due. purged, erased: documents deleted
    because they were kept long enough, and because they name somebody forgotten. failed: sites to see to again."""

    closed: int = 0
    purged: int = 0
    erased: int = 0
    failed: int = 0


def tidy_all(client: firestore.Client, *, now: datetime) -> Tidied:
    """See to every site, also to one whose own document nobody wrote.

    Whatever goes wrong at one is logged and does not keep the others waiting. What somebody forgotten left goes first.
    """
    closed = purged = erased = failed = 0
    for reference in client.collection(SITES).list_documents(page_size=_PAGE):
        site_id = record_id(reference.id)
        try:
            erased += erase_late(client, site_id, since=now - _LOOK_BACK, now=now)
            site = _site(site_id, reference)
            purged += purge(client, site, now=now)
            closed += close_due(client, site, now=now)
        except Exception:  # sites share nothing but this loop: one's odd document must not stop another's upkeep
            LOG.exception("site %s is seen to again in an hour", site_id)
            failed += 1
    return Tidied(closed=closed, purged=purged, erased=erased, failed=failed)


def close_due(client: firestore.Client, site: Site, *, now: datetime) -> int:
    """Close the open visits that the rules have ended by now. Returns of how many people."""
    if not site.visits_here:
        return 0
    due = client.collection(path_of(site.site_id, Collection.SESSIONS)).where(filter=FieldFilter("due_at", "<", now))
    seen: set[str] = set()
    while True:
        found = [fields_of(each).get("person_id") for each in due.order_by("due_at").limit(_PAGE).stream()]
        people = [each for each in found if isinstance(each, str) and each not in seen]
        for person_id in dict.fromkeys(people):
            refresh(client, site.site_id, person_id, at=now, now=now)
        if not people:
            return len(seen)
        seen.update(people)


def purge(client: firestore.Client, site: Site, *, now: datetime) -> int:
    """Delete what the site keeps no longer. Returns how many documents."""
    count = 0
    for name, span in site.retention.spans.items():
        old = client.collection(path_of(site.site_id, Collection(name))).where(
            filter=FieldFilter(_AGE[name], "<", now - span)
        )
        query = old.order_by(_AGE[name]).limit(_PAGE).select([])
        while count < _MOST_DELETED:
            page = [each.reference for each in query.stream()]
            count += delete_documents(client, page)
            if len(page) < _PAGE:
                break
    return count


def _site(site_id: str, reference: Any) -> Site:
    found = reference.get()
    return site_of(site_id, found.to_dict() if found.exists else None)
