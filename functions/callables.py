"""Callable functions for admins of a site: enrol a person, forget a person."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from firebase_functions.https_fn import CallableRequest, FunctionsErrorCode, HttpsError
from google.api_core import exceptions as google_errors
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from functions import forgetting
from functions.database import ContentionError, fields_of, in_transaction, stamped
from tracker.cloud import documents
from tracker.cloud.auth.access import Access, access_to
from tracker.cloud.paths import Collection, path_of
from tracker.presence.events import time_text
from tracker.presence.people import Person, Role, name_key

LOG = logging.getLogger(__name__)
_Result = TypeVar("_Result")
_MAX_TEXT = 200


def enroll(request: CallableRequest[Any], client: firestore.Client) -> dict[str, Any]:
    """Write the profile of a consenting person; face vectors are added at a camera machine.

    Arguments: site, name, consent (true), optionally role and access. Names are unique at a site: a further call
    returns the person of that name. Raises HttpsError.
    """
    arguments = _arguments(request, {"site", "name", "consent", "role", "access"})
    site_id = _admin_site(request, arguments)
    name = _text(arguments, "name")
    if arguments.get("consent") is not True:
        raise _invalid("consent: expected true: only people who consent are enrolled")
    role = arguments.get("role", Role.MEMBER.value)
    if role not in tuple(Role):
        raise _invalid(f"role: expected {' or '.join(Role)}")
    access = _flag(arguments, "access", default=True)
    now = datetime.now(UTC)
    person_id = f"p-{secrets.token_hex(6)}"
    person = Person(person_id=person_id, name=name, created_at=now, consented_at=now, role=Role(role), access=access)
    found = _available(lambda: in_transaction(client, lambda each: _add(client, each, site_id, person)))
    return {**found, "next": f"footfall enroll PICTURE... --name {name!r} --add at a camera machine adds the face"}


def forget(request: CallableRequest[Any], client: firestore.Client) -> dict[str, Any]:
    """Erase a person from a site. Arguments: site, person_id, optionally erase_history. Raises HttpsError."""
    arguments = _arguments(request, {"site", "person_id", "erase_history"})
    site_id = _admin_site(request, arguments)
    person_id = _text(arguments, "person_id")
    erase_history = _flag(arguments, "erase_history", default=False)
    now = datetime.now(UTC)
    erasure = _available(lambda: forgetting.forget(client, site_id, person_id, erase_history=erase_history, now=now))
    if erasure is None:
        raise HttpsError(FunctionsErrorCode.NOT_FOUND, "person_id: expected the id of a person at this site")
    return {"deleted": erasure.deleted, "events_kept": erasure.events_kept}


def _add(client: firestore.Client, transaction: firestore.Transaction, site_id: str, person: Person) -> dict[str, Any]:
    """Add a person, or return the one who has the name."""
    people = client.collection(path_of(site_id, Collection.PEOPLE))
    enrolled = people.where(filter=FieldFilter("kind", "==", "enrolled")).select(
        ["name", "consented_at", "merged_into"]
    )
    for each in enrolled.stream(transaction=transaction):
        known = fields_of(each)
        if known.get("merged_into") is None and name_key(str(known.get("name"))) == name_key(person.name):
            return _enrolled(each.id, known.get("consented_at"), created=False)
    reference = client.document(path_of(site_id, Collection.PEOPLE, person.person_id))
    transaction.create(reference, stamped(documents.person_document(person)))
    return _enrolled(person.person_id, person.consented_at, created=True)


def _enrolled(person_id: str, consented_at: object, *, created: bool) -> dict[str, Any]:
    consented = time_text(consented_at) if isinstance(consented_at, datetime) else None
    return {"person_id": person_id, "created": created, "consented_at": consented}


def _available(work: Callable[[], _Result]) -> _Result:
    """The result of `work`. Raises HttpsError UNAVAILABLE where Firestore fails: the caller may retry."""
    try:
        return work()
    except (google_errors.GoogleAPICallError, ContentionError) as error:
        LOG.error("the call failed: %s", error)
        raise HttpsError(FunctionsErrorCode.UNAVAILABLE, "Firestore is not available; try again later") from error


def _arguments(request: CallableRequest[Any], known: set[str]) -> Mapping[str, Any]:
    arguments = request.data
    if not isinstance(arguments, Mapping):
        raise _invalid("expected an object with named arguments")
    unknown = sorted(str(name) for name in arguments if name not in known)
    if unknown:
        raise _invalid(f"{unknown[0][:50]}: unknown argument; expected {', '.join(sorted(known))}")
    return arguments


def _admin_site(request: CallableRequest[Any], arguments: Mapping[str, Any]) -> str:
    """The site of the call. Raises HttpsError unless the caller is an admin of it."""
    if request.auth is None:
        raise HttpsError(FunctionsErrorCode.UNAUTHENTICATED, "expected a signed-in user")
    site_id = _text(arguments, "site")
    if access_to(request.auth.token, site_id) is not Access.ADMIN:
        raise HttpsError(FunctionsErrorCode.PERMISSION_DENIED, "site: expected one that the user is an admin of")
    return site_id


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str) or not value.strip() or len(value) > _MAX_TEXT:
        raise _invalid(f"{name}: expected a text of 1 to {_MAX_TEXT} characters")
    return value.strip()


def _flag(arguments: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = arguments.get(name, default)
    if not isinstance(value, bool):
        raise _invalid(f"{name}: expected true or false")
    return value


def _invalid(problem: str) -> HttpsError:
    return HttpsError(FunctionsErrorCode.INVALID_ARGUMENT, problem)
