"""One person's way in and out of one site: the rules of a visit, applied event by event in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from tracker.presence.events import OPERATOR, Event
from tracker.presence.rules import Closings, Rules

Sight: TypeAlias = tuple[str, str]
"""(camera_id, track_id): a stay in one camera's sight begins and ends under the same two names."""

_NO_TIME = timedelta(0)


class Because(StrEnum):
    """The rule behind a boundary of a visit, or behind what an event did."""

    CAME_IN = "came_in"
    CAME_IN_UNSEEN = "came_in_unseen"
    LEFT_ONLY = "left_only"
    CAME_BACK = "came_back"
    CLOCKS = "clocks"
    SEEN_TOO = "seen_too"
    STILL_SEEN = "still_seen"
    STILL_INSIDE = "still_inside"
    LOST = "lost"
    WENT_OUT = "went_out"
    WENT_OUT_AGAIN = "went_out_again"
    ENDED_UNSEEN = "ended_unseen"
    MISSED_EXIT = "missed_exit"
    GAVE_UP = "gave_up"
    CLOSED = "closed"
    LATE_LOSS = "late_loss"


# Reading a member from its class takes ten times as long as a name of the module, and these are read for every event.
_CAME_IN, _SEEN_TOO, _STILL_SEEN, _LOST = Because.CAME_IN, Because.SEEN_TOO, Because.STILL_SEEN, Because.LOST


class Stay:
    """A time inside without a break, with the rule and the event at either end."""

    __slots__ = ("closed_by", "ended_at", "ended_because", "opened_by", "started_at", "started_because")

    def __init__(self, event: Event, because: Because) -> None:
        self.started_at = event.at
        self.started_because = because
        self.opened_by = event
        self.ended_at: datetime | None = None
        self.ended_because: Because | None = None
        self.closed_by: Event | None = None


class Visit:
    """Stays that count as one visit.

    clean: nothing before its first event has a say in it or in what follows, so that a walk may start there anew.
    heard_at: the last evidence of a visit that is open, None of one that is over.
    """

    __slots__ = ("clean", "enter_inferred", "exit_camera_id", "exit_inferred", "first", "heard_at", "stays")

    def __init__(self, event: Event, because: Because, *, enter_inferred: bool, clean: bool) -> None:
        self.first = event
        self.enter_inferred = enter_inferred
        self.clean = clean
        self.stays = [Stay(event, because)]
        self.exit_inferred = False
        self.exit_camera_id: str | None = None
        self.heard_at: datetime | None = None


