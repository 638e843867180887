"""Firebase Authentication for tests: the documented REST endpoints that footfall uses, as the emulator has them.

Users, custom claims, custom tokens, refresh tokens, disabling, revoking and the links of e-mails; unsigned tokens, as
the emulator's are. Google's own emulator (npm firebase-tools, `firebase emulators:start --only auth`) is used instead
where FIREBASE_AUTH_EMULATOR_HOST is set; the same tests hold on both.

Source: https://firebase.google.com/docs/reference/rest/auth and the Identity Toolkit reference.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

Body = dict[str, Any]
LIFETIME_S = 3600


class RefusedError(Exception):
    """The error response: status 400 and this word, or another status."""

    def __init__(self, word: str, status: int = 400) -> None:
        super().__init__(word)
        self.word = word
        self.status = status


@dataclass
class Account:
    uid: str
    email: str | None = None
    verified: bool = False
    disabled: bool = False
    password: bool = False
    claims: Body = field(default_factory=dict)
    valid_since_s: float = 0.0

    def lookup(self) -> Body:
        """The response of accounts:lookup."""
        provided = [{"providerId": "password", "rawId": self.email}] if self.password else []
        return {
            "localId": self.uid,
            "disabled": self.disabled,
            "emailVerified": self.verified,
            "customAttributes": json.dumps(self.claims),
            "validSince": str(int(self.valid_since_s)),
            "providerUserInfo": provided,
            **({"email": self.email} if self.email else {}),
        }


class AuthServer:
    """The endpoints on a local port. fault: the response (status, body) to every request."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.keys: dict[str, tuple[str, float]] = {}
        """Refresh token -> user, and when it was made."""
        self.fault: tuple[int, bytes] | None = None
        self.asked: list[str] = []
        self.web_apps: Body = {"apps": [{"appId": "1:2:web:3"}]}
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the library's name
                status, body = server.answer(self.path, self.rfile.read(int(self.headers["Content-Length"] or 0)))
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self) -> None:
                status, body = server.config(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Tests say what matters."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def answer(self, address: str, data: bytes) -> tuple[int, bytes]:
        parts = urlsplit(address)
        self.asked.append(parts.path)
        if self.fault is not None:
            return self.fault
        try:
            return 200, json.dumps(self._do(parts.path, data)).encode()
        except RefusedError as refused:
            error = {"code": refused.status, "message": refused.word}
            return refused.status, json.dumps({"error": error}).encode()

    def config(self, address: str) -> tuple[int, bytes]:
        """The response of Firebase's management API for the project's web apps."""
        if self.fault is not None:
            return self.fault
        if address.endswith("/config"):
            return 200, json.dumps({"projectId": "demo", "apiKey": "the-web-key"}).encode()
        return 200, json.dumps(self.web_apps).encode()

    def _do(self, path: str, data: bytes) -> Body:
        if path == "/securetoken.googleapis.com/v1/token":
            return self._renew({name: values[0] for name, values in parse_qs(data.decode()).items()})
        body = json.loads(data)
        if path.endswith("/v1/accounts:signInWithCustomToken"):
            return self._sign_in(body)
        ways: dict[str, Callable[[Body], Body]] = {
            "accounts": self._create,
            "accounts:update": self._update,
            "accounts:delete": self._delete,
            "accounts:lookup": self._lookup,
            "accounts:sendOobCode": self._link,
        }
        way = ways.get(path.rpartition("/")[2])
        if way is None:
            raise RefusedError("NOT_FOUND", 404)
        return way(body)

    def _create(self, body: Body) -> Body:
        uid = body.get("localId") or secrets.token_hex(14)
        if uid in self.accounts:
            raise RefusedError("DUPLICATE_LOCAL_ID")
        email = body.get("email")
        if email is not None and ("@" not in email or " " in email):
            raise RefusedError("INVALID_EMAIL")
        if email is not None and any(each.email == email.lower() for each in self.accounts.values()):
            raise RefusedError("EMAIL_EXISTS")
        self.accounts[uid] = Account(
            uid, email.lower() if email else None, bool(body.get("emailVerified")), password="password" in body
        )
        return {"localId": uid}

    def _update(self, body: Body) -> Body:
        account = self._account(body["localId"])
        if "customAttributes" in body:
            account.claims = json.loads(body["customAttributes"])
        account.disabled = body.get("disableUser", account.disabled)
        account.valid_since_s = float(body.get("validSince", account.valid_since_s))
        return {"localId": account.uid}

    def _delete(self, body: Body) -> Body:
        self._account(body["localId"])
        del self.accounts[body["localId"]]
        return {"kind": "identitytoolkit#DeleteAccountResponse"}

    def _lookup(self, body: Body) -> Body:
        wanted = [*body.get("localId", []), *(each.lower() for each in body.get("email", []))]
        found = [each.lookup() for each in self.accounts.values() if {each.uid, each.email} & {*wanted}]
        return {"users": found} if found else {}

    def _link(self, body: Body) -> Body:
        if not any(each.email == body["email"].lower() for each in self.accounts.values()):
            raise RefusedError("EMAIL_NOT_FOUND")
        return {"email": body["email"], "oobLink": f"http://{self.host}/choose?code={secrets.token_hex(8)}"}

    def _sign_in(self, body: Body) -> Body:
        uid = _payload(body["token"]).get("uid")
        if uid is None:
            raise RefusedError("INVALID_CUSTOM_TOKEN")
        account = self.accounts.setdefault(uid, Account(uid))
        if account.disabled:
            raise RefusedError("USER_DISABLED")
        key = secrets.token_urlsafe(24)
        self.keys[key] = (uid, time.time())
        return {"idToken": self._token(account), "refreshToken": key, "expiresIn": str(LIFETIME_S)}

    def _renew(self, body: Body) -> Body:
        uid, made_at_s = self.keys.get(body.get("refresh_token", ""), ("", 0.0))
        if not uid:
            raise RefusedError("INVALID_REFRESH_TOKEN")
        if uid not in self.accounts:
            raise RefusedError("USER_NOT_FOUND")
        account = self.accounts[uid]
        if account.disabled:
            raise RefusedError("USER_DISABLED")
        if made_at_s < account.valid_since_s:
            raise RefusedError("TOKEN_EXPIRED")
        token = self._token(account)
        key = body["refresh_token"]
        return {"id_token": token, "access_token": token, "refresh_token": key, "expires_in": str(LIFETIME_S)}

    def _account(self, uid: str) -> Account:
        if uid not in self.accounts:
            raise RefusedError("USER_NOT_FOUND")
        return self.accounts[uid]

    def _token(self, account: Account) -> str:
        now_s = int(time.time())
        data = {**account.claims, "sub": account.uid, "user_id": account.uid, "iat": now_s, "exp": now_s + LIFETIME_S}
        return ".".join([_packed({"alg": "none", "typ": "JWT"}), _packed(data), ""])


def _packed(content: Body) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def _payload(token: str) -> Body:
    try:
        payload = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError) as error:
        raise RefusedError("INVALID_CUSTOM_TOKEN") from error
    return found if isinstance(found, dict) else {}
