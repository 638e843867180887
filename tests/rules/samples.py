"""A document of every collection, as the codecs write it, and the users who ask for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.rules.ruling import Request, Rules, Ruling
from tracker.cloud import documents
from tracker.cloud.auth.access import Access, device_claims, granted
from tracker.presence.events import ITSELF, OPERATOR, SCHEMA, Action, Correction, Event, EventKind, Match
from tracker.presence.people import Person
from tracker.presence.sessions import Segment, Session, SessionState
from tracker.presence.zones import ZoneStay

Fields = dict[str, Any]
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
AT = NOW - timedelta(minutes=1)
SITE, CAMERA = "gym", "door"


def event(camera_id: str = CAMERA) -> Event:
    return Event(
        kind=EventKind.ENTER,
        site_id=SITE,
        camera_id=camera_id,
        person_id="p-1",
        at=AT,
        track_id=f"{camera_id}-20260302T092900.000000-1",
        x_frac=0.5,
        y_frac=0.25,
    )


def match() -> Match:
    return Match(
        site_id=SITE,
        camera_id=CAMERA,
        track_id="door-1",
        at=AT,
        person_id="p-1",
        distance=0.31,
        margin=0.2,
        quality=0.8,
        authorised=True,
        reason="named by 5 sightings",
    )


def session() -> Session:
    return Session(
        session_id="s-1",
        site_id=SITE,
        person_id="p-1",
        started_at=AT,
        ended_at=NOW,
        dwell_s=60.0,
        gross_s=60.0,
        segments=(Segment(AT, NOW),),
        enter_inferred=False,
        exit_inferred=False,
        state=SessionState.CLOSED,
    )


def correction(action: Action = Action.VOID) -> Correction:
    added = event(OPERATOR) if action is Action.ADD else None
    return Correction(
        action=action, event_id=added.event_id if added else "e-1", by="Ann", at=AT, reason="was her sister",
        event=added,
    )  # fmt: skip


def agent_void(event_id: str, *, by: str = ITSELF) -> Fields:
    """An agent's correction that voids an event."""
    voided = Correction(action=Action.VOID, event_id=event_id, by=by, at=AT, reason="the track shows somebody else")
    return documents.correction_document(voided, "p-1")


def heartbeat() -> Fields:
    return {
        "camera_id": CAMERA,
        "at": AT,
        "state": "live",
        "started_at": AT,
        "last_frame_at": AT,
        "fps": 14.8,
        "frames": 100,
        "dropped": 0,
        "problem": None,
        "watch_started_at": AT,
        "watch_ended_at": None,
        "backlog": 0,
        "machine_id": "m-1",
        "rejected": 0,
        "version": "0.1.0",
        "schema": SCHEMA,
    }


def zone_stay() -> ZoneStay:
    return ZoneStay(site_id=SITE, camera_id=CAMERA, zone="rack", person_id="p-1", started_at=AT, seen_at=NOW, over=True)


def embedding(dimension: int = 128) -> Fields:
    vector = bytes(4 * dimension)
    return {"model": "dlib-resnet", "dimension": dimension, "vector": vector, "source": "", "schema": SCHEMA}


def site() -> Fields:
    return {
        "name": "The gym",
        "time_zone": "Europe/Berlin",
        "capacity": 40,
        "settings": {"match": {"max_distance": 0.55}},
        "rules": "{}",
        "derived_by": "functions",
        "schema": SCHEMA,
    }


def person() -> Person:
    return Person(
        person_id="p-1",
        name="Ada",
        created_at=AT,
        consented_at=AT,
        consent_version="2026-01",
        consent_by="Ann",
        groups=("Morning course",),
        valid_from=AT.date(),
        valid_until=NOW.date(),
    )


