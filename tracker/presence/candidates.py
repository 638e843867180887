"""A session while it is derived: its segments, the rule behind each boundary, and what proves that it took place."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tracker.presence.events import Event

SIGHTINGS_THAT_PROVE = 3
"""So many misidentifications in a row, with no door event of that person, are unlikely."""


class Reason(StrEnum):
    """The rule behind a boundary of a session, or behind the effect of an event."""

    CAME_IN = "came_in"
    CAME_IN_UNSEEN = "came_in_unseen"
    LEFT_ONLY = "left_only"
    CAME_BACK = "came_back"
    CLOCKS = "clocks"
    AT_ONCE = "at_once"
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
    SILENT = "silent"
    LATE_LOSS = "late_loss"
    FORGOTTEN = "forgotten"
    ENTER_ALONE = "enter_alone"
    EXIT_ALONE = "exit_alone"
    SIGHT_ALONE = "sight_alone"


class CandidateSegment:
    """A time inside without a break, with the rule and the event at either end."""

    __slots__ = ("closed_by", "end_reason", "ended_at", "opened_by", "start_reason", "started_at")

    def __init__(self, event: Event, reason: Reason) -> None:
        self.started_at = event.at
        self.start_reason = reason
        self.opened_by = event
        self.ended_at: datetime | None = None
        self.end_reason: Reason | None = None
        self.closed_by: Event | None = None


class CandidateSession:
    """Segments that count as one session once it is proven.

    clean: nothing before its first event has an effect on it or on what follows, so that derivation may restart there.
    evidence_at, in_sight: the last evidence of a session that no event has ended, and whether a camera still has the
    person in sight; None of a session that an event has ended.
    proven: one event may be a misidentification; events of two kinds are not, nor are three sightings.
    came_in, went_out: a door saw it. sightings: how often rooms have found the person.
    """

    __slots__ = (
        "came_in", "clean", "enter_inferred", "evidence_at", "exit_camera_id", "exit_inferred", "first", "in_sight",
        "proven", "segments", "sightings", "went_out",
    )  # fmt: skip

    def __init__(self, event: Event, reason: Reason, *, enter_inferred: bool, clean: bool, proven: bool) -> None:
        self.first = event
        self.enter_inferred = enter_inferred
        self.clean = clean
        self.proven = proven
        self.segments = [CandidateSegment(event, reason)]
        self.came_in = self.went_out = False
        self.sightings = 0
        self.exit_inferred = False
        self.exit_camera_id: str | None = None
        self.evidence_at: datetime | None = None
        self.in_sight = False

    @property
    def counts(self) -> bool:
        """Proven, or still open for somebody who was seen coming in a while ago."""
        return self.proven or (self.came_in and self.segments[-1].ended_at is None)

    def update_proof(self) -> None:
        """Check whether the evidence so far proves the session."""
        kinds = self.came_in + self.went_out + (self.sightings > 0)
        self.proven = self.proven or kinds > 1 or self.sightings >= SIGHTINGS_THAT_PROVE

    def extend(self, later: CandidateSession) -> None:
        """Continue as the session that came after this one."""
        self.segments += later.segments
        self.came_in |= later.came_in
        self.sightings += later.sightings
        self.proven |= later.proven
        self.update_proof()
