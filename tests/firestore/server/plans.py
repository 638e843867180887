"""Query plans: a scan along one field's order where that is faster, else of all documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.firestore.server.archive import Database, Ids
from tests.firestore.server.filters import Term
from tests.firestore.server.values import Key

if TYPE_CHECKING:
    from tests.firestore.server.queries import Query

FEW = 500
"""So many documents are looked at one by one rather than along the order of a longer list."""

FIXED = ("EQUAL", "IS_NULL", "IS_NAN")
FROM, UP_TO = ("GREATER_THAN", "GREATER_THAN_OR_EQUAL"), ("LESS_THAN", "LESS_THAN_OR_EQUAL")

Bounds = tuple[Key, Key | None]


def candidates(query: Query, database: Database, time_us: int) -> tuple[Iterator[Any], bool]:
    """Documents that may belong to the result, none that does is left out; True when they come in the first order."""
    collections = database.under(query.parent, query.collection_id, deep=query.deep)
    if len(collections) == 1 and time_us >= database.changed_us:
        return _along(query, database, collections[0])
    return (version.document() for _, version in database.scan(collections, time_us)), False


def _along(query: Query, database: Database, collection: Ids) -> tuple[Iterator[Any], bool]:
    first = query.orders[0]
    way = query.condition.ways[0] if len(query.condition.ways) == 1 else ()
    shelf = database.shelf(collection, first.path)
    span = shelf.span(*_bounds(query, way))
    ordered, backwards = True, first.sign < 0
    for term in way:
        if term.operator in FIXED and term.path != first.path:
            other = database.shelf(collection, term.path)
            narrow = other.span(term.key, term.key)
            if narrow[1] - narrow[0] < span[1] - span[0] and (query.limit is None or narrow[1] - narrow[0] <= FEW):
                shelf, span, ordered, backwards = other, narrow, False, False
    held = database.collections[collection]
    return (held[last].document() for last in shelf.ids(span, backwards=backwards)), ordered


def _bounds(query: Query, way: tuple[Term, ...]) -> Bounds:
    """The range of keys of the first order's field that contains the result."""
    first = query.orders[0]
    lows: list[Key] = [()]
    highs: list[Key] = []
    for term in way:
        if term.path != first.path:
            continue
        if term.operator in FIXED:
            lows.append(term.key)
            highs.append(term.key)
        elif term.operator in FROM:
            lows.append(term.key)
            highs.append((term.key[0] + 1,))
        elif term.operator in UP_TO:
            lows.append((term.key[0],))
            highs.append(term.key)
    for cursor, is_start in ((query.start, True), (query.end, False)):
        if cursor is not None and cursor.keys:
            (lows if is_start == (first.sign > 0) else highs).append(cursor.keys[0])
    return max(lows), min(highs, default=None)
