"""What is wrong with each record that a device sends, and the rest to be written as an agent's are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from config.errors import RecordError
from config.settings import CameraRole
from dashboard.devices.body import FIX, MOST_RECORDS, Body
from tracker.presence.coverage import CoverageSpan
from tracker.presence.documents import decode
from tracker.presence.events import EARLIEST, ITSELF, SCHEMA, Correction, Event, Match, is_unidentified, time_text
from tracker.presence.health import CameraHealth
from tracker.presence.people import PersonKind
from tracker.presence.room import Presence
from tracker.store.devices import Device
from tracker.store.store import Store

AHEAD = timedelta(minutes=2)
"""How far the clock of a device may be ahead."""
_LONGEST_TEXT = 500
_OF_HEALTH = ("state", "started_at", "last_frame_at", "fps", "frames", "dropped", "problem")

_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """role: None where the page did not report it. presences: None where they stay as they are."""

    health: CameraHealth
    coverage: tuple[CoverageSpan, ...]
    role: CameraRole | None
    presences: tuple[Presence, ...] | None


@dataclass(slots=True)
class Records:
    """The records of a body that can be written, and why others cannot: (id, reason)."""

    events: list[Event] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    heartbeat: Heartbeat | None = None
    rejected: list[tuple[str, str]] = field(default_factory=list)


class RecordCheck:
    """Checks the records of a device against its site and camera, the time, and the people of the store."""

    def __init__(self, device: Device, store: Store, now: datetime) -> None:
        self._device = device
        self._store = store
        self._latest = now + AHEAD
        self._people: dict[str, bool] = {}

    def records(self, body: Body) -> Records:
        """What of a body can be written. Raises StoreError."""
        found = Records()
        found.events = self._each(body.events, "event_id", self._event, found)
        found.matches = self._each(body.matches, "match_id", self._match, found)
        found.corrections = self._each(body.corrections, "correction_id", self._correction, found)
        if body.heartbeat is not None:
            beats = self._each([body.heartbeat], "heartbeat", self._heartbeat, found)
            found.heartbeat = beats[0] if beats else None
        return found

    def _each(
        self, documents: Iterable[object], id_name: str, read: Callable[[object], _Record], found: Records
    ) -> list[_Record]:
        kept = []
        for document in documents:
            try:
                kept.append(read(document))
            except RecordError as error:
                known_id = document.get(id_name, id_name) if isinstance(document, dict) else id_name
                found.rejected.append((str(known_id)[:64], error.problem))
        return kept

    def _event(self, document: object) -> Event:
        event = decode(Event, document)
        self._require_own("event", event)
        self._require_time("event: at", event.at)
        self._require_short("event", event.track_id, event.person_id)
        _require_id("event", event.event_id, replace(event, event_id="").event_id)
        self._require_person("event", event.person_id)
        return event

    def _match(self, document: object) -> Match:
        match = decode(Match, document)
        self._require_own("match", match)
        self._require_time("match: at", match.at)
        self._require_short("match", match.track_id, match.reason)
        _require_id("match", match.match_id, replace(match, match_id="").match_id)
        if match.person_id is not None:
            self._require_person("match", match.person_id)
        return match

    def _correction(self, document: object) -> Correction:
        correction = decode(Correction, document)
        if correction.by != ITSELF:
            raise _wrong("correction", f"by: expected {ITSELF}: a device corrects only what it reported itself")
        self._require_time("correction: at", correction.at)
        self._require_short("correction", correction.event_id, correction.reason)
        _require_id("correction", correction.correction_id, replace(correction, correction_id="").correction_id)
        if correction.event is not None:
            self._event({**_document(document)["event"]})
        known = self._store.events.get(correction.event_id)
        if known is not None:
            self._require_own("correction", known)
        return correction

    def _heartbeat(self, document: object) -> Heartbeat:
        given = _document(document)
        camera = {"site_id": self._device.site_id, "camera_id": self._device.camera_id}
        if any(name in given and given[name] != own for name, own in camera.items()):
            raise _wrong("heartbeat", f"expected camera {self._device.camera_id}, the one of this device")
        values = {name: given[name] for name in _OF_HEALTH if name in given}
        others = {"source": f"browser on {self._device.name}", "updated_at": given.get("at"), "schema": SCHEMA}
        health = decode(CameraHealth, {**values, **camera, **others})
        for name, at in (("at", health.updated_at), ("started_at", health.started_at)):
            self._require_time(f"heartbeat: {name}", at)
        if health.last_frame_at is not None:
            self._require_time("heartbeat: last_frame_at", health.last_frame_at)
        self._require_short("heartbeat", health.problem or "")
        return Heartbeat(
            health=health,
            coverage=self._coverage(given, camera),
            role=_role_of(given.get("role")),
            presences=self._presences(given.get("presences")),
        )

    def _coverage(self, given: Mapping[str, Any], camera: Mapping[str, str]) -> tuple[CoverageSpan, ...]:
        started_at, ended_at = given.get("watch_started_at"), given.get("watch_ended_at")
        if started_at is None and ended_at is None:
            return ()
        span = decode(CoverageSpan, {**camera, "started_at": started_at, "ended_at": ended_at})
        for at in (span.started_at, span.ended_at):
            self._require_time("heartbeat: watch", at)
        return (span,)

    def _presences(self, given: object) -> tuple[Presence, ...] | None:
        if given is None:
            return None
        if not isinstance(given, list) or len(given) > MOST_RECORDS:
            raise _wrong("heartbeat", f"presences: expected a list of up to {MOST_RECORDS}")
        found = [decode(Presence, each) for each in given]
        for presence in found:
            self._require_own("presence", presence)
            self._require_time("presence: entered_at", presence.entered_at)
            self._require_time("presence: seen_at", presence.seen_at)
            self._require_short("presence", presence.track_id, presence.person_id)
            self._require_person("presence", presence.person_id)
        return tuple({each.person_id: each for each in found}.values())

    def _require_own(self, title: str, record: Event | Match | Presence) -> None:
        if (record.site_id, record.camera_id) != (self._device.site_id, self._device.camera_id):
            own = f"{self._device.site_id}/{self._device.camera_id}"
            raise _wrong(title, f"expected camera {own}, got {record.site_id[:64]}/{record.camera_id[:64]}")

    def _require_time(self, title: str, at: datetime) -> None:
        if not EARLIEST <= at <= self._latest:
            when = "before 1970" if at < EARLIEST else "in the future"
            raise RecordError(f"{title}: {time_text(at)} is {when}", fix="set the clock of the device")

    def _require_short(self, title: str, *texts: str) -> None:
        if any(len(text) > _LONGEST_TEXT for text in texts):
            raise _wrong(title, f"expected texts of up to {_LONGEST_TEXT} characters")

    def _require_person(self, title: str, person_id: str) -> None:
        """Enrolled people, merged ones included, and unidentified ones. Forgotten people pass: what names them is left
        out when it is written.
        """
        if is_unidentified(person_id):
            return
        if person_id not in self._people:
            person = self._store.people.get(person_id)
            enrolled = person is not None and person.kind is PersonKind.ENROLLED
            self._people[person_id] = enrolled or self._store.people.is_forgotten(person_id)
        if not self._people[person_id]:
            raise _wrong(title, f"person_id: nobody of the id {person_id[:64]!r} is enrolled")


def _document(document: object) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise _wrong("heartbeat", "expected an object with fields")
    return document


def _role_of(given: object) -> CameraRole | None:
    if given is None:
        return None
    kind = given.get("kind") if isinstance(given, dict) else given
    if not isinstance(kind, str) or kind not in set(CameraRole):
        raise _wrong("heartbeat", f"role: expected {', '.join(CameraRole)}")
    return CameraRole(kind)


def _require_id(title: str, given: str, expected: str) -> None:
    if given != expected:
        raise _wrong(title, f"expected the id {expected}, which follows from the content, got {given[:64]!r}")


def _wrong(title: str, problem: str) -> RecordError:
    return RecordError(f"{title}: {problem}", fix=FIX)
