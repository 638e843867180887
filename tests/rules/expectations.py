"""Read and write access as documented in docs/firebase.md; the tests compare the rules with it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.rules.samples import (
    ADMIN_ELSEWHERE,
    ADMIN_OF_GYM,
    BY_MACHINES,
    CAMERA_MACHINE,
    MACHINE_ELSEWHERE,
    NOBODY,
    OPERATOR_OF_GYM,
    REVOKED,
    STRANGER,
    Who,
)
from tracker.cloud.paths import Collection

COLLECTIONS = [each.value for each in Collection]
EVERYBODY: Mapping[str, Who] = {
    "nobody": NOBODY,
    "stranger": STRANGER,
    "machine": CAMERA_MACHINE,
    "revoked": REVOKED,
    "machine-elsewhere": MACHINE_ELSEWHERE,
    "operator": OPERATOR_OF_GYM,
    "admin": ADMIN_OF_GYM,
    "admin-elsewhere": ADMIN_ELSEWHERE,
}
"""By name; the site is the gym."""
_ADMIN_CREATES = ("people", "corrections", "forgotten")


def may_read(name: str, collection: str) -> bool:
    """Documents and lists of a collection of the gym."""
    return name in ("operator", "admin") or (name == "machine" and collection in ("people", "forgotten"))


def may_create(name: str, collection: str) -> bool:
    """A whole document, of the machine's own camera. A revoked machine may until its token expires."""
    if collection in BY_MACHINES:
        return name in ("machine", "revoked")
    return name == "admin" and collection in _ADMIN_CREATES


def may_change(name: str, collection: str) -> bool:
    """Change or delete what is there."""
    return name == "admin" and collection == "people"


def may_read_vectors(name: str) -> bool:
    return name in ("admin", "machine")


def may_read_site(name: str) -> bool:
    return name in ("operator", "admin", "machine")
