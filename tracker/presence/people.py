"""People as presence knows them: an id, a name, a part they play. No vectors, no pictures."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.presence.events import as_utc


def name_key(name: str) -> str:
    """What two spellings of one name have in common, whatever their case and composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class PersonKind(StrEnum):
    ENROLLED = "enrolled"
    VISITOR = "visitor"


class Role(StrEnum):
    MEMBER = "member"
    STAFF = "staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an id: enrolled, or a visitor whom nobody enrolled.

    name: shown to people; for a visitor a label such as "Visitor 3". access: may be here (a match of somebody
    without it is not authorised). consented_at: when an enrolled person agreed to be recognised; None for visitors,
    and for people of whom only events of other systems are known, who have no vectors.
    """

    person_id: str
    name: str
    created_at: datetime
    kind: PersonKind = PersonKind.ENROLLED
    role: Role = Role.MEMBER
    access: bool = True
    consented_at: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", PersonKind(self.kind))
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "created_at", as_utc(self.created_at))
        if self.consented_at is not None:
            object.__setattr__(self, "consented_at", as_utc(self.consented_at))
        if not self.person_id:
            raise ValueError("person_id: expected a text that is not empty")
