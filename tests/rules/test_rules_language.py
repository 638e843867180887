"""The supported part of the rules language: syntax, values, errors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.rules.parser import parse
from tests.rules.ruling import DEPLOYED, Request, Rules, Ruling
from tests.rules.tokens import RulesSyntaxError

NOW = datetime(2026, 3, 2, tzinfo=UTC)
FRAME = "rules_version = '2'; service cloud.firestore {{ match /databases/{{database}}/documents {{ {} }} }}"


def rules(body: str) -> Rules:
    return Rules(parse(FRAME.format(body)))


def ruling(condition: str, *, method: str = "create", functions: str = "", **values: Any) -> Ruling:
    request = Request(method=method, ids=("cities", "berlin") if method != "list" else ("cities",), at=NOW, **values)
    documents: Mapping[tuple[str, ...], Mapping[str, Any]] = {("cities", "rome"): {"open": True}}
    held = rules(f"{functions} match /cities/{{city}} {{ allow {method}: if {condition}; }}")
    return held.rule(request, documents.get, lambda ids: {**documents.get(ids, {}), "after": True})


@pytest.mark.parametrize(
    "condition",
    [
        "1 + 2 * 3 == 7",
        "(1 + 2) * 3 == 9",
        "10 % 4 == 2",
        "-1 < 0",
        "!(1 == 2) && 1 != 2",
        "false || true",
        "1 == 2 || request.nothing == 1 || true",
        "request.nothing == 1 || true",
        "true ? true : request.nothing",
        "'ab' + 'c' == 'abc' && 'abc'.size() == 3",
        "'abc'.matches('a.c') && !'abcd'.matches('a.c')",
        "2 in [1, 2] && !(3 in [1, 2]) && 'a' in {'a': 1}",
        "[1, 2].hasAll([2]) && [1].hasOnly([1, 2]) && ![1, 3].hasOnly([1, 2]) && [1].concat([2]) == [1, 2]",
        "[1, 1].toSet().size() == 1",
        "{'a': {'b': 5}}.get(['a', 'b'], 0) == 5 && {'a': 1}.get('b', 7) == 7 && {'a': 1}.get(['a', 'b'], 7) == 7",
        "{'a': 1, 'b': 2}.keys().hasOnly(['a', 'b']) && {'a': 1}['a'] == 1 && {'a': 1}.a == 1",
        "{'a': 1, 'b': 2}.diff({'a': 1, 'b': 3}).affectedKeys().hasOnly(['b'])",
        "{'a': 1}.diff({'b': 1}).affectedKeys().hasAll(['a', 'b'])",
        "1 is int && 1 is number && !(1 is float) && 1.5 is float && true is bool && !(true is int)",
        "'a' is string && [] is list && {} is map && !(null is string)",
        "1 == 1.0 && true != 1 && null == null && '1' != 1",
        "request.time is timestamp && request.time > timestamp.date(2026, 1, 1)",
        "request.time + duration.value(1, 'd') > request.time",
        "timestamp.date(2026, 3, 3) - request.time == duration.value(24, 'h')",
        "city == 'berlin' && request.method == 'create'",
        "get(/databases/$(database)/documents/cities/rome).data.open",
        "exists(/databases/$(database)/documents/cities/rome) && !exists(/databases/$(database)/documents/a/b)",
        "getAfter(/databases/$(database)/documents/cities/$(city)).data.after",
        "request.auth == null",
    ],
)
def test_true_conditions(condition: str) -> None:
    assert ruling(condition).reasons == ()
    assert ruling(condition).allowed


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("request.resource.data.a", "no resource|no data"),
        ("nothing", "nothing is called"),
        ("1", "expected true or false"),
        ("1 && true", "expected true or false"),
        ("'a' < 1", "string < int"),
        ("true + 1 == 2", "bool"),
        ("[1][3] == 1", "nothing at"),
        ("'a'.wrong()", "no wrong"),
        ("'a'.matches(1)", "pattern"),
        ("1 is money", "no such type"),
        ("duration.value(1, 'years') == 1", "duration"),
        ("get(/databases/$(database)/documents/cities/oslo).data.open", "no document cities/oslo"),
        ("get('cities/rome').data.open", "takes one path"),
        ("1 / 0 == 1", "division"),
        ("unknown(1)", "cannot be called"),
    ],
)
def test_an_error_denies_with_a_reason(condition: str, problem: str) -> None:
    refused = ruling(condition)
    assert not refused.allowed
    assert any(part in refused.reasons[0] for part in problem.split("|"))


def test_functions_see_their_scope_and_their_own_variables() -> None:
    functions = "function twice(n) { let double = n * 2; return double; } function four() { return twice(2) == 4; }"
    assert ruling("four() && twice(3) == 6", functions=functions).allowed
    assert not ruling("double == 4", functions=functions).allowed
    assert not ruling("twice(1, 2) == 2", functions=functions).allowed


def test_recursion_is_limited() -> None:
    refused = ruling("again()", functions="function again() { return again(); }")
    assert not refused.allowed
    assert "deeper" in refused.reasons[0]


def test_too_many_expressions_and_documents_are_an_error() -> None:
    assert "expressions" in ruling(f"[{', '.join(['1'] * 1001)}].size() == 1001").reasons[0]
    looked = " && ".join(f"!exists(/databases/$(database)/documents/c/d{number})" for number in range(11))
    assert "documents" in ruling(looked).reasons[0]
    same = " && ".join(["exists(/databases/$(database)/documents/cities/rome)"] * 30)
    assert ruling(same).allowed


@pytest.mark.parametrize("condition", ["city == 'berlin'", "resource.data.open", "resource == null"])
def test_a_list_request_has_no_single_resource(condition: str) -> None:
    assert not ruling(condition, method="list").allowed


@pytest.mark.parametrize(
    ("ids", "allowed"),
    [(("a", "b"), True), (("a", "b", "c", "d"), False), (("x", "y"), True), (("x", "y", "z", "w"), True)],
)
def test_a_path_matches_completely_or_by_a_recursive_wildcard(ids: tuple[str, ...], allowed: bool) -> None:
    held = rules("match /a/{b} { allow get; } match /x/{rest=**} { allow read; }")
    request = Request(method="get", ids=ids, at=NOW)
    assert held.rule(request, lambda _: None).allowed is allowed


def test_read_is_get_and_list_and_write_is_the_rest() -> None:
    held = rules("match /a/{b} { allow read; } match /c/{d} { allow write; }")
    for method in ("get", "list", "create", "update", "delete"):
        ids = ("a",) if method == "list" else ("a", "b")
        reads = method in ("get", "list")
        assert held.rule(Request(method=method, ids=ids, at=NOW), lambda _: None).allowed is reads
        other = ("c",) if method == "list" else ("c", "d")
        assert held.rule(Request(method=method, ids=other, at=NOW), lambda _: None).allowed is not reads


@pytest.mark.parametrize(
    "source",
    [
        "",
        "service cloud.firestore {}",
        "rules_version = '2'; service cloud.firestore { allow read; }",
        FRAME.format("match /a/{b} { allow read: if true }"),
        FRAME.format("match /a/{b} { allow peek: if true; }"),
        FRAME.format("match /a/{b} { allow read: if (true; }"),
        FRAME.format("match /a/{b} { allow read: if true; "),
        FRAME.format("match /a/{b} { allow read: if true; } }"),
        FRAME.format("match /a/{b} { permit read; }"),
        FRAME.format("match a/{b} { allow read; }"),
        FRAME.format("function f() { true; }"),
        FRAME.format("function f() { return true; } function f() { return true; }"),
        FRAME.format("match /a/{b} { allow read: if a => b; }"),
        FRAME.format("match /a/{b} { allow read: if 'open; }"),
        FRAME.format("match /a/{b} { allow read: if a # b; }"),
        FRAME.format("match /a/{match} { allow read; }"),
    ],
)
def test_unsupported_syntax_is_refused(source: str) -> None:
    with pytest.raises(RulesSyntaxError):
        parse(source)


def test_removing_any_token_of_the_deployed_rules_is_detected() -> None:
    source = DEPLOYED.read_text(encoding="utf-8")
    for sign in ("{", "}", "(", ")", ";"):
        at = source.rindex(sign)
        with pytest.raises(RulesSyntaxError):
            parse(source[:at] + source[at + 1 :])
