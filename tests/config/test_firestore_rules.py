"""config/firestore.rules as text: rules for every collection, checks for every field, everything else denied."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.rules.parser import parse
from tests.rules.ruling import DEPLOYED
from tests.rules.samples import BY_MACHINES, WRITTEN, correction, embedding, site, whole
from tests.rules.syntax import Allow, Binary, Call, Expression, Function, ListOf, Literal, Match, Name
from tracker.cloud import documents
from tracker.cloud.paths import EMBEDDINGS, SITES, Collection
from tracker.presence.events import Action

RULES = parse(DEPLOYED.read_text(encoding="utf-8"))
DATABASE = RULES.matches[0]
FUNCTIONS = {function.name: function for function in DATABASE.functions}
CHECKS = {
    "events": "isEvent",
    "matches": "isMatch",
    "heartbeats": "isHeartbeat",
    "zone_stays": "isZoneStay",
    "people": "isPerson",
    "corrections": "isCorrection",
    "forgotten": "isForgotten",
}
"""By collection that rules let anybody write: the function that checks a document."""


def matches(of: Match, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Match]]:
    """All matches below, with the fixed ids of their paths."""
    for each in of.matches:
        path = (*above, *(segment.text for segment in each.path if not segment.wildcard))
        yield path, each
        yield from matches(each, path)


BY_PATH = dict(matches(DATABASE))


def terms(expression: Expression | None) -> list[Expression]:
    """What all has to be true."""
    if expression is None:
        return []
    if isinstance(expression, Binary) and expression.operator == "&&":
        return [*terms(expression.left), *terms(expression.right)]
    return [expression]


def called(expression: Expression) -> str:
    return expression.function.name if isinstance(expression, Call) and isinstance(expression.function, Name) else ""


def texts(expression: Expression) -> set[str]:
    assert isinstance(expression, ListOf)
    return {str(each.value) for each in expression.items if isinstance(each, Literal)}


def fields(check: Function) -> tuple[set[str], set[str]]:
    """The required and the additionally allowed fields of a check."""
    found = next(each for each in terms(check.result) if called(each) == "hasFields")
    assert isinstance(found, Call)
    return texts(found.arguments[1]), texts(found.arguments[2])


def test_the_file_is_of_the_current_version_and_of_firestore() -> None:
    assert (RULES.version, RULES.service) == ("2", "cloud.firestore")
    assert [len(DATABASE.path), len(RULES.matches)] == [3, 1]


def test_every_collection_has_its_own_rules_and_no_other_path_has_any() -> None:
    expected = {(SITES,), (SITES, Collection.PEOPLE, EMBEDDINGS), *((SITES, each) for each in Collection)}
    assert set(BY_PATH) == expected
    assert {*WRITTEN} == {*Collection}


def test_every_allow_checks_the_user() -> None:
    for path, match in BY_PATH.items():
        assert match.allows, path
        for allow in match.allows:
            assert allow.condition is not None
            assert asks_who(allow), (path, allow)
    assert not DATABASE.allows


def asks_who(allow: Allow) -> bool:
    """Whether each way to be true begins with a question about the user."""
    first = terms(allow.condition)[0]
    ways = [first]
    while any(isinstance(way, Binary) and way.operator == "||" for way in ways):
        ways = [side for way in ways for side in ((way.left, way.right) if isinstance(way, Binary) else (way,))]
    names = {"mayRead", "isAdmin", "isDevice", "isDeviceInService", "isDeviceCreating", "isDeviceRepeating"}
    return all(called(way) in names for way in ways)


def test_no_rule_has_a_recursive_wildcard() -> None:
    assert not any(segment.deep for match in BY_PATH.values() for segment in match.path)


@pytest.mark.parametrize("collection", CHECKS)
def test_the_rules_know_just_the_fields_that_are_written(collection: str) -> None:
    always, sometimes = fields(FUNCTIONS[CHECKS[collection]])
    assert whole(collection).keys() <= always | sometimes
    optional = {"x_frac", "y_frac", "distance", "margin", "event", "machine_id", "rejected", "parked"}
    optional |= {"groups", "valid_from", "valid_until", "consent_version", "consent_by"}
    assert (always | sometimes) - whole(collection).keys() <= optional
    assert sometimes <= optional


def test_the_rules_know_just_the_fields_of_vectors_sites_and_added_events() -> None:
    assert fields(FUNCTIONS["isEmbedding"]) == ({*embedding(), "received_at"}, set())
    assert fields(FUNCTIONS["isSite"]) == (
        {*site(), "received_at"} - {"settings", "derived_by"},
        {"settings", "retention", "derived_by", "visits_by"},
    )
    added = documents.correction_document(correction(Action.ADD), "p-1")["event"]
    always, sometimes = fields(FUNCTIONS["isAddedEvent"])
    assert always == {*added} - sometimes
    assert sometimes == {"x_frac", "y_frac"}


@pytest.mark.parametrize("collection", CHECKS)
def test_writing_goes_through_the_check_of_the_collection(collection: str) -> None:
    for allow in BY_PATH[SITES, collection].allows:
        if "create" in allow.methods:
            assert CHECKS[collection] in [called(term) for term in terms(allow.condition)]


@pytest.mark.parametrize("collection", [each for each in Collection if each not in CHECKS])
def test_nobody_writes_the_other_collections(collection: str) -> None:
    methods = {method for allow in BY_PATH[SITES, collection].allows for method in allow.methods}
    assert methods <= {"read", "get", "list"}


@pytest.mark.parametrize("collection", BY_MACHINES)
def test_machines_only_add(collection: str) -> None:
    allows = BY_PATH[SITES, collection].allows
    assert [allow.methods for allow in allows] == [("read",), ("create",), ("update",)]
    assert called(terms(allows[2].condition)[0]) == "isDeviceRepeating"


def test_every_function_is_used() -> None:
    source = DEPLOYED.read_text(encoding="utf-8")
    names = [*FUNCTIONS, *(each.name for match in BY_PATH.values() for each in match.functions)]
    assert {name for name in names if source.count(f"{name}(") < 2} == set()
