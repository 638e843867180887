"""Evaluation of an expression of the rules language for one request."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.rules.kinds import (
    METHODS,
    NAMESPACES,
    TYPES,
    Namespace,
    Place,
    RuleError,
    Several,
    Unknown,
    among,
    is_number,
    items_of,
    kind_of,
    same,
)
from tests.rules.syntax import (
    At,
    Binary,
    Call,
    Choice,
    Expression,
    Function,
    ListOf,
    Literal,
    MapOf,
    Member,
    Name,
    PathOf,
    Unary,
)

MOST_EXPRESSIONS = 1000
MOST_DOCUMENTS = 10
DEEPEST_CALL = 20
Look = Callable[[tuple[str, ...]], Mapping[str, Any] | None]
"""Ids of a document from the root of the database -> its fields, None where there is none."""


@dataclass(slots=True)
class Budget:
    """The limits of one evaluation."""

    expressions: int = 0
    documents: set[tuple[str, ...]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Scope:
    """A scope: variables, and each function with its enclosing scope."""

    variables: Mapping[str, Any]
    functions: Mapping[str, tuple[Function, Scope]]
    look: Look
    look_after: Look
    budget: Budget
    depth: int = 0

    def inside(self, functions: tuple[Function, ...], variables: Mapping[str, Any]) -> Scope:
        """The scope within a block."""
        known = dict(self.functions)
        scope = Scope({**self.variables, **variables}, known, self.look, self.look_after, self.budget, depth=self.depth)
        known.update({each.name: (each, scope) for each in functions})
        return scope


def value_of(expression: Expression, scope: Scope) -> Any:
    """The value. Raises RuleError on an error or an exceeded limit."""
    scope.budget.expressions += 1
    if scope.budget.expressions > MOST_EXPRESSIONS:
        raise RuleError(f"more than {MOST_EXPRESSIONS} expressions")
    found = _WAYS[type(expression)](expression, scope)
    if isinstance(found, Unknown):
        raise RuleError("a query does not say what this is")
    return found


def is_true(expression: Expression, scope: Scope) -> bool:
    found = value_of(expression, scope)
    if not isinstance(found, bool):
        raise RuleError(f"expected true or false, got {kind_of(found)}")
    return found


def _name(expression: Name, scope: Scope) -> Any:
    for known in (scope.variables, NAMESPACES):
        if expression.name in known:
            return known[expression.name]
    raise RuleError(f"nothing is called {expression.name}")


def _member(expression: Member, scope: Scope) -> Any:
    target = value_of(expression.target, scope)
    if isinstance(target, Mapping) and expression.name in target:
        return target[expression.name]
    raise RuleError(f"no {expression.name} in {kind_of(target)}")


def _at(expression: At, scope: Scope) -> Any:
    target, index = value_of(expression.target, scope), value_of(expression.index, scope)
    try:
        return target[index]
    except (TypeError, KeyError, IndexError) as error:
        raise RuleError(f"nothing at {index!r}") from error


def _path(expression: PathOf, scope: Scope) -> Place:
    ids = [value_of(each, scope) for each in expression.segments]
    if not all(isinstance(each, str) and each for each in ids):
        raise RuleError("a segment of a path is no text")
    return Place(tuple(ids))


def _call(expression: Call, scope: Scope) -> Any:
    arguments = [value_of(each, scope) for each in expression.arguments]
    called = expression.function
    if isinstance(called, Member):
        return _method(value_of(called.target, scope), called.name, arguments)
    if isinstance(called, Name) and called.name in scope.functions:
        return _own(*scope.functions[called.name], arguments, scope)
    if isinstance(called, Name) and called.name in ("get", "getAfter", "exists", "existsAfter"):
        return _document(called.name, arguments, scope)
    raise RuleError(f"{called} cannot be called")


def _method(target: Any, name: str, arguments: list[Any]) -> Any:
    if isinstance(target, Namespace):
        found = target.functions.get(name)
        given = arguments
    else:
        found = METHODS.get(dict if isinstance(target, Mapping) else type(target), {}).get(name)
        given = [target, *arguments]
    if found is None:
        raise RuleError(f"{kind_of(target)} has no {name}()")
    try:
        return found(*given)
    except TypeError as error:
        raise RuleError(f"{name}(): {error}") from error


def _own(function: Function, home: Scope, arguments: list[Any], caller: Scope) -> Any:
    if len(arguments) != len(function.parameters):
        raise RuleError(f"{function.name}() takes {len(function.parameters)} values, got {len(arguments)}")
    if caller.depth >= DEEPEST_CALL:
        raise RuleError(f"calls go deeper than {DEEPEST_CALL}")
    variables = {**home.variables, **dict(zip(function.parameters, arguments, strict=True))}
    inner = Scope(variables, home.functions, home.look, home.look_after, home.budget, depth=caller.depth + 1)
    for name, expression in function.lets:
        variables[name] = value_of(expression, inner)
    return value_of(function.result, inner)


def _document(name: str, arguments: list[Any], scope: Scope) -> Any:
    place = arguments[0] if len(arguments) == 1 else None
    if not isinstance(place, Place) or place.ids[0] != "databases" or place.ids[2:3] != ("documents",):
        raise RuleError(f"{name}() takes one path of the form /databases/$(database)/documents/...")
    ids = place.ids[3:]
    scope.budget.documents.add(ids)
    if len(scope.budget.documents) > MOST_DOCUMENTS:
        raise RuleError(f"more than {MOST_DOCUMENTS} documents are looked at")
    found = (scope.look_after if name.endswith("After") else scope.look)(ids)
    if name.startswith("exists"):
        return found is not None
    if found is None:
        raise RuleError(f"no document {'/'.join(ids)}")
    return {"data": found, "id": ids[-1]}


def _unary(expression: Unary, scope: Scope) -> Any:
    if expression.operator == "!":
        return not is_true(expression.operand, scope)
    number = value_of(expression.operand, scope)
    if not is_number(number):
        raise RuleError("expected a number after -")
    return -number


def _both(expression: Binary, scope: Scope) -> bool:
    return is_true(expression.left, scope) and is_true(expression.right, scope)


def _either(expression: Binary, scope: Scope) -> bool:
    """True if one side is, even if the other is an error."""
    try:
        if is_true(expression.left, scope):
            return True
    except RuleError:
        if is_true(expression.right, scope):
            return True
        raise
    return is_true(expression.right, scope)


def _contains(item: Any, holder: Any) -> bool:
    if isinstance(holder, Mapping):
        return isinstance(item, str) and item in holder
    return among(item, items_of(holder))


def _compared(sign: str, left: Any, right: Any) -> bool:
    comparable = (is_number(left) and is_number(right)) or (
        type(left) is type(right) and isinstance(left, str | datetime | timedelta)
    )
    if not comparable:
        raise RuleError(f"{kind_of(left)} {sign} {kind_of(right)}")
    return bool(_COMPARE[sign](left, right))


def _computed(sign: str, left: Any, right: Any) -> Any:
    times = (datetime, timedelta)
    fits = (is_number(left) and is_number(right)) or (isinstance(left, times) and isinstance(right, times))
    if not fits and not (sign == "+" and isinstance(left, str) and isinstance(right, str)):
        raise RuleError(f"{kind_of(left)} {sign} {kind_of(right)}")
    try:
        return _COMPUTE[sign](left, right)
    except (TypeError, ZeroDivisionError, OverflowError) as error:
        raise RuleError(str(error)) from error


_COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_COMPUTE = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "%": math.fmod}


def _binary(expression: Binary, scope: Scope) -> Any:
    sign = expression.operator
    if sign == "&&":
        return _both(expression, scope)
    if sign == "||":
        return _either(expression, scope)
    left = value_of(expression.left, scope)
    if sign == "is":
        if not isinstance(expression.right, Name) or expression.right.name not in TYPES:
            raise RuleError("there is no such type")
        return TYPES[expression.right.name](left)
    right = value_of(expression.right, scope)
    if sign in ("==", "!="):
        return same(left, right) is (sign == "==")
    if sign == "in":
        return _contains(left, right)
    return _compared(sign, left, right) if sign in _COMPARE else _computed(sign, left, right)


_WAYS: Mapping[type, Callable[[Any, Scope], Any]] = {
    Literal: lambda expression, _: expression.value,
    Name: _name,
    ListOf: lambda expression, scope: [value_of(each, scope) for each in expression.items],
    MapOf: lambda expression, scope: {value_of(key, scope): value_of(each, scope) for key, each in expression.items},
    PathOf: _path,
    Member: _member,
    At: _at,
    Call: _call,
    Unary: _unary,
    Binary: _binary,
    Choice: lambda expression, scope: value_of(
        expression.yes if is_true(expression.condition, scope) else expression.no, scope
    ),
}
__all__ = ["Budget", "Look", "Scope", "Several", "is_true", "value_of"]
