"""Transitions: what a camera concludes from a frame; at a door, a named track that crosses the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.presence.events import CameraRef, Event, EventKind, as_utc
from tracker.presence.line import Crossing, Line, LineState, TrackPoint, cross


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


def pass_door(
    line_states: Mapping[str, LineState],
    points: Iterable[TrackPoint],
    *,
    line: Line,
    at: datetime,
    hold: int = 3,
    settle_after: timedelta = timedelta(seconds=5),
    ended: bool = False,
) -> tuple[dict[str, LineState], tuple[Transition, ...]]:
    """Line states and the tracks of one frame -> line states and the transitions, in order of time.

    As `cross`; inward is an enter, outward an exit. A crossing of a track without a name waits for the name, and is
    dropped with a track that ends without one.
    """
    kept, found = cross(line_states, points, line=line, at=at, hold=hold, settle_after=settle_after, ended=ended)
    transitions: list[Transition] = []
    for state, crossing in found:
        if state.person_id is not None:
            transitions.append(_transition(crossing, state.person_id))
        elif state.track_id in kept:
            waiting = (*kept[state.track_id].waiting, crossing)
            kept[state.track_id] = replace(kept[state.track_id], waiting=waiting)
    for state in list(kept.values()):
        if state.waiting and state.person_id is not None:
            transitions += [_transition(crossing, state.person_id) for crossing in state.waiting]
            kept[state.track_id] = replace(state, waiting=())
    transitions.sort(key=lambda each: (each.at, each.track_id))
    return kept, tuple(transitions)


def _transition(crossing: Crossing, person_id: str) -> Transition:
    return Transition(
        kind=EventKind.ENTER if crossing.inward else EventKind.EXIT,
        person_id=person_id,
        track_id=crossing.track_id,
        at=crossing.at,
        x_frac=crossing.x_frac,
        y_frac=crossing.y_frac,
    )
