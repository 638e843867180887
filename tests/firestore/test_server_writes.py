"""Commits: preconditions, masks, transforms, results and times, as Firestore documents them."""

from __future__ import annotations

import math
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from google.cloud import firestore
from google.cloud.firestore import Client
from google.cloud.firestore_v1.types import Write


def test_create_refuses_a_document_that_is_there(client: Client) -> None:
    place = client.document("things/a")
    place.create({"n": 1})
    with pytest.raises(AlreadyExists):
        place.create({"n": 2})
    assert place.get().to_dict() == {"n": 1}


def test_update_refuses_a_document_that_is_not_there(client: Client) -> None:
    with pytest.raises(NotFound):
        client.document("things/a").update({"n": 1})
    assert not client.document("things/a").get().exists


def test_a_batch_is_atomic(client: Client) -> None:
    batch = client.batch()
    batch.set(client.document("things/a"), {"n": 1})
    batch.update(client.document("things/missing"), {"n": 1})
    with pytest.raises(NotFound):
        batch.commit()
    assert list(client.collection("things").stream()) == []


def test_an_update_time_that_has_passed_is_refused(client: Client) -> None:
    place = client.document("things/a")
    first = place.set({"n": 1})
    place.set({"n": 2})
    stale = client.write_option(last_update_time=first.update_time)
    for write in (lambda: place.update({"n": 3}, option=stale), lambda: place.delete(option=stale)):
        with pytest.raises(FailedPrecondition):
            write()
    fresh = client.write_option(last_update_time=place.get().update_time)
    place.update({"n": 3}, option=fresh)
    assert place.get().to_dict() == {"n": 3}


def test_commit_times_rise_and_creation_stays(client: Client) -> None:
    place = client.document("things/a")
    times = [place.set({"n": n}).update_time for n in range(20)]
    assert times == sorted(set(times))
    found = place.get()
    assert (found.create_time, found.update_time) == (times[0], times[-1])


def test_a_write_that_changes_nothing_keeps_the_update_time(client: Client) -> None:
    place = client.document("things/a")
    first = place.set({"n": 1}).update_time
    assert place.set({"n": 1}).update_time == first


def test_writes_of_one_commit_see_each_other_and_share_a_time(client: Client) -> None:
    batch = client.batch()
    batch.set(client.document("things/a"), {"n": 1})
    batch.update(client.document("things/a"), {"n": firestore.Increment(4)})
    batch.delete(client.document("things/b"))
    batch.set(client.document("things/c"), {"n": 0})
    results = batch.commit()
    assert client.document("things/a").get().to_dict() == {"n": 5}
    assert results[1].update_time == results[3].update_time
    assert results[1].transform_results[0].integer_value == 5


@pytest.mark.parametrize(
    ("patch", "after"),
    [
        pytest.param({"a.b": 9}, {"a": {"b": 9, "c": 2}, "d": 3}, id="a-part-of-a-map"),
        pytest.param({"a": {"b": 9}}, {"a": {"b": 9}, "d": 3}, id="a-whole-map"),
        pytest.param({"a.b": firestore.DELETE_FIELD}, {"a": {"c": 2}, "d": 3}, id="a-part-deleted"),
        pytest.param({"d": firestore.DELETE_FIELD, "e.f": 1}, {"a": {"b": 1, "c": 2}, "e": {"f": 1}}, id="deleted-new"),
        pytest.param({"d.x": 1}, {"a": {"b": 1, "c": 2}, "d": {"x": 1}}, id="a-map-takes-the-place-of-a-number"),
    ],
)
def test_update_touches_only_what_it_names(client: Client, patch: dict[str, Any], after: dict[str, Any]) -> None:
    place = client.document("things/a")
    place.set({"a": {"b": 1, "c": 2}, "d": 3})
    place.update(patch)
    assert place.get().to_dict() == after


def test_field_names_with_dots_and_quotes(client: Client) -> None:
    place = client.document("things/a")
    name = client.field_path("with.dot", "with`quote", "größe")
    place.set({"other": 1})
    place.update({name: 1})
    assert place.get().to_dict() == {"other": 1, "with.dot": {"with`quote": {"größe": 1}}}


def test_an_empty_merge_makes_an_empty_document(client: Client) -> None:
    client.document("things/a").set({}, merge=True)
    found = client.document("things/a").get()
    assert found.exists
    assert found.to_dict() == {}


