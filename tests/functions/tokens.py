"""ID tokens of the Auth emulator: unsigned, accepted only with FIREBASE_AUTH_EMULATOR_HOST."""

from __future__ import annotations

import base64
import json
import time
from typing import Any


def token(project: str, *, uid: str = "somebody", **claims: Any) -> str:
    now = int(time.time())
    payload = {
        "iss": f"https://securetoken.google.com/{project}",
        "aud": project,
        "sub": uid,
        "user_id": uid,
        "auth_time": now - 60,
        "iat": now - 60,
        "exp": now + 600,
        "firebase": {"sign_in_provider": "password", "identities": {}},
        **claims,
    }
    return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(payload)}."


def bearer(project: str, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(project, **claims)}"}


def _part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
