"""Passwords of users: what one must be like, its hash, and the check."""

from __future__ import annotations

import threading
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

from config.errors import UserError
from tracker.presence.people import name_key

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_PASSWORD, MAX_PASSWORD = 10, 200
_MEMORY_KIB, _PASSES = 19 * 1024, 2
"""Argon2id as OWASP's cheat sheet on password storage has it for one lane."""
_one_at_a_time = threading.Lock()
"""Many sign-ins at once must not need the memory of many."""


def hash_password(password: str, *, name: str) -> str:
    """The Argon2id hash of a new password of the user `name`. Raises UserError for one that is too easy to guess."""
    text = _normalised(password)
    if len(text) < MIN_PASSWORD:
        raise UserError(
            f"the password has {len(text)} characters, at least {MIN_PASSWORD} are needed",
            fix="choose a longer one: four random words are good",
        )
    if len(text) > MAX_PASSWORD:
        raise UserError(f"the password has more than {MAX_PASSWORD} characters", fix="choose a shorter one")
    if len(set(text)) < 4 or name_key(text) == name_key(name):
        raise UserError("the password is easy to guess", fix="choose another one: four random words are good")
    with _one_at_a_time:
        return _hasher().hash(text)


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password belongs to the hash. None, for an unknown user, takes as long and is never right."""
    from argon2.exceptions import VerificationError

    text = _normalised(password[: 2 * MAX_PASSWORD])
    with _one_at_a_time:
        try:
            right = _hasher().verify(password_hash or _nobodys_hash(), text)
        except VerificationError:
            return False
    return right and password_hash is not None


def _normalised(password: str) -> str:
    """One form for what keyboards compose in different ways."""
    return unicodedata.normalize("NFC", password)


@cache
def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher  # here, so that commands which ask for no password need no package for it

    return PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=1)


@cache
def _nobodys_hash() -> str:
    return _hasher().hash("nobody has this password")
