"""People: an id, a name, a role; and the redaction of their names. No vectors, no pictures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.presence.events import as_utc, content_id

SOMEBODY = "somebody"
_LABEL = re.compile(r"Visitor [0-9]+")


def name_key(name: str) -> str:
    """What two spellings of one name have in common, whatever their case and composition."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def digest_of(person_id: str) -> str:
    """What remains of the id of somebody who was forgotten: enough to recognise late records of them."""
    return content_id("forgotten", person_id)


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


class Redaction:
    """Replaces a person's ids, name and parts of the name by `somebody`.

    names: ids and the name. A whole name is found in any case. A part of it, such as the first name, is found as it is
    written in the name, so that common words stay; parts in lower case and of labels such as "Visitor 3" are no names.
    """

    def __init__(self, names: Iterable[str]) -> None:
        wholes = {unicodedata.normalize("NFC", name).strip() for name in names}
        parts = {part for name in wholes if not _LABEL.fullmatch(name) for part in name.split()}
        self._whole = _words(wholes, re.IGNORECASE)
        self._part = _words((part for part in parts if _is_name(part)), 0)
        self._any = _words({*wholes, *filter(_is_name, parts)}, re.IGNORECASE)

    def text(self, text: str) -> str:
        """A text that somebody wrote, without the names."""
        composed = unicodedata.normalize("NFC", text)
        redacted = self._part.sub(SOMEBODY, self._whole.sub(SOMEBODY, composed))
        return text if redacted == composed else redacted

    def user_name(self, name: str) -> str:
        """The name by which somebody signed, in which parts count in any case."""
        return SOMEBODY if self._any.search(unicodedata.normalize("NFC", name)) else name


def _is_name(part: str) -> bool:
    return len(part) > 1 and not part.islower() and any(character.isalpha() for character in part)


def _words(words: Iterable[str], flags: int) -> re.Pattern[str]:
    """Matches any of the words where no letter, digit or underscore is next to it; nothing without words."""
    longest_first = sorted(words, key=len, reverse=True)
    choices = "|".join(r"\s+".join(map(re.escape, word.split())) for word in longest_first if word)
    return re.compile(rf"(?<!\w)(?:{choices})(?!\w)" if choices else r"(?!)", flags)
