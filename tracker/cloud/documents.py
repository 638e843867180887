"""Records as Firestore documents and back: the one place that knows how they look there. Standard library only.

Unlike `tracker.presence.documents`, times are timestamps, and what the path of a document says (its site and its id) or
what is absent does not stand in it. Reading is as strict: a document that another program spoilt is refused by
RecordError, which names the field, and so is one of a time that no record can be of. `received_at`, which the server
adds, is what readers go on from.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from config.errors import RecordError
from tracker.presence import documents as plain
from tracker.presence.events import EARLIEST, LATEST, SCHEMA, Correction, Event, Match, as_utc, time_text
from tracker.presence.people import Person
from tracker.presence.sessions import Session, SessionState
from tracker.presence.zones import ZoneStay

CloudDocument: TypeAlias = dict[str, Any]
"""Values of Firestore by field name: text, numbers, flags, timezone-aware datetimes, bytes, lists, maps, None."""

RECEIVED_AT = "received_at"
"""The field in which the server puts the time at which it took a document."""

_TIMES = frozenset({"at", "started_at", "ended_at", "seen_at", "created_at", "consented_at"})
_OF_FUNCTIONS = ("clean", "due_at", "rules")
"""What the functions note beside a visit, so that they can go on from it."""
_ABSENT_WHEN_NONE = ("x_frac", "y_frac", "distance", "margin", "event")


def event_document(event: Event) -> CloudDocument:
    """The document `events/{event_id}`."""
    return _cloudy(plain.event_to_document(event), without=("site_id", "event_id"))


def event_of(site_id: str, event_id: str, document: Mapping[str, Any]) -> Event:
    """The event of a document. Raises RecordError naming the field."""
    found = _plain(document, site_id=site_id, event_id=event_id, absent=("x_frac", "y_frac"))
    event = plain.event_from_document(found)
    require_possible("event", at=event.at)
    return event


def match_document(match: Match) -> CloudDocument:
    """The document `matches/{match_id}`."""
    return _cloudy(plain.match_to_document(match), without=("site_id", "match_id"))


def match_of(site_id: str, match_id: str, document: Mapping[str, Any]) -> Match:
    """The match of a document. Raises RecordError naming the field."""
    absent = ("distance", "margin")
    match = plain.match_from_document(_plain(document, site_id=site_id, match_id=match_id, absent=absent))
    require_possible("match", at=match.at)
    return match


def session_document(session: Session) -> CloudDocument:
    """The document `sessions/{session_id}`. An open visit has no lengths: they would grow by the second."""
    document = _cloudy(plain.session_to_document(session), without=("site_id", "session_id"))
    document["segments"] = [
        {"started_at": segment.started_at, "ended_at": segment.ended_at} for segment in session.segments
    ]
    if session.state is SessionState.OPEN:
        document["dwell_s"] = document["gross_s"] = None
    return document


def session_of(site_id: str, session_id: str, document: Mapping[str, Any], *, now: datetime) -> Session:
    """The session of a document; an open one runs to `now` (UTC). Raises RecordError naming the field."""
    said = {name: value for name, value in document.items() if name not in _OF_FUNCTIONS}
    found = _plain(said, site_id=site_id, session_id=session_id)
    segments = document.get("segments")
    if isinstance(segments, list):
        found["segments"] = [_plain(each) if isinstance(each, Mapping) else each for each in segments]
    if found.get("state") == SessionState.OPEN and found.get("dwell_s") is None:
        found["dwell_s"], found["gross_s"] = _running(found.get("segments"), as_utc(now))
    session = plain.session_from_document(found)
    require_possible("session", started_at=session.started_at, ended_at=session.ended_at)
    for segment in session.segments:
        require_possible("session: segments", started_at=segment.started_at, ended_at=segment.ended_at)
    return session


def person_document(person: Person, *, merged_into: str | None = None) -> CloudDocument:
    """The document `people/{person_id}`, of somebody who was merged with who they are now; it holds no vector."""
    document = _cloudy(plain.person_to_document(person), without=("person_id",))
    return {**document, "merged_into": merged_into, "schema": SCHEMA}


def person_of(person_id: str, document: Mapping[str, Any]) -> tuple[Person, str | None]:
    """The person of a document, and into whom they were merged. Raises RecordError naming the field."""
    found = _plain(document, person_id=person_id)
    if found.pop("schema", None) != SCHEMA:
        raise RecordError(
            f"person: schema: expected version {SCHEMA}, which this Footfall knows", fix="update Footfall here"
        )
    merged_into = found.pop("merged_into", None)
    if merged_into is not None and (not isinstance(merged_into, str) or merged_into in ("", person_id)):
        raise RecordError(
            f"person: merged_into: expected the id of somebody else, got {merged_into!r}",
            fix="correct merged_into in the document",
        )
    person = plain.person_from_document(found)
    require_possible("person", created_at=person.created_at, consented_at=person.consented_at)
    return person, merged_into


def correction_document(correction: Correction, person_id: str) -> CloudDocument:
    """The document `corrections/{correction_id}`. person_id: whose event it is about, so that theirs are found."""
    document = _cloudy(plain.correction_to_document(correction), without=("correction_id",))
    if correction.event is not None:
        document["event"] = _cloudy(plain.event_to_document(correction.event))
    return {**document, "person_id": person_id}


def correction_of(correction_id: str, document: Mapping[str, Any]) -> Correction:
    """The correction of a document. Raises RecordError naming the field."""
    found = _plain(document, correction_id=correction_id, absent=("event",))
    found.pop("person_id", None)
    if isinstance(found["event"], Mapping):
        found["event"] = _plain(found["event"], absent=("x_frac", "y_frac"))
    correction = plain.correction_from_document(found)
    require_possible("correction", at=correction.at)
    if correction.event is not None:
        require_possible("correction: event", at=correction.event.at)
    return correction


def zone_stay_document(stay: ZoneStay) -> CloudDocument:
    """The document `zone_stays/{stay_id}`."""
    return _cloudy(plain.zone_stay_to_document(stay), without=("site_id", "stay_id"))


def zone_stay_of(site_id: str, stay_id: str, document: Mapping[str, Any]) -> ZoneStay:
    """The stay in a zone of a document. Raises RecordError naming the field."""
    stay = plain.zone_stay_from_document(_plain(document, site_id=site_id, stay_id=stay_id))
    require_possible("zone stay", started_at=stay.started_at, seen_at=stay.seen_at)
    return stay


def usage_document(
    person_id: str, day: date, zone: str, hours: Mapping[datetime, tuple[int, int, int]]
) -> CloudDocument:
    """The document `usage/{usage_id}`: what the visits of one person add to the hours of one local day.

    zone: IANA name. hours: by their start (UTC) visits begun, visits seen to end, microseconds inside.
    """
    rows = sorted(hours.items())
    return {
        "person_id": person_id,
        "day": day.isoformat(),
        "zone": zone,
        "hours": [
            {"at": at, "entries": entries, "exits": exits, "inside_s": inside_us / 1e6}
            for at, (entries, exits, inside_us) in rows
        ],
        "entries": sum(figures[0] for _, figures in rows),
        "exits": sum(figures[1] for _, figures in rows),
        "inside_s": sum(figures[2] for _, figures in rows) / 1e6,
        "schema": SCHEMA,
    }


def require_possible(title: str, **times: datetime | None) -> None:
    """Raises RecordError, which names the field, for a time (UTC) outside of 1970 to 2999."""
    for name, at in times.items():
        if at is not None and not EARLIEST <= at < LATEST:
            raise RecordError(
                f"{title}: {name}: expected a time from 1970 to 2999, got {time_text(at)}",
                fix="set the clock of the machine that wrote it",
            )


def _cloudy(document: plain.Document, *, without: tuple[str, ...] = ()) -> CloudDocument:
    """A plain document with timestamps, and without what its path says or what is absent."""
    return {
        name: datetime.fromisoformat(value) if name in _TIMES and value is not None else value
        for name, value in document.items()
        if name not in without and not (value is None and name in _ABSENT_WHEN_NONE)
    }


def _plain(document: Mapping[str, Any], *, absent: tuple[str, ...] = (), **from_path: str) -> plain.Document:
    """A plain document again: times as text, with what the path says and what is absent."""
    found: plain.Document = dict.fromkeys(absent)
    for name, value in document.items():
        if name != RECEIVED_AT:
            found[name] = time_text(value) if isinstance(value, datetime) and value.tzinfo is not None else value
    return found | from_path


def _running(segments: object, now: datetime) -> tuple[float, float]:
    """Net and gross seconds up to `now` of a visit that goes on, 0 where the segments cannot be read."""
    if not isinstance(segments, list) or not segments:
        return 0.0, 0.0
    try:
        stays = [
            (datetime.fromisoformat(each["started_at"]), each["ended_at"] and datetime.fromisoformat(each["ended_at"]))
            for each in segments
        ]
    except (TypeError, KeyError, ValueError):
        return 0.0, 0.0  # the strict reading that follows names the fault
    until = max(now, stays[-1][0])
    net_s = sum(((ended_at or until) - started_at).total_seconds() for started_at, ended_at in stays)
    return net_s, (until - stays[0][0]).total_seconds()
