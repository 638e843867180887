"""Filters of a query: validation, and a predicate over documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.firestore.server.names import NAME_FIELD, field_path
from tests.firestore.server.refusal import expect, invalid
from tests.firestore.server.values import NAN_KEY, NULL_KEY, TYPE_RANK, Key, find, name_key, sort_key

Path = tuple[str, ...]
Test = Callable[[Any], bool]

RANGES = ("LESS_THAN", "LESS_THAN_OR_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL")
INEQUALITIES = (*RANGES, "NOT_EQUAL", "NOT_IN", "IS_NOT_NULL", "IS_NOT_NAN")
LISTS = {"IN": 30, "NOT_IN": 10, "ARRAY_CONTAINS_ANY": 30}
MAX_DISJUNCTIONS = 30
MAX_FILTERS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One comparison. operator: the protocol's name; key: that of its value (of a list: the keys of its members)."""

    path: Path
    operator: str
    key: Key

    @property
    def is_inequality(self) -> bool:
        return self.operator in INEQUALITIES

    @property
    def is_array(self) -> bool:
        return self.operator in ("ARRAY_CONTAINS", "ARRAY_CONTAINS_ANY")


@dataclass(frozen=True, slots=True)
class Condition:
    """A filter as a whole: its test, and its terms as an OR of ANDs."""

    test: Test
    ways: tuple[tuple[Term, ...], ...]

    @property
    def terms(self) -> Iterator[Term]:
        for way in self.ways:
            yield from way


EVERYTHING = Condition(lambda _: True, ((),))


def condition(where: Any) -> Condition:
    """The condition of a query's `where`; refuses what Firestore refuses."""
    kind = where.WhichOneof("filter_type")
    if kind is None:
        return EVERYTHING
    compiled = _compile(where)
    expect(sum(1 for _ in _leaves(where)) <= MAX_FILTERS, f"A query holds at most {MAX_FILTERS} filters.")
    spread = sum(_spread(way) for way in compiled.ways)
    expect(
        spread <= MAX_DISJUNCTIONS, f"The query has {spread} disjunctions in its normal form, at most 30 are allowed."
    )
    for way in compiled.ways:
        _check_together(way)
    return compiled


def key_at(document: Any, path: Path) -> Key | None:
    """The order key of a document's field, or None where it has none."""
    if path == (NAME_FIELD,):
        return name_key(document.name)
    value = find(document.fields, path)
    return None if value is None else sort_key(value)


def _leaves(where: Any) -> Iterator[Any]:
    if where.WhichOneof("filter_type") == "composite_filter":
        for each in where.composite_filter.filters:
            yield from _leaves(each)
    else:
        yield where


def _compile(where: Any) -> Condition:
    kind = where.WhichOneof("filter_type")
    if kind == "composite_filter":
        return _composite(where.composite_filter)
    term = _unary(where.unary_filter) if kind == "unary_filter" else _field(where.field_filter)
    return Condition(_test(term), ((term,),))


def _composite(composite: Any) -> Condition:
    parts = [_compile(each) for each in composite.filters]
    expect(parts, "A composite filter holds at least one filter.")
    tests = tuple(part.test for part in parts)
    operator = type(composite).Operator.Name(composite.op)
    if operator == "OR":
        return Condition(
            lambda document: any(test(document) for test in tests), tuple(way for part in parts for way in part.ways)
        )
    expect(operator == "AND", "A composite filter says neither AND nor OR.")
    ways: tuple[tuple[Term, ...], ...] = ((),)
    for part in parts:
        ways = tuple(way + more for way in ways for more in part.ways)
        expect(len(ways) <= MAX_DISJUNCTIONS, "The query has too many disjunctions in its normal form.")
    return Condition(lambda document: all(test(document) for test in tests), ways)


def _unary(unary: Any) -> Term:
    operator = type(unary).Operator.Name(unary.op)
    key = NAN_KEY if operator.endswith("NAN") else NULL_KEY
    expect(operator in ("IS_NAN", "IS_NULL", "IS_NOT_NAN", "IS_NOT_NULL"), "A unary filter says nothing.")
    return Term(path=field_path(unary.field.field_path), operator=operator, key=key)


