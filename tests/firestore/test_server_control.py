"""Control of the test server: faults are injected as ordered, and counts equal Google's billing."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.firestore import Client, FieldFilter

from tests.firestore.fixtures import Firestore
from tests.firestore.server.control import Control


def reads(control: Control, work: Callable[[], Any]) -> int:
    control.reset()
    work()
    return int(control.counts()["reads"])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("RESOURCE_EXHAUSTED", exceptions.ResourceExhausted),
        ("PERMISSION_DENIED", exceptions.PermissionDenied),
        ("DEADLINE_EXCEEDED", exceptions.DeadlineExceeded),
        ("UNAVAILABLE", exceptions.ServiceUnavailable),
        ("UNAUTHENTICATED", exceptions.Unauthenticated),
    ],
)
def test_an_injected_failure_applies_nothing_and_happens_once(
    firestore_server: Firestore, own_client: Client, status: str, error: type[Exception]
) -> None:
    firestore_server.control.fail("Commit", status)
    place = own_client.document("things/a")
    with pytest.raises(error):
        place.set({"n": 1}, retry=None)
    assert not place.get().exists
    place.set({"n": 2}, retry=None)
    assert place.get().to_dict() == {"n": 2}


def test_a_lost_answer_leaves_the_write_done(firestore_server: Firestore, own_client: Client) -> None:
    firestore_server.control.fail("Commit", "UNAVAILABLE", applied=True)
    place = own_client.document("things/a")
    with pytest.raises(exceptions.ServiceUnavailable):
        place.create({"n": 1}, retry=None)
    with pytest.raises(exceptions.AlreadyExists):
        place.create({"n": 1}, retry=None)


def test_faults_skip_count_and_end(firestore_server: Firestore, own_client: Client) -> None:
    control = firestore_server.control
    control.fail("Commit", "ABORTED", skip=1, count=2)

    def outcome(n: int) -> str:
        try:
            own_client.document(f"things/{n}").set({}, retry=None)
        except exceptions.Aborted:
            return "aborted"
        return "done"

    assert [outcome(n) for n in range(4)] == ["done", "aborted", "aborted", "done"]
    assert control.faults() == []
    control.fail("", "ABORTED", count=-1)
    assert [outcome(n) for n in range(3)] == ["aborted"] * 3
    control.heal()
    assert outcome(9) == "done"


def test_a_fault_hits_its_project_alone(firestore_server: Firestore, own_client: Client) -> None:
    with Control(firestore_server.host, "somebody-else") as other:
        other.fail("", "PERMISSION_DENIED", count=-1)
        own_client.document("things/a").set({})
        other.heal()


def test_a_delay_holds_the_request(firestore_server: Firestore, own_client: Client) -> None:
    firestore_server.control.delay("BatchGetDocuments", 0.2)
    began_s = time.monotonic()
    own_client.document("things/a").get()
    assert time.monotonic() - began_s >= 0.2


def test_a_held_request_continues_when_the_fault_is_removed(firestore_server: Firestore, own_client: Client) -> None:
    control = firestore_server.control
    control.delay("Commit", 3600)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(lambda: own_client.document("things/a").set({"n": 1}, retry=None))
        while control.faults():
            assert not written.done()
        assert not own_client.document("things/a").get().exists
        control.heal()
        written.result(timeout=20)
    assert own_client.document("things/a").get().exists


def test_a_held_answer_belongs_to_an_applied_request(firestore_server: Firestore, own_client: Client) -> None:
    control, place = firestore_server.control, own_client.document("things/a")
    control.fail("Commit", "UNAVAILABLE", applied=True, delay_s=3600)
    with ThreadPoolExecutor(1) as pool:
        written = pool.submit(lambda: place.set({"n": 1}, retry=None))
        while not place.get().exists:
            assert not written.done()
        assert not written.done()
        control.heal()
        with pytest.raises(exceptions.ServiceUnavailable):
            written.result(timeout=20)


def test_a_misspelt_order_is_refused(firestore_server: Firestore) -> None:
    with pytest.raises(grpc.RpcError, match="no gRPC status"):
        firestore_server.control.fail("Commit", "UNAVAILIBLE")


def test_costs_of_reads_and_writes(firestore_server: Firestore, own_client: Client) -> None:
    control, things = firestore_server.control, own_client.collection("things")
    batch = own_client.batch()
    for n in range(12):
        batch.set(things.document(f"{n:02}"), {"n": n})
    batch.delete(things.document("99"))
    batch.commit()
    counts = control.counts()
    assert (counts["writes"], counts["deletes"], counts["reads"]) == (12, 1, 0)
    assert counts["writes_by_collection"] == {"things": 12}
    assert counts["calls"] == {"Commit": 1}
    assert counts["answers"] == {"Commit OK": 1}
    assert counts["request_bytes"]["Commit"] > 12 * 50
    assert reads(control, lambda: things.document("01").get()) == 1
    assert reads(control, lambda: things.document("no").get()) == 1
    assert reads(control, lambda: list(things.limit(5).stream())) == 5
    assert reads(control, lambda: list(things.limit(5).offset(3).stream())) == 8
    assert reads(control, lambda: list(things.where(filter=FieldFilter("n", ">", 99)).stream())) == 1
    assert reads(control, lambda: things.count().get()) == 1
    assert reads(control, lambda: list(things.list_documents())) == 12
    assert reads(control, lambda: list(own_client.collections())) == 1


def test_an_aggregation_costs_a_read_a_thousand(firestore_server: Firestore, own_client: Client) -> None:
    things = own_client.collection("things")
    for start in range(0, 1001, 500):
        batch = own_client.batch()
        for n in range(start, min(start + 500, 1001)):
            batch.set(things.document(str(n)), {})
        batch.commit()
    assert reads(firestore_server.control, lambda: things.count().get()) == 2
    assert reads(firestore_server.control, lambda: things.limit(1000).count().get()) == 1


def test_a_refused_write_costs_nothing(firestore_server: Firestore, own_client: Client) -> None:
    with pytest.raises(exceptions.NotFound):
        own_client.document("things/a").update({"n": 1})
    counts = firestore_server.control.counts()
    assert counts["writes"] == 0
    assert counts["answers"] == {"Commit NOT_FOUND": 1}


def test_clear_empties_the_project_and_no_other(firestore_server: Firestore, own_client: Client) -> None:
    own_client.document("things/a/parts/b").set({})
    with Control(firestore_server.host, "somebody-else") as other:
        other.clear()
    assert own_client.document("things/a/parts/b").get().exists
    firestore_server.control.clear()
    assert not own_client.document("things/a/parts/b").get().exists
    assert list(own_client.collections()) == []
