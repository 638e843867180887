"""Records as Firestore documents and back: the only place that knows their fields. Standard library only.

A document holds the fields of its record, times as timestamps and days as text, but for those that are in its path
(site and id) and for optional ones that are None or empty. Decoding is strict: a document that another program damaged,
or with a time that no record can have, is refused by RecordError, which names the field. `received_at` is set by the
server; readers continue from it. A deleted record is a tombstone, a document with `deleted: true`, so that readers
learn of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, TypeAlias

from config.errors import RecordError
from tracker.presence import documents as plain
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import EARLIEST, LATEST, SCHEMA, Correction, Event, Match, as_utc, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.people import Person
from tracker.presence.sessions import Session, SessionState
from tracker.presence.zones import ZoneStay

CloudDocument: TypeAlias = dict[str, Any]
"""Values of Firestore by field name: text, numbers, flags, timezone-aware datetimes, bytes, lists, maps, None."""

RECEIVED_AT = "received_at"
"""The field with the time at which the server took the document."""
FUNCTIONS = "functions"
"""The Cloud Functions, as the deriver of a site's sessions."""
DELETED = "deleted"
"""True in a tombstone."""

_OF_FUNCTIONS = ("clean", "due_at", "rules")
"""What the functions keep in a session, to continue from it."""
_ABSENT_WHEN_NONE = ("x_frac", "y_frac", "distance", "margin", "event")
_ADDED_TO_PEOPLE: Mapping[str, object] = {
    "groups": [], "valid_from": None, "valid_until": None, "consent_version": "", "consent_by": "",
}  # fmt: skip
"""Fields that versions before 0.2 do not know, and without which a document means these values."""
_OF_HEALTH = ("camera_id", "state", "started_at", "last_frame_at", "fps", "frames", "dropped", "problem", "schema")


def event_document(event: Event) -> CloudDocument:
    """The document `events/{event_id}`."""
    return _encoded(event, without=("site_id", "event_id"))


def event_of(site_id: str, event_id: str, document: Mapping[str, Any]) -> Event:
    """The event of a document. Raises RecordError naming the field."""
    event = plain.decode(Event, _plain(document, site_id=site_id, event_id=event_id, absent=("x_frac", "y_frac")))
    require_possible("event", at=event.at)
    return event


def match_document(match: Match) -> CloudDocument:
    """The document `matches/{match_id}`."""
    return _encoded(match, without=("site_id", "match_id"))


def session_document(session: Session) -> CloudDocument:
    """The document `sessions/{session_id}`. An open session has no lengths: they would change every second."""
    document = _encoded(session, without=("site_id", "session_id"))
    if session.state is SessionState.OPEN:
        document["dwell_s"] = document["gross_s"] = None
    return document


def session_of(site_id: str, session_id: str, document: Mapping[str, Any], *, now: datetime) -> Session:
    """The session of a document; an open one runs to `now` (UTC). Raises RecordError naming the field."""
    own = {name: value for name, value in document.items() if name not in _OF_FUNCTIONS}
    found = _plain(own, site_id=site_id, session_id=session_id)
    segments = document.get("segments")
    if isinstance(segments, list):
        found["segments"] = [_plain(each) if isinstance(each, Mapping) else each for each in segments]
    if found.get("state") == SessionState.OPEN and found.get("dwell_s") is None:
        found["dwell_s"], found["gross_s"] = _running(found.get("segments"), as_utc(now))
    session = plain.decode(Session, found)
    require_possible("session", started_at=session.started_at, ended_at=session.ended_at)
    for segment in session.segments:
        require_possible("session: segments", started_at=segment.started_at, ended_at=segment.ended_at)
    return session


def person_document(person: Person, *, merged_into: str | None = None) -> CloudDocument:
    """The document `people/{person_id}`, with whom they were merged into; it holds no vector."""
    found = _encoded(person, without=("person_id",))
    kept = {name: value for name, value in found.items() if value or name not in _ADDED_TO_PEOPLE}
    return {**kept, "merged_into": merged_into, "schema": SCHEMA}


def person_of(person_id: str, document: Mapping[str, Any]) -> tuple[Person, str | None]:
    """The person of a document, and into whom they were merged. Raises RecordError naming the field."""
    found = {**_ADDED_TO_PEOPLE, **_plain(document, person_id=person_id)}
    if found.pop("schema", None) != SCHEMA:
        raise RecordError(
            f"person: schema: expected version {SCHEMA}, which this Footfall knows", fix="update Footfall here"
        )
    merged_into = found.pop("merged_into", None)
    if merged_into is not None and (not isinstance(merged_into, str) or merged_into in ("", person_id)):
        raise RecordError(
            f"person: merged_into: expected the id of another person, got {merged_into!r}",
            fix="correct merged_into in the document",
        )
    person = plain.decode(Person, found)
    require_possible("person", created_at=person.created_at, consented_at=person.consented_at)
    return person, merged_into


def correction_document(correction: Correction, person_id: str) -> CloudDocument:
    """The document `corrections/{correction_id}`. person_id: of the event's person, so that theirs can be queried."""
    return {**_encoded(correction, without=("correction_id",)), "person_id": person_id}


def correction_of(correction_id: str, document: Mapping[str, Any]) -> Correction:
    """The correction of a document. Raises RecordError naming the field."""
    found = _plain(document, correction_id=correction_id, absent=("event",))
    found.pop("person_id", None)
    if isinstance(found["event"], Mapping):
        found["event"] = _plain(found["event"], absent=("x_frac", "y_frac"))
    correction = plain.decode(Correction, found)
    require_possible("correction", at=correction.at)
    if correction.event is not None:
        require_possible("correction: event", at=correction.event.at)
    return correction


