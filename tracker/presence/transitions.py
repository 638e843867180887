"""What a camera concludes from what it sees: somebody came in or went out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tracker.presence.events import CameraRef, Event, EventKind, as_utc


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A person came in or went out. `event` stamps it with the camera that saw it; the fields are those of Event."""

    kind: EventKind
    person_id: str
    track_id: str
    at: datetime
    x_frac: float
    y_frac: float
    inferred: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", as_utc(self.at))

    @property
    def key(self) -> tuple[EventKind, str, str, datetime]:
        """Transitions of one camera with equal keys make one and the same event."""
        return self.kind, self.person_id, self.track_id, self.at

    def event(self, camera: CameraRef) -> Event:
        return Event(
            kind=self.kind,
            site_id=camera.site_id,
            camera_id=camera.camera_id,
            person_id=self.person_id,
            at=self.at,
            track_id=self.track_id,
            x_frac=self.x_frac,
            y_frac=self.y_frac,
            inferred=self.inferred,
        )


def passages(transitions: Iterable[Transition], kind: EventKind) -> tuple[Transition, ...]:
    """What a camera at an entrance (`kind` enter) or an exit reports of transitions seen as in a room.

    Somebody comes in when first seen there, and goes out when last seen; both were seen, so neither is inferred.
    """
    return tuple(replace(each, inferred=False) for each in transitions if each.kind is kind)
