"""Queries: collections, filters, order, cursors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grpc import StatusCode

from tests.firestore.server.archive import Database, Ids
from tests.firestore.server.filters import EVERYTHING, Condition, Path, condition, key_at
from tests.firestore.server.names import NAME_FIELD, check_id, field_path, parent_place
from tests.firestore.server.plans import candidates
from tests.firestore.server.refusal import RefusedError, expect
from tests.firestore.server.values import Key, project_fields, sort_key

NAME: Path = (NAME_FIELD,)


@dataclass(frozen=True, slots=True)
class Order:
    """One step of the order. sign: 1 ascending, -1 descending."""

    path: Path
    sign: int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the order: keys of its first steps; before: right before the documents with these keys."""

    keys: tuple[Key, ...]
    before: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A checked query. limit None: no end; select None: whole documents."""

    database: str
    parent: Ids
    collection_id: str
    deep: bool
    condition: Condition
    orders: tuple[Order, ...]
    start: Cursor | None
    end: Cursor | None
    offset: int
    limit: int | None
    select: list[Path] | None


@dataclass(frozen=True, slots=True)
class Found:
    """Documents in their order, and how many the offset skipped."""

    documents: list[Any]
    skipped: int


def read_query(parent: str, asked: Any) -> Query:
    """The query that a request holds; refuses what Firestore refuses."""
    if asked.HasField("find_nearest"):
        raise RefusedError(StatusCode.UNIMPLEMENTED, "This test server has no vector search.")
    selectors = asked.from_
    expect(len(selectors) == 1, "A query looks in exactly one collection id.")
    selector = selectors[0]
    if selector.collection_id:
        check_id(selector.collection_id)
    place = parent_place(parent)
    fits = condition(asked.where)
    orders = full_order(asked.order_by, fits)
    expect(asked.offset >= 0, "The offset is negative.")
    limit = asked.limit.value if asked.HasField("limit") else None
    expect(limit is None or limit >= 0, "The limit is negative.")
    return Query(
        database=place.database,
        parent=place.ids,
        collection_id=selector.collection_id,
        deep=selector.all_descendants,
        condition=fits,
        orders=orders,
        start=_cursor(asked.start_at, orders) if asked.HasField("start_at") else None,
        end=_cursor(asked.end_at, orders) if asked.HasField("end_at") else None,
        offset=asked.offset,
        limit=limit,
        select=_selected(asked) if asked.HasField("select") else None,
    )


def full_order(order_by: Any, fits: Condition) -> tuple[Order, ...]:
    """The order with what Firestore adds: fields compared by inequality, then the name."""
    orders = []
    for each in order_by:
        path = field_path(each.field.field_path)
        expect(path not in [order.path for order in orders], "A field is ordered by twice.")
        orders.append(Order(path, -1 if each.direction == 2 else 1))
    last = orders[-1].sign if orders else 1
    if NAME not in [order.path for order in orders]:
        compared = sorted({term.path for term in fits.terms if term.is_inequality} - {order.path for order in orders})
        orders.extend(Order(path, last) for path in compared if path != NAME)
        orders.append(Order(NAME, last))
    return tuple(orders)


def _cursor(cursor: Any, orders: tuple[Order, ...]) -> Cursor:
    expect(len(cursor.values) <= len(orders), "A cursor has more values than the order has fields.")
    for value, order in zip(cursor.values, orders, strict=False):
        if order.path == NAME:
            expect(value.WhichOneof("value_type") == "reference_value", "A cursor's __name__ is not a reference.")
    return Cursor(tuple(sort_key(each) for each in cursor.values), cursor.before)


def _selected(asked: Any) -> list[Path]:
    paths = [field_path(each.field_path) for each in asked.select.fields]
    return [path for path in paths if path != NAME]


def run(query: Query, database: Database, time_us: int) -> Found:
    """The documents of a query as they were at a time."""
    rows = fitting(query, database, time_us)
    for index in range(len(query.orders) - 1, -1, -1):
        rows.sort(key=lambda row, at=index: row[0][at], reverse=query.orders[index].sign < 0)
    end = None if query.limit is None else query.offset + query.limit
    skipped = min(query.offset, len(rows))
    return Found([trimmed(query, document) for _, document in rows[query.offset : end]], skipped)


def size(query: Query, database: Database, time_us: int) -> int | None:
    """The number of documents in the collections of a query without filters; None for any other query."""
    if query.condition is not EVERYTHING or len(query.orders) > 1 or query.start or query.end:
        return None
    collections = database.under(query.parent, query.collection_id, deep=query.deep)
    found = sum(1 for _ in database.scan(collections, time_us))
    return found if query.limit is None else min(found, query.offset + query.limit)


def fitting(query: Query, database: Database, time_us: int) -> list[tuple[tuple[Key, ...], Any]]:
    """Documents that the conditions and cursors let through, each with the keys of its order; enough for the limit."""
    rows: list[tuple[tuple[Key, ...], Any]] = []
    enough = None if query.limit is None else query.offset + query.limit
    documents, ordered = candidates(query, database, time_us)
    for document in documents:
        keys = place_in_order(query, document)
        if keys is None:
            continue
        if ordered and enough is not None and len(rows) >= enough and (not rows or rows[-1][0][0] != keys[0]):
            break
        rows.append((keys, document))
    return rows


def place_in_order(query: Query, document: Any) -> tuple[Key, ...] | None:
    """The keys of a document in the query's order; None when it does not belong to the result, limits aside."""
    if not query.condition.test(document):
        return None
    keys = []
    for order in query.orders:
        key = key_at(document, order.path)
        if key is None:
            return None
        keys.append(key)
    if query.start is not None:
        side = _side(query.start, keys, query.orders)
        if side < 0 or (side == 0 and not query.start.before):
            return None
    if query.end is not None:
        side = _side(query.end, keys, query.orders)
        if side > 0 or (side == 0 and query.end.before):
            return None
    return tuple(keys)


def _side(cursor: Cursor, keys: list[Key], orders: tuple[Order, ...]) -> int:
    """-1: the keys come before the cursor's, 0: they begin alike, 1: after."""
    for mark, key, order in zip(cursor.keys, keys, orders, strict=False):
        if key != mark:
            return order.sign if key > mark else -order.sign
    return 0


def trimmed(query: Query, document: Any) -> Any:
    return document if query.select is None else project_fields(document, query.select)
