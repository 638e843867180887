"""A Write stream by itself: how long it is kept, and what is an answer to what."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.cloud.firestore_v1.types import firestore as messages

from tests.firestore.fixtures import Firestore
from tracker.cloud.stream import IDLE_S, LIFE_S, StreamEndedError, Streams, WriteStream
from tracker.cloud.wire import Write

HOUR_S = 3600.0


class Kept:
    """Streams to a server on a clock of its own."""

    def __init__(self, firestore: Firestore) -> None:
        self.now_s = 0.0
        self.token: str | None = "first"
        self.begun = 0
        self._channel = grpc.insecure_channel(firestore.host)
        self._write = self._channel.stream_stream(
            "/google.firestore.v1.Firestore/Write",
            request_serializer=messages.WriteRequest.pb().SerializeToString,
            response_deserializer=messages.WriteResponse.pb().FromString,
        )
        database = f"projects/{firestore.project}/databases/(default)"
        self.streams = Streams(
            self._start, database, timeout_s=10, token=lambda: self.token, monotonic=lambda: self.now_s
        )
        self._gone = Write(delete=f"{database}/documents/things/none")

    def _start(self, requests: Iterator[Any]) -> Any:
        self.begun += 1
        return self._write(requests, metadata=(("authorization", "Bearer owner"),))

    def apply(self) -> bool:
        return self.streams.apply([self._gone])

    def close(self) -> None:
        self.streams.close()
        self._channel.close()


@pytest.fixture
def kept(firestore_server: Firestore) -> Iterator[Kept]:
    made = Kept(firestore_server)
    yield made
    made.close()


def test_a_stream_is_kept_while_it_is_used_and_not_for_ever(kept: Kept) -> None:
    for now_s in range(0, int(LIFE_S), int(IDLE_S) - 1):
        kept.now_s = now_s
        assert kept.apply()
    assert kept.begun == 1
    kept.now_s = LIFE_S
    assert kept.apply()
    assert kept.begun == 2


def test_an_idle_stream_is_let_go(kept: Kept) -> None:
    assert kept.apply()
    kept.now_s = IDLE_S - 1
    kept.streams.rest()
    assert kept.streams.is_open
    kept.now_s = IDLE_S
    kept.streams.rest()
    assert not kept.streams.is_open


@pytest.mark.parametrize("token", ["second", None], ids=["renewed", "no-more-good"])
def test_no_stream_outlives_its_token(kept: Kept, token: str | None) -> None:
    assert kept.apply()
    kept.token = token
    assert kept.apply()
    assert kept.begun == 2
    kept.apply()
    assert kept.begun == 2


def test_pauses_between_tries_grow_and_end_with_the_first_success(kept: Kept, firestore_server: Firestore) -> None:
    firestore_server.control.fail("OpenWrite", "UNAVAILABLE", count=4)
    tried_s = []
    for now_s in range(1000):
        kept.now_s, before = float(now_s), kept.begun
        done = kept.apply()
        if kept.begun > before:
            tried_s.append(now_s)
        if done:
            break
    assert tried_s == [0, 1, 61, 181, 421]
    assert kept.apply()


def test_a_server_without_streams_is_asked_once(npm_emulator: Firestore) -> None:
    kept = Kept(npm_emulator)
    for _ in range(3):
        assert not kept.apply()
        kept.now_s += 10 * HOUR_S
    assert kept.begun == 1
    kept.close()


# -- answers


class Call:
    """What stands for gRPC's call: answers that the test gives."""

    def __init__(self, requests: Iterator[Any]) -> None:
        self.requests = requests
        self.answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.answers.get, None)

    def cancel(self) -> None:
        self.answers.put(None)


def test_an_answer_without_results_answers_no_writes() -> None:
    made: list[Call] = []

    def start(requests: Iterator[Any]) -> Call:
        made.append(Call(requests))
        return made[0]

    stream = WriteStream(start)
    response = messages.WriteResponse.pb()
    made[0].answers.put(response(stream_id="1", stream_token=b"a"))
    stream.open("projects/p/databases/d", timeout_s=10)
    made[0].answers.put(response(stream_token=b"b"))
    with pytest.raises(StreamEndedError, match="no answer"):
        stream.apply([Write(delete="x")], timeout_s=0.05)
    assert [next(made[0].requests).stream_token for _ in range(2)] == [b"", b"a"]
    stream.close()
