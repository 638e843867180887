"""Records as plain documents and back: the form in which they are exported, sent to the cloud and read from it.

A document is a dict of JSON values whose keys are the field names; times are text as `time_text` writes it. Reading
is strict: every field must be there with the right type and range, and no other. Needs only the standard library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar

from config.errors import RecordError
from tracker.presence.events import SCHEMA, Action, Correction, Event, EventKind, Match, as_utc, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.presence.sessions import Segment, Session, SessionState
from tracker.presence.zones import ZoneStay

Document: TypeAlias = dict[str, Any]
"""JSON values by field name."""

_Reader: TypeAlias = Callable[[object], object]
"""Turns one JSON value into a field's value. Raises ValueError("expected ...") when it cannot."""
_Record = TypeVar("_Record")


def event_to_document(event: Event) -> Document:
    """The document of an event."""
    return _written(event)


def event_from_document(document: object) -> Event:
    """The event of a document. Raises RecordError naming the field."""
    return _read(Event, document, _EVENT)


def match_to_document(match: Match) -> Document:
    """The document of a match."""
    return _written(match)


def match_from_document(document: object) -> Match:
    """The match of a document. Raises RecordError naming the field."""
    return _read(Match, document, _MATCH)


def session_to_document(session: Session) -> Document:
    """The document of a session; segments are a list of documents."""
    return _written(session)


def session_from_document(document: object) -> Session:
    """The session of a document. Raises RecordError naming the field."""
    return _read(Session, document, _SESSION)


def person_to_document(person: Person) -> Document:
    """The document of a person; it holds no vector."""
    return _written(person)


def person_from_document(document: object) -> Person:
    """The person of a document. Raises RecordError naming the field."""
    return _read(Person, document, _PERSON)


def presence_to_document(presence: Presence) -> Document:
    """The document of an open presence."""
    return _written(presence)


def presence_from_document(document: object) -> Presence:
    """The open presence of a document. Raises RecordError naming the field."""
    return _read(Presence, document, _PRESENCE)


def health_to_document(health: CameraHealth) -> Document:
    """The document of a camera's health."""
    return _written(health)


def health_from_document(document: object) -> CameraHealth:
    """The camera health of a document. Raises RecordError naming the field."""
    return _read(CameraHealth, document, _HEALTH)


def correction_to_document(correction: Correction) -> Document:
    """The document of a correction; an added event stands in it whole."""
    return _written(correction)


def correction_from_document(document: object) -> Correction:
    """The correction of a document. Raises RecordError naming the field."""
    return _read(Correction, document, _CORRECTION)


def zone_stay_to_document(stay: ZoneStay) -> Document:
    """The document of a stay in a zone."""
    return _written(stay)


def zone_stay_from_document(document: object) -> ZoneStay:
    """The stay in a zone of a document. Raises RecordError naming the field."""
    return _read(ZoneStay, document, _ZONE_STAY)


def _written(record: Any) -> Document:
    return {field.name: _plain(getattr(record, field.name)) for field in fields(record)}