def _field(field: Any) -> Term:
    operator = type(field).Operator.Name(field.op)
    expect(operator != "OPERATOR_UNSPECIFIED", "A field filter says nothing.")
    path = field_path(field.field.field_path)
    if operator in LISTS:
        expect(field.value.WhichOneof("value_type") == "array_value", f"{operator} takes a list of values.")
        members = field.value.array_value.values
        limit = LISTS[operator]
        expect(0 < len(members) <= limit, f"{operator} takes 1 to {limit} values, not {len(members)}.")
        key: Key = tuple(dict.fromkeys(sort_key(each) for each in members))
    else:
        key = sort_key(field.value)
    if path == (NAME_FIELD,):
        ranks = {each[0] for each in key} if operator in LISTS else {key[0]}
        expect(ranks == {TYPE_RANK["reference_value"]}, "__key__ filter value must be a Key.")
    return Term(path=path, operator=operator, key=key)


def _spread(way: tuple[Term, ...]) -> int:
    count = 1
    for term in way:
        if term.operator in ("IN", "ARRAY_CONTAINS_ANY"):
            count *= len(term.key)
    return count


def _check_together(way: tuple[Term, ...]) -> None:
    operators = [term.operator for term in way]
    expect(
        sum(term.is_array for term in way) <= 1,
        "A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.",
    )
    if "NOT_IN" in operators:
        clash = {"NOT_IN", "NOT_EQUAL", "IN", "ARRAY_CONTAINS_ANY", "IS_NOT_NULL", "IS_NOT_NAN"}
        others = [each for index, each in enumerate(operators) if index != operators.index("NOT_IN")]
        expect(not clash.intersection(others), "'NOT_IN' cannot be combined with another list or inequality of a list.")
    expect(
        sum(each in ("NOT_EQUAL", "IS_NOT_NULL", "IS_NOT_NAN") for each in operators) <= 1,
        "A query holds at most one 'NOT_EQUAL' filter.",
    )


def _test(term: Term) -> Test:
    matches = _MATCHES.get(term.operator)
    if matches is None:
        raise invalid(f"The operator {term.operator} is unknown.")
    path, wanted = term.path, term.key

    def test(document: Any) -> bool:
        key = key_at(document, path)
        return key is not None and matches(key, wanted)

    return test


def _same_type(compare: Callable[[Key, Key], bool]) -> Callable[[Key, Key], bool]:
    return lambda key, wanted: key[0] == wanted[0] and compare(key, wanted)


def _in_array(key: Key, wanted: Key) -> bool:
    return key[0] == TYPE_RANK["array_value"] and wanted in key[1]


_MATCHES: dict[str, Callable[[Key, Key], bool]] = {
    "EQUAL": lambda key, wanted: key == wanted,
    "NOT_EQUAL": lambda key, wanted: key not in (NULL_KEY, wanted),
    "LESS_THAN": _same_type(lambda key, wanted: key < wanted),
    "LESS_THAN_OR_EQUAL": _same_type(lambda key, wanted: key <= wanted),
    "GREATER_THAN": _same_type(lambda key, wanted: key > wanted),
    "GREATER_THAN_OR_EQUAL": _same_type(lambda key, wanted: key >= wanted),
    "IN": lambda key, wanted: key in wanted,
    "NOT_IN": lambda key, wanted: key != NULL_KEY and NULL_KEY not in wanted and key not in wanted,
    "ARRAY_CONTAINS": _in_array,
    "ARRAY_CONTAINS_ANY": lambda key, wanted: any(_in_array(key, each) for each in wanted),
    "IS_NULL": lambda key, _: key == NULL_KEY,
    "IS_NAN": lambda key, _: key == NAN_KEY,
    "IS_NOT_NULL": lambda key, _: key != NULL_KEY,
    "IS_NOT_NAN": lambda key, _: key not in (NULL_KEY, NAN_KEY),
}
