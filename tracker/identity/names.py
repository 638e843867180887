"""Validation of people's names."""

from __future__ import annotations

import unicodedata

from config.errors import PeopleError

MAX_NAME = 200
_JOINERS = frozenset("\u200c\u200d") | {chr(code) for code in range(0xE0020, 0xE0080)}
"""Invisible characters that are part of scripts and emoji."""
_FIX = "give a name such as 'Ada Lovelace'"


def clean_name(text: str) -> str:
    """The name in NFC, with surrounding and repeated spaces removed.

    Raises PeopleError when nothing visible is left, when it is longer than MAX_NAME characters, or when it contains
    slashes, control characters or bidirectional marks. Letters of any script and emoji are accepted.
    """
    composed = unicodedata.normalize("NFC", text).strip()
    for character in composed:
        if character in "/\\":
            raise PeopleError(f"the name {shown(composed)} contains a slash", fix="leave slashes out of names")
        if _is_control(character):
            raise PeopleError(
                f"the name {shown(composed)} contains the control character U+{ord(character):04X}", fix=_FIX
            )
    name = " ".join(composed.split())
    if not any(unicodedata.category(character)[0] in "LNPS" for character in name):
        raise PeopleError("the name is empty", fix=_FIX)
    if len(name) > MAX_NAME:
        raise PeopleError(
            f"the name {shown(name)} has {len(name):,} characters, at most {MAX_NAME} are allowed", fix="shorten it"
        )
    return name


def shown(text: str) -> str:
    """The text for an error message: quoted, escaped and shortened."""
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return ascii(short) if any(_is_control(character) for character in short) else f"'{short}'"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and character not in _JOINERS
