"""Transitions: what a camera concludes from a frame; at a door, a named track that crosses the line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.presence.events import CameraRef, Event, EventKind, as_utc
from tracker.presence.line import Crossing, Line, LineState, TrackPoint, cross

UNIDENTIFIED_AFTER = timedelta(seconds=10)
"""How long a crossing waits for the name of its track, where the track counts without one too."""


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

    As `cross`; inward is an enter, outward an exit. A crossing of a track without a name waits for the name. One that
    has waited for UNIDENTIFIED_AFTER, or whose track ends without a name, is of an unidentified person where the track
    counts as one, and is dropped otherwise with the track.
    """
    kept, found = cross(line_states, points, line=line, at=at, hold=hold, settle_after=settle_after, ended=ended)
    transitions: list[Transition] = []
    for state, crossing in found:
        if state.person_id is None and state.track_id in kept:
            waiting = (*kept[state.track_id].waiting, crossing)
            kept[state.track_id] = replace(kept[state.track_id], waiting=waiting)
        else:
            transitions += _transitions(state, (crossing,))
    for state in line_states.values():
        if state.track_id not in kept:
            transitions += _transitions(state, state.waiting)
    for state in list(kept.values()):
        due = [each for each in state.waiting if _is_due(each, state, at)]
        if due:
            transitions += _transitions(state, due)
            kept[state.track_id] = replace(state, waiting=tuple(each for each in state.waiting if each not in due))
    transitions.sort(key=lambda each: (each.at, each.track_id))
    return kept, tuple(transitions)


def _is_due(crossing: Crossing, state: LineState, at: datetime) -> bool:
    """Whether a crossing waits no longer: its track has a name, or goes on counting without one."""
    overdue = state.counted_as is not None and at - crossing.at >= UNIDENTIFIED_AFTER
    return state.person_id is not None or overdue


def _transitions(state: LineState, crossings: Iterable[Crossing]) -> list[Transition]:
    """The crossings of a track as those of its person, or of an unidentified one; none where it counts as neither."""
    named = state.person_id is not None
    person_id = state.person_id if named else state.counted_as
    if person_id is None:
        return []
    return [
        Transition(
            kind=EventKind.ENTER if crossing.inward else EventKind.EXIT,
            person_id=person_id,
            track_id=state.named_by if named and state.named_by is not None else crossing.track_id,
            at=crossing.at,
            x_frac=crossing.x_frac,
            y_frac=crossing.y_frac,
        )
        for crossing in crossings
    ]
