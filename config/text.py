"""Characters that no id, name or reason may hold."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 and C1 controls (NUL, ESC, CR and others), and the overrides that change the direction in which text is read."""


def control_character(text: str) -> str | None:
    """The first control character or bidirectional override of a text as U+XXXX, None where there is none."""
    found = _CONTROL.search(text)
    return None if found is None else f"U+{ord(found.group()):04X}"


def without_control_characters(text: str) -> str:
    """The text with U+FFFD in place of each control character and bidirectional override."""
    return _CONTROL.sub("\ufffd", text)
