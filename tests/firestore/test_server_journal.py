"""A server with a data file: killed at any moment, it restarts with every acknowledged commit, whole."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud.firestore import Client

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ServerProcess
from tests.firestore.server.server import FirestoreServer

BATCH = 40


@pytest.fixture
def client(durable_firestore: ServerProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    with closing(Firestore("ours", durable_firestore.host, "durable").client()) as client:
        yield client


def test_documents_times_and_deletions_outlive_the_process(durable_firestore: ServerProcess, client: Client) -> None:
    client.document("things/a").set({"n": 1})
    client.document("things/b").set({"n": 1})
    client.document("things/b").delete()
    before = client.document("things/a").get()
    durable_firestore.kill()
    durable_firestore.start()
    after = client.document("things/a").get()
    assert after.to_dict() == before.to_dict()
    assert (after.create_time, after.update_time) == (before.create_time, before.update_time)
    assert not client.document("things/b").get().exists
    assert client.document("things/c").set({}).update_time > before.update_time


@pytest.mark.parametrize("after", [1, 3, 8])
def test_commits_are_atomic_when_the_server_is_killed(
    durable_firestore: ServerProcess, client: Client, after: int
) -> None:
    answered: list[int] = []
    enough = threading.Event()

    def write() -> None:
        for number in range(1000):
            batch = client.batch()
            for n in range(BATCH):
                batch.set(client.document(f"batches/{number}/parts/{n}"), {"n": n})
            try:
                batch.commit(retry=None, timeout=5)
            except (GoogleAPICallError, RetryError):
                return
            answered.append(number)
            if len(answered) == after:
                enough.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(30)
    durable_firestore.kill()
    writer.join()
    durable_firestore.start()
    for number in range(len(answered) + 2):
        parts = len(list(client.collection(f"batches/{number}/parts").stream()))
        assert parts == BATCH if number in answered else parts in (0, BATCH)


def test_a_torn_record_is_truncated_and_writing_continues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "firestore.data"

    def served(path: str) -> set[str]:
        with FirestoreServer(data=data) as server:
            monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
            with closing(Firestore("ours", server.host, "torn").client()) as client:
                client.document(path).set({"n": 1})
                return {each.id for each in client.collection("things").stream()}

    served("things/a")
    whole = data.stat().st_size
    served("things/b")
    with data.open("r+b") as file:
        file.truncate(data.stat().st_size - 3)
    assert served("things/c") == {"a", "c"}
    with data.open("r+b") as file:
        file.seek(whole + 20)
        file.write(b"\xff")
    assert served("things/d") == {"a", "d"}
