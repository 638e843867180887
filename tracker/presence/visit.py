"""A visit while it is worked out: its stays, the rule behind each boundary, and what proves that it took place."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from tracker.presence.events import Event

SIGHTS_THAT_PROVE = 3
"""Being taken for somebody else so often in a row, where a door saw neither a way in nor a way out, is unlikely."""


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
    SILENT = "silent"
    LATE_LOSS = "late_loss"
    FORGOTTEN = "forgotten"
    ENTER_ALONE = "enter_alone"
    EXIT_ALONE = "exit_alone"
    SIGHT_ALONE = "sight_alone"


class Hold(StrEnum):
    """What keeps an open visit open: a camera that has the person in sight, its evidence, or one enter and no more."""

    SIGHT = "sight"
    EVIDENCE = "evidence"
    ENTER = "enter"


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
    """Stays that count as one visit, once it is proven.

    clean: nothing before its first event has a say in it or in what follows, so that a walk may start there anew.
    heard_at, hold: the last evidence of a visit that is open and what keeps it so; None of one that is over.
    proven: one piece of evidence may be about somebody else; two of different kinds are not, nor are three sights.
    came_in, went_out: seen so at a door. sights: how often rooms have found the person.
    """

    __slots__ = (
        "came_in", "clean", "enter_inferred", "exit_camera_id", "exit_inferred", "first", "heard_at", "hold", "proven",
        "sights", "stays", "went_out",
    )  # fmt: skip

    def __init__(self, event: Event, because: Because, *, enter_inferred: bool, clean: bool, proven: bool) -> None:
        self.first = event
        self.enter_inferred = enter_inferred
        self.clean = clean
        self.proven = proven
        self.stays = [Stay(event, because)]
        self.came_in = self.went_out = False
        self.sights = 0
        self.exit_inferred = False
        self.exit_camera_id: str | None = None
        self.heard_at: datetime | None = None
        self.hold: Hold | None = None

    @property
    def counts(self) -> bool:
        """Proven, or still open for who was seen coming in a while ago."""
        return self.proven or (self.came_in and self.stays[-1].ended_at is None)

    def weigh(self) -> None:
        """See whether what is known by now proves the visit."""
        kinds = self.came_in + self.went_out + (self.sights > 0)
        self.proven = self.proven or kinds > 1 or self.sights >= SIGHTS_THAT_PROVE

    def absorb(self, later: Visit) -> None:
        """Go on as the visit that came after this one."""
        self.stays += later.stays
        self.came_in |= later.came_in
        self.sights += later.sights
        self.proven |= later.proven
        self.weigh()
