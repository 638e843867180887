"""Transactions are serialisable, whatever runs concurrently."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from google.api_core.exceptions import Aborted, InvalidArgument
from google.cloud import firestore
from google.cloud.firestore import Client, FieldFilter, Transaction
from google.cloud.firestore_v1.types import TransactionOptions

from tests.firestore.fixtures import Firestore

PATIENT = 500
"""Attempts: enough for the slowest of many that want the same document."""


def in_transaction(client: Client, work: Callable[[Transaction], Any], *, attempts: int = 5) -> Any:
    return firestore.transactional(work)(client.transaction(max_attempts=attempts))


def open_transaction(client: Client, **options: Any) -> Transaction:
    transaction = client.transaction(**options)
    transaction._begin()
    return transaction


def test_no_count_is_lost_under_contention(full_firestore: Firestore, client: Client) -> None:
    place = client.document("things/count")
    place.set({"n": 0})

    def add(transaction: Transaction) -> None:
        n = place.get(transaction=transaction).get("n")
        transaction.update(place, {"n": n + 1})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: in_transaction(client, add, attempts=PATIENT), range(40)))
    assert place.get().get("n") == 40


def test_a_changed_read_aborts_the_transaction(own_client: Client) -> None:
    place = own_client.document("things/a")
    place.set({"n": 1})
    transaction = open_transaction(own_client)
    assert place.get(transaction=transaction).get("n") == 1
    place.set({"n": 2})
    transaction.update(place, {"n": 9})
    with pytest.raises(Aborted):
        transaction._commit()
    assert place.get().get("n") == 2


def test_a_created_document_aborts_a_transaction_that_read_its_absence(own_client: Client) -> None:
    place = own_client.document("things/a")
    transaction = open_transaction(own_client)
    assert not place.get(transaction=transaction).exists
    place.set({"n": 1})
    transaction.set(own_client.document("things/b"), {"saw": "nothing"})
    with pytest.raises(Aborted):
        transaction._commit()
    assert not own_client.document("things/b").get().exists


@pytest.mark.parametrize("change", ["appears", "leaves", "moves"])
def test_a_query_result_that_changes_aborts(own_client: Client, change: str) -> None:
    things = own_client.collection("things")
    things.document("a").set({"open": True})
    things.document("b").set({"open": False})
    transaction = open_transaction(own_client)
    query = things.where(filter=FieldFilter("open", "==", True))
    assert [each.id for each in query.stream(transaction=transaction)] == ["a"]
    if change == "appears":
        things.document("b").update({"open": True})
    elif change == "leaves":
        things.document("a").delete()
    else:
        things.document("a").update({"extra": 1})
    transaction.set(own_client.document("counts/open"), {"n": 1})
    with pytest.raises(Aborted):
        transaction._commit()


def test_changes_beside_what_was_read_do_not_abort(client: Client) -> None:
    things = client.collection("things")
    things.document("a").set({"open": True})
    transaction = open_transaction(client)
    list(things.where(filter=FieldFilter("open", "==", True)).stream(transaction=transaction))
    client.document("others/x").set({"n": 1})
    transaction.set(client.document("counts/open"), {"n": 1})
    transaction._commit()
    assert client.document("counts/open").get().get("n") == 1


def test_write_skew_is_prevented(own_client: Client) -> None:
    """Write skew: snapshot isolation alone would let both through."""
    a, b = own_client.document("doctors/a"), own_client.document("doctors/b")
    a.set({"on_call": True})
    b.set({"on_call": True})
    first, second = open_transaction(own_client), open_transaction(own_client)
    for transaction in (first, second):
        assert all(each.get(transaction=transaction).get("on_call") for each in (a, b))
    first.update(a, {"on_call": False})
    second.update(b, {"on_call": False})
    first._commit()
    with pytest.raises(Aborted):
        second._commit()
    assert b.get().get("on_call")


def test_reads_of_a_transaction_see_one_snapshot(own_client: Client) -> None:
    a, b = own_client.document("things/a"), own_client.document("things/b")
    a.set({"n": 1})
    b.set({"n": 1})
    transaction = open_transaction(own_client)
    assert a.get(transaction=transaction).get("n") == 1
    batch = own_client.batch()
    batch.update(a, {"n": 2})
    batch.update(b, {"n": 2})
    batch.commit()
    assert b.get(transaction=transaction).get("n") == 1
    seen = own_client.collection("things").order_by("n").stream(transaction=transaction)
    assert [each.get("n") for each in seen] == [1, 1]


def test_a_read_only_transaction_reads_the_past_and_writes_nothing(client: Client) -> None:
    place = client.document("things/a")
    place.set({"n": 1})
    then = place.get().read_time
    place.set({"n": 2})
    answer = client._firestore_api.begin_transaction(
        {
            "database": client._database_string,
            "options": TransactionOptions(read_only=TransactionOptions.ReadOnly(read_time=then)),
        }
    )
    transaction = client.transaction()
    transaction._id = answer.transaction
    assert place.get(transaction=transaction).get("n") == 1
    with pytest.raises(InvalidArgument):
        client._firestore_api.commit(
            {
                "database": client._database_string,
                "transaction": answer.transaction,
                "writes": [{"delete": place._document_path}],
            }
        )
    assert place.get().get("n") == 2


def test_reads_at_a_time_see_that_snapshot(client: Client) -> None:
    place = client.document("things/a")
    place.set({"n": 1})
    then = place.get().read_time
    place.delete()
    client.document("things/b").set({})
    assert place.get(read_time=then).to_dict() == {"n": 1}
    assert [each.id for each in client.collection("things").stream(read_time=then)] == ["a"]
    assert [each.id for each in client.collection("things").stream()] == ["b"]


def test_a_transaction_that_was_rolled_back_or_committed_is_gone(client: Client) -> None:
    place = client.document("things/a")
    for end in ("rollback", "commit"):
        transaction = open_transaction(client)
        key = transaction.id
        place.get(transaction=transaction)
        transaction._rollback() if end == "rollback" else transaction._commit()
        with pytest.raises(InvalidArgument):
            client._firestore_api.commit({"database": client._database_string, "transaction": key, "writes": []})


def test_the_client_retries_until_success(own_client: Client) -> None:
    place = own_client.document("things/a")
    place.set({"n": 0})
    attempts: list[int] = []

    def work(transaction: Transaction) -> None:
        n = place.get(transaction=transaction).get("n")
        attempts.append(n)
        if len(attempts) < 3:
            other = threading.Thread(target=lambda: place.update({"n": firestore.Increment(10)}))
            other.start()
            other.join()
        transaction.update(place, {"n": n + 1})

    in_transaction(own_client, work)
    assert attempts == [0, 10, 20]
    assert place.get().get("n") == 21


def test_money_moved_about_is_neither_made_nor_lost_in_anybody_s_eyes(client: Client) -> None:
    accounts = client.collection("accounts")
    for n in range(5):
        accounts.document(str(n)).set({"owns": 100, "open": True})
    seen: list[int] = []

    def move(number: int) -> None:
        chance = random.Random(number)
        source, sink = chance.sample(range(5), 2)
        amount = chance.randint(1, 60)

        def work(transaction: Transaction) -> None:
            query = accounts.where(filter=FieldFilter("open", "==", True))
            owns = {each.id: each.get("owns") for each in query.stream(transaction=transaction)}
            seen.append(sum(owns.values()))
            if owns[str(source)] >= amount:
                transaction.update(accounts.document(str(source)), {"owns": owns[str(source)] - amount})
                transaction.update(accounts.document(str(sink)), {"owns": owns[str(sink)] + amount})

        in_transaction(client, work, attempts=PATIENT)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(move, range(40)))
    assert {*seen} == {500}
    owns = [each.get("owns") for each in accounts.stream()]
    assert sum(owns) == 500
    assert min(owns) >= 0