def _plain(value: object) -> object:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, tuple):
        return [_written(part) for part in value]
    if is_dataclass(value):
        return _written(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # the margin to a runner-up who does not exist; JSON has no infinity
    return value


def _read(kind: Callable[..., _Record], document: object, readers: Mapping[str, _Reader]) -> _Record:
    """Build a record from a document, each field by its reader."""
    title = _TITLES[kind]
    if not isinstance(document, Mapping):
        raise _refused(title, f"expected an object with fields, got {_shown(document)}", readers)
    strange = sorted(str(key) for key in document if key not in readers)
    if strange:
        raise _refused(title, f"unknown field {strange[0][:50]!r}", readers)
    values: dict[str, object] = {}
    for name, reader in readers.items():
        if name not in document:
            raise _refused(title, f"{name} is missing", readers)
        try:
            values[name] = reader(document[name])
        except ValueError as error:
            raise RecordError(
                f"{title}: {name}: {error}, got {_shown(document[name])}",
                fix=f"correct {name} at the source of the {title}",
            ) from error
    try:
        return kind(**values)
    except (ValueError, OverflowError) as error:
        raise RecordError(f"{title}: {error}", fix=f"correct it at the source of the {title}") from error


def _refused(title: str, problem: str, readers: Mapping[str, _Reader]) -> RecordError:
    return RecordError(f"{title}: {problem}", fix=f"give exactly the fields {', '.join(readers)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("expected a text of whole characters") from None
    return value


def _id(value: object) -> str:
    text = _text(value)
    if not text.strip():
        raise ValueError("expected a text that is not empty")
    return text


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _number(value: object) -> float:
    """A finite number; infinity and NaN have no place in JSON."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError("expected a finite number")
    return number


def _amount(value: object) -> float:
    number = _number(value)
    if number < 0:
        raise ValueError("expected 0 or more")
    return number


def _fraction(value: object) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise ValueError("expected 0..1")
    return number


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("expected a whole number, 0 or more")
    return value


def _schema(value: object) -> int:
    if isinstance(value, bool) or value != SCHEMA:
        raise ValueError(f"expected version {SCHEMA}, which this Footfall knows")
    return SCHEMA


def _time(value: object) -> datetime:
    try:
        return as_utc(datetime.fromisoformat(_text(value)))
    except (ValueError, OverflowError):
        raise ValueError("expected an ISO 8601 time with a zone, such as 2026-01-31T09:30:00Z") from None


def _choice(kind: type[StrEnum]) -> _Reader:
    valid = {member.value: member for member in kind}

    def read(value: object) -> StrEnum:
        if not isinstance(value, str) or value not in valid:
            raise ValueError(f"expected {' or '.join(valid)}")
        return valid[value]

    return read


def _optional(reader: _Reader) -> _Reader:
    def read(value: object) -> object:
        return None if value is None else reader(value)

    return read


def _segments(value: object) -> tuple[Segment, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of segments")
    return tuple(_read(Segment, part, _SEGMENT) for part in value)


def _added_event(value: object) -> Event:
    return _read(Event, value, _EVENT)


_EVENT: Mapping[str, _Reader] = {
    "kind": _choice(EventKind),
    "site_id": _id,
    "camera_id": _id,
    "person_id": _id,
    "at": _time,
    "track_id": _id,
    "x_frac": _optional(_fraction),
    "y_frac": _optional(_fraction),
    "inferred": _flag,
    "schema": _schema,
    "event_id": _id,
}
_MATCH: Mapping[str, _Reader] = {
    "site_id": _id,
    "camera_id": _id,
    "track_id": _id,
    "at": _time,
    "person_id": _optional(_id),
    "distance": _optional(_amount),
    "margin": _optional(_number),
    "quality": _fraction,
    "authorised": _flag,
    "reason": _text,
    "schema": _schema,
    "match_id": _id,
}
_SEGMENT: Mapping[str, _Reader] = {"started_at": _time, "ended_at": _optional(_time)}
_SESSION: Mapping[str, _Reader] = {
    "session_id": _id,
    "site_id": _id,
    "person_id": _id,
    "started_at": _time,
    "ended_at": _optional(_time),
    "dwell_s": _amount,
    "gross_s": _amount,
    "segments": _segments,
    "enter_inferred": _flag,
    "exit_inferred": _flag,
    "state": _choice(SessionState),
    "bounce": _flag,
    "enter_camera_id": _optional(_id),
    "exit_camera_id": _optional(_id),
    "schema": _schema,
}
_PERSON: Mapping[str, _Reader] = {
    "person_id": _id,
    "name": _id,
    "created_at": _time,
    "kind": _choice(PersonKind),
    "role": _choice(Role),
    "access": _flag,
    "consented_at": _optional(_time),
}
_PRESENCE: Mapping[str, _Reader] = {
    "site_id": _id,
    "camera_id": _id,
    "person_id": _id,
    "track_id": _id,
    "entered_at": _time,
    "seen_at": _time,
    "x_frac": _fraction,
    "y_frac": _fraction,
}
_HEALTH: Mapping[str, _Reader] = {
    "site_id": _id,
    "camera_id": _id,
    "source": _text,
    "state": _choice(CameraState),
    "last_frame_at": _optional(_time),
    "fps": _amount,
    "frames": _count,
    "dropped": _count,
    "started_at": _time,
    "updated_at": _time,
    "problem": _optional(_text),
    "schema": _schema,
}
_CORRECTION: Mapping[str, _Reader] = {
    "action": _choice(Action),
    "event_id": _id,
    "by": _id,
    "at": _time,
    "reason": _text,
    "event": _optional(_added_event),
    "schema": _schema,
    "correction_id": _id,
}
_ZONE_STAY: Mapping[str, _Reader] = {
    "site_id": _id,
    "camera_id": _id,
    "zone": _id,
    "person_id": _id,
    "started_at": _time,
    "seen_at": _time,
    "over": _flag,
    "schema": _schema,
    "stay_id": _id,
}
_TITLES: Mapping[object, str] = {
    Event: "event",
    Match: "match",
    Session: "session",
    Segment: "session segment",
    Person: "person",
    Presence: "presence",
    CameraHealth: "camera health",
    Correction: "correction",
    ZoneStay: "zone stay",
}
