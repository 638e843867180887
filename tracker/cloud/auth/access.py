"""Access to the shared store: the custom claims of Firebase users, as config/firestore.rules reads them.

Standard library only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from config.text import ID

Claims: TypeAlias = dict[str, Any]
"""The custom claims in a user's ID token."""

DEVICE = "device"
LONGEST_CLAIMS = 1000
"""Characters of JSON that Firebase takes."""


class Access(StrEnum):
    """What a person may do at a site: read it, or also write its people, corrections and settings."""

    OPERATOR = "operator"
    ADMIN = "admin"


def device_claims(site_id: str, camera_id: str) -> Claims:
    """The claims of a camera machine."""
    return {"role": DEVICE, "site": site_id, "camera": camera_id}


def is_device(claims: Mapping[str, Any]) -> bool:
    """Whether the user is a camera machine."""
    return claims.get("role") == DEVICE


def access_to(claims: Mapping[str, Any], site_id: str) -> Access | None:
    """The user's access to the site, None for no access, also where the claims are malformed."""
    sites = claims.get("sites")
    found = sites.get(site_id) if isinstance(sites, Mapping) else None
    return Access(found) if found in tuple(Access) else None


def granted(claims: Mapping[str, Any] | None, site_id: str, access: Access | None) -> Claims:
    """The claims with this access to a site, None to revoke it; other claims are kept.

    Raises ValueError when they become longer than Firebase allows, or belong to a camera machine.
    """
    known = dict(claims or {})
    if is_device(known):
        raise ValueError("expected a person, got a camera machine")
    if not ID.fullmatch(site_id):
        raise ValueError(f"expected the id of a site (letters, digits, . _ -), got {site_id!r}")
    given = known.pop("sites", None)
    sites = dict(given) if isinstance(given, Mapping) else {}
    sites.pop(site_id, None)
    if access is not None:
        sites[site_id] = access.value
    changed = {**known, "sites": sites} if sites else known
    if len(json.dumps(changed)) > LONGEST_CLAIMS:
        raise ValueError(f"expected at most {LONGEST_CLAIMS} characters of claims, which is some 25 sites")
    return changed
