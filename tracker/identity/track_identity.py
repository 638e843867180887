"""The identity of one track: its vote, what was reported of it, and whether its faces still need to be compared."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config.recognition import MatchSettings
from tracker.identity.match import Verdict
from tracker.identity.votes import Vote, VoteOutcome, VoteResult

SETTLED_FACES = 8
"""Faces in a row that clearly show the same person, from which a track of that person is settled."""


@dataclass(slots=True)
class TrackIdentity:
    """The vote of one track and what was reported of it.

    started_at: since when it shows one person. changed_at: since when all usable faces match `matched_id`. recorded_id:
    person id of the last recorded match. sighted_id: of the last sighting. reason: why it has a name, or none.
    agreed: faces in a row that clearly match `matched_id`, the last one at `agreed_at`. followed: faces since then that
    were not examined.
    """

    started_at: datetime
    changed_at: datetime
    matched_id: str | None = None
    vote: Vote = field(default_factory=Vote)
    result: VoteResult | None = None
    visitor_id: str | None = None
    visitor_distance: float | None = None
    recorded_id: str | None = None
    sighted_id: str | None = None
    reason: str = ""
    agreed: int = 0
    agreed_at: datetime | None = None
    followed: int = 0

    @property
    def distance(self) -> float:
        """Distance of the nearest face that matches the current identity, infinite without one."""
        if self.result is None or self.result.kind is VoteOutcome.UNKNOWN:
            return math.inf
        found = self.result.distance if self.result.kind is VoteOutcome.PERSON else self.visitor_distance
        return math.inf if found is None else found

    def unconfirmed(self, at: datetime) -> timedelta:
        """How long ago a face last confirmed what the track was decided to show; no limit where that is not settled."""
        return at - self.agreed_at if self._is_settled and self.agreed_at is not None else timedelta.max

    @property
    def _is_settled(self) -> bool:
        if self.agreed < SETTLED_FACES or self.result is None or self.result.person_id != self.matched_id:
            return False
        stranger = self.result.kind is VoteOutcome.STRANGER and self.visitor_id is not None
        return stranger or self.result.kind is VoteOutcome.PERSON

    def note(
        self, verdict: Verdict, matched_id: str | None, margin: float | None, at: datetime, settings: MatchSettings
    ) -> int:
        """Take in the verdict on a face; returns for how many faces it votes.

        A face that shows the same person as the ones before votes for those, too, that were not examined since. One of
        somebody else unsettles the track. One that is unsure, or has a runner-up or its limit near, changes nothing, so
        that the next one is examined as well.
        """
        if verdict is Verdict.UNSURE:
            return 1
        if matched_id != self.matched_id:
            self.matched_id, self.changed_at = matched_id, at
            self.agreed = self.followed = 0
        if verdict is Verdict.MATCH and (margin is None or margin < 2 * settings.clear_by):
            return 1
        faces, self.followed = 1 + self.followed, 0
        self.agreed, self.agreed_at = self.agreed + 1, at
        return faces
