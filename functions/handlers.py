"""Handlers of Firestore triggers: sessions follow events, corrections, merges and rules."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import RecordError
from functions.database import fields_of, pages
from functions.days import mark_corrected
from functions.forgetting import erase_person, is_forgotten
from functions.person_records import merged_into
from functions.sessions import Outcome, update_sessions
from functions.site import read_site, site_of
from functions.triggers import Change
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of
from tracker.presence.events import Event, is_unidentified

LOG = logging.getLogger(__name__)
_PAGE = 500
_SKEW = timedelta(minutes=1)
"""How far the clock of a camera machine may be ahead."""
_MAX_AHEAD = timedelta(days=1)
"""Firestore delivers an event again for this long."""


class NotYetError(Exception):
    """The event is later than now; it is delivered again until its time has come."""


def event_created(change: Change) -> None:
    """Update the sessions of the person; delete the event if the person is forgotten.

    Raises RecordError where the document is no event, and NotYetError where its time has not come.
    """
    if change.after is None:
        return
    event = documents.event_of(change.site_id, change.record_id, change.after)
    _require_past(event, change)
    if _update(replace(change, now=max(change.now, event.at)), event.person_id, at=event.at) is Outcome.FORGOTTEN:
        change.client.document(path_of(change.site_id, Collection.EVENTS, event.event_id)).delete()
        LOG.info("event %s deleted: the person is forgotten", event.event_id)


def correction_created(change: Change) -> None:
    """Update the sessions of the person whose event is corrected, and have its day counted again.

    Raises RecordError where the document is no correction.
    """
    if change.after is None:
        return
    correction = documents.correction_of(change.record_id, change.after)
    event = correction.event
    if event is None:
        found = change.client.document(path_of(change.site_id, Collection.EVENTS, correction.event_id)).get()
        if not found.exists:
            return  # the handler of the event will read the correction
        event = documents.event_of(change.site_id, correction.event_id, fields_of(found))
    if _update(change, event.person_id, at=event.at) is Outcome.FORGOTTEN:
        change.client.document(path_of(change.site_id, Collection.CORRECTIONS, change.record_id)).delete()
    mark_corrected(change.client, read_site(change.client, change.site_id), event, now=change.now)


def person_written(change: Change) -> None:
    """Derive all sessions again of people who were merged or separated; delete a forgotten person who reappears."""
    before, after = merged_into(change.before), merged_into(change.after)
    if change.before is None and is_forgotten(change.client, change.site_id, change.record_id):
        erase_person(change.client, change.site_id, change.record_id)
        return
    if before == after:
        return
    if before is not None:
        _update(change, before)
    _update(change, change.record_id)


def site_written(change: Change) -> None:
    """Derive all sessions again after other rules, or when the functions become the deriver.

    People whose sessions are current are skipped, so that a delivery after an interrupted one continues it.
    """
    before, after = (site_of(change.site_id, document) for document in (change.before, change.after))
    if not after.is_derived_here or (before.is_derived_here and before.rules_digest == after.rules_digest):
        return
    for person_id in _people_with_events(change.client, change.site_id):
        if not _is_derived_by(change.client, change.site_id, person_id, after.rules_digest):
            _update(change, person_id)


def _update(change: Change, person_id: str, *, at: datetime | None = None) -> Outcome:
    return update_sessions(change.client, change.site_id, person_id, at=at, now=change.now)


def _require_past(event: Event, change: Change) -> None:
    """Raises NotYetError for an event later than now, RecordError for one that will be so at every delivery."""
    if event.at <= change.now + _SKEW:
        return
    if event.at > change.now + _MAX_AHEAD:
        raise RecordError(
            f"event: at: expected a time in the past, got {event.at.isoformat()}", fix="set the clock of the machine"
        )
    raise NotYetError(f"event {event.event_id} is of {event.at.isoformat()}, which has not come yet")


def _people_with_events(client: firestore.Client, site_id: str) -> Iterator[str]:
    """Everybody who has events at a site, once each; unidentified people have no sessions, and are left out."""
    found: set[str] = set()
    events = client.collection(path_of(site_id, Collection.EVENTS)).select(["person_id"])
    for each in pages(events.order_by("__name__"), _PAGE):
        person_id = fields_of(each).get("person_id")
        if isinstance(person_id, str) and person_id and person_id not in found and not is_unidentified(person_id):
            found.add(person_id)
            yield person_id


def _is_derived_by(client: firestore.Client, site_id: str, person_id: str, rules_digest: str) -> bool:
    """Whether the latest session, and so all of them, was derived by these rules."""
    sessions = client.collection(path_of(site_id, Collection.SESSIONS)).where(
        filter=FieldFilter("person_id", "==", person_id)
    )
    latest = sessions.order_by("started_at", direction=firestore.Query.DESCENDING).limit(1)
    return any(fields_of(each).get("rules") == rules_digest for each in latest.stream())
