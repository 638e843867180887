"""Write streams: the handshake, tokens, order, atomic requests, and how a stream ends."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import grpc
import pytest
from google.cloud.firestore import Client

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ServerProcess
from tests.firestore.server.protos import Write, WriteRequest, WriteResponse


class Stream:
    """One Write call, by the protocol itself."""

    def __init__(self, host: str, project: str, *headers: tuple[str, str]) -> None:
        self.database = f"projects/{project}/databases/(default)"
        self.token = b""
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._channel = grpc.insecure_channel(host)
        write = self._channel.stream_stream(
            "/google.firestore.v1.Firestore/Write",
            request_serializer=WriteRequest.SerializeToString,
            response_deserializer=WriteResponse.FromString,
        )
        owner = (("authorization", "Bearer owner"),)
        self._call = write(iter(self._requests.get, None), metadata=headers or owner, timeout=20)

    def ask(self, **fields: Any) -> Any:
        """One request with these fields; its answer."""
        self._requests.put(WriteRequest(**fields))
        answer = next(self._call)
        self.token = answer.stream_token
        return answer

    def open(self) -> Any:
        return self.ask(database=self.database)

    def put(self, *writes: Any, token: bytes | None = None) -> Any:
        return self.ask(writes=writes, stream_token=self.token if token is None else token)

    def set(self, path: str, number: int, **condition: bool) -> Any:
        """A write that sets n of a document."""
        write = Write()
        write.update.name = f"{self.database}/documents/{path}"
        write.update.fields["n"].integer_value = number
        for name, value in condition.items():
            setattr(write.current_document, name, value)
        return write

    def status(self) -> grpc.StatusCode:
        """How the call ended, once it has."""
        with suppress(grpc.RpcError):
            for _ in self._call:
                pass
        code: grpc.StatusCode = self._call.code()
        return code

    def done(self) -> None:
        """Say that no request follows."""
        self._requests.put(None)

    def close(self) -> None:
        self.done()
        self._call.cancel()
        self._channel.close()


Opener = Callable[..., Stream]


@pytest.fixture
def streams() -> Iterator[Opener]:
    """Makes streams that are closed at the end."""
    made: list[Stream] = []

    def make(firestore: Firestore, *headers: tuple[str, str]) -> Stream:
        made.append(Stream(firestore.host, firestore.project, *headers))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def stream(full_firestore: Firestore, streams: Opener) -> Stream:
    return streams(full_firestore)


@pytest.fixture
def own(firestore_server: Firestore, streams: Opener) -> Stream:
    """A stream of our server that is open."""
    found = streams(firestore_server)
    found.open()
    return found


def numbers(client: Client) -> dict[str, int]:
    return {each.id: (each.to_dict() or {})["n"] for each in client.collection("things").stream()}


def test_the_handshake_gives_an_id_and_a_token_and_writes_nothing(stream: Stream) -> None:
    answer = stream.open()
    assert answer.stream_id
    assert answer.stream_token
    assert len(answer.write_results) == 0


def test_requests_are_applied_in_order_each_answered_with_a_new_token(stream: Stream, client: Client) -> None:
    tokens = [stream.open().stream_token]
    times = []
    for number in range(3):
        answer = stream.put(stream.set("things/a", number), stream.set(f"things/{number}", number))
        assert len(answer.write_results) == 2
        assert not answer.stream_id
        tokens.append(answer.stream_token)
        times.append(answer.commit_time.ToNanoseconds())
    assert len(set(tokens)) == 4
    assert times == sorted(set(times))
    assert numbers(client) == {"a": 2, "0": 0, "1": 1, "2": 2}


def test_requests_that_do_not_wait_for_answers_may_share_a_token(stream: Stream, client: Client) -> None:
    token = stream.open().stream_token
    for number in range(5):
        stream._requests.put(WriteRequest(stream_token=token, writes=[stream.set("things/a", number)]))
    answers = [next(stream._call) for _ in range(5)]
    assert len({each.stream_token for each in answers}) == 5
    assert numbers(client) == {"a": 4}


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"exists": False}, grpc.StatusCode.ALREADY_EXISTS),
        ({"exists": True}, grpc.StatusCode.NOT_FOUND),
    ],
    ids=["there", "missing"],
)
def test_a_request_that_is_refused_does_nothing_and_ends_the_stream(
    stream: Stream, client: Client, condition: dict[str, bool], status: grpc.StatusCode
) -> None:
    client.document("things/there").set({"n": 0})
    stream.open()
    stream.put(stream.set("things/before", 1))
    bad = "things/there" if status is grpc.StatusCode.ALREADY_EXISTS else "things/missing"
    with pytest.raises(grpc.RpcError):
        stream.put(stream.set("things/with", 2), stream.set(bad, 2, **condition))
    assert stream.status() is status
    assert numbers(client) == {"there": 0, "before": 1}


def test_closing_by_the_client_ends_the_stream_with_ok(stream: Stream, client: Client) -> None:
    stream.open()
    stream.put(stream.set("things/a", 1))
    stream.done()
    assert stream.status() is grpc.StatusCode.OK
    assert numbers(client) == {"a": 1}


# -- what is refused


@pytest.mark.parametrize(
    "first",
    [{"database": ""}, {"database": "gym"}, {"stream_id": "ab"}, {"stream_token": b"abcdefghijkl"}],
    ids=["no database", "no such name", "an id", "a token"],
)
def test_a_stream_that_is_not_opened_as_documented_ends(
    firestore_server: Firestore, streams: Opener, first: dict[str, Any]
) -> None:
    stream = streams(firestore_server)
    with pytest.raises(grpc.RpcError):
        stream.ask(**{"database": stream.database, **first})
    assert stream.status() is grpc.StatusCode.INVALID_ARGUMENT


def test_the_first_request_writes_nothing(firestore_server: Firestore, streams: Opener, own_client: Client) -> None:
    stream = streams(firestore_server)
    with pytest.raises(grpc.RpcError, match="must not have any writes"):
        stream.ask(database=stream.database, writes=[stream.set("things/a", 1)])
    assert numbers(own_client) == {}


@pytest.mark.parametrize("token", [b"", b"short", b"x" * 12], ids=["missing", "short", "foreign"])
def test_a_request_needs_a_token_of_the_stream(own: Stream, own_client: Client, token: bytes) -> None:
    with pytest.raises(grpc.RpcError, match=r"(?i)stream token"):
        own.put(own.set("things/a", 1), token=token)
    assert numbers(own_client) == {}


def test_a_token_that_a_later_one_followed_is_refused(own: Stream, own_client: Client) -> None:
    first = own.token
    own.put(own.set("things/a", 1))
    own.put(own.set("things/a", 2))
    with pytest.raises(grpc.RpcError, match="Invalid stream token"):
        own.put(own.set("things/a", 3), token=first)
    assert numbers(own_client) == {"a": 2}


def test_only_the_last_request_may_be_empty(own: Stream, own_client: Client) -> None:
    assert len(own.put().write_results) == 0
    with pytest.raises(grpc.RpcError, match="last request"):
        own.put(own.set("things/a", 1))
    assert numbers(own_client) == {}


def test_a_stream_writes_into_its_own_database_alone(own: Stream) -> None:
    elsewhere = own.set("things/a", 1)
    elsewhere.update.name = "projects/other/databases/(default)/documents/things/a"
    with pytest.raises(grpc.RpcError, match="another database"):
        own.put(elsewhere)


# -- orders of tests


def test_requests_are_counted_as_they_are_billed(firestore_server: Firestore, own: Stream) -> None:
    own.put(own.set("things/a", 1), own.set("things/b", 1))
    own.put(Write(delete=f"{own.database}/documents/things/a"))
    counts = firestore_server.control.counts()
    assert (counts["writes"], counts["deletes"]) == (2, 1)
    assert counts["calls"] == {"OpenWrite": 1, "Write": 2}
    assert counts["answers"] == {"OpenWrite OK": 1, "Write OK": 2}
    assert counts["request_bytes"]["Write"] > 2 * 50


@pytest.mark.parametrize("applied", [False, True])
def test_faults_hit_requests_of_a_stream(
    firestore_server: Firestore, own: Stream, own_client: Client, applied: bool
) -> None:
    firestore_server.control.fail("Write", "UNAVAILABLE", applied=applied, skip=1)
    own.put(own.set("things/a", 1))
    with pytest.raises(grpc.RpcError):
        own.put(own.set("things/a", 2))
    assert own.status() is grpc.StatusCode.UNAVAILABLE
    assert numbers(own_client) == {"a": 2 if applied else 1}


def test_opening_fails_by_itself(firestore_server: Firestore, streams: Opener) -> None:
    firestore_server.control.fail("OpenWrite", "RESOURCE_EXHAUSTED")
    stream = streams(firestore_server)
    with pytest.raises(grpc.RpcError):
        stream.open()
    assert stream.status() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_open_streams_are_cut_with_a_status(firestore_server: Firestore, own: Stream) -> None:
    assert firestore_server.control.cut("ABORTED") == 1
    assert own.status() is grpc.StatusCode.ABORTED


def test_what_a_stream_wrote_outlives_the_server(durable_firestore: ServerProcess) -> None:
    stream = Stream(durable_firestore.host, "kept")
    stream.open()
    stream.put(stream.set("things/a", 7))
    durable_firestore.kill()
    assert stream.status() is grpc.StatusCode.UNAVAILABLE
    stream.close()
    durable_firestore.start()
    again = Stream(durable_firestore.host, "kept")
    again.open()
    with pytest.raises(grpc.RpcError):
        again.put(again.set("things/a", 8, exists=False))
    assert again.status() is grpc.StatusCode.ALREADY_EXISTS
    again.close()
