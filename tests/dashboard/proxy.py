"""A small reverse proxy, as nginx is one: passes requests below a path to a server, with or without that path."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


@contextmanager
def proxied(address: str, path: str, *, keep: bool) -> Iterator[str]:
    """The address below which the server at `address` is reached. keep: requests to it keep the path."""
    inside = urlsplit(address)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if not self.path.startswith(f"{path}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            there = HTTPConnection(inside.hostname or "", inside.port, timeout=30)
            headers = {name: text for name, text in self.headers.items() if name.lower() not in _HOP}
            asked = self.path if keep else self.path.removeprefix(path)
            there.request(self.command, asked, body or None, headers)
            answer = there.getresponse()
            content = answer.read()
            self.send_response(answer.status)
            for name, text in answer.getheaders():
                if name.lower() not in _HOP:
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            there.close()

        do_POST = do_GET  # noqa: N815 - the name that http.server looks for

        def log_message(self, *_arguments: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}{path}/"
        finally:
            server.shutdown()
