"""What admins of a site call: enrol somebody, forget somebody."""

from __future__ import annotations

import logging
import secrets
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from firebase_functions.https_fn import CallableRequest, FunctionsErrorCode, HttpsError
from google.api_core import exceptions as google_errors
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions import forgetting
from functions.snapshots import fields_of
from functions.transactions import ContentionError, in_transaction
from tracker.cloud import documents
from tracker.cloud.access import Access, access_to
from tracker.cloud.layout import Collection, path_of
from tracker.presence.events import time_text
from tracker.presence.people import Person, Role

LOG = logging.getLogger(__name__)
_LONGEST = 200


def enroll(request: CallableRequest[Any], client: firestore.Client) -> dict[str, Any]:
    """Write the profile of somebody who agreed to be recognised; faces are added at a camera machine.

    Takes site, name, consent (true), and if wished role and access. A name is one person's at a site: calling again
    gives the person who is there. Raises HttpsError.
    """
    said = _fields(request, {"site", "name", "consent", "role", "access"})
    site_id = _admin_of(request, said)
    name = _text(said, "name")
    if said.get("consent") is not True:
        raise _refused("consent: expected true: nobody is enrolled who did not agree")
    role = said.get("role", Role.MEMBER.value)
    if role not in tuple(Role):
        raise _refused(f"role: expected {' or '.join(Role)}")
    access = said.get("access", True)
    if not isinstance(access, bool):
        raise _refused("access: expected true or false")
    now = datetime.now(UTC)
    person_id = f"p-{secrets.token_hex(6)}"
    person = Person(person_id=person_id, name=name, created_at=now, consented_at=now, role=Role(role), access=access)
    found = _kept(lambda: in_transaction(client, lambda each: _add(client, each, site_id, person)))
    return {**found, "next": f"footfall enroll PICTURE... --name {name!r} --add at a camera machine adds the face"}


def forget(request: CallableRequest[Any], client: firestore.Client) -> dict[str, Any]:
    """Erase somebody from a site. Takes site, person_id and, if wished, erase_history. Raises HttpsError."""
    said = _fields(request, {"site", "person_id", "erase_history"})
    site_id = _admin_of(request, said)
    person_id = _text(said, "person_id")
    erase_history = said.get("erase_history", False)
    if not isinstance(erase_history, bool):
        raise _refused("erase_history: expected true or false")
    now = datetime.now(UTC)
    found = _kept(lambda: forgetting.forget(client, site_id, person_id, erase_history=erase_history, now=now))
    if found is None:
        raise HttpsError(FunctionsErrorCode.NOT_FOUND, "person_id: nobody at this site has this id")
    return {"deleted": found.deleted, "events_kept": found.events_kept}


def _add(client: firestore.Client, transaction: firestore.Transaction, site_id: str, person: Person) -> dict[str, Any]:
    """Add a person whose name is free, or find who has it."""
    people = client.collection(path_of(site_id, Collection.PEOPLE))
    enrolled = people.where(filter=FieldFilter("kind", "==", "enrolled")).select(
        ["name", "consented_at", "merged_into"]
    )
    for each in enrolled.stream(transaction=transaction):
        known = fields_of(each)
        if known.get("merged_into") is None and _same_name(str(known.get("name")), person.name):
            return {"person_id": each.id, "created": False, "consented_at": _moment(known.get("consented_at"))}
    document = {**documents.person_document(person), documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP}
    transaction.create(client.document(path_of(site_id, Collection.PEOPLE, person.person_id)), document)
    return {"person_id": person.person_id, "created": True, "consented_at": _moment(person.consented_at)}


def _same_name(one: str, other: str) -> bool:
    """Composed (NFC) and without case, as the machines compare names."""
    return unicodedata.normalize("NFC", one).casefold() == unicodedata.normalize("NFC", other).casefold()


def _moment(at: object) -> str | None:
    return time_text(at) if isinstance(at, datetime) else None


def _kept(work: Any) -> Any:
    """What work gives; where Firestore is away for the moment, the caller is told to try again."""
    try:
        return work()
    except (google_errors.GoogleAPICallError, ContentionError) as error:
        LOG.error("it is to be called again: %s", error)
        raise HttpsError(FunctionsErrorCode.UNAVAILABLE, "the store does not answer now; call again") from error


def _fields(request: CallableRequest[Any], known: set[str]) -> Mapping[str, Any]:
    said = request.data
    if not isinstance(said, Mapping):
        raise _refused("expected an object with fields")
    strange = sorted(str(name) for name in said if name not in known)
    if strange:
        raise _refused(f"unknown field {strange[0][:50]!r}; known are {', '.join(sorted(known))}")
    return said


def _admin_of(request: CallableRequest[Any], said: Mapping[str, Any]) -> str:
    """The site that is meant. Raises HttpsError unless an admin of it asks."""
    if request.auth is None:
        raise HttpsError(FunctionsErrorCode.UNAUTHENTICATED, "sign in first")
    site_id = _text(said, "site")
    if access_to(request.auth.token, site_id) is not Access.ADMIN:
        raise HttpsError(FunctionsErrorCode.PERMISSION_DENIED, "only admins of the site may do this")
    return site_id


def _text(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST:
        raise _refused(f"{name}: expected a text of 1 to {_LONGEST} characters")
    return value.strip()


def _refused(problem: str) -> HttpsError:
    return HttpsError(FunctionsErrorCode.INVALID_ARGUMENT, problem)
