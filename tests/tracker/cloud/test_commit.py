"""Commits: each write is applied once, whatever the server answers, and bad writes are rejected alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.errors import CloudError, CloudUnreachableError
from config.storage import FirestoreAddress
from tests.firestore.fixtures import Firestore
from tracker.cloud.batch import Batch
from tracker.cloud.client import Connection, connect
from tracker.cloud.commit import MOST_BYTES, Committer, RejectedWrite, chunks
from tracker.cloud.retry import Backoff
from tracker.cloud.writes import Kind, Write

LARGE = "x" * (2**20 + 1)
"""More than a document may hold."""


def write(number: int, *, text: str = "", kind: Kind = Kind.CREATE) -> Write:
    return Write(
        kind=kind, path=f"sites/gym/events/e-{number}", collection="events", record_id=f"e-{number}",
        document={"text": text},
    )  # fmt: skip


@pytest.fixture
def connection(firestore_server: Firestore) -> Iterator[Connection]:
    with connect(FirestoreAddress(firestore_server.project), None) as opened:
        yield opened


def there(connection: Connection) -> set[str]:
    return {each.id for each in connection.client.collection("sites/gym/events").get()}


FAULTS = st.lists(st.tuples(st.sampled_from(["Commit", "BatchWrite"]), st.booleans()), max_size=4)
TEXTS = st.lists(st.sampled_from(["", "", "", LARGE]), min_size=1, max_size=24)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=TEXTS, faults=FAULTS, before=st.sets(st.integers(0, 23)), has_batch_write=st.booleans())
def test_each_write_is_applied_once_and_bad_ones_are_rejected(
    firestore_server: Firestore, texts: list[str], faults: list[Any], before: set[int], has_batch_write: bool
) -> None:
    place = replace(firestore_server, project=f"test-{uuid.uuid4().hex[:12]}")
    writes = [write(number, text=text) for number, text in enumerate(texts)]
    bad = [each.record_id for each, text in zip(writes, texts, strict=True) if text]
    with connect(FirestoreAddress(place.project), None) as connection:
        committer = Committer(connection.client, timeout_s=10.0)
        committer.commit([each for number, each in enumerate(writes) if number in before and each.record_id not in bad])
        for method, applied in faults:
            place.control.fail(method, "UNAVAILABLE", applied=applied)
        if not has_batch_write:
            place.control.fail("BatchWrite", "UNIMPLEMENTED", count=-1)
        rejected: list[RejectedWrite] | None = None
        while rejected is None:
            with suppress(CloudUnreachableError):
                try:
                    rejected = committer.commit(writes)
                except CloudError:
                    if len(bad) == len(writes) >= 10:
                        return  # then it is not the documents
                    raise
        assert [each.write.record_id for each in rejected] == bad
        assert not any(each.denied for each in rejected)
        assert there(connection) == {each.record_id for each in writes} - {*bad}
        written = place.control.counts()["writes_by_collection"].get("events", 0)
        assert written == len(writes) - len(bad)
        place.control.heal()


def test_a_batch_that_exists_already_takes_two_requests(connection: Connection, firestore_server: Firestore) -> None:
    writes = [write(number) for number in range(500)]
    committer = Committer(connection.client, timeout_s=10.0)
    assert committer.commit(writes) == []
    firestore_server.control.reset()
    assert committer.commit(writes) == []
    assert firestore_server.control.counts()["calls"] == {"Commit": 1, "BatchWrite": 1}


def test_one_bad_document_of_many_is_found_by_halves(connection: Connection, firestore_server: Firestore) -> None:
    writes = [write(number, text=LARGE if number == 77 else "") for number in range(128)]
    firestore_server.control.fail("BatchWrite", "UNIMPLEMENTED", count=-1)
    rejected = Committer(connection.client, timeout_s=10.0).commit(writes)
    assert [each.write.record_id for each in rejected] == ["e-77"]
    assert firestore_server.control.counts()["calls"]["Commit"] <= 1 + 2 * 7
    assert len(there(connection)) == 127


@pytest.mark.parametrize("status", ["UNAUTHENTICATED", "NOT_FOUND", "UNAVAILABLE", "RESOURCE_EXHAUSTED"])
def test_errors_unrelated_to_documents_are_failures(
    connection: Connection, firestore_server: Firestore, status: str
) -> None:
    firestore_server.control.fail("Commit", status, count=-1)
    with pytest.raises(CloudError, match=status) as failure:
        Committer(connection.client, timeout_s=10.0).commit([write(1), write(2)])
    assert failure.value.retryable is (status in ("UNAVAILABLE", "RESOURCE_EXHAUSTED"))


def test_after_a_failure_batches_are_smaller_and_then_grow_again(
    connection: Connection, firestore_server: Firestore
) -> None:
    committer = Committer(connection.client, timeout_s=10.0)
    firestore_server.control.fail("Commit", "UNAVAILABLE", count=3)
    for expected in (250, 125, 62):
        with pytest.raises(CloudUnreachableError):
            committer.commit([write(number) for number in range(committer.size)])
        assert committer.size == expected
    for expected in (124, 248, 496, 500):
        committer.commit([write(number) for number in range(committer.size)])
        assert committer.size == expected


def test_deadlines_grow_on_a_slow_connection(connection: Connection, firestore_server: Firestore) -> None:
    committer = Committer(connection.client, timeout_s=0.05)
    firestore_server.control.delay("Commit", 0.3, count=-1)
    with pytest.raises(CloudUnreachableError):
        committer.commit([write(1)])
    for _ in range(4):
        with suppress(CloudUnreachableError):
            assert committer.commit([write(1)]) == []
            break
    else:
        pytest.fail("nothing got through")
    firestore_server.control.heal()


def test_requests_stay_within_the_limits_of_firestore() -> None:
    writes = [(each, each.message("")) for each in (write(number, text="x" * 900_000) for number in range(25))]
    found = list(chunks(writes))
    assert [each for chunk in found for each in chunk] == writes
    assert all(sum(message.ByteSize() for _, message in chunk) <= MOST_BYTES for chunk in found)
    assert len(found) == 3
    assert [len(chunk) for chunk in chunks(writes[:5], 2)] == [2, 2, 1]


def test_the_newer_of_two_writes_for_a_document_is_kept() -> None:
    batch = Batch()
    batch.add([write(1, kind=Kind.SET), write(1, kind=Kind.SET, text="new"), write(2), write(2, text="new")])
    assert [each.document for each in batch.writes.values()] == [{"text": "new"}, {"text": ""}]


def test_pauses_double_up_to_a_minute_with_full_jitter() -> None:
    backoff = Backoff()
    pauses = [backoff.next_s() for _ in range(200)]
    assert all(pause <= min(60, 0.5 * 2**number) for number, pause in enumerate(pauses))
    assert min(pauses[20:]) < 15 < 45 < max(pauses[20:])
    assert backoff.failures == 200
    backoff.reset()
    assert backoff.next_s() <= 0.5
