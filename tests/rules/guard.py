"""The test server with security rules, which apply to requests with a user's token.

A request without a token, or with that of the emulators' owner, is from a service account; no rules apply.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from tests.firestore.server.engine import Engine
from tests.firestore.server.names import Place, document_place, split_name
from tests.firestore.server.protos import Write
from tests.firestore.server.refusal import RefusedError
from tests.firestore.server.server import FirestoreServer
from tests.firestore.server.writes import apply, target
from tests.rules.ruling import DEPLOYED, Request, Rules

LOG = logging.getLogger(__name__)
OWNER = "owner"
DENIED = "Missing or insufficient permissions."
MOST_LOOKED_UP = 20
"""Documents that the rules may look up for all writes of a commit."""
Ids = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class User:
    uid: str
    claims: Mapping[str, Any]


class Guard:
    """Applies the rules to requests of users."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self.engine = engine
        self._rules = rules

    def check(self, method: str, request: Any, user: User) -> None:
        """Raises RefusedError if the rules deny any part of the request, or the request is not supported."""
        asks = _ASKS.get(method)
        if asks is None:
            raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, f"{method}: {DENIED}")
        asks(self, request, user)

    def read(self, name: str, user: User) -> None:
        place = document_place(name)
        self._allowed(place, user, method="get", before=self._fields(place))

    def query(self, parent: str, structured: Any, user: User) -> None:
        """Check each collection of a query; without a name, or for a collection group, all of them."""
        above = split_name(parent)
        if not structured.from_:
            raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, DENIED)
        for each in structured.from_:
            if each.all_descendants:
                raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, DENIED)
            self._allowed(Place(above.database, (*above.ids, each.collection_id)), user, method="list")

    def commit(self, request: Any, user: User) -> None:
        """Check each write with the resulting document; getAfter() sees the results of the other writes."""
        now_us = self.engine.archive.now_us() // 1000 * 1000  # the time of a request is in milliseconds
        places = [target(write) for write in request.writes]
        before = [self._document(place) for place in places]
        after = [
            apply(_unconditional(write), place, document, now_us).after
            for write, place, document in zip(request.writes, places, before, strict=True)
        ]
        left = {place.ids: each for place, each in zip(places, after, strict=True)}
        looked_up: set[Ids] = set()

        def look_after(ids: Ids) -> Mapping[str, Any] | None:
            looked_up.add(ids)
            if len(looked_up) > MOST_LOOKED_UP:
                raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, DENIED)
            if ids in left:
                return None if left[ids] is None else plain(left[ids].fields)
            return self._fields(Place(places[0].database, ids))

        for place, was, will in zip(places, before, after, strict=True):
            method = "delete" if will is None else "create" if was is None else "update"
            self._allowed(
                place,
                user,
                method=method,
                at=datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now_us),
                before=None if was is None else plain(was.fields),
                after=None if will is None else plain(will.fields),
                look_after=look_after,
            )

    def _allowed(
        self, place: Place, user: User, *, look_after: Callable[[Ids], Any] | None = None, **values: Any
    ) -> None:
        request = Request(ids=place.ids, uid=user.uid, claims=user.claims, **{"at": datetime.now(UTC), **values})

        def look(ids: Ids) -> Mapping[str, Any] | None:
            return self._fields(Place(place.database, ids))

        ruling = self._rules.rule(request, look, look_after)
        if not ruling.allowed:
            LOG.info("%s of %s is denied: %s", request.method, "/".join(place.ids), "; ".join(ruling.reasons))
            raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, DENIED)

    def _document(self, place: Place) -> Any | None:
        version = self.engine.archive.database(place.database).newest(place.ids)
        return None if version is None else version.document()

    def _fields(self, place: Place) -> Mapping[str, Any] | None:
        document = self._document(place)
        return None if document is None else plain(document.fields)


def _unconditional(write: Any) -> Any:
    """The write without precondition: rules are checked first."""
    copy = Write()
    copy.CopyFrom(write)
    copy.ClearField("current_document")
    return copy


def _all_documents(guard: Guard, request: Any, user: User) -> None:
    for name in request.documents:
        guard.read(name, user)


def _listed(guard: Guard, request: Any, user: User) -> None:
    added = request.add_target
    if added.WhichOneof("target_type") == "query":
        guard.query(added.query.parent, added.query.structured_query, user)
    elif added.WhichOneof("target_type") == "documents":
        _all_documents(guard, added.documents, user)


