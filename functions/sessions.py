"""The sessions of one person, derived from the events again in one transaction.

What is written follows from the stored events alone, so that duplicate, late and concurrent deliveries are idempotent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from google.cloud import firestore

from config.errors import RecordError
from functions.database import Fields, in_transaction, stamped
from functions.days import STALE, local_days
from functions.person_records import Affected, OtherRulesError, PersonRecords, identity_of
from functions.site import SiteConfig, claim_fields, site_of
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.people import digest_of
from tracker.presence.projection import Changes, Projected, project, project_before
from tracker.presence.sessions import SessionState

LOG = logging.getLogger(__name__)

MAX_WRITES = 200
"""Session documents that one transaction writes; further ones are written by the next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """written: documents written or deleted. forgotten: nothing was, because the person is forgotten. is_partial: a
    further transaction is needed."""

    written: int = 0
    forgotten: bool = False
    is_partial: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """at: when something changed, None to derive all sessions again. now: UTC."""

    site_id: str
    person_id: str
    at: datetime | None
    now: datetime


def update_sessions(
    client: firestore.Client, site_id: str, person_id: str, *, now: datetime, at: datetime | None = None
) -> Update:
    """Derive the sessions of a person, and write those that changed.

    The first call for a site that nobody derives yet claims it for the functions; where a machine does, nothing is
    written. at: the instant (UTC) of the changed event; None derives all sessions again, as after a merge. now: UTC.
    Raises ContentionError and what Google's client raises; no transaction is written in part.
    """
    request = _Request(site_id=site_id, person_id=person_id, at=at, now=now)
    update = in_transaction(client, lambda transaction: _update(client, transaction, request))
    written = update.written
    request = _Request(site_id=site_id, person_id=person_id, at=None, now=now)
    while update.is_partial:
        update = in_transaction(client, lambda transaction: _update(client, transaction, request))
        written += update.written
    return Update(written=written, forgotten=update.forgotten)


def _update(client: firestore.Client, transaction: firestore.Transaction, request: _Request) -> Update:
    site_reference = client.document(site_path(request.site_id))
    person = client.document(path_of(request.site_id, Collection.PEOPLE, request.person_id))
    tombstone = client.document(path_of(request.site_id, Collection.FORGOTTEN, digest_of(request.person_id)))
    found = {
        each.reference.path: each for each in client.get_all([site_reference, person, tombstone], None, transaction)
    }
    if found[tombstone.path].exists:
        return Update(forgotten=True)
    site = site_of(request.site_id, found[site_reference.path].to_dict())
    if site.derived_by and not site.is_derived_here:
        return Update()
    identity = identity_of(client, request.site_id, request.person_id, found[person.path].to_dict(), transaction)
    affected, changes = _derive(PersonRecords(client, transaction, site, identity), site, identity.person_id, request)
    if not site.derived_by:
        transaction.set(site_reference, stamped(claim_fields()), merge=True)
    return _write(client, transaction, site, affected, changes, request.now)


def _derive(
    records: PersonRecords, site: SiteConfig, person_id: str, request: _Request
) -> tuple[Affected, Changes[Fields]]:
    """The stored sessions that the request affects, and what to write and delete among them."""
    if request.at is not None:
        try:
            return _derive_around(records, site, person_id, request.at, request.now)
        except (RecordError, OtherRulesError) as reason:
            LOG.info("%s; deriving all sessions of the person again", reason)
    affected = records.all_sessions()
    projected = project(records.events(None), key=(site.site_id, person_id), rules=site.rules, now=request.now)
    return affected, _changes(site, affected, projected, request.now)


def _derive_around(
    records: PersonRecords, site: SiteConfig, person_id: str, at: datetime, now: datetime
) -> tuple[Affected, Changes[Fields]]:
    """The same from one clean session to the next; where the effect reaches farther, to the last session."""
    key = (site.site_id, person_id)
    affected = records.sessions_around(at, now)
    if affected.end is not None:
        events = records.events(affected.since, affected.end.started_at)
        projected = project_before(events, affected.end, key=key, rules=site.rules, now=now)
        if projected is not None:
            return affected, _changes(site, affected, projected, now)
        affected = records.sessions_around(at, now, to_the_end=True)
    projected = project(records.events(affected.since), key=key, rules=site.rules, now=now)
    return affected, _changes(site, affected, projected, now)


def _changes(site: SiteConfig, affected: Affected, projected: Sequence[Projected], now: datetime) -> Changes[Fields]:
    wanted = {each.session.session_id: _document(each, site) for each in projected}
    return Changes(
        write={
            session_id: document
            for session_id, document in wanted.items()
            if not _is_current(affected.documents.get(session_id), document, now)
        },
        delete=tuple(session_id for session_id in affected.documents if session_id not in wanted),
    )


def _document(projected: Projected, site: SiteConfig) -> Fields:
    """The session, and what it takes to derive from it on."""
    document = documents.session_document(projected.session)
    due_at = projected.due_at if projected.session.state is SessionState.OPEN else None
    return {**document, "clean": projected.clean, "due_at": due_at, "rules": site.rules_digest}


def _is_current(stored: Fields | None, wanted: Fields, now: datetime) -> bool:
    """Whether the stored document needs no write.

    An earlier `due_at` may stay as long as it is not reached: otherwise every sighting would cost a write.
    """
    if stored is None:
        return False
    stored_due_at, due_at = stored.get("due_at"), wanted["due_at"]
    if isinstance(stored_due_at, datetime) and due_at is not None and now <= stored_due_at <= due_at:
        wanted = {**wanted, "due_at": stored_due_at}
    return stored == wanted


def _write(
    client: firestore.Client,
    transaction: firestore.Transaction,
    site: SiteConfig,
    affected: Affected,
    changes: Changes[Fields],
    now: datetime,
) -> Update:
    """Write at most MAX_WRITES sessions, and mark the days that no written session touches any more."""
    todo: list[tuple[str, Fields | None]] = [(session_id, None) for session_id in changes.delete]
    todo += changes.write.items()
    before, after = set(), set()
    for session_id, document in todo[:MAX_WRITES]:
        reference = client.document(path_of(site.site_id, Collection.SESSIONS, session_id))
        before |= local_days(affected.documents.get(session_id), site.rules.zone, now)
        after |= local_days(document, site.rules.zone, now)
        if document is None:
            transaction.delete(reference)
        else:
            transaction.set(reference, stamped(document))
    for day in sorted(before - after):
        transaction.set(client.document(path_of(site.site_id, Collection.DAYS, day.isoformat())), STALE, merge=True)
    return Update(written=min(len(todo), MAX_WRITES), is_partial=len(todo) > MAX_WRITES)
