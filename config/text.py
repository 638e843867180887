"""Texts: ids, characters that no id, name or reason may hold, and the form in which texts are searched."""

from __future__ import annotations

import re
import unicodedata

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""An id of a site or of a camera, as a full match."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 controls (NUL, ESC, CR and others), and the overrides that change the direction in which text is read."""
_UNDECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
"""Letters with a stroke, and ligatures: Unicode has no base letter for them."""


def control_character(text: str) -> str | None:
    """The first control character or bidirectional override of a text as U+XXXX, None where there is none."""
    if text.isprintable():
        return None
    found = _CONTROL.search(text)
    return None if found is None else f"U+{ord(found.group()):04X}"


def without_control_characters(text: str) -> str:
    """The text with U+FFFD in place of each control character and bidirectional override."""
    return _CONTROL.sub("\ufffd", text)


def fold(text: str) -> str:
    """The text without accents and in one case: `Björn Ólafsson` is `bjorn olafsson`."""
    parts = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    return "".join(character for character in parts if not unicodedata.combining(character))
