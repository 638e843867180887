"""The visit state machine: the rules of a session, applied to one person's events at one site in order of time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from tracker.presence.candidates import CandidateSegment, CandidateSession, Reason
from tracker.presence.events import OPERATOR, Event
from tracker.presence.rules import Closings, Rules

TrackKey: TypeAlias = tuple[str, str]
"""(camera_id, track_id): time in one camera's view begins and ends under the same two names."""

_NO_TIME = timedelta(0)


# Reading a member from its class takes ten times as long as a name of the module, and these are read for every event.
_CAME_IN, _SEEN_TOO, _STILL_SEEN, _LOST = Reason.CAME_IN, Reason.SEEN_TOO, Reason.STILL_SEEN, Reason.LOST


class StateMachine:
    """Where one person is, and the sessions so far.

    A room camera keeps people in view: an exit with the camera and track of an enter ends that, and the person is out
    unless a camera that saw them later still has them in view. Any other exit means leaving the site, for every camera.
    A door camera (`Rules.entrances`, `exits`) keeps nobody in view: its events, and those of an operator, are steps
    over the threshold. Where exits are watched, losing somebody from a room camera's view does not end a session.

    Where rooms, entrances and exits are all watched (`Rules.proves`), a session must be proven: a single event may be
    a misidentification.
    """

    __slots__ = (
        "_closings",
        "_doors",
        "_evidence_at",
        "_evidence_by",
        "_in_view",
        "_inside",
        "_proves",
        "_rules",
        "_sessions",
    )  # fmt: skip

    def __init__(self, rules: Rules, closings: Closings) -> None:
        self._rules = rules
        self._closings = closings if rules.closes_at is not None else None
        self._doors = rules.entrances | rules.exits | {OPERATOR}
        self._proves = rules.proves
        self._sessions: list[CandidateSession] = []
        self._inside = False
        self._evidence_at: datetime | None = None
        self._evidence_by: Event | None = None
        self._in_view: dict[TrackKey, list[datetime]] = {}  # [entered_at, seen_at], the oldest first

    @property
    def inside(self) -> bool:
        """Whether the person is inside after the events so far."""
        return self._inside

    @property
    def sessions(self) -> list[CandidateSession]:
        """The sessions that count; the last one may be open."""
        return [session for session in self._sessions if session.counts] if self._proves else self._sessions

    @property
    def candidates(self) -> list[CandidateSession]:
        """All candidates, whether they are proven or not."""
        return self._sessions

    def has_in_view(self, key: TrackKey) -> bool:
        """Whether a camera has the person in view on this track."""
        return key in self._in_view

    def is_door(self, camera_id: str) -> bool:
        """Whether events of this camera are steps over the threshold."""
        return camera_id in self._doors

    def enter(self, event: Event) -> Reason:
        """Apply an enter: start or continue a session, or add a camera that has the person in view."""
        at = event.at
        if self._inside:
            self.close_if_over(at)
        if self._in_view:
            self._drop_stale_views(at)
        at_door = event.camera_id in self._doors
        if self._inside and at_door and self._left_unseen(event):
            self._end_at_evidence(Reason.MISSED_EXIT)
        reason = _SEEN_TOO if self._inside else self._enter_site(event)
        self._evidence_at, self._evidence_by = at, event
        if not at_door:
            key = (event.camera_id, event.track_id)
            self._in_view.pop(key, None)
            self._in_view[key] = [at, at]
        if self._proves:
            self._note_proof(event, reason)
        return reason

    def exit(self, event: Event) -> Reason:
        """Apply an exit: leave one camera's view, or the site."""
        if event.camera_id in self._doors:
            return self._leave_site(event)
        view = self._in_view.pop((event.camera_id, event.track_id), None)
        if view is None:
            return self._lose_unknown(event) if self._rules.exits else self._leave_site(event)
        self._extend_since(view[0], event.at, event)
        if self._rules.exits:
            return Reason.STILL_INSIDE
        if self._in_view and any(other[1] >= view[0] for other in self._in_view.values()):
            return _STILL_SEEN
        return self._go_out(event, _LOST)

    def see(self, at: datetime, key: TrackKey | None) -> None:
        """Apply a sighting: evidence that a session goes on, never the start of one."""
        since = self._in_view.get(key) if key is not None else None
        if since is not None:
            self._extend_since(since[0], max(at, since[0]), None)
            since[1] = max(since[1], at)
        elif self._inside:
            self._evidence_at, self._evidence_by = at, None
        elif self._is_in_view():
            self._reopen()
            self._evidence_at, self._evidence_by = at, None

    def close_if_over(self, at: datetime) -> None:
        """Close the session at its last evidence if that is too long ago, or if the site closed since."""
        evidence_at = self._evidence_at
        if not self._inside or evidence_at is None:
            return
        reason = self._is_over(evidence_at, at)
        if reason is None and self._proves and self._is_sight_alone() and self._is_silent(evidence_at, at):
            reason = Reason.SILENT
        if reason is not None:
            self._end_at_evidence(reason)

    def end(self, now: datetime) -> None:
        """Close the session if no evidence up to `now` keeps it open."""
        self.close_if_over(now)
        if self._proves and self._inside and self._evidence_at is not None and self._is_silent(self._evidence_at, now):
            self._end_at_evidence(Reason.SILENT)

    def close_forgotten(self) -> None:
        """Close the session of somebody who was forgotten: no evidence can follow."""
        if self._inside:
            self._end_at_evidence(Reason.FORGOTTEN)

    def note_evidence(self) -> None:
        """Record on the open session its last evidence, from which its due time follows."""
        if self._inside:
            session = self._sessions[-1]
            session.evidence_at = self._evidence_at
            session.in_sight = self._is_in_view()

    def _enter_site(self, event: Event) -> Reason:
        sessions = self._sessions
        if not sessions or not self._same_visit(event):
            unseen = event.inferred or (self._proves and event.camera_id in self._rules.rooms)
            reason = Reason.CAME_IN_UNSEEN if unseen else _CAME_IN
            self._begin(event, reason, unseen=unseen, clean=not self._in_view)
        elif event.at - self._left_at() <= self._clock_error(event):
            reason = Reason.CLOCKS if event.at > self._left_at() else Reason.AT_ONCE
            self._reopen()
        else:
            reason = Reason.CAME_BACK
            sessions[-1].segments.append(CandidateSegment(event, reason))
            sessions[-1].exit_inferred = False
        self._inside = True
        return reason

    def _leave_site(self, event: Event) -> Reason:
        at = event.at
        self.close_if_over(at)
        clean = not self._in_view
        if not (self._inside or clean) and self._is_in_view() and not self._is_over(self._left_at(), at):
            self._reopen()
        self._in_view.clear()
        reason = end_reason = Reason.WENT_OUT
        if not self._inside:
            if not self._sessions or not self._same_visit(event):
                reason = Reason.LEFT_ONLY
                self._begin(event, reason, unseen=True, clean=clean)
            else:
                reason = end_reason = Reason.WENT_OUT_AGAIN
                if at > self._left_at():
                    self._sessions[-1].segments.append(CandidateSegment(event, reason))
        self._go_out(event, end_reason)
        if self._proves:
            self._note_proof(event, reason)
        return reason

    def _lose_unknown(self, event: Event) -> Reason:
        """Apply a loss by a room camera that did not have the person in view, where exits are watched."""
        self.close_if_over(event.at)
        reason = Reason.STILL_INSIDE
        if not self._inside:
            if self._sessions and self._same_visit(event):
                return Reason.LATE_LOSS
            reason = Reason.CAME_IN_UNSEEN
            self._begin(event, reason, unseen=True, clean=not self._in_view)
            self._inside = True
        self._evidence_at, self._evidence_by = event.at, event
        if self._proves:
            self._note_proof(event, reason)
        return reason

    def _begin(self, event: Event, reason: Reason, *, unseen: bool, clean: bool) -> None:
        session = CandidateSession(event, reason, enter_inferred=unseen, clean=clean, proven=not self._proves)
        self._sessions.append(session)

    def _note_proof(self, event: Event, reason: Reason) -> None:
        """Count an event as proof of the session that it belongs to."""
        session, rules = self._sessions[-1], self._rules
        camera_id = event.camera_id
        if camera_id in rules.rooms:
            session.sightings += 1
        elif camera_id in rules.exits or camera_id in rules.entrances:
            if event.kind == "exit":
                session.went_out = True
            else:
                session.came_in = True
                first = session.segments[0]
                if (
                    reason is _SEEN_TOO
                    and len(session.segments) == 1
                    and event.at - first.started_at <= rules.merge_gap
                ):
                    session.enter_inferred = event.inferred and session.enter_inferred
        else:
            session.proven = True  # an operator says so, or a camera of which the rules know nothing
        if not session.proven:
            session.update_proof()

    def _go_out(self, event: Event, reason: Reason) -> Reason:
        session = self._sessions[-1]
        segment = session.segments[-1]
        segment.ended_at = event.at
        segment.end_reason = Reason.ENDED_UNSEEN if event.inferred else reason
        segment.closed_by = event
        session.exit_inferred = event.inferred
        session.exit_camera_id = event.camera_id
        self._inside = False
        return reason

    def _end_at_evidence(self, reason: Reason) -> None:
        session = self._sessions[-1]
        segment = session.segments[-1]
        segment.ended_at = self._evidence_at
        segment.end_reason = reason
        segment.closed_by = self._evidence_by
        session.exit_inferred = True
        self._inside = False

    def _extend_since(self, started_at: datetime, at: datetime, event: Event | None) -> None:
        """One camera had the person in view from `started_at` to `at`: remove any gap in between."""
        sessions = self._sessions
        if not self._inside or sessions[-1].segments[-1].started_at > started_at:
            while sessions[-1].segments[0].started_at > started_at:
                later = sessions.pop()
                sessions[-1].extend(later)
            segments = sessions[-1].segments
            while segments[-1].started_at > started_at:
                segments.pop()
            self._reopen()
        self._evidence_at, self._evidence_by = at, event

    def _reopen(self) -> None:
        segment = self._sessions[-1].segments[-1]
        segment.ended_at = segment.end_reason = segment.closed_by = None
        self._sessions[-1].exit_inferred = False
        self._inside = True

    def _left_unseen(self, event: Event) -> bool:
        """Entering by a door while inside, long after the last evidence: the exit was missed."""
        evidence_at = self._evidence_at
        return evidence_at is not None and event.at - evidence_at > max(self._rules.merge_gap, self._rules.skew)

    def _is_over(self, evidence_at: datetime, at: datetime) -> Reason | None:
        """Why a session with its last evidence at `evidence_at` is over by `at`, if it is."""
        if at - evidence_at > self._rules.max_visit:
            return Reason.GAVE_UP
        if self._closings is not None and self._closings.between(evidence_at, at):
            return Reason.CLOSED
        return None

    def _drop_stale_views(self, at: datetime) -> None:
        """Drop views that no exit has ended for too long; the oldest come first."""
        while self._in_view:
            oldest = next(iter(self._in_view))
            if at - self._in_view[oldest][0] <= self._rules.max_visit:
                return
            del self._in_view[oldest]

    def _left_at(self) -> datetime:
        segment = self._sessions[-1].segments[-1]
        return segment.ended_at if segment.ended_at is not None else segment.started_at

    def _same_visit(self, event: Event) -> bool:
        left_at = self._left_at()
        gap = event.at - left_at
        if gap <= self._rules.merge_gap and (self._closings is None or not self._closings.between(left_at, event.at)):
            return True
        return gap <= self._rules.skew and gap <= self._clock_error(event)

    def _clock_error(self, event: Event) -> timedelta:
        """How much of a gap since the last exit clock skew alone may explain."""
        return _NO_TIME if event.camera_id == self._sessions[-1].exit_camera_id else self._rules.skew

    def _is_sight_alone(self) -> bool:
        """Whether the session rests on unproven sightings alone."""
        session = self._sessions[-1]
        return not session.proven and not session.came_in

    def _is_silent(self, evidence_at: datetime, at: datetime) -> bool:
        """Whether the watched rooms have missed the person for longer than `max_unseen`."""
        return at - evidence_at > self._rules.max_unseen and not self._is_in_view()

    def _is_in_view(self) -> bool:
        """Whether a camera that saw the person in the last session still has them in view."""
        if not self._sessions:
            return False
        started_at = self._sessions[-1].segments[0].started_at
        return any(view[0] >= started_at for view in self._in_view.values())


def order_of_moment(machine: StateMachine, moment: Sequence[Event]) -> list[Event]:
    """Events of one instant in the order in which they make sense; `moment` is in order of event_id.

    At a door somebody who is inside goes out and comes back; somebody who is outside comes in and goes out. In rooms a
    handover from camera to camera is an exit, then an enter; appearing and vanishing at once is an enter, then an exit.
    """
    entered = [event for event in moment if event.kind == "enter"]
    keys = {(event.camera_id, event.track_id) for event in entered}
    cameras = {event.camera_id for event in entered}
    before: list[Event] = []
    after: list[Event] = []
    for event in moment:
        if event.kind == "exit":
            key = (event.camera_id, event.track_id)
            if machine.is_door(event.camera_id):
                follows = not machine.inside and bool(entered)
            else:
                appeared_now = key in keys or (not machine.inside and event.camera_id in cameras)
                follows = appeared_now and not machine.has_in_view(key)
            (after if follows else before).append(event)
    return before + entered + after
