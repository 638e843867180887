"""Paths of documents in Firestore: the collections of a site, and the ids of documents. Standard library only.

Everything is under `sites/{site}`. Ids are made from content: uploading a record again writes the same document.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum

from tracker.presence.events import content_id, time_text

SITES = "sites"
EMBEDDINGS = "embeddings"
"""The collection under each person."""

_RESERVED = re.compile(r"__.*__", re.DOTALL)
_QUOTED = re.compile(r"%(25|2F|2E|5F)")
_LONGEST = 1000
"""Bytes of an id; Firestore takes 1,500."""


class Collection(StrEnum):
    """The collections of a site."""

    EVENTS = "events"
    MATCHES = "matches"
    SESSIONS = "sessions"
    DAYS = "days"
    PEOPLE = "people"
    CORRECTIONS = "corrections"
    HEARTBEATS = "heartbeats"
    ZONE_STAYS = "zone_stays"
    FORGOTTEN = "forgotten"
    DEVICES = "devices"


def site_path(site_id: str) -> str:
    """The document of a site: its name, its rules, the settings that its machines share, who derives its sessions."""
    return f"{SITES}/{document_id(site_id)}"


def path_of(site_id: str, collection: Collection, record_id: str = "") -> str:
    """A collection of a site, or with an id a document in it."""
    path = f"{site_path(site_id)}/{collection}"
    return f"{path}/{document_id(record_id)}" if record_id else path


def embeddings_path(site_id: str, person_id: str, vector_id: str = "") -> str:
    """The face vectors of a person, or one of them."""
    path = f"{path_of(site_id, Collection.PEOPLE, person_id)}/{EMBEDDINGS}"
    return f"{path}/{document_id(vector_id)}" if vector_id else path


def document_id(record_id: str) -> str:
    """A record's id as the id of a document: as it is, except for what Firestore does not allow in one.

    Raises ValueError on an empty id.
    """
    if not record_id:
        raise ValueError("expected an id that is not empty")
    quoted = record_id.replace("%", "%25").replace("/", "%2F")
    if quoted in {".", ".."} or _RESERVED.fullmatch(quoted):
        quoted = f"%{ord(quoted[0]):02X}{quoted[1:]}"
    return content_id("long", record_id) if len(quoted.encode()) > _LONGEST else quoted


def vector_id(model: str, vector: bytes) -> str:
    """The same face of the same network is the same document on every machine."""
    return content_id("vector", model, vector.hex())


def heartbeat_id(camera_id: str, at: datetime) -> str:
    """Heartbeats are only added, never changed."""
    return content_id("heartbeat", camera_id, time_text(at))


def record_id(document_id: str) -> str:
    """The record's id of a document's id, as `document_id` made it; a digest where the id was too long."""
    return _QUOTED.sub(lambda found: chr(int(found[1], 16)), document_id)
