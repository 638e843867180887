"""The sessions of one person, derived from the events again in one transaction.

What is written follows from the stored events alone, so that duplicate, late and concurrent deliveries are idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from functools import partial

from google.cloud import firestore

from config.errors import RecordError
from functions.database import Fields, in_transaction, stamped
from functions.days import STALE, local_days
from functions.person_records import Affected, OtherRulesError, PersonRecords, identity_of
from functions.site import CLAIM, site_of
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import is_unidentified
from tracker.presence.people import digest_of
from tracker.presence.projection import Projected, changes, project, project_before
from tracker.presence.sessions import SessionState

LOG = logging.getLogger(__name__)

MAX_WRITES = 200
"""Session documents that one transaction writes; further ones are written by the next."""


class Outcome(Enum):
    """FORGOTTEN: the person is, and nothing was written. PARTIAL: a further transaction is needed."""

    DONE = auto()
    PARTIAL = auto()
    FORGOTTEN = auto()


def update_sessions(
    client: firestore.Client, site_id: str, person_id: str, *, now: datetime, at: datetime | None = None
) -> Outcome:
    """Derive the sessions of a person, and write those that changed.

    The first call for a site that nobody derives yet claims it for the functions; where a machine does, nothing is
    written. Unidentified people have no sessions. at: the instant (UTC) of the changed event; None derives all sessions
    again, as after a merge. now: UTC. Raises ContentionError and what Google's client raises; no transaction is written
    in part.
    """
    if is_unidentified(person_id):
        return Outcome.DONE
    outcome = in_transaction(client, partial(_update, client, site_id, person_id, at, now))
    while outcome is Outcome.PARTIAL:
        outcome = in_transaction(client, partial(_update, client, site_id, person_id, None, now))
    return outcome


def _update(
    client: firestore.Client,
    site_id: str,
    person_id: str,
    at: datetime | None,
    now: datetime,
    transaction: firestore.Transaction,
) -> Outcome:
    site_reference = client.document(site_path(site_id))
    person = client.document(path_of(site_id, Collection.PEOPLE, person_id))
    tombstone = client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(person_id)))
    references = [site_reference, person, tombstone]
    found = {each.reference.path: each for each in client.get_all(references, None, transaction)}
    if found[tombstone.path].exists:
        return Outcome.FORGOTTEN
    site = site_of(site_id, found[site_reference.path].to_dict())
    if site.derived_by and not site.is_derived_here:
        return Outcome.DONE
    identity = identity_of(client, site_id, person_id, found[person.path].to_dict(), transaction)
    records = PersonRecords(client=client, transaction=transaction, site=site, identity=identity, now=now)
    affected, projected = _derive(records, at)
    if not site.derived_by:
        transaction.set(site_reference, stamped(CLAIM), merge=True)
    return _write(records, affected, projected)


def _derive(records: PersonRecords, at: datetime | None) -> tuple[Affected, Sequence[Projected]]:
    """The stored sessions that a change at an instant affects, and what takes their place; None for all sessions."""
    if at is not None:
        try:
            return _derive_around(records, at)
        except (RecordError, OtherRulesError) as reason:
            LOG.info("%s; deriving all sessions of the person again", reason)
    return records.all_sessions(), _projected(records, None)


def _derive_around(records: PersonRecords, at: datetime) -> tuple[Affected, Sequence[Projected]]:
    """The same from one clean session to the next; where the effect reaches farther, to the last session."""
    affected = records.sessions_around(at)
    if affected.end is not None:
        events = records.events(affected.since, affected.end.started_at)
        rules = records.site.rules
        projected = project_before(events, affected.end, key=records.key, rules=rules, now=records.now)
        if projected is not None:
            return affected, projected
        affected = records.sessions_around(at, to_the_end=True)
    return affected, _projected(records, affected.since)


def _projected(records: PersonRecords, since: datetime | None) -> Sequence[Projected]:
    return project(records.events(since), key=records.key, rules=records.site.rules, now=records.now)


def _document(projected: Projected, records: PersonRecords, stored: Mapping[str, Fields]) -> Fields:
    """The document of a session, with what it takes to derive from it on. stored: documents by id.

    Where only `due_at` moved, the stored document stays until its `due_at` is reached: otherwise every sighting would
    cost a write.
    """
    due_at = projected.due_at if projected.session.state is SessionState.OPEN else None
    document = {
        **documents.session_document(projected.session),
        "clean": projected.clean,
        "due_at": due_at,
        "rules": records.site.rules_digest,
    }
    known = stored.get(projected.session.session_id, {})
    known_due_at = known.get("due_at")
    is_later = isinstance(known_due_at, datetime) and due_at is not None and records.now <= known_due_at <= due_at
    return known if is_later and known == {**document, "due_at": known_due_at} else document


def _write(records: PersonRecords, affected: Affected, projected: Sequence[Projected]) -> Outcome:
    """Write at most MAX_WRITES sessions, and mark the days that no written session touches any more."""
    client, transaction, site = records.client, records.transaction, records.site
    stored = affected.documents
    difference = changes(stored, {each.session.session_id: _document(each, records, stored) for each in projected})
    todo: list[tuple[str, Fields | None]] = [(session_id, None) for session_id in difference.delete]
    todo += difference.write.items()
    before, after = set(), set()
    for session_id, document in todo[:MAX_WRITES]:
        reference = client.document(path_of(site.site_id, Collection.SESSIONS, session_id))
        before |= local_days(stored.get(session_id), site.rules.zone, records.now)
        after |= local_days(document, site.rules.zone, records.now)
        if document is None:
            transaction.delete(reference)
        else:
            transaction.set(reference, stamped(document))
    for day in sorted(before - after):
        transaction.set(client.document(path_of(site.site_id, Collection.DAYS, day.isoformat())), STALE, merge=True)
    return Outcome.PARTIAL if len(todo) > MAX_WRITES else Outcome.DONE