@pytest.mark.parametrize(
    ("before", "transform", "after"),
    [
        pytest.param(1, firestore.Increment(2), 3, id="increment"),
        pytest.param(None, firestore.Increment(2), 2, id="increment-of-nothing"),
        pytest.param("text", firestore.Increment(2), 2, id="increment-of-text"),
        pytest.param(1, firestore.Increment(0.5), 1.5, id="increment-to-double"),
        pytest.param(2**63 - 1, firestore.Increment(1), 2**63 - 1, id="increment-stops-at-the-top"),
        pytest.param(-(2**63), firestore.Increment(-1), -(2**63), id="increment-stops-at-the-bottom"),
        pytest.param(1, firestore.Maximum(5), 5, id="maximum-rises"),
        pytest.param(9, firestore.Maximum(5), 9, id="maximum-stays"),
        pytest.param(3, firestore.Maximum(3.0), 3, id="maximum-of-equals-stays"),
        pytest.param(1, firestore.Maximum(math.nan), math.nan, id="maximum-of-nan"),
        pytest.param(1, firestore.Minimum(-5.5), -5.5, id="minimum-falls"),
        pytest.param(-9, firestore.Minimum(-5), -9, id="minimum-stays"),
        pytest.param("text", firestore.Minimum(7), 7, id="minimum-of-text"),
        pytest.param([1, 2], firestore.ArrayUnion([2.0, 3, 3]), [1, 2, 3], id="union-knows-equal-numbers"),
        pytest.param(None, firestore.ArrayUnion([1]), [1], id="union-of-nothing"),
        pytest.param([1, 2, 1], firestore.ArrayRemove([1.0]), [2], id="remove-all-that-are-equal"),
        pytest.param("text", firestore.ArrayRemove([1]), [], id="remove-from-text"),
    ],
)
@pytest.mark.parametrize("way", ["update", "merge", "nested"])
def test_transforms(client: Client, way: str, before: Any, transform: Any, after: Any) -> None:
    place = client.document("things/a")
    held = {} if before is None else {"f": before}
    if way == "nested":
        place.set({"m": held})
        place.update({"m.f": transform})
        found = place.get().get("m.f")
    else:
        place.set(held)
        if way == "update":
            place.update({"f": transform})
        else:
            place.set({"f": transform}, merge=True)
        found = place.get().get("f")
    assert repr(found) == repr(after)


def test_the_server_s_time_is_one_for_the_commit_and_in_milliseconds(client: Client) -> None:
    batch = client.batch()
    batch.set(
        client.document("things/a"), {"at": firestore.SERVER_TIMESTAMP, "deep": {"at": firestore.SERVER_TIMESTAMP}}
    )
    batch.set(client.document("things/b"), {"at": firestore.SERVER_TIMESTAMP})
    results = batch.commit()
    a, b = (client.document(f"things/{each}").get() for each in "ab")
    assert a.get("at") == b.get("at") == a.get("deep.at")
    assert a.get("at").microsecond % 1000 == 0
    assert abs(results[0].update_time.timestamp() - a.get("at").timestamp()) < 0.001


def test_a_batch_write_reports_each_write(client: Client) -> None:
    client.document("things/there").set({"n": 1})
    names = {each: client.document(f"things/{each}")._document_path for each in ("new", "there", "missing")}
    writes = [
        Write(update={"name": names["new"]}, current_document={"exists": False}),
        Write(update={"name": names["there"]}, current_document={"exists": False}),
        Write(delete=names["missing"], current_document={"exists": True}),
    ]
    answer = client._firestore_api.batch_write({"database": client._database_string, "writes": writes})
    assert [each.code for each in answer.status] == [0, 6, 5]
    assert client.document("things/new").get().exists
    twice = [Write(delete=names["new"]), Write(delete=names["new"])]
    with pytest.raises(InvalidArgument):
        client._firestore_api.batch_write({"database": client._database_string, "writes": twice})


def test_the_bulk_writer_delivers_and_reports_failures(client: Client) -> None:
    client.document("things/n7").set({})
    failed: list[str] = []
    bulk = client.bulk_writer()
    bulk.on_write_error(lambda error, _: failed.append(error.operation.reference.id) is not None)
    for n in range(60):
        bulk.create(client.document(f"things/n{n}"), {"n": n})
    bulk.close()
    assert failed == ["n7"]
    assert len(list(client.collection("things").stream())) == 60


def test_listing_documents_includes_missing_parents(client: Client) -> None:
    client.document("sites/a").set({})
    client.document("sites/b/events/e").set({})
    assert sorted(each.id for each in client.collection("sites").list_documents()) == ["a", "b"]
    assert [each.id for each in client.collection("sites").stream()] == ["a"]
    assert [each.id for each in client.document("sites/b").collections()] == ["events"]
    assert [each.id for each in client.collections()] == ["sites"]


def test_single_document_calls_of_the_protocol(client: Client) -> None:
    api, root = client._firestore_api, f"{client._database_string}/documents"
    fields = {"n": {"integer_value": 1}, "m": {"string_value": "x"}}
    made = api.create_document(
        {"parent": root, "collection_id": "things", "document_id": "a", "document": {"fields": fields}}
    )
    assert made.create_time == made.update_time
    asked = {
        "document": {"name": made.name, "fields": {"n": {"integer_value": 2}}},
        "update_mask": {"field_paths": ["n"]},
    }
    assert api.update_document(asked).fields["m"].string_value == "x"
    assert dict(api.get_document({"name": made.name, "mask": {"field_paths": ["n"]}}).fields).keys() == {"n"}
    api.delete_document({"name": made.name})
    with pytest.raises(NotFound):
        api.get_document({"name": made.name})
