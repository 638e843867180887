"""Visits of one person, brought up to date with the events in one transaction.

Nothing is counted up: whatever is written follows from the events that are there, so an event that is delivered twice,
late, or at once with another one of the same person changes nothing or changes it rightly.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from google.cloud import firestore

from config.errors import RecordError
from functions.history import History, Known, OtherRulesError
from functions.identities import digest_of, identity_of
from functions.sites import Site, site_of
from functions.transactions import in_transaction
from tracker.cloud import documents
from tracker.cloud.layout import Collection, path_of, site_path
from tracker.presence.projection import Projected, project, project_before

LOG = logging.getLogger(__name__)

MOST_WRITES = 400
"""Documents that one transaction writes; what is left is written by the next one."""


@dataclass(frozen=True, slots=True)
class Writes:
    """What is to be written, in this order: paths of documents with their content, None for one to delete."""

    documents: list[tuple[str, dict[str, Any] | None]] = field(default_factory=list)

    def set(self, path: str, document: dict[str, Any]) -> None:
        self.documents.append((path, {**document, documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP}))

    def delete(self, path: str) -> None:
        self.documents.append((path, None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """written: documents that were written or deleted. forgotten: the person is, so nothing was. more: the rest of a
    long history waits for the next transaction."""

    written: int = 0
    forgotten: bool = False
    more: bool = False


def refresh(
    client: firestore.Client, site_id: str, person_id: str, *, now: datetime, at: datetime | None = None
) -> Outcome:
    """Bring the visits of a person up to date; only what changed is written.

    at: when (UTC) something was said to happen that may not be in the visits yet; None to make all of them anew, as
    after a merge. now: UTC, ends what silence has ended. Raises ContentionError and what Google's client raises; then
    nothing, or a whole transaction of several, was written.
    """
    outcome = in_transaction(client, lambda each: _refresh(client, each, site_id, person_id, at, now))
    written = outcome.written
    while outcome.more:  # what is compared with all that is written comes to an end
        outcome = in_transaction(client, lambda each: _refresh(client, each, site_id, person_id, None, now))
        written += outcome.written
    return Outcome(written=written, forgotten=outcome.forgotten)


def _refresh(
    client: firestore.Client,
    transaction: firestore.Transaction,
    site_id: str,
    person_id: str,
    at: datetime | None,
    now: datetime,
) -> Outcome:
    site_reference = client.document(site_path(site_id))
    person = client.document(path_of(site_id, Collection.PEOPLE, person_id))
    forgotten = client.document(path_of(site_id, Collection.FORGOTTEN, digest_of(person_id)))
    found = {
        each.reference.path: each for each in client.get_all([site_reference, person, forgotten], None, transaction)
    }
    if found[forgotten.path].exists:
        return Outcome(forgotten=True)
    site = site_of(site_id, found[site_reference.path].to_dict())
    if not site.visits_here:
        return Outcome()
    identity = identity_of(client, site_id, person_id, found[person.path].to_dict(), transaction)
    history = History(client, transaction, site, identity)
    try:
        writes = _worked_out(site, identity.person_id, history, at, now)
    except (RecordError, OtherRulesError) as reason:
        LOG.info("%s; all visits of the person are made anew", reason)
        writes = _worked_out(site, identity.person_id, history, None, now)
    for path, document in writes.documents[:MOST_WRITES]:
        reference = client.document(path)
        if document is None:
            transaction.delete(reference)
        else:
            transaction.set(reference, document)
    return Outcome(written=len(writes.documents[:MOST_WRITES]), more=len(writes.documents) > MOST_WRITES)


def _worked_out(site: Site, person_id: str, history: History, at: datetime | None, now: datetime) -> Writes:
    """What is to be written because something was said to happen at a moment, or for None whatever is.

    As a rule the visits between two clean ones are worked out; where what was said reaches farther, all later ones.
    """
    key, rules = (site.site_id, person_id), site.rules
    known = history.known(at, now)
    if known.after is not None:
        events = history.events(known.since, known.after.started_at)
        entries = project_before(events, known.after, key=key, rules=rules, now=now)
        if entries is not None:
            return _anew(site, known, entries, now)
        known = history.known(at, now, to_the_end=True)
    entries = project(history.events(known.since), key=key, rules=rules, now=now)
    return _anew(site, known, entries, now)


def _anew(site: Site, known: Known, entries: Sequence[Projected], now: datetime) -> Writes:
    """What differs between the documents and what the events say."""
    writes = Writes()
    wanted = {entry.session.session_id: _document(entry, site) for entry in entries}
    for session_id in known.documents.keys() - wanted.keys():
        writes.delete(path_of(site.site_id, Collection.SESSIONS, session_id))
    for session_id, document in wanted.items():
        if not _says(known.documents.get(session_id), document, now):
            writes.set(path_of(site.site_id, Collection.SESSIONS, session_id), document)
    return writes


def _document(entry: Projected, site: Site) -> dict[str, Any]:
    """The session of an entry, and what it takes to go on from it."""
    document = documents.session_document(entry.session)
    return {**document, "clean": entry.clean, "due_at": entry.due_at, "rules": site.rules_mark}


def _says(written: dict[str, Any] | None, wanted: dict[str, Any], now: datetime) -> bool:
    """Whether a document says what is wanted.

    When a visit is due may be later than is written, as long as it is not due by that: it will be looked at then, and
    every sighting in a room would cost a write otherwise.
    """
    if written is None:
        return False
    early, late = written.get("due_at"), wanted["due_at"]
    if isinstance(early, datetime) and late is not None and now <= early <= late:
        wanted = {**wanted, "due_at": early}
    return written == wanted
