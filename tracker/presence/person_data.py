"""Everything that is kept about one person, as records: what they may ask for, and what forgetting erases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tracker.presence.events import Correction, Event, Match
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.sessions import Session
from tracker.presence.zones import ZoneStay


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """A change of a person, as the audit trail has it. action: its name, such as "people.rename"."""

    at: datetime
    by: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonData:
    """What a store keeps about a person. Of face vectors it has how many there are, not their numbers.

    ids: all that the person has or had, the present one first. faces: vectors by network; pictures: the names of the
    files that they came from. not_theirs: faces marked as not the person's. evidence: vectors behind matches. limit:
    the greatest distance at which a face is theirs, None where they have no limit of their own. voided: events that
    did not happen. corrections: of their events. presences: where cameras have them in sight now. lines: doors whose
    line they stand at. changes: of the person, by users.
    """

    person: Person
    ids: tuple[str, ...]
    faces: Mapping[str, int]
    pictures: tuple[str, ...]
    not_theirs: int
    evidence: int
    limit: float | None
    sessions: tuple[Session, ...]
    events: tuple[Event, ...]
    voided: tuple[Event, ...]
    corrections: tuple[Correction, ...]
    matches: tuple[Match, ...]
    zone_stays: tuple[ZoneStay, ...]
    presences: tuple[Presence, ...]
    changes: tuple[PersonChange, ...]

    def counts(self) -> dict[str, int]:
        """How many of each there are, in words for people; without those of which there are none."""
        found = {
            "face vectors": sum(self.faces.values()),
            "names of pictures": len(self.pictures),
            "faces marked as not theirs": self.not_theirs,
            "vectors behind matches": self.evidence,
            "visits": len(self.sessions),
            "enters and exits": len(self.events) + len(self.voided),
            "corrections": len(self.corrections),
            "matches": len(self.matches),
            "stays in zones": len(self.zone_stays),
            "changes by users": len(self.changes),
        }
        return {name: count for name, count in found.items() if count}
