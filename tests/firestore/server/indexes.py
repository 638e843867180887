"""Which queries a `firestore.indexes.json` serves; production refuses the others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path as File
from typing import Any

from grpc import StatusCode

from tests.firestore.server.filters import Path, Term
from tests.firestore.server.names import field_path
from tests.firestore.server.queries import NAME, Order, Query
from tests.firestore.server.refusal import RefusedError

COLLECTION, GROUP = "COLLECTION", "COLLECTION_GROUP"
SIGNS = {"ASCENDING": 1, "DESCENDING": -1}


@dataclass(frozen=True, slots=True)
class Part:
    """A field of an index. sign: 1 ascending, -1 descending, 0 contains."""

    path: Path
    sign: int


@dataclass(frozen=True, slots=True)
class Index:
    """A composite index, or what Firestore keeps by itself for one field; the name that ends it is left out."""

    parts: tuple[Part, ...]

    def serves(self, equal: frozenset[Path], contained: Path | None, orders: tuple[Order, ...]) -> bool:
        """True when the index gives documents in the order asked for, once some of the equal fields are fixed.

        An index is read forwards only: for the other way round another one is needed. That of a field that is fixed
        may run either way.
        """
        head = len(self.parts) - len(orders)
        if head < 0:
            return False
        fixed, ordered = self.parts[:head], self.parts[head:]
        if not all((part.path == contained) if part.sign == 0 else (part.path in equal) for part in fixed):
            return False
        return [(part.path, part.sign) for part in ordered] == [(order.path, order.sign) for order in orders]


@dataclass(frozen=True, slots=True)
class Indexes:
    """The composite indexes by collection id and scope, and the fields whose own indexes differ from the usual.

    overrides: (collection id, field) -> set of (scope, sign) that the field has instead.
    """

    composite: dict[tuple[str, str], tuple[Index, ...]]
    overrides: dict[tuple[str, Path], frozenset[tuple[str, int]]]

    @classmethod
    def read(cls, file: File) -> Indexes:
        """Raises ValueError or KeyError when the file is not what `firebase deploy` takes."""
        return cls.of(json.loads(file.read_text(encoding="utf-8")))

    @classmethod
    def of(cls, definition: dict[str, Any]) -> Indexes:
        composite: dict[tuple[str, str], tuple[Index, ...]] = {}
        for each in definition.get("indexes", []):
            parts = tuple(_part(field) for field in each["fields"])
            if len(parts) > 1 and parts[-1] == Part(NAME, parts[-2].sign or 1):
                parts = parts[:-1]  # every index ends so by itself
            key = (each["collectionGroup"], each["queryScope"])
            composite[key] = (*composite.get(key, ()), Index(parts))
        overrides = {
            (each["collectionGroup"], ("*",) if each["fieldPath"] == "*" else field_path(each["fieldPath"])): frozenset(
                (one.get("queryScope", COLLECTION), _sign(one)) for one in each.get("indexes", [])
            )
            for each in definition.get("fieldOverrides", [])
        }
        return cls(composite, overrides)

    def check(self, query: Query, aggregated: tuple[Path, ...]) -> None:
        """Refuse a query that no index or set of indexes serves."""
        for way in query.condition.ways:
            if not self._served(query, way, aggregated):
                raise RefusedError(
                    StatusCode.FAILED_PRECONDITION,
                    f"The query requires an index. Collection {query.collection_id!r}"
                    f"{' (group)' if query.deep else ''}: {_wording(query, way, aggregated)}.",
                )

    def _served(self, query: Query, way: tuple[Term, ...], aggregated: tuple[Path, ...]) -> bool:
        equal = frozenset(each.path for each in way if not each.is_inequality and not each.is_array) - {NAME}
        contained = next((each.path for each in way if each.is_array), None)
        orders = _needed(query, equal, aggregated)
        if not equal and contained is None and not orders:
            return True
        scope = GROUP if query.deep else COLLECTION
        wanted = {(path, False) for path in equal} | ({(contained, True)} if contained else set())
        covered: set[tuple[Path, bool]] = set()
        served = False
        known = (*self.composite.get((query.collection_id, scope), ()), *self._own(query, scope, wanted, orders))
        for index in known:
            if index.serves(equal, contained, orders):
                served = True
                fixed = index.parts[: len(index.parts) - len(orders)]
                covered |= {(part.path, part.sign == 0) for part in fixed}
        return served and covered >= wanted

    def _own(self, query: Query, scope: str, wanted: set[tuple[Path, bool]], orders: tuple[Order, ...]) -> list[Index]:
        """The single-field indexes that Firestore keeps for the fields of the query: by itself both ways."""
        parts = [Part(path, sign) for path, array in wanted for sign in ((0,) if array else (1, -1))]
        parts += [Part(order.path, order.sign) for order in orders if order.path != NAME]
        return [Index((part,)) for part in parts if self._keeps(query.collection_id, part, scope)]

    def _keeps(self, collection_id: str, part: Part, scope: str) -> bool:
        for size in range(len(part.path), 0, -1):
            kept = self.overrides.get((collection_id, part.path[:size]))
            if kept is not None:
                break
        else:
            kept = self.overrides.get((collection_id, ("*",)))
        if kept is None:
            return scope == COLLECTION
        return (scope, part.sign) in kept


def _needed(query: Query, equal: frozenset[Path], aggregated: tuple[Path, ...]) -> tuple[Order, ...]:
    """The order an index must give: fixed fields fall out, and a name in the direction of the field before it.

    Names alone are there by themselves in rising order only, those of a fixed field both ways.
    """
    orders = [order for order in query.orders if order.path not in equal]
    if orders and orders[-1].path == NAME:
        given = orders[-2].sign if len(orders) > 1 else 1
        if orders[-1].sign == given or (equal and len(orders) == 1):
            orders.pop()
    known = {*equal, *(order.path for order in orders)}
    orders += [Order(path, 1) for path in aggregated if path not in known]
    return tuple(orders)


def _part(field: dict[str, str]) -> Part:
    return Part(field_path(field["fieldPath"]), _sign(field))


def _sign(field: dict[str, str]) -> int:
    return 0 if field.get("arrayConfig") == "CONTAINS" else SIGNS[field["order"]]


def _wording(query: Query, way: tuple[Term, ...], aggregated: tuple[Path, ...]) -> str:
    equal = sorted({".".join(each.path) for each in way if not each.is_inequality})
    orders = _needed(query, frozenset(each.path for each in way if not each.is_inequality), aggregated)
    ordered = [f"{'.'.join(order.path)} {'ascending' if order.sign > 0 else 'descending'}" for order in orders]
    return ", ".join([*(f"{each} fixed" for each in equal), *ordered])
