"""A REST front for a gRPC server: Firestore's read methods and commits in Google's JSON.

Each request becomes the gRPC request that Google's own annotations of the protocol make of it, with the same token, so
rules, indexes, counts and faults are those of the server behind.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

import grpc
from google.protobuf import json_format

from tests.firestore.server import protos

PREFIX = "/v1/"
TIMEOUT_S = 30.0
HTTP_OF = {
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Any other status is 500."""


class NotAskedWellError(Exception):
    """What the HTTP door itself refuses, with the status that gRPC has for it."""

    def __init__(self, status: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One gRPC call. streams: it answers with a list, of which an error is a member."""

    method: str
    request: Any
    response: Any
    streams: bool = False


class RestFront:
    """Listens on a free port and asks the gRPC server at `target` (host:port). Use it as a context manager."""

    def __init__(self, target: str) -> None:
        self._channel = grpc.insecure_channel(target)
        front = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer(lambda: read_of(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(lambda: asked_of(self.path, body))

            def _answer(self, wanted: Callable[[], Wanted]) -> None:
                code, content = front.answer(wanted, self.headers.get("Authorization"))
                text = json.dumps(content, indent=2).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def address(self) -> str:
        """The base URL before `/v1/`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._channel.close()

    def answer(self, wanted: Callable[[], Wanted], authorization: str | None) -> tuple[int, Any]:
        """HTTP status and content: the server's response, or Google's JSON of an error."""
        streams = False
        try:
            call = wanted()
            streams = call.streams
            found = [json_format.MessageToDict(each) for each in self._called(call, authorization)]
        except NotAskedWellError as refused:
            code, error = _error(refused.status, refused.message)
        except grpc.RpcError as refusal:
            code, error = _error(refusal.code().name, refusal.details() or "")
        else:
            return 200, found if streams else found[0]
        return code, [error] if streams else error

    def _called(self, call: Wanted, authorization: str | None) -> Iterator[Any]:
        kind = self._channel.unary_stream if call.streams else self._channel.unary_unary
        method = kind(
            f"/google.firestore.v1.Firestore/{call.method}",
            request_serializer=type(call.request).SerializeToString,
            response_deserializer=call.response.FromString,
        )
        metadata = [] if authorization is None else [("authorization", authorization)]
        answer = method(call.request, timeout=TIMEOUT_S, metadata=metadata)
        yield from answer if call.streams else [answer]


@contextmanager
def rest_of(kind: str, host: str) -> Iterator[str]:
    """The base URL of a server before `/v1/`: Google's emulator itself, or a front of another server."""
    if kind == "official":
        yield f"http://{host}"
        return
    with RestFront(host) as front:
        yield front.address


def read_of(path: str) -> Wanted:
    """What a GET wants: a document, or the documents of a collection. Raises NotAskedWellError."""
    name, query = _split(path)
    below = name.partition("/documents")[2].strip("/").split("/")
    if len(below) % 2:
        parent, _, collection_id = name.rpartition("/")
        fixed = {"parent": parent, "collectionId": collection_id}
        return Wanted(
            method="ListDocuments",
            request=_parsed(protos.ListDocumentsRequest, {**query, **fixed}),
            response=protos.ListDocumentsResponse,
        )
    return Wanted(
        method="GetDocument",
        request=_parsed(protos.GetDocumentRequest, {**query, "name": name}),
        response=protos.Document,
    )


def asked_of(path: str, body: bytes) -> Wanted:
    """What a POST wants: `…:runQuery`, `…:commit` and the like. Raises NotAskedWellError."""
    name, _ = _split(path)
    place, _, verb = name.rpartition(":")
    database = place.removesuffix("/documents")
    asked = {
        "runQuery": ("RunQuery", {"parent": place}),
        "runAggregationQuery": ("RunAggregationQuery", {"parent": place}),
        "batchGet": ("BatchGetDocuments", {"database": database}),
        "commit": ("Commit", {"database": database}),
    }.get(verb)
    if asked is None:
        raise NotAskedWellError("NOT_FOUND", f"no method {verb!r} is known here")
    try:
        content = json.loads(body or b"{}")
    except ValueError as error:
        raise NotAskedWellError("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error
    if not isinstance(content, dict):
        raise NotAskedWellError("INVALID_ARGUMENT", "Invalid JSON payload received. Expected an object.")
    method, fixed = asked
    request = _parsed(getattr(protos, f"{method}Request"), {**content, **fixed})
    response = getattr(protos, f"{method}Response")
    return Wanted(method=method, request=request, response=response, streams=verb != "commit")


def _split(path: str) -> tuple[str, dict[str, Any]]:
    """The name after `/v1/`, each part of it unquoted, and the parameters; `a.b=1` is {"a": {"b": "1"}}."""
    address = urlsplit(path)
    if not address.path.startswith(PREFIX):
        raise NotAskedWellError("NOT_FOUND", f"expected {PREFIX}…, got {address.path}")
    parameters: dict[str, Any] = {}
    for key, value in parse_qsl(address.query):
        *above, last = key.split(".")
        inner = parameters
        for each in above:
            inner = inner.setdefault(each, {})
        if last == "fieldPaths":
            inner.setdefault(last, []).append(value)
        else:
            inner[last] = value
    return unquote(address.path.removeprefix(PREFIX)), parameters


def _parsed(request: Any, content: Mapping[str, Any]) -> Any:
    try:
        return json_format.ParseDict(dict(content), request())
    except json_format.ParseError as error:
        raise NotAskedWellError("INVALID_ARGUMENT", f"Invalid JSON payload received. {error}") from error


def _error(status: str, message: str) -> tuple[int, dict[str, Any]]:
    code = HTTP_OF.get(status, 500)
    return code, {"error": {"code": code, "message": message, "status": status}}
