"""One person's way in and out of one site: the rules of a visit, applied event by event in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from tracker.presence.events import OPERATOR, Event
from tracker.presence.rules import Closings, Rules
from tracker.presence.visit import Because, Hold, Stay, Visit

Sight: TypeAlias = tuple[str, str]
"""(camera_id, track_id): a stay in one camera's sight begins and ends under the same two names."""

_NO_TIME = timedelta(0)


# Reading a member from its class takes ten times as long as a name of the module, and these are read for every event.
_CAME_IN, _SEEN_TOO, _STILL_SEEN, _LOST = Because.CAME_IN, Because.SEEN_TOO, Because.STILL_SEEN, Because.LOST


class Walk:
    """Where one person is, and the visits so far.

    A camera of a room has people in sight: an exit with the camera and track of an enter ends that, and the person is
    out unless a camera that saw them later still has them. Any other exit is somebody walking out: the person is out
    for every camera. A camera at a door (`Rules.entrances`, `exits`) has nobody in sight: what it says is a step over
    the threshold, and so is what an operator says. Where ways out are watched, a room's camera that loses somebody does
    not put them out.

    Where rooms and the ways in and out are all watched (`Rules.proves`), a visit must be proven: one report of one
    camera may be about somebody else.
    """

    __slots__ = (
        "_closings", "_doors", "_evidence_at", "_evidence_by", "_inside", "_proves", "_rules", "_sights", "_visits",
    )  # fmt: skip

    def __init__(self, rules: Rules, closings: Closings) -> None:
        self._rules = rules
        self._closings = closings if rules.closes_at is not None else None
        self._doors = rules.entrances | rules.exits | {OPERATOR}
        self._proves = rules.proves
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
        return [visit for visit in self._visits if visit.counts] if self._proves else self._visits

    @property
    def drafts(self) -> list[Visit]:
        """The visits so far, and what would have been some had it been proven."""
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
        if self._proves:
            self._note(event, because)
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
        if because is None and self._proves and self._is_sight_alone() and self._is_silent(heard_at, at):
            because = Because.SILENT
        if because is not None:
            self._end_at_evidence(because)

    def end(self, now: datetime) -> None:
        """Nothing more is known up to now: close a visit that silence has ended by then."""
        self.give_up(now)
        if self._proves and self._inside and self._evidence_at is not None and self._is_silent(self._evidence_at, now):
            self._end_at_evidence(Because.SILENT)

    def leave(self) -> None:
        """Nothing more can ever be heard: close the visit that is open at its last evidence."""
        if self._inside:
            self._end_at_evidence(Because.FORGOTTEN)

    def rest(self) -> None:
        """Nothing more is known: note of the visit that is open when it was heard of last, and what keeps it so."""
        if self._inside:
            visit = self._visits[-1]
            visit.heard_at = self._evidence_at
            unseen = Hold.EVIDENCE if visit.proven else Hold.ENTER
            visit.hold = Hold.SIGHT if self._in_some_sight() else unseen

    def _come_in(self, event: Event) -> Because:
        visits = self._visits
        if not visits or not self._same_visit(event):
            unseen = event.inferred or (self._proves and event.camera_id in self._rules.rooms)
            because = Because.CAME_IN_UNSEEN if unseen else _CAME_IN
            self._begin(event, because, unseen=unseen, clean=not self._sights)
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
        because = ended_because = Because.WENT_OUT
        if not self._inside:
            if not self._visits or not self._same_visit(event):
                because = Because.LEFT_ONLY
                self._begin(event, because, unseen=True, clean=clean)
            else:
                because = ended_because = Because.WENT_OUT_AGAIN
                if at > self._left_at():
                    self._visits[-1].stays.append(Stay(event, because))
        self._go_out(event, ended_because)
        if self._proves:
            self._note(event, because)
        return because

    def _lost_unknown(self, event: Event) -> Because:
        """A room's camera lost somebody whom, as far as we know, it did not have; the ways out are watched."""
        self.give_up(event.at)
        because = Because.STILL_INSIDE
        if not self._inside:
            if self._visits and self._same_visit(event):
                return Because.LATE_LOSS
            because = Because.CAME_IN_UNSEEN
            self._begin(event, because, unseen=True, clean=not self._sights)
            self._inside = True
        self._evidence_at, self._evidence_by = event.at, event
        if self._proves:
            self._note(event, because)
        return because

    def _begin(self, event: Event, because: Because, *, unseen: bool, clean: bool) -> None:
        visit = Visit(event, because, enter_inferred=unseen, clean=clean, proven=not self._proves)
        self._visits.append(visit)

    def _note(self, event: Event, because: Because) -> None:
        """Take an event for what it says about the visit that it is in."""
        visit, rules = self._visits[-1], self._rules
        camera_id = event.camera_id
        if camera_id in rules.rooms:
            visit.sights += 1
        elif camera_id in rules.exits or camera_id in rules.entrances:
            if event.kind == "exit":
                visit.went_out = True
            else:
                visit.came_in = True
                first = visit.stays[0]
                if because is _SEEN_TOO and len(visit.stays) == 1 and event.at - first.started_at <= rules.merge_gap:
                    visit.enter_inferred = event.inferred and visit.enter_inferred
        else:
            visit.proven = True  # an operator says so, or a camera of which the rules know nothing
        if not visit.proven:
            visit.weigh()

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
                visits[-1].absorb(later)
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

    def _is_sight_alone(self) -> bool:
        """Somebody was seen inside, which proves nothing yet, and not seen coming in."""
        visit = self._visits[-1]
        return not visit.proven and not visit.came_in

    def _is_silent(self, heard_at: datetime, at: datetime) -> bool:
        """Nobody has the person in sight, and nobody has had for longer than goes unnoticed in watched rooms."""
        return at - heard_at > self._rules.max_unseen and not self._in_some_sight()

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
