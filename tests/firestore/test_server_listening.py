"""Listeners: the first snapshot, then changes, also after a disconnect, and no traffic while idle."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.cloud.firestore import Client, FieldFilter
from google.cloud.firestore_v1.types import ListenRequest

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ServerProcess

PATIENCE_S = 20
QUIET_S = 0.3


class Ear:
    """Snapshots of a listener, in the order they came."""

    def __init__(self) -> None:
        self._received: queue.Queue[tuple[list[str], list[str]]] = queue.Queue()

    def __call__(self, documents: list[Any], changes: list[Any], _: Any) -> None:
        changed = [f"{each.type.name.lower()} {each.document.id}" for each in changes]
        self._received.put(([each.id for each in documents], changed))

    def next(self) -> tuple[list[str], list[str]]:
        """Ids of the next snapshot and what changed in it."""
        return self._received.get(timeout=PATIENCE_S)

    def until(self, ids: list[str]) -> None:
        """Wait for a snapshot of these ids."""
        while self.next()[0] != ids:
            pass

    @property
    def silent(self) -> bool:
        try:
            self._received.get(timeout=QUIET_S)
        except queue.Empty:
            return True
        return False


@contextmanager
def listening(target: Any) -> Iterator[Ear]:
    listener = Ear()
    watch = target.on_snapshot(listener)
    try:
        yield listener
    finally:
        watch.unsubscribe()


def test_a_query_listener_gets_documents_and_changes(client: Client) -> None:
    things = client.collection("things")
    things.document("a").set({"open": True, "n": 1})
    things.document("b").set({"open": False, "n": 2})
    with listening(things.where(filter=FieldFilter("open", "==", True))) as listener:
        assert listener.next() == (["a"], ["added a"])
        things.document("c").set({"open": True, "n": 3})
        assert listener.next() == (["a", "c"], ["added c"])
        things.document("a").update({"n": 9})
        assert listener.next() == (["a", "c"], ["modified a"])
        things.document("b").update({"open": True})
        assert listener.next() == (["a", "b", "c"], ["added b"])
        things.document("c").update({"open": False})
        assert listener.next() == (["a", "b"], ["removed c"])
        things.document("a").delete()
        assert listener.next() == (["b"], ["removed a"])


def test_a_commit_is_one_snapshot(client: Client) -> None:
    things = client.collection("things")
    with listening(things) as listener:
        assert listener.next() == ([], [])
        batch = client.batch()
        for each in "abc":
            batch.set(things.document(each), {"n": 1})
        batch.commit()
        assert listener.next() == (["a", "b", "c"], ["added a", "added b", "added c"])


def test_a_limited_query_includes_the_next_document(client: Client) -> None:
    things = client.collection("things")
    for n in range(4):
        things.document(f"d{n}").set({"n": n})
    with listening(things.order_by("n", direction="DESCENDING").limit(2)) as listener:
        # Google's Python client sorts a listener's snapshots upwards whatever the order asked for: ids only.
        assert {*listener.next()[0]} == {"d2", "d3"}
        things.document("d0").update({"n": 7})
        assert {*listener.next()[0]} == {"d0", "d3"}
        things.document("d3").delete()
        assert {*listener.next()[0]} == {"d0", "d2"}
        things.document("d1").update({"n": 0})
        assert listener.silent


def test_a_document_listener_gets_creation_change_and_deletion(client: Client) -> None:
    place = client.document("things/a")
    with listening(place) as listener:
        assert listener.next() == ([], [])
        place.set({"n": 1})
        assert listener.next() == (["a"], ["added a"])
        place.update({"n": 2})
        assert listener.next() == (["a"], ["modified a"])
        place.delete()
        assert listener.next() == ([], ["removed a"])


def test_a_collection_group_listener_covers_every_parent(client: Client) -> None:
    with listening(client.collection_group("events")) as group, listening(client.collection("sites/a/events")) as own:
        assert group.next()[0] == own.next()[0] == []
        client.document("sites/b/events/2").set({"n": 1})
        assert group.next()[0] == ["2"]
        client.document("sites/a/events/1").set({"n": 1})
        assert group.next()[0] == ["1", "2"]
        assert own.next()[0] == ["1"]


def test_unrelated_changes_are_not_sent(firestore_server: Firestore, own_client: Client) -> None:
    with listening(own_client.collection("things")) as listener:
        listener.next()
        firestore_server.control.reset()
        for n in range(20):
            own_client.document(f"others/{n}").set({"n": n})
        assert listener.silent
        counts = firestore_server.control.counts()
        assert counts["reads"] == 0
        assert counts["calls"] == {"Commit": 20}


@pytest.mark.parametrize("break_off", ["cut", "unavailable"])
def test_a_disconnected_listener_resumes_with_missed_changes(
    firestore_server: Firestore, own_client: Client, break_off: str
) -> None:
    control, things = firestore_server.control, own_client.collection("things")
    for n in range(20):
        things.document(f"d{n:02}").set({"n": n})
    with listening(things.where(filter=FieldFilter("n", ">=", 5))) as listener:
        assert len(listener.next()[0]) == 15
        control.reset()
        if break_off == "unavailable":
            control.fail("Listen", "UNAVAILABLE", count=2)
        control.delay("Listen", 0.3)
        assert control.cut() == 1
        things.document("d07").delete()
        things.document("d08").update({"n": 0})
        things.document("d09").update({"m": 1})
        things.document("d01").update({"n": 50})
        ids, changed = listener.next()
        assert len(ids) == 14
        assert sorted(changed) == ["added d01", "modified d09", "removed d07", "removed d08"]
        assert control.counts()["reads"] == 3  # what was missed, not everything again; a deletion is not billed


def test_a_restarted_server_sends_all_documents_again(
    durable_firestore: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    client = Firestore("ours", durable_firestore.host, "restarts").client()
    things = client.collection("things")
    things.document("a").set({"n": 1})
    things.document("b").set({"n": 1})
    with listening(things) as listener:
        listener.until(["a", "b"])
        durable_firestore.kill()
        durable_firestore.start()
        things.document("c").set({"n": 1})
        listener.until(["a", "b", "c"])
        things.document("a").delete()
        listener.until(["b", "c"])
    client.close()


def test_a_listener_is_reset_by_a_server_without_its_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    with ServerProcess() as server:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        client = Firestore("ours", server.host, "forgets").client()
        client.document("things/a").set({"n": 1})
        with listening(client.collection("things")) as listener:
            listener.until(["a"])
            server.kill()
            server.start()
            listener.until([])
        client.close()


def test_the_stream_is_silent_about_unrelated_changes(client: Client) -> None:
    query = client.collection("things").where(filter=FieldFilter("open", "==", True))
    target = {"parent": query._parent._parent_info()[0], "structured_query": query._to_protobuf()}
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    requests.put(ListenRequest(database=client._database_string, add_target={"target_id": 7, "query": target}))
    answers = client._firestore_api.listen(iter(requests.get, None))
    kinds = [next(answers).target_change.target_change_type.name for _ in range(3)]
    assert kinds == ["ADD", "CURRENT", "NO_CHANGE"]
    for n in range(5):
        client.document(f"others/{n}").set({"open": True})
        client.document("things/a").set({"open": False, "n": n})
    client.document("things/b").set({"open": True})
    assert next(answers).document_change.document.name.endswith("things/b")
    assert next(answers).target_change.resume_token
    requests.put(ListenRequest(database=client._database_string, remove_target=7))
    removed = next(answers).target_change
    assert (removed.target_change_type.name, list(removed.target_ids)) == ("REMOVE", [7])
    requests.put(None)


def test_several_targets_share_a_stream(client: Client) -> None:
    client.document("things/a").set({"n": 1})
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    for target_id, names in ((1, "ab"), (2, "bc")):
        documents = {"documents": [client.document(f"things/{each}")._document_path for each in names]}
        added = {"target_id": target_id, "documents": documents}
        requests.put(ListenRequest(database=client._database_string, add_target=added))
    answers = client._firestore_api.listen(iter(requests.get, None))
    current = 0
    while current < 2:
        current += next(answers).target_change.target_change_type.name == "CURRENT"
    next(answers)
    client.document("things/b").set({"n": 2})
    changed: set[int] = set()
    while changed != {1, 2}:  # in one message or in two
        change = next(answers).document_change
        assert change.document.name.endswith("things/b")
        changed |= {*change.target_ids}
    requests.put(None)


def test_an_empty_result_costs_one_read_and_each_change_one(firestore_server: Firestore, own_client: Client) -> None:
    control, things = firestore_server.control, own_client.collection("things")

    def cost(work: Callable[[], Any]) -> int:
        control.reset()
        work()
        listener.next()
        return int(control.counts()["reads"])

    control.reset()
    with listening(things.where(filter=FieldFilter("open", "==", True))) as listener:
        listener.next()
        assert control.counts()["reads"] == 1
        assert cost(lambda: things.document("a").set({"open": True})) == 1
        assert cost(lambda: things.document("a").update({"n": 1})) == 1
        assert cost(lambda: things.document("a").update({"open": False})) == 1
        assert cost(lambda: things.document("b").set({"open": True})) == 1
        assert cost(lambda: things.document("b").delete()) == 0
