"""Validation of the names of people and of their groups."""

from __future__ import annotations

import unicodedata

from config.errors import PeopleError
from tracker.presence.people import LONGEST_GROUP

MAX_NAME = 200
_JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}
"""Invisible characters that are part of scripts and emoji."""
_PERSON = "give a name such as 'Ada Lovelace'"
_GROUP = "give a name such as 'Morning course'"


def clean_name(text: str) -> str:
    """The name in NFC, with surrounding and repeated spaces removed.

    Raises PeopleError when nothing visible is left, when it is longer than MAX_NAME characters, or when it contains
    slashes, control characters or bidirectional marks. Letters of any script and emoji are accepted.
    """
    return _clean(text, "name", MAX_NAME, _PERSON)


def clean_group(text: str) -> str:
    """The name of a group, cleaned as those of people are. Raises PeopleError likewise."""
    return _clean(text, "group", LONGEST_GROUP, _GROUP)


def _clean(text: str, what: str, most: int, fix: str) -> str:
    composed = unicodedata.normalize("NFC", text).strip()
    for character in composed:
        if character in "/\\":
            raise PeopleError(f"the {what} {shown(composed)} contains a slash", fix="leave slashes out of names")
        if _is_control(character):
            raise PeopleError(
                f"the {what} {shown(composed)} contains the control character U+{ord(character):04X}", fix=fix
            )
    name = " ".join(composed.split())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise PeopleError(f"the {what} is empty", fix=fix)
    if len(name) > most:
        raise PeopleError(
            f"the {what} {shown(name)} has {len(name):,} characters, at most {most} are allowed", fix="shorten it"
        )
    return name


def shown(text: str) -> str:
    """The text for an error message: quoted, escaped and shortened."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return ascii(short) if any(_is_control(character) for character in short) else f"'{short}'"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in _JOINERS
