"""Events, the matches behind them, and corrections."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SCHEMA = 1
"""Version of the fields below; every stored or uploaded record has it."""

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC)
"""Records outside of [EARLIEST, LATEST) are refused: arithmetic near the limits of datetime fails."""

FIRST_INSTANT = datetime.min.replace(tzinfo=UTC)
"""Not after any other: the time of what has no beginning."""

OPERATOR = "@operator"
"""The camera id of events that an operator adds; no camera can have it. Its events count like those of a door."""

ITSELF = "footfall"
"""The author of corrections that an agent makes when a track is reassigned."""

ANONYMOUS_PREFIX = "x-"
"""Prefix of the random ids that replace those of forgotten people; no camera recognises one."""

UNIDENTIFIED_PREFIX = "u-"
"""Prefix of the ids of unidentified people: bodies that a camera counts without knowing who they are."""
_UNIDENTIFIED_ID = re.compile(UNIDENTIFIED_PREFIX + "[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class CameraRef:
    """Which camera: the site where it is, and its id there."""

    site_id: str
    camera_id: str


class EventKind(StrEnum):
    ENTER = "enter"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A person entered or left a site in sight of one camera.

    at: timezone-aware; kept in UTC. x_frac, y_frac: where in the frame, 0..1, None where no camera saw it.
    inferred: concluded by the rules, not seen. event_id: derived from the content unless given, so that a replay
    writes the same document.

    Raises ValueError on a naive time, an empty id or a position outside 0..1.
    """

    kind: EventKind
    site_id: str
    camera_id: str
    person_id: str
    at: datetime
    track_id: str
    x_frac: float | None = None
    y_frac: float | None = None
    inferred: bool = False
    schema: int = SCHEMA
    event_id: str = ""

    def __post_init__(self) -> None:
        if type(self.kind) is not EventKind:  # the cheap check first: events come by the million
            object.__setattr__(self, "kind", EventKind(self.kind))
        if self.at.tzinfo is not UTC:
            object.__setattr__(self, "at", as_utc(self.at))
        _require_ids(self, "site_id", "camera_id", "person_id", "track_id")
        if self.x_frac is not None:
            _require_fraction("x_frac", self.x_frac)
        if self.y_frac is not None:
            _require_fraction("y_frac", self.y_frac)
        if not self.event_id:
            parts = (self.kind, self.site_id, self.camera_id, self.person_id, time_text(self.at), self.track_id)
            object.__setattr__(self, "event_id", content_id(*parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One decision about a track: who it is, or that it is nobody we can name.

    person_id: enrolled person or visitor, None where undecided. distance: Euclidean, to the nearest vector of that
    person. margin: distance of the nearest other person minus `distance`. quality: 0..1. authorised: the person has
    access. reason: why the track has, or has not, a name.
    """

    site_id: str
    camera_id: str
    track_id: str
    at: datetime
    person_id: str | None
    distance: float | None
    margin: float | None
    quality: float
    authorised: bool
    reason: str
    schema: int = SCHEMA
    match_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", as_utc(self.at))
        _require_ids(self, "site_id", "camera_id", "track_id")
        if not self.match_id:
            parts = (self.site_id, self.camera_id, self.track_id, time_text(self.at), self.person_id or "")
            object.__setattr__(self, "match_id", content_id(*parts))


class Action(StrEnum):
    ADD = "add"
    VOID = "void"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """An event added although no camera saw it, or voided because it did not happen.

    event_id: the event. event: the event itself if it is added, None if it is voided. by: the author; at: when, kept
    in UTC; reason: free text, may be empty. Of several corrections of one event the latest applies, so that adding a
    voided event restores it. correction_id: derived from the content unless given.

    Raises ValueError on a naive time, an empty id or name, an addition without its event or with another one's id.
    """

    action: Action
    event_id: str
    by: str
    at: datetime
    reason: str = ""
    event: Event | None = None
    schema: int = SCHEMA
    correction_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "action", Action(self.action))
        object.__setattr__(self, "at", as_utc(self.at))
        _require_ids(self, "event_id", "by")
        if (self.event is None) is (self.action is Action.ADD):
            raise ValueError("event: expected the event where one is added, and none where one is voided")
        if self.event is not None and self.event.event_id != self.event_id:
            raise ValueError(f"event_id: expected {self.event.event_id}, the id of the event, got {self.event_id}")
        if not self.correction_id:
            parts = ("correction", self.action, self.event_id, self.by, time_text(self.at))
            object.__setattr__(self, "correction_id", content_id(*parts))


def unidentified_id(camera: CameraRef, track_id: str) -> str:
    """The person id of somebody on a track whose face was not recognised; each track has its own."""
    return UNIDENTIFIED_PREFIX + content_id(camera.site_id, camera.camera_id, track_id)[:16]


def is_unidentified(person_id: str) -> bool:
    """Whether the id stands for somebody who was counted without being recognised.

    Ids of other systems that happen to have the prefix do not.
    """
    return person_id.startswith(UNIDENTIFIED_PREFIX) and _UNIDENTIFIED_ID.fullmatch(person_id) is not None


def corrected(events: Iterable[Event], corrections: Iterable[Correction]) -> list[Event]:
    """The events without the voided and with the added ones, whatever their order."""
    latest: dict[str, Correction] = {}
    for correction in sorted(corrections, key=lambda each: (each.at, each.correction_id)):
        latest[correction.event_id] = correction
    kept = [event for event in events if event.event_id not in latest]
    return kept + [each.event for _, each in sorted(latest.items()) if each.event is not None]


def as_utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError on a time without a zone."""
    if at.tzinfo is UTC:
        return at
    if at.tzinfo is None or at.utcoffset() is None:
        raise ValueError(f"expected a time with a zone, got {at.isoformat()}")
    return at.astimezone(UTC)


def time_text(at: datetime) -> str:
    """The one text form of an instant: ISO 8601, UTC, microseconds, so that text order is time order."""
    return as_utc(at).isoformat(timespec="microseconds").replace("+00:00", "Z")


def content_id(*parts: str) -> str:
    """32 hex digits that depend on nothing but the parts and their order."""
    encoded = b"".join([len(part).to_bytes(4, "big") + part for part in map(str.encode, parts)])
    return hashlib.sha256(encoded).hexdigest()[:32]


def _require_ids(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, str) or not value or value.isspace():
            raise ValueError(f"{name}: expected a text that is not empty, got {value!r}")


def _require_fraction(name: str, value: float) -> None:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{name}: expected 0..1, got {value}")
