"""What is to be done when something is written: visits follow events, corrections, merges and rules."""

from __future__ import annotations

import logging
from typing import Any

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions.delivery import Delivered
from functions.forgetting import erase_person, is_forgotten
from functions.identities import merged_into
from functions.sites import site_of
from functions.snapshots import fields_of
from functions.visits import refresh
from tracker.cloud import documents
from tracker.cloud.layout import Collection, path_of

LOG = logging.getLogger(__name__)
_PAGE = 500


def event_created(delivered: Delivered) -> None:
    """Bring the person's visits up to date; an event of somebody who was forgotten meanwhile is deleted.

    Raises RecordError where the document is no event.
    """
    if delivered.after is None:
        return
    event = documents.event_of(delivered.site_id, delivered.record_id, delivered.after)
    outcome = refresh(delivered.client, delivered.site_id, event.person_id, at=event.at, now=delivered.now)
    if outcome.forgotten:
        delivered.client.document(path_of(delivered.site_id, Collection.EVENTS, event.event_id)).delete()
        LOG.info("event %s named somebody who asked to be forgotten and is deleted", event.event_id)


def correction_created(delivered: Delivered) -> None:
    """Bring the visits up to date of whose event it is. Raises RecordError where the document is no correction."""
    if delivered.after is None:
        return
    correction = documents.correction_of(delivered.record_id, delivered.after)
    about = correction.event
    if about is None:
        event_path = path_of(delivered.site_id, Collection.EVENTS, correction.event_id)
        found = delivered.client.document(event_path).get()
        if not found.exists:
            return  # it will see the correction when it comes
        about = documents.event_of(delivered.site_id, correction.event_id, fields_of(found))
    if refresh(delivered.client, delivered.site_id, about.person_id, at=about.at, now=delivered.now).forgotten:
        path = path_of(delivered.site_id, Collection.CORRECTIONS, delivered.record_id)
        delivered.client.document(path).delete()


def person_written(delivered: Delivered) -> None:
    """Make visits anew where a merge was said or taken back; a forgotten person does not come back."""
    before, after = merged_into(delivered.before), merged_into(delivered.after)
    if delivered.before is None and is_forgotten(delivered.client, delivered.site_id, delivered.record_id):
        erase_person(delivered.client, delivered.site_id, delivered.record_id)
        return
    if before == after:
        return
    for person_id in [each for each in (before, delivered.record_id) if each is not None]:
        refresh(delivered.client, delivered.site_id, person_id, now=delivered.now)


def site_written(delivered: Delivered) -> None:
    """Make all visits anew where other rules hold now, or where the functions are to work them out from now on.

    Whoever is done already is passed over, so that a delivery after one that was cut off goes on from there.
    """
    before, after = (site_of(delivered.site_id, each) for each in (delivered.before, delivered.after))
    if not after.visits_here or (before.visits_here and before.rules_mark == after.rules_mark):
        return
    done: set[str] = set()
    for person_id in _people_with_events(delivered.client, delivered.site_id):
        if person_id not in done:
            done.add(person_id)
            if not _made_by(delivered.client, delivered.site_id, person_id, after.rules_mark):
                refresh(delivered.client, delivered.site_id, person_id, now=delivered.now)


def _people_with_events(client: firestore.Client, site_id: str) -> Any:
    """Whose each event of a site is, page by page."""
    events = client.collection(path_of(site_id, Collection.EVENTS)).select(["person_id"])
    query = events.order_by("__name__").limit(_PAGE)
    page = list(query.stream())
    while page:
        for each in page:
            person_id = fields_of(each).get("person_id")
            if isinstance(person_id, str) and person_id:
                yield person_id
        page = list(query.start_after(page[-1]).stream()) if len(page) == _PAGE else []


def _made_by(client: firestore.Client, site_id: str, person_id: str, rules_mark: str) -> bool:
    """Whether the latest visit, and so all of them, was made by these rules."""
    visits = client.collection(path_of(site_id, Collection.SESSIONS)).where(
        filter=FieldFilter("person_id", "==", person_id)
    )
    latest = visits.order_by("started_at", direction=firestore.Query.DESCENDING).limit(1)
    return any(fields_of(each).get("rules") == rules_mark for each in latest.stream())
