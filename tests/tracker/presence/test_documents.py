"""Documents: encode and decode are inverse; an invalid document is rejected by field."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.errors import RecordError
from tracker.presence.documents import decode, encode
from tracker.presence.events import Action, Correction, Event, EventKind, Match
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.room import Presence
from tracker.presence.sessions import Segment, Session, SessionState
from tracker.presence.zones import ZoneStay

_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_TIMES = st.datetimes(min_value=datetime(1970, 1, 3), max_value=datetime(2200, 1, 1), timezones=_ZONES)  # noqa: DTZ001 - given zones
_CONTROLS = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))))
_CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters=_CONTROLS)
_IDS = st.text(_CHARACTERS, min_size=1, max_size=20).filter(str.strip)
_TEXTS = st.text(_CHARACTERS, max_size=30)
_FRACTIONS = st.floats(0, 1)
_AMOUNTS = st.floats(0, 1e9)
_COUNTS = st.integers(0, 2**53)

_EVENTS = st.builds(
    Event,
    kind=st.sampled_from(EventKind),
    site_id=_IDS,
    camera_id=_IDS,
    person_id=_IDS,
    at=_TIMES,
    track_id=_IDS,
    x_frac=st.none() | _FRACTIONS,
    y_frac=st.none() | _FRACTIONS,
    inferred=st.booleans(),
    schema=st.just(1),
    event_id=st.just("") | _IDS,
)
_MATCHES = st.builds(
    Match,
    site_id=_IDS,
    camera_id=_IDS,
    track_id=_IDS,
    at=_TIMES,
    person_id=st.none() | _IDS,
    distance=st.none() | _AMOUNTS,
    margin=st.none() | st.floats(-10, 10),
    quality=_FRACTIONS,
    authorised=st.booleans(),
    reason=_TEXTS,
    schema=st.just(1),
    match_id=st.just("") | _IDS,
)
_SESSIONS = st.builds(
    Session,
    session_id=_IDS,
    site_id=_IDS,
    person_id=_IDS,
    started_at=_TIMES,
    ended_at=st.none() | _TIMES,
    dwell_s=_AMOUNTS,
    gross_s=_AMOUNTS,
    segments=st.lists(st.builds(Segment, _TIMES, st.none() | _TIMES), min_size=1, max_size=3).map(tuple),
    enter_inferred=st.booleans(),
    exit_inferred=st.booleans(),
    state=st.sampled_from(SessionState),
    bounce=st.booleans(),
    schema=st.just(1),
)
_DAYS = st.dates(date(2000, 1, 1), date(2999, 12, 31))
_VALIDITY = st.tuples(st.none() | _DAYS, st.none() | _DAYS).map(
    lambda days: sorted(days) if None not in days else list(days)
)
_PEOPLE_OF_ANY_TIME = st.builds(
    Person,
    person_id=_IDS,
    name=_IDS,
    created_at=_TIMES,
    kind=st.sampled_from(PersonKind),
    role=st.sampled_from(Role),
    access=st.booleans(),
    consented_at=st.none() | _TIMES,
    consent_version=_TEXTS,
    consent_by=_TEXTS,
    groups=st.lists(_IDS, max_size=20).map(tuple),
)
_PEOPLE = st.builds(
    lambda person, days: replace(person, valid_from=days[0], valid_until=days[1]), _PEOPLE_OF_ANY_TIME, _VALIDITY
)
_PRESENCES = st.tuples(_TIMES, _TIMES).flatmap(
    lambda times: st.builds(
        Presence,
        site_id=_IDS,
        camera_id=_IDS,
        person_id=_IDS,
        track_id=_IDS,
        entered_at=st.just(min(times)),
        seen_at=st.just(max(times)),
        x_frac=_FRACTIONS,
        y_frac=_FRACTIONS,
    )
)
_HEALTH = st.builds(
    CameraHealth,
    site_id=_IDS,
    camera_id=_IDS,
    source=_TEXTS,
    state=st.sampled_from(CameraState),
    last_frame_at=st.none() | _TIMES,
    fps=_AMOUNTS,
    frames=_COUNTS,
    dropped=_COUNTS,
    started_at=_TIMES,
    updated_at=_TIMES,
    problem=st.none() | _TEXTS,
    schema=st.just(1),
)

_AT = datetime(2026, 3, 2, 12, tzinfo=UTC)
_EVENT = Event(
    kind=EventKind.ENTER, site_id="gym", camera_id="front", person_id="p-1", at=_AT, track_id="t", x_frac=0.5
)
_MATCH = Match(
    site_id="gym",
    camera_id="front",
    track_id="t",
    at=_AT,
    person_id=None,
    distance=0.4,
    margin=0.1,
    quality=0.9,
    authorised=False,
    reason="",
)
_SESSION = Session(
    session_id="s",
    site_id="gym",
    person_id="p-1",
    started_at=_AT,
    ended_at=None,
    dwell_s=1.5,
    gross_s=2.0,
    segments=(Segment(_AT, None),),
    enter_inferred=False,
    exit_inferred=False,
    state=SessionState.OPEN,
)
_PERSON = Person(person_id="p-1", name="Ada", created_at=_AT)
_PRESENCE = Presence(
    site_id="gym",
    camera_id="front",
    person_id="p-1",
    track_id="t",
    entered_at=_AT,
    seen_at=_AT,
    x_frac=0.5,
    y_frac=0.5,
)
_CAMERA = CameraHealth(
    site_id="gym", camera_id="front", source="0", state=CameraState.LIVE, started_at=_AT, updated_at=_AT
)

_CORRECTION = Correction(action=Action.ADD, event_id=_EVENT.event_id, by="ann", at=_AT, reason="waved", event=_EVENT)
_STAY = ZoneStay(site_id="gym", camera_id="front", zone="bar", person_id="p-1", started_at=_AT, seen_at=_AT, over=True)

RECORDS: dict[str, Any] = {
    "event": _EVENT,
    "match": _MATCH,
    "session": _SESSION,
    "person": _PERSON,
    "presence": _PRESENCE,
    "camera health": _CAMERA,
    "correction": _CORRECTION,
    "zone stay": _STAY,
}


def _assert_round_trip(record: Any) -> None:
    document = encode(record)
    sent = json.loads(json.dumps(document, allow_nan=False))
    assert sent == document
    assert decode(type(record), sent) == record


@settings(deadline=None)
@given(_EVENTS)
def test_events_survive(event: Event) -> None:
    _assert_round_trip(event)


@settings(deadline=None)
@given(_MATCHES)
def test_matches_survive(match: Match) -> None:
    _assert_round_trip(match)


@settings(deadline=None)
@given(_SESSIONS)
def test_sessions_survive(session: Session) -> None:
    _assert_round_trip(session)


@settings(deadline=None)
@given(_PEOPLE)
def test_people_survive(person: Person) -> None:
    _assert_round_trip(person)


@settings(deadline=None)
@given(_PRESENCES)
def test_presences_survive(presence: Presence) -> None:
    _assert_round_trip(presence)


@settings(deadline=None)
@given(_HEALTH)
def test_camera_health_survives(health: CameraHealth) -> None:
    _assert_round_trip(health)


def test_the_keys_and_forms_of_an_event_are_these() -> None:
    """Others read these documents: a change here breaks them."""
    assert encode(_EVENT) == {
        "kind": "enter",
        "site_id": "gym",
        "camera_id": "front",
        "person_id": "p-1",
        "at": "2026-03-02T12:00:00.000000Z",
        "track_id": "t",
        "x_frac": 0.5,
        "y_frac": None,
        "inferred": False,
        "schema": 1,
        "event_id": _EVENT.event_id,
    }


def test_segments_are_documents_within_the_session() -> None:
    assert encode(_SESSION)["segments"] == [{"started_at": "2026-03-02T12:00:00.000000Z", "ended_at": None}]


def test_a_margin_without_runner_up_has_no_number_in_json() -> None:
    from dataclasses import replace

    assert encode(replace(_MATCH, margin=float("inf")))["margin"] is None


def test_integers_are_accepted_for_floats() -> None:
    presence = decode(Presence, {**encode(_PRESENCE), "x_frac": 1})
    assert isinstance(presence.x_frac, float)


@pytest.mark.parametrize("title", RECORDS)
@pytest.mark.parametrize("document", [None, 1, "text", [], [("kind", "enter")], b"{}"], ids=repr)
def test_non_objects_are_refused(title: str, document: object) -> None:
    with pytest.raises(RecordError, match=f"^{title}: expected an object with fields"):
        decode(type(RECORDS[title]), document)


@pytest.mark.parametrize("title", RECORDS)
def test_every_missing_field_is_named(title: str) -> None:
    record = RECORDS[title]
    for name in encode(record):
        document = encode(record)
        del document[name]
        with pytest.raises(RecordError, match=f"^{title}: {name} is missing"):
            decode(type(record), document)


@pytest.mark.parametrize("title", RECORDS)
@pytest.mark.parametrize("key", ["persn_id", "", 5, "x" * 1000], ids=["misspelt", "empty", "number", "long"])
def test_an_extra_field_is_named(title: str, key: object) -> None:
    record = RECORDS[title]
    with pytest.raises(RecordError, match="unknown field") as refusal:
        decode(type(record), {**encode(record), key: 1})
    assert str(key)[:50] in refusal.value.problem
    assert len(refusal.value.problem) < 120


@pytest.mark.parametrize("title", RECORDS)
@pytest.mark.parametrize("value", [{}, ["x", 1], b"x", object(), 1e999, float("nan")], ids=type)
def test_a_value_of_a_wrong_type_is_named(title: str, value: object) -> None:
    record = RECORDS[title]
    for name in encode(record):
        with pytest.raises(RecordError, match=f"{title}.*: {name}|^(segment|event): ") as refusal:
            decode(type(record), {**encode(record), name: value})
        assert refusal.value.fix


@pytest.mark.parametrize(
    ("title", "field", "value", "problem"),
    [
        pytest.param("event", "kind", "appear", "expected enter or exit", id="unknown-kind"),
        pytest.param("event", "kind", "ENTER", "expected enter or exit", id="kind-in-capitals"),
        pytest.param("event", "site_id", "", "not empty", id="empty-id"),
        pytest.param("event", "site_id", " \t", "not empty", id="blank-id"),
        pytest.param("event", "person_id", None, "expected a text", id="no-person"),
        pytest.param("event", "person_id", 7, "expected a text", id="number-as-id"),
        pytest.param("event", "camera_id", "\ud800", "whole characters", id="half-a-character"),
        pytest.param("event", "at", "2026-03-02T12:00:00", "ISO 8601 time with a zone", id="naive-time"),
        pytest.param("event", "at", "2026-03-02", "ISO 8601 time with a zone", id="date-only"),
        pytest.param("event", "at", "yesterday", "ISO 8601 time with a zone", id="no-time"),
        pytest.param("event", "at", "2026-02-30T12:00:00Z", "ISO 8601 time with a zone", id="30th-of-february"),
        pytest.param("event", "at", "0001-01-01T00:00:00+14:00", "ISO 8601 time with a zone", id="before-year-1"),
        pytest.param("event", "at", 1_772_452_800, "ISO 8601 time with a zone", id="unix-time"),
        pytest.param("event", "x_frac", 1.0001, "expected 0..1", id="right-of-the-frame"),
        pytest.param("event", "y_frac", -0.1, "expected 0..1", id="above-the-frame"),
        pytest.param("event", "x_frac", True, "expected a number", id="true-as-number"),
        pytest.param("event", "x_frac", "0.5", "expected a number", id="text-as-number"),
        pytest.param("event", "x_frac", 10**400, "expected a finite number", id="huge-number"),
        pytest.param("event", "inferred", 0, "expected true or false", id="zero-as-false"),
        pytest.param("event", "inferred", None, "expected true or false", id="none-as-false"),
        pytest.param("event", "schema", 2, "expected version 1", id="newer-schema"),
        pytest.param("event", "schema", 0, "expected version 1", id="older-schema"),
        pytest.param("event", "schema", True, "expected version 1", id="true-as-schema"),
        pytest.param("event", "schema", "1", "expected version 1", id="text-as-schema"),
        pytest.param("event", "event_id", "", "not empty", id="empty-event-id"),
        pytest.param("match", "distance", -0.1, "expected 0 or more", id="negative-distance"),
        pytest.param("match", "margin", float("inf"), "expected a finite number", id="infinite-margin"),
        pytest.param("match", "quality", 1.5, "expected 0..1", id="quality-too-good"),
        pytest.param("match", "quality", None, "expected a number", id="no-quality"),
        pytest.param("match", "person_id", "", "not empty", id="empty-instead-of-none"),
        pytest.param("match", "schema", 99, "expected version 1", id="match-schema"),
        pytest.param("session", "dwell_s", -1, "expected 0 or more", id="negative-dwell"),
        pytest.param("session", "state", "ajar", "expected open or closed", id="unknown-state"),
        pytest.param("session", "segments", {}, "expected a list of segments", id="segments-no-list"),
        pytest.param("session", "schema", 99, "expected version 1", id="session-schema"),
        pytest.param("person", "kind", "robot", "expected enrolled or visitor", id="unknown-person-kind"),
        pytest.param("person", "role", "boss", "expected member or staff", id="unknown-role"),
        pytest.param("person", "name", " ", "not empty", id="blank-name"),
        pytest.param("person", "consented_at", "soon", "ISO 8601 time with a zone", id="consent-no-time"),
        pytest.param("presence", "x_frac", None, "expected a number", id="presence-nowhere"),
        pytest.param("camera health", "frames", 1.0, "expected a whole number", id="part-of-a-frame"),
        pytest.param("camera health", "frames", 2**63, "at most 63 bits", id="huge-count"),
        pytest.param("camera health", "dropped", -1, "expected a whole number", id="negative-count"),
        pytest.param("camera health", "fps", -1, "expected 0 or more", id="negative-rate"),
        pytest.param("camera health", "schema", 99, "expected version 1", id="health-schema"),
    ],
)
def test_a_bad_value_is_refused_with_reason(title: str, field: str, value: object, problem: str) -> None:
    record = RECORDS[title]
    with pytest.raises(RecordError, match=f"^{title}: {field}: .*{problem}") as refusal:
        decode(type(record), {**encode(record), field: value})
    assert field in refusal.value.fix


@pytest.mark.parametrize(
    ("segment", "problem"),
    [
        pytest.param("09:00", "segment: expected an object", id="text"),
        pytest.param({"started_at": "2026-03-02T12:00:00Z"}, "segment: ended_at is missing", id="half"),
        pytest.param({"started_at": "?", "ended_at": None}, "segment: started_at: expected", id="no-time"),
    ],
)
def test_a_bad_segment_is_named(segment: object, problem: str) -> None:
    document = {**encode(_SESSION), "segments": [segment]}
    with pytest.raises(RecordError, match=problem):
        decode(Session, document)


def test_errors_of_the_record_are_record_errors() -> None:
    document = {**encode(_PRESENCE), "seen_at": "2020-01-01T00:00:00Z"}
    with pytest.raises(RecordError, match=r"^presence: entered_at"):
        decode(Presence, document)


def test_a_time_in_another_zone_is_the_same_instant() -> None:
    document = {**encode(_EVENT), "at": "2026-03-02T17:30:00+05:30"}
    assert decode(Event, document) == _EVENT


def test_a_long_value_is_shown_short() -> None:
    with pytest.raises(RecordError) as refusal:
        decode(Event, {**encode(_EVENT), "at": "x" * 100_000})
    assert len(str(refusal.value)) < 300


def test_reading_documents_needs_only_the_base_install() -> None:
    """Cloud Functions import this module without numpy, OpenCV or filelock."""
    code = "import sys, tracker.presence.documents; print({'numpy', 'cv2', 'filelock', 'pydantic'} & set(sys.modules))"
    root = Path(__file__).parents[3]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
