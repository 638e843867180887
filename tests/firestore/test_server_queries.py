"""Queries: filters, the order across types, cursors, groups, projections and aggregations, as documented."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from google.api_core.exceptions import InvalidArgument
from google.cloud import firestore
from google.cloud.firestore import Client, CollectionReference, FieldFilter, Or
from google.cloud.firestore_v1.field_path import FieldPath
from google.cloud.firestore_v1.vector import Vector

NUMBERS = range(10)


@pytest.fixture
def things(client: Client) -> CollectionReference:
    """Ten documents d0 to d9: n, whether odd, and the numbers below n."""
    batch = client.batch()
    things: CollectionReference = client.collection("things")
    for n in NUMBERS:
        batch.set(things.document(f"d{n}"), {"n": n, "odd": n % 2 == 1, "below": list(range(n)), "m": {"half": n // 2}})
    batch.set(things.document("none"), {"n": None})
    batch.set(things.document("nan"), {"n": math.nan})
    batch.set(things.document("other"), {"x": 1})
    batch.commit()
    return things


def ids(query: Any) -> str:
    """The ids in their order, those of the ten by their digit alone."""
    return " ".join(each.id.removeprefix("d") for each in query.stream())


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        pytest.param("n", "==", 3, "3", id="equal"),
        pytest.param("n", "==", 3.0, "3", id="equal-double"),
        pytest.param("n", "==", None, "none", id="is-null"),
        pytest.param("n", "==", math.nan, "nan", id="is-nan"),
        pytest.param("n", "!=", 3, "nan 0 1 2 4 5 6 7 8 9", id="not-equal-skips-null-and-missing"),
        pytest.param("n", "!=", None, "nan 0 1 2 3 4 5 6 7 8 9", id="is-not-null"),
        pytest.param("n", "!=", math.nan, "0 1 2 3 4 5 6 7 8 9", id="is-not-nan"),
        pytest.param("n", ">", 7, "8 9", id="greater"),
        pytest.param("n", ">=", 7.5, "8 9", id="greater-or-equal"),
        pytest.param("n", ">=", 8, "8 9", id="greater-or-equal-holds-the-edge"),
        pytest.param("m.half", "<=", 0, "0 1", id="less-or-equal"),
        pytest.param("n", ">", "", "", id="ranges-stay-within-a-type"),
        pytest.param("n", "in", [9, 2, 77], "2 9", id="in"),
        pytest.param("n", "not-in", [0, 1, 2, 3, 4, 5, 6], "nan 7 8 9", id="not-in"),
        pytest.param("n", "not-in", [0, None], "", id="not-in-with-null-finds-nothing"),
        pytest.param("below", "array_contains", 7, "8 9", id="array-contains"),
        pytest.param("below", "array_contains_any", [8, 7.0], "8 9", id="array-contains-any"),
        pytest.param("below", "==", [0, 1], "2", id="equal-array"),
        pytest.param("m", "==", {"half": 4}, "8 9", id="equal-map"),
        pytest.param("m.half", "==", 4, "8 9", id="part-of-a-map"),
        pytest.param("n.deeper", "==", 4, "", id="part-of-a-number"),
    ],
)
def test_filters(things: CollectionReference, field: str, operator: str, value: Any, expected: str) -> None:
    found = ids(things.where(filter=FieldFilter(field, operator, value)))
    assert found == expected


def test_less_than_leaves_other_types_out(things: CollectionReference) -> None:
    found = ids(things.where(filter=FieldFilter("n", "<", 2)).where(filter=FieldFilter("n", ">=", 0)))
    assert found == "0 1"


def test_a_second_range_stays_within_its_type_too(things: CollectionReference) -> None:
    beyond = things.where(filter=FieldFilter("m.half", ">=", 0))
    assert ids(beyond.where(filter=FieldFilter("n", "<", "text"))) == ""
    assert ids(beyond.where(filter=FieldFilter("n", ">", False))) == ""
    assert ids(beyond.where(filter=FieldFilter("n", "<", 2))) == "0 1"


def test_or_of_ands_gives_each_document_once(things: CollectionReference) -> None:
    low = FieldFilter("n", "<", 4)
    both = Or([firestore.And([low, FieldFilter("odd", "==", True)]), FieldFilter("n", "in", [1, 8])])
    assert ids(things.where(filter=both).order_by("n", direction="DESCENDING")) == "8 3 1"


def test_order_puts_equal_ones_by_name_in_the_last_direction(things: CollectionReference) -> None:
    assert ids(things.order_by("odd").order_by("m.half", direction="DESCENDING")) == "8 6 4 2 0 9 7 5 3 1"
    assert ids(things.order_by("odd").order_by("m.half", direction="DESCENDING").limit(2)) == "8 6"
    assert ids(things.order_by("m.half", direction="DESCENDING").limit(4)) == "9 8 7 6"
    assert ids(things.order_by("m.half").limit(4)) == "0 1 2 3"


def test_an_inequality_orders_by_its_field_and_excludes_documents_without_it(things: CollectionReference) -> None:
    assert ids(things.where(filter=FieldFilter("m.half", ">", 3))) == "8 9"
    assert ids(things.order_by("x")) == "other"


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        pytest.param(lambda q: q.start_at({"n": 7}), "7 8 9", id="start-at"),
        pytest.param(lambda q: q.start_after({"n": 7}), "8 9", id="start-after"),
        pytest.param(lambda q: q.start_at({"n": 6.5}).limit(2), "7 8", id="start-between"),
        pytest.param(lambda q: q.start_at({"n": 0}).end_at({"n": 2}), "0 1 2", id="end-at"),
        pytest.param(lambda q: q.start_at({"n": 0}).end_before({"n": 2}), "0 1", id="end-before"),
        pytest.param(lambda q: q.start_at({"n": 2}).offset(3).limit(2), "5 6", id="offset-after-the-cursor"),
        pytest.param(lambda q: q.start_after({"n": 9}), "", id="start-after-the-last"),
        pytest.param(lambda q: q.limit(0), "", id="limit-none"),
    ],
)
def test_cursors(things: CollectionReference, cut: Any, expected: str) -> None:
    assert ids(cut(things.order_by("n"))) == expected


def test_cursors_follow_a_falling_order(things: CollectionReference) -> None:
    falling = things.order_by("n", direction="DESCENDING")
    assert ids(falling.start_after({"n": 8}).limit(2)) == "7 6"
    assert ids(falling.start_at({"n": 2}).end_before({"n": 0})) == "2 1"


def test_a_page_continues_after_a_document_among_equals(things: CollectionReference) -> None:
    query = things.order_by("odd").limit(3)
    seen: list[str] = []
    page = list(query.stream())
    while page:
        seen += [each.id for each in page]
        page = list(query.start_after(page[-1]).stream())
    assert seen == ["d0", "d2", "d4", "d6", "d8", "d1", "d3", "d5", "d7", "d9"]


def test_limit_to_last_gives_the_end_in_order(things: CollectionReference) -> None:
    found = things.order_by("n").limit_to_last(2).get()
    assert [each.id for each in found] == ["d8", "d9"]


def test_a_projection_gives_the_fields_asked_for(things: CollectionReference) -> None:
    query = things.where(filter=FieldFilter("n", "==", 6))
    assert [each.to_dict() for each in query.select(["n", "m.half"]).stream()] == [{"n": 6, "m": {"half": 3}}]
    assert [each.to_dict() for each in query.select([]).stream()] == [{}]


def test_filters_on_the_document_s_name(things: CollectionReference) -> None:
    name = FieldPath.document_id()
    assert ids(things.where(filter=FieldFilter(name, ">", things.document("nan")))) == "none other"
    assert ids(things.where(filter=FieldFilter(name, "in", [things.document("d3"), things.document("d0")]))) == "0 3"


def test_a_group_spans_parents_and_a_collection_does_not(client: Client) -> None:
    for path in ("sites/a/events/1", "sites/b/events/2", "sites/b/old/x/events/3", "events/4", "sites/a/more/5"):
        client.document(path).set({"path": path})
    assert [each.id for each in client.collection_group("events").stream()] == ["4", "1", "2", "3"]
    assert [each.id for each in client.collection("sites/b/events").stream()] == ["2"]
    found = client.collection_group("events").where(filter=FieldFilter("path", ">", "sites/b")).stream()
    assert [each.id for each in found] == ["2", "3"]


def test_values_of_all_types_have_one_order(client: Client) -> None:
    things = client.collection("things")
    ordered: list[Any] = [
        None, False, True, math.nan, -math.inf, -5, 0, 0.5, 1, 2**53 + 1, math.inf,
        datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "", "B", "a", "é", "\U0001f600",
        b"", b"\x00", b"\xff", client.document("a/1"), client.document("b/0"), client.document("b/0/c/1"),
        firestore.GeoPoint(-1, 5), firestore.GeoPoint(1, -5), firestore.GeoPoint(1, 5), [], [1], [1, 2], [2], ["a"],
        Vector([9.0]), Vector([1.0, 2.0]),
        {}, {"a": 1}, {"a": 1, "b": 0}, {"a": 2}, {"b": 0},
    ]  # fmt: skip
    batch = client.batch()
    for index, value in enumerate(ordered):
        batch.set(things.document(f"{(index * 17) % 101:03}"), {"value": value, "index": index})
    batch.commit()
    assert [each.get("index") for each in things.order_by("value").stream()] == list(range(len(ordered)))
    falling = things.order_by("value", direction="DESCENDING").stream()
    assert [each.get("index") for each in falling] == list(range(len(ordered)))[::-1]


def test_aggregations(things: CollectionReference) -> None:
    query = things.where(filter=FieldFilter("n", ">", 5))
    assert query.count().get()[0][0].value == 4
    assert query.sum("n").get()[0][0].value == 30
    assert query.avg("n").get()[0][0].value == 7.5
    empty = things.where(filter=FieldFilter("n", ">", 50))
    assert empty.count().get()[0][0].value == 0
    assert empty.sum("n").get()[0][0].value == 0
    assert things.count().get()[0][0].value == 13
    assert things.limit(4).count().get()[0][0].value == 4
    assert things.offset(3).limit(20).count().get()[0][0].value == 10
    assert query.limit(2).count(alias="two").get()[0][0].value == 2


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda q: q.where(filter=FieldFilter("n", "in", [*range(31)])), id="in-of-31"),
        pytest.param(lambda q: q.where(filter=FieldFilter("n", "not-in", [*range(11)])), id="not-in-of-11"),
        pytest.param(lambda q: q.where(filter=FieldFilter("n", "in", [])), id="in-of-none"),
        pytest.param(
            lambda q: q.where(filter=FieldFilter("a", "in", [*range(6)])).where(
                filter=FieldFilter("b", "in", [*range(6)])
            ),
            id="36-disjunctions",
        ),
        pytest.param(
            lambda q: q.where(filter=FieldFilter("a", "array_contains", 1)).where(
                filter=FieldFilter("b", "array_contains", 1)
            ),
            id="two-array-contains",
        ),
        pytest.param(
            lambda q: q.where(filter=FieldFilter("a", "!=", 1)).where(filter=FieldFilter("b", "not-in", [1])),
            id="not-in-beside-not-equal",
        ),
    ],
)
def test_queries_that_firestore_refuses(client: Client, make: Any) -> None:
    with pytest.raises(InvalidArgument):
        list(make(client.collection("things")).stream())


def test_query_plans_equal_full_scans(client: Client) -> None:
    things = client.collection("things")
    batch = client.batch()
    for n in range(200):
        batch.set(things.document(f"{n * 37 % 200:03}"), {"a": n % 7, "b": n * 13 % 50, "c": [n % 3]})
    batch.commit()
    rows = [(each.id, each.to_dict()) for each in things.stream()]
    for n in range(0, 200, 5):  # the orders that earlier queries asked for are kept up to date
        things.document(f"{n:03}").update({"b": n % 50, "a": (n + 3) % 7})
        rows = [(i, {**row, "b": n % 50, "a": (n + 3) % 7}) if i == f"{n:03}" else (i, row) for i, row in rows]
        equal, low, top = n % 7, n % 50, (n * 3) % 50
        query = things.where(filter=FieldFilter("a", "==", equal)).order_by("b", direction="DESCENDING")
        wanted = sorted((row["b"], i) for i, row in rows if row["a"] == equal)[::-1][:9]
        assert [(each.get("b"), each.id) for each in query.limit(9).stream()] == wanted
        query = things.where(filter=FieldFilter("b", ">", low)).where(filter=FieldFilter("b", "<=", top)).order_by("b")
        wanted = sorted((row["b"], i) for i, row in rows if low < row["b"] <= top)
        assert [(each.get("b"), each.id) for each in query.stream()] == wanted
        assert len(list(things.where(filter=FieldFilter("a", "==", equal)).stream())) == sum(
            row["a"] == equal for _, row in rows
        )
