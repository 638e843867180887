"""Who changes something."""

from __future__ import annotations

from dataclasses import dataclass

from config.errors import UserError
from tracker.presence.events import ITSELF
from tracker.store.users import UserRole

THIS_MACHINE = "this machine"
"""The name of whoever uses a dashboard that needs no sign-in."""
LONGEST_TEXT = 500
"""Characters of a name or a reason."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who changes something, as the audit trail and corrections name them.

    Raises UserError on a name that is empty, too long, of control characters, or that the program has itself.
    """

    name: str
    role: UserRole

    def __post_init__(self) -> None:
        name = one_line(self.name)
        if not name or name.startswith("@") or name.casefold() == ITSELF:
            raise UserError(
                f"{self.name[:40]!r} is no name for an author", fix="give the name of a person, such as Ann"
            )
        object.__setattr__(self, "name", name)


def one_line(text: str) -> str:
    """The text on one line. Raises UserError when it is too long or has control characters."""
    words = " ".join(text.split())
    if len(words) > LONGEST_TEXT or not words.isprintable():
        raise UserError(
            f"expected up to {LONGEST_TEXT} characters of plain text",
            fix="shorten it, and leave control characters out",
        )
    return words