WRITTEN: Mapping[str, Callable[[], Fields]] = {
    "events": lambda: documents.event_document(event()),
    "matches": lambda: documents.match_document(match()),
    "sessions": lambda: documents.session_document(session()),
    "days": lambda: {"zone": "Europe/Berlin", "entries": 3, "peak": 2, "peak_at": AT, "schema": SCHEMA},
    "people": lambda: documents.person_document(person()),
    "corrections": lambda: documents.correction_document(correction(), "p-1"),
    "heartbeats": heartbeat,
    "zone_stays": lambda: documents.zone_stay_document(zone_stay()),
    "forgotten": lambda: {"at": AT, "erase_history": False, "schema": SCHEMA},
    "devices": lambda: {"name": "entrance-pi", "camera_id": CAMERA, "created_at": AT, "revoked_at": None},
}
"""By collection, without the time of receipt."""
BY_MACHINES = ("events", "matches", "heartbeats", "zone_stays")
EMBEDDING = ("sites", SITE, "people", "p-1", "embeddings", "v-1")


def received(fields: Mapping[str, Any], at: datetime = NOW) -> Fields:
    """The document as stored by the server."""
    return {**fields, "received_at": at}


def whole(collection: str, **changes: Any) -> Fields:
    """The document as a client sends it, with changes; `...` removes a field."""
    fields = received(WRITTEN[collection]()) | changes
    return {name: value for name, value in fields.items() if value is not ...}


@dataclass(frozen=True, slots=True)
class Who:
    """A user who sends requests."""

    uid: str | None = None
    claims: Fields = field(default_factory=dict)


NOBODY = Who()
STRANGER = Who("u-stranger")
CAMERA_MACHINE = Who("device-1", device_claims(SITE, CAMERA))
REVOKED = Who("device-2", device_claims(SITE, CAMERA))
OPERATOR_OF_GYM = Who("u-operator", granted({}, SITE, Access.OPERATOR))
ADMIN_OF_GYM = Who("u-admin", granted({}, SITE, Access.ADMIN))
ADMIN_ELSEWHERE = Who("u-other", granted({}, "pool", Access.ADMIN))
MACHINE_ELSEWHERE = Who("device-3", device_claims("pool", CAMERA))

STORED: Mapping[tuple[str, ...], Fields] = {
    ("sites", SITE): received(site(), AT),
    ("sites", SITE, "devices", "device-1"): received(WRITTEN["devices"](), AT),
    ("sites", SITE, "devices", "device-2"): received(WRITTEN["devices"](), AT) | {"revoked_at": AT},
    **{("sites", SITE, name, "x-1"): received(make(), AT) for name, make in WRITTEN.items()},
    ("sites", SITE, "people", "p-1"): received(WRITTEN["people"](), AT),
    ("sites", SITE, "people", "visitor-1"): received(WRITTEN["people"](), AT) | {"kind": "visitor"},
    ("sites", SITE, "people", "p-2"): received(WRITTEN["people"](), AT) | {"consented_at": None},
    ("sites", SITE, "people", "p-3"): received(WRITTEN["people"](), AT) | {"merged_into": "p-1"},
    ("sites", SITE, "events", "e-now"): received(WRITTEN["events"](), AT),
    ("sites", SITE, "events", "e-old"): received(WRITTEN["events"](), NOW - timedelta(days=2)),
    ("sites", SITE, "events", "e-back"): received(documents.event_document(event("back")), AT),
    ("sites", SITE, "corrections", "c-own"): received(agent_void("e-now"), AT),
    EMBEDDING: received(embedding(), AT),
}
"""The documents in the database of the table."""

DEPLOYED = Rules.read()


def ask(
    who: Who,
    method: str,
    *ids: str,
    data: Fields | None = None,
    before: Fields | None = None,
    rules: Rules = DEPLOYED,
) -> Ruling:
    """The ruling on a request about the document (for `list` the collection) under the site, or of a whole path.

    before: the stored document, by default that of STORED.
    """
    path = ids if ids and ids[0] == "sites" else ("sites", SITE, *ids)
    request = Request(
        method=method,
        ids=path,
        at=NOW,
        uid=who.uid,
        claims=who.claims,
        before=None if method == "create" else before or STORED.get(path),
        after=data,
    )
    return rules.rule(request, STORED.get)
