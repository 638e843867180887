"""People: an id, a name, a role, groups, validity; and the redaction of their names. No vectors, no pictures."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Self

from tracker.presence.events import as_utc, content_id

SOMEBODY = "somebody"
MOST_GROUPS = 20
LONGEST_GROUP = 60
"""Characters."""
LONGEST_CONSENT_TEXT = 200
"""Characters of `consent_version` and `consent_by`."""
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
class Consent:
    """That an enrolled person agreed to be recognised. version: of the text they agreed to; by: who recorded it."""

    at: datetime
    version: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an id: enrolled, or a visitor whom nobody enrolled.

    name: shown to people; for a visitor a label such as "Visitor 3". access: may be here (a match of somebody
    without it is not authorised). consented_at: when an enrolled person agreed to be recognised; None for visitors,
    and for people of whom only events of other systems are known, who have no vectors. consent_version: of the text
    they agreed to; consent_by: who recorded it; both empty where that is not known. groups: such as "Morning course",
    sorted; two never differ in case only. valid_from, valid_until: local days of the site, both included.
    """

    person_id: str
    name: str
    created_at: datetime
    kind: PersonKind = PersonKind.ENROLLED
    role: Role = Role.MEMBER
    access: bool = True
    consented_at: datetime | None = None
    consent_version: str = ""
    consent_by: str = ""
    groups: tuple[str, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", PersonKind(self.kind))
        object.__setattr__(self, "role", Role(self.role))
        object.__setattr__(self, "created_at", as_utc(self.created_at))
        if self.consented_at is not None:
            object.__setattr__(self, "consented_at", as_utc(self.consented_at))
        if not self.person_id:
            raise ValueError("person_id: expected a text that is not empty")
        object.__setattr__(self, "groups", _distinct(self.groups))
        self._check()

    def _check(self) -> None:
        if len(self.groups) > MOST_GROUPS:
            raise ValueError(f"groups: expected up to {MOST_GROUPS}")
        if any(not group.strip() or len(group) > LONGEST_GROUP for group in self.groups):
            raise ValueError(f"groups: expected texts of 1 to {LONGEST_GROUP} characters")
        if max(len(self.consent_version), len(self.consent_by)) > LONGEST_CONSENT_TEXT:
            raise ValueError(f"consent_version, consent_by: expected up to {LONGEST_CONSENT_TEXT} characters")
        if self.valid_from is not None and self.valid_until is not None and self.valid_until < self.valid_from:
            raise ValueError("valid_until: expected a day that is not before valid_from")

    def with_consent(self, consent: Consent) -> Self:
        """The person, who agreed to be recognised."""
        return replace(self, consented_at=consent.at, consent_version=consent.version, consent_by=consent.by)

    @property
    def consent(self) -> Consent | None:
        """The consent; None where they did not agree."""
        if self.consented_at is None:
            return None
        return Consent(at=self.consented_at, version=self.consent_version, by=self.consent_by)

    def is_valid_on(self, day: date) -> bool:
        """Whether a local day of the site is within the validity."""
        return not (
            (self.valid_from is not None and day < self.valid_from)
            or (self.valid_until is not None and day > self.valid_until)
        )

    def is_in(self, group: str) -> bool:
        """Whether the person is in the group of this name, in any case or Unicode form."""
        return name_key(group) in map(name_key, self.groups)


def is_authorised(person: Person, at: datetime, zone: tzinfo) -> bool:
    """Whether a person may be here at an instant: enrolled, with access, and valid on that local day of the site."""
    return person.kind is PersonKind.ENROLLED and person.access and person.is_valid_on(at.astimezone(zone).date())


def _distinct(groups: Iterable[str]) -> tuple[str, ...]:
    """The groups sorted, one of those that differ in case or Unicode form only."""
    by_key = {name_key(group): group for group in sorted(groups, reverse=True)}
    return tuple(by_key[key] for key in sorted(by_key))


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