def _nothing(*_: Any) -> None:
    """Begin and rollback of a transaction are always allowed."""


_ASKS: Mapping[str, Callable[[Guard, Any, User], None]] = {
    "GetDocument": lambda guard, request, user: guard.read(request.name, user),
    "BatchGetDocuments": _all_documents,
    "RunQuery": lambda guard, request, user: guard.query(request.parent, request.structured_query, user),
    "RunAggregationQuery": lambda guard, request, user: guard.query(
        request.parent, request.structured_aggregation_query.structured_query, user
    ),
    "Commit": lambda guard, request, user: guard.commit(request, user),
    "Write": lambda guard, request, user: guard.commit(request, user),
    "BeginTransaction": _nothing,
    "Rollback": _nothing,
    "Listen": _listed,
}
"""The methods that clients of users have; the others are for service accounts."""


class GuardedHandlers(grpc.GenericRpcHandler):
    """The handlers of a server, behind the guard."""

    def __init__(self, inner: grpc.GenericRpcHandler, guard: Guard) -> None:
        self._inner = inner
        self._guard = guard

    def service(self, details: Any) -> Any:
        handler = self._inner.service(details)
        token = bearer(details.invocation_metadata)
        if handler is None or token in ("", OWNER):
            return handler
        method = details.method.rpartition("/")[2]
        if method == "Write":
            return handler  # asks before each request of a stream
        if handler.request_streaming:
            return handler._replace(stream_stream=self._listening(handler.stream_stream, token))
        kind = "unary_stream" if handler.response_streaming else "unary_unary"
        return handler._replace(**{kind: self._asking(getattr(handler, kind), method, token)})

    def _asking(self, run: Callable[..., Any], method: str, token: str) -> Callable[..., Any]:
        def call(request: Any, context: grpc.ServicerContext) -> Any:
            with self._guard.engine.lock:  # nothing changes between the question and the deed
                self._ask(method, request, token, context)
                answer = run(request, context)
                return iter(list(answer)) if isinstance(answer, Iterator) else answer

        return call

    def _listening(self, run: Callable[..., Any], token: str) -> Callable[..., Any]:
        def call(requests: Iterable[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            def asked() -> Iterator[Any]:
                for request in requests:
                    self._ask("Listen", request, token, context)
                    yield request

            waiting = asked()
            first = next(waiting, None)
            if first is not None:
                yield from run(_again(first, waiting), context)

        return call

    def _ask(self, method: str, request: Any, token: str, context: grpc.ServicerContext) -> None:
        try:
            self._guard.check(method, request, user_of(token))
        except RefusedError as refused:
            context.abort(refused.code, refused.reason)


def _again(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


class GuardedServer(FirestoreServer):
    """The test server with the rules of a file."""

    def __init__(self, *, rules: Path = DEPLOYED, **options: Any) -> None:
        self._rules = Rules.read(rules)
        super().__init__(**options)

    def admit(self, method: str, request: Any, context: grpc.ServicerContext) -> None:
        token = bearer(context.invocation_metadata())
        if token not in ("", OWNER):
            Guard(self.engine, self._rules).check(method, request, user_of(token))

    def _handlers(self) -> grpc.GenericRpcHandler:
        return GuardedHandlers(super()._handlers(), Guard(self.engine, self._rules))


def bearer(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """The token that came with a request, "" without one."""
    for name, value in metadata:
        if name.lower() == "authorization" and isinstance(value, str):
            return value.removeprefix("Bearer ")
    return ""


def user_of(token: str) -> User:
    """The user of the token; signatures are not verified. Raises RefusedError if it has expired or is invalid."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        uid, expires_at = str(claims["sub"]), float(claims["exp"])
    except (IndexError, ValueError, KeyError, TypeError) as error:
        raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, "The token is none.") from error
    if expires_at <= time.time():
        raise RefusedError(grpc.StatusCode.UNAUTHENTICATED, "The token has expired.")
    return User(uid, claims)


def plain(fields: Any) -> dict[str, Any]:
    """Fields of a document as values of the rules language."""
    return {name: _value(fields[name]) for name in fields}


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value_type")
    if kind == "null_value" or kind is None:
        return None
    if kind == "map_value":
        return plain(value.map_value.fields)
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    if kind == "timestamp_value":
        stamp = value.timestamp_value
        return datetime.fromtimestamp(stamp.seconds, UTC).replace(microsecond=stamp.nanos // 1000)
    if kind == "reference_value":
        return Place("", split_name(value.reference_value).ids)
    return getattr(value, kind)
