"""What being seen by a camera means: one protocol for a room, an entrance, an exit and a door."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Protocol

from tracker.identity.recognition import Retraction
from tracker.presence.line import LineState, TrackPoint
from tracker.presence.room import Gap, Presence, Sighting
from tracker.presence.transitions import Transition
from tracker.presence.zones import ZoneStay


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One frame as recognition leaves it.

    at: never before that of the view before. sightings: named people. unnamed: bodies without a name, under ids of
    unidentified people, since the name is missing. points: every track, named or not. retractions: names that tracks
    had and turned out not to be theirs. ended_tracks: ids. gap: the latest one without frames. ended: no more frames
    belong to what was seen so far.
    """

    at: datetime
    sightings: tuple[Sighting, ...] = ()
    unnamed: tuple[Sighting, ...] = ()
    points: tuple[TrackPoint, ...] = ()
    retractions: tuple[Retraction, ...] = ()
    ended_tracks: tuple[str, ...] = ()
    gap: Gap | None = None
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a view changed.

    transitions: new ones. retracted: earlier ones that did not happen. stays: in zones, over. dropped_stays: ids of
    stays that did not happen.
    """

    transitions: tuple[Transition, ...] = ()
    retracted: tuple[Transition, ...] = ()
    stays: tuple[ZoneStay, ...] = ()
    dropped_stays: tuple[str, ...] = ()

    def __add__(self, later: Changes) -> Changes:
        return Changes(**{each.name: getattr(self, each.name) + getattr(later, each.name) for each in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleState:
    """What a role remembers between frames and over a restart. stays: the open ones."""

    presences: tuple[Presence, ...] = ()
    line_states: tuple[LineState, ...] = ()
    stays: tuple[ZoneStay, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.presences or self.line_states or self.stays)


class Role(Protocol):
    """A camera's role. Views and state in, transitions and state out. Not for several threads."""

    @property
    def state(self) -> RoleState:
        """What to store. Until the first view this is the state that was resumed."""

    def resume(self, state: RoleState) -> None:
        """Continue from the state of an earlier run, as far as it is not later than the first view."""

    def observe(self, view: View) -> Changes:
        """Take in the next frame."""

    def set_back(self, at: datetime) -> Changes:
        """The clock was set back to `at`, every track has ended; people in sight stay in, nothing else is later."""

    def move(self, gone_id: str, into_id: str | None) -> Changes:
        """A person goes on under another id, as when two people were merged; None: the person was forgotten."""
