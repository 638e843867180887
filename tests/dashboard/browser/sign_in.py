"""Google's sign-in for tests: exchanges refresh tokens for ID tokens, which are unsigned."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from tests.rules.id_tokens import token
from tests.rules.samples import Who


class SignInService:
    """users: by refresh token. refusal: the reason why every token is refused, "" for none. asked: requests so far."""

    def __init__(self, project: str, users: dict[str, Who]) -> None:
        self.project = project
        self.users = users
        self.refusal = ""
        self.status = 200
        self.asked = 0
        self.address = ""

    def answer(self, body: str) -> tuple[int, object]:
        self.asked += 1
        who = self.users.get(parse_qs(body).get("refresh_token", [""])[0])
        reason = self.refusal or ("" if who else "INVALID_REFRESH_TOKEN")
        if reason or who is None:
            return 400, {"error": {"code": 400, "message": reason}}
        fresh = token(self.project, who)
        return self.status, {"id_token": fresh, "refresh_token": "r", "expires_in": "3600"}


@contextmanager
def sign_in_of(project: str, users: dict[str, Who]) -> Iterator[SignInService]:
    """The service on a free port."""
    service = SignInService(project, users)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path.startswith("/securetoken.googleapis.com/v1/token?key=")
            status, content = service.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())
            text = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        service.address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
