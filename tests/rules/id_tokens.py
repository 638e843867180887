"""ID tokens of users, as Firebase's emulator makes them: unsigned."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

from tests.rules.samples import Who


def token(project: str, who: Who) -> str:
    """The ID token of a user of the project."""
    now_s = int(time.time())
    claims = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "iat": now_s,
        "auth_time": now_s,
        "exp": now_s + 3600,
        "sub": who.uid,
        "user_id": who.uid,
        "firebase": {"sign_in_provider": "custom", "identities": {}},
        **who.claims,
    }
    return ".".join([_packed({"alg": "none", "typ": "JWT"}), _packed(claims), ""])


def _packed(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
