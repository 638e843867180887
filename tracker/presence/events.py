"""What cameras say: enter and exit events, and the decisions about tracks behind them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

SCHEMA = 1
"""Version of the field layout below, carried by every record that is stored or sent."""


class EventKind(StrEnum):
    ENTER = "enter"
    EXIT = "exit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A person entered or left a site in sight of one camera.

    at: timezone-aware; kept in UTC. x_frac, y_frac: where in the frame, 0..1, None where no camera saw it.
    inferred: nobody saw it happen; the rules concluded it. event_id: derived from the content unless given, so a
    replay makes the same document.

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
        object.__setattr__(self, "kind", EventKind(self.kind))
        object.__setattr__(self, "at", as_utc(self.at))
        _require_ids(self, "site_id", "camera_id", "person_id", "track_id")
        _require_fraction("x_frac", self.x_frac)
        _require_fraction("y_frac", self.y_frac)
        if not self.event_id:
            parts = (self.kind, self.site_id, self.camera_id, self.person_id, time_text(self.at), self.track_id)
            object.__setattr__(self, "event_id", content_id(*parts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One decision about a track: who it is, or that it is nobody we can name.

    person_id: enrolled person or visitor, None where undecided. distance: Euclidean, to the nearest vector of that
    person. margin: distance of the nearest other person less `distance`. quality: 0..1. authorised: the person has
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
    encoded = [part.encode() for part in parts]
    return hashlib.sha256(b"".join([len(part).to_bytes(4, "big") + part for part in encoded])).hexdigest()[:32]


def _require_ids(record: object, *names: str) -> None:
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"{name}: expected a text that is not empty, got {value!r}")


def _require_fraction(name: str, value: float | None) -> None:
    if value is not None and not 0.0 <= value <= 1.0:
        raise ValueError(f"{name}: expected 0..1, got {value}")