class Walk:
    """Where one person is, and the visits so far.

    A camera of a room has people in sight: an exit with the camera and track of an enter ends that, and the person is
    out unless a camera that saw them later still has them. Any other exit is somebody walking out: the person is out
    for every camera. A camera at a door (`Rules.entrances`, `exits`) has nobody in sight: what it says is a step over
    the threshold, and so is what an operator says. Where ways out are watched, a room's camera that loses somebody does
    not put them out.
    """

    __slots__ = ("_closings", "_doors", "_evidence_at", "_evidence_by", "_inside", "_rules", "_sights", "_visits")

    def __init__(self, rules: Rules, closings: Closings) -> None:
        self._rules = rules
        self._closings = closings if rules.closes_at is not None else None
        self._doors = rules.entrances | rules.exits | {OPERATOR}
        self._visits: list[Visit] = []
        self._inside = False
        self._evidence_at: datetime | None = None
        self._evidence_by: Event | None = None
        self._sights: dict[Sight, list[datetime]] = {}  # [entered_at, seen_at], the oldest first

    @property
    def inside(self) -> bool:
        """The person is in, as far as the events up to here say."""
        return self._inside

    @property
    def visits(self) -> list[Visit]:
        """The visits so far; the last one may be open."""
        return self._visits

    def has_in_sight(self, sight: Sight) -> bool:
        """A camera has the person under these names and has not said that it lost them."""
        return sight in self._sights

    def enter(self, event: Event) -> Because:
        """Come in, or be seen by one more camera."""
        at = event.at
        if self._inside:
            self.give_up(at)
        if self._sights:
            self._forget_sights(at)
        at_door = event.camera_id in self._doors
        if self._inside and at_door and self._left_unseen(event):
            self._end_at_evidence(Because.MISSED_EXIT)
        because = _SEEN_TOO if self._inside else self._come_in(event)
        self._evidence_at, self._evidence_by = at, event
        if not at_door:
            sight = (event.camera_id, event.track_id)
            self._sights.pop(sight, None)
            self._sights[sight] = [at, at]
        return because

    def exit(self, event: Event) -> Because:
        """Get out of one camera's sight, or walk out."""
        if event.camera_id in self._doors:
            return self._walk_out(event)
        sight = self._sights.pop((event.camera_id, event.track_id), None)
        if sight is None:
            return self._lost_unknown(event) if self._rules.exits else self._walk_out(event)
        self._stay_since(sight[0], event.at, event)
        if self._rules.exits:
            return Because.STILL_INSIDE
        if self._sights and any(other[1] >= sight[0] for other in self._sights.values()):
            return _STILL_SEEN
        return self._go_out(event, _LOST)

    def see(self, at: datetime, sight: Sight | None) -> None:
        """Be in sight: evidence for a visit that goes on, never the start of one."""
        since = self._sights.get(sight) if sight is not None else None
        if since is not None:
            self._stay_since(since[0], max(at, since[0]), None)
            since[1] = max(since[1], at)
        elif self._inside:
            self._evidence_at, self._evidence_by = at, None
        elif self._in_some_sight():
            self._reopen()
            self._evidence_at, self._evidence_by = at, None

    def give_up(self, at: datetime) -> None:
        """Close a visit at its last evidence when that is too long ago, or when the site closed since."""
        heard_at = self._evidence_at
        if not self._inside or heard_at is None:
            return
        because = self._is_over(heard_at, at)
        if because is not None:
            self._end_at_evidence(because)

    def rest(self) -> None:
        """Nothing more is known: note of the visit that is open when it was heard of last."""
        if self._inside:
            self._visits[-1].heard_at = self._evidence_at

    def _come_in(self, event: Event) -> Because:
        visits = self._visits
        if not visits or not self._same_visit(event):
            because = Because.CAME_IN_UNSEEN if event.inferred else _CAME_IN
            visits.append(Visit(event, because, enter_inferred=event.inferred, clean=not self._sights))
        elif event.at - self._left_at() <= self._clock_error(event):
            self._reopen()
            because = Because.CLOCKS
        else:
            because = Because.CAME_BACK
            visits[-1].stays.append(Stay(event, because))
            visits[-1].exit_inferred = False
        self._inside = True
        return because

    def _walk_out(self, event: Event) -> Because:
        at = event.at
        self.give_up(at)
        clean = not self._sights
        if not (self._inside or clean) and self._in_some_sight() and not self._is_over(self._left_at(), at):
            self._reopen()
        self._sights.clear()
        if self._inside:
            return self._go_out(event, Because.WENT_OUT)
        if not self._visits or not self._same_visit(event):
            self._visits.append(Visit(event, Because.LEFT_ONLY, enter_inferred=True, clean=clean))
            self._go_out(event, Because.WENT_OUT)
            return Because.LEFT_ONLY
        if at > self._left_at():
            self._visits[-1].stays.append(Stay(event, Because.WENT_OUT_AGAIN))
        self._go_out(event, Because.WENT_OUT_AGAIN)
        return Because.WENT_OUT_AGAIN

    def _lost_unknown(self, event: Event) -> Because:
        """A room's camera lost somebody whom, as far as we know, it did not have; the ways out are watched."""
        self.give_up(event.at)
        because = Because.STILL_INSIDE
        if not self._inside:
            if self._visits and self._same_visit(event):
                return Because.LATE_LOSS
            because = Because.CAME_IN_UNSEEN
            self._visits.append(Visit(event, because, enter_inferred=True, clean=not self._sights))
            self._inside = True
        self._evidence_at, self._evidence_by = event.at, event
        return because

    def _go_out(self, event: Event, because: Because) -> Because:
        visit = self._visits[-1]
        stay = visit.stays[-1]
        stay.ended_at = event.at
        stay.ended_because = Because.ENDED_UNSEEN if event.inferred else because
        stay.closed_by = event
        visit.exit_inferred = event.inferred
        visit.exit_camera_id = event.camera_id
        self._inside = False
        return because

    def _end_at_evidence(self, because: Because) -> None:
        visit = self._visits[-1]
        stay = visit.stays[-1]
        stay.ended_at = self._evidence_at
        stay.ended_because = because
        stay.closed_by = self._evidence_by
        visit.exit_inferred = True
        self._inside = False

    def _stay_since(self, started_at: datetime, at: datetime, event: Event | None) -> None:
        """One camera had the person from `started_at` to `at`: whatever seemed a gap in between was none."""
        visits = self._visits
        if not self._inside or visits[-1].stays[-1].started_at > started_at:
            while visits[-1].stays[0].started_at > started_at:
                later = visits.pop()
                visits[-1].stays += later.stays
            stays = visits[-1].stays
            while stays[-1].started_at > started_at:
                stays.pop()
            self._reopen()
        self._evidence_at, self._evidence_by = at, event

    def _reopen(self) -> None:
        stay = self._visits[-1].stays[-1]
        stay.ended_at = stay.ended_because = stay.closed_by = None
        self._visits[-1].exit_inferred = False
        self._inside = True

    def _left_unseen(self, event: Event) -> bool:
        """Coming in by a door while thought in, long after the last evidence: the way out was missed."""
        heard_at = self._evidence_at
        return heard_at is not None and event.at - heard_at > max(self._rules.merge_gap, self._rules.skew)

    def _is_over(self, heard_at: datetime, at: datetime) -> Because | None:
        """Why a visit heard of last at `heard_at` is over, if it is."""
        if at - heard_at > self._rules.max_visit:
            return Because.GAVE_UP
        if self._closings is not None and self._closings.between(heard_at, at):
            return Because.CLOSED
        return None

    def _forget_sights(self, at: datetime) -> None:
        """Drop what no camera has ended for too long; the oldest stand first."""
        while self._sights:
            oldest = next(iter(self._sights))
            if at - self._sights[oldest][0] <= self._rules.max_visit:
                return
            del self._sights[oldest]

    def _left_at(self) -> datetime:
        stay = self._visits[-1].stays[-1]
        return stay.ended_at if stay.ended_at is not None else stay.started_at

    def _same_visit(self, event: Event) -> bool:
        left_at = self._left_at()
        gap = event.at - left_at
        if gap <= self._rules.merge_gap and (self._closings is None or not self._closings.between(left_at, event.at)):
            return True
        return gap <= self._rules.skew and gap <= self._clock_error(event)

    def _clock_error(self, event: Event) -> timedelta:
        """How much of a gap since the last exit the clocks alone may have made."""
        return _NO_TIME if event.camera_id == self._visits[-1].exit_camera_id else self._rules.skew

    def _in_some_sight(self) -> bool:
        """A camera that saw the person in the last visit has not said that it lost them."""
        if not self._visits:
            return False
        started_at = self._visits[-1].stays[0].started_at
        return any(sight[0] >= started_at for sight in self._sights.values())


def in_turn(walk: Walk, moment: Sequence[Event]) -> list[Event]:
    """Events of one instant in the order that makes sense of them; `moment` is in order of event_id.

    Handed over from camera to camera is lost, then found; in and out at once is found, then lost.
    """
    entered = [event for event in moment if event.kind == "enter"]
    sights = {(event.camera_id, event.track_id) for event in entered}
    cameras = {event.camera_id for event in entered}
    before: list[Event] = []
    after: list[Event] = []
    for event in moment:
        if event.kind == "exit":
            sight = (event.camera_id, event.track_id)
            found_now = sight in sights or (not walk.inside and event.camera_id in cameras)
            (after if found_now and not walk.has_in_sight(sight) else before).append(event)
    return before + entered + after