def zone_stay_document(stay: ZoneStay) -> CloudDocument:
    """The document `zone_stays/{stay_id}`."""
    return _encoded(stay, without=("site_id", "stay_id"))


def zone_stay_of(site_id: str, stay_id: str, document: Mapping[str, Any]) -> ZoneStay:
    """The stay in a zone of a document. Raises RecordError naming the field."""
    stay = plain.decode(ZoneStay, _plain(document, site_id=site_id, stay_id=stay_id))
    require_possible("zone stay", started_at=stay.started_at, seen_at=stay.seen_at)
    return stay


def tombstone_document(deleted_at: datetime) -> CloudDocument:
    """The document of a record that was deleted. It is purged like the record that it replaces, by `seen_at`."""
    return {DELETED: True, "seen_at": deleted_at, "schema": SCHEMA}


def is_tombstone(document: Mapping[str, Any]) -> bool:
    """Whether the record of this document was deleted."""
    return document.get(DELETED) is True


def heartbeat_document(
    health: CameraHealth, span: CoverageSpan | None, *, machine_id: str, version: str, backlog: int, rejected: int
) -> CloudDocument:
    """The document `heartbeats/{heartbeat_id}`. span: the newest coverage; backlog, rejected: rows of the machine."""
    return {
        "camera_id": health.camera_id,
        "machine_id": machine_id,
        "at": health.updated_at,
        "state": str(health.state),
        "started_at": health.started_at,
        "last_frame_at": health.last_frame_at,
        "fps": float(health.fps),
        "frames": health.frames,
        "dropped": health.dropped,
        "problem": health.problem,
        "watch_started_at": None if span is None else span.started_at,
        "watch_ended_at": None if span is None else span.ended_at,
        "backlog": backlog,
        "rejected": rejected,
        "version": version,
        "schema": SCHEMA,
    }


def heartbeat_of(site_id: str, document: Mapping[str, Any]) -> tuple[CameraHealth, CoverageSpan | None, str]:
    """The health of a camera, without its source, its newest coverage, and the machine; "" by older versions.

    Raises RecordError naming the field.
    """
    found = {name: document[name] for name in _OF_HEALTH if name in document}
    health = plain.decode(CameraHealth, {**found, "site_id": site_id, "source": "", "updated_at": document.get("at")})
    require_possible(
        "heartbeat", at=health.updated_at, started_at=health.started_at, last_frame_at=health.last_frame_at
    )
    machine_id = document.get("machine_id", "")
    if not isinstance(machine_id, str):
        raise RecordError("heartbeat: machine_id: expected a text", fix="update the agent")
    started_at, ended_at = document.get("watch_started_at"), document.get("watch_ended_at")
    if started_at is None and ended_at is None:
        return health, None, machine_id
    if not isinstance(started_at, datetime) or not isinstance(ended_at, datetime):
        raise RecordError("heartbeat: watch_started_at, watch_ended_at: expected two times", fix="update the agent")
    require_possible("heartbeat", watch_started_at=started_at, watch_ended_at=ended_at)
    try:
        span = CoverageSpan(site_id=site_id, camera_id=health.camera_id, started_at=started_at, ended_at=ended_at)
    except ValueError as error:
        raise RecordError(f"heartbeat: watch: {error}", fix="set the clock of the camera machine") from error
    return health, span, machine_id


def deriver_of(document: Mapping[str, Any]) -> str:
    """Who derives the sessions of a site with this document: FUNCTIONS, the id of a machine, or "" for nobody yet."""
    deriver = document.get("derived_by")
    if isinstance(deriver, str) and deriver:
        return deriver
    return FUNCTIONS if document.get("visits_by") == FUNCTIONS else ""  # as versions before 0.2 wrote it


def require_possible(title: str, **times: datetime | None) -> None:
    """Raises RecordError, which names the field, for a time (UTC) outside of 1970 to 2999."""
    for name, at in times.items():
        if at is not None and not EARLIEST <= at < LATEST:
            raise RecordError(
                f"{title}: {name}: expected a time from 1970 to 2999, got {time_text(at)}",
                fix="set the clock of the machine that wrote it",
            )


def _encoded(record: Any, *, without: tuple[str, ...] = ()) -> CloudDocument:
    """The fields of a record as values of Firestore, without those in its path and the optional ones that are None."""
    values = {name: _value(getattr(record, name)) for name in record.__dataclass_fields__ if name not in without}
    for name in _ABSENT_WHEN_NONE:
        if name in values and values[name] is None:
            del values[name]
    return values


def _value(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_value(each) for each in value]
    return _encoded(value) if is_dataclass(value) else value


def _plain(document: Mapping[str, Any], *, absent: tuple[str, ...] = (), **from_path: str) -> plain.Document:
    """The fields of a record again, with those from its path and the optional ones that are absent."""
    found: plain.Document = dict.fromkeys(absent)
    found.update((name, value) for name, value in document.items() if name != RECEIVED_AT)
    return found | from_path


def _running(segments: object, now: datetime) -> tuple[float, float]:
    """Net and gross seconds up to `now` of an open session, 0 where the segments cannot be read."""
    if not isinstance(segments, list) or not segments:
        return 0.0, 0.0
    try:
        spans = [(each["started_at"], each["ended_at"] or max(now, each["started_at"])) for each in segments]
        net_s = sum((ended_at - started_at).total_seconds() for started_at, ended_at in spans)
        return net_s, (spans[-1][1] - spans[0][0]).total_seconds()
    except (TypeError, KeyError, AttributeError):
        return 0.0, 0.0  # the strict decoding that follows names the fault
