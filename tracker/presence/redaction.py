"""Taking the name of a forgotten person out of what others wrote."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

SOMEBODY = "somebody"
_LABEL = re.compile(r"Visitor [0-9]+")


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
