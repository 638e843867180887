"""The syntax tree of a rules file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Literal:
    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    name: str


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    items: tuple[tuple[Expression, Expression], ...]


@dataclass(frozen=True, slots=True)
class PathOf:
    """A path in an expression; each segment gives a text."""

    segments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Member:
    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class At:
    target: Expression
    index: Expression


@dataclass(frozen=True, slots=True)
class Call:
    function: Expression
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Expression
    yes: Expression
    no: Expression


Expression: TypeAlias = Literal | Name | ListOf | MapOf | PathOf | Member | At | Call | Unary | Binary | Choice


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    parameters: tuple[str, ...]
    lets: tuple[tuple[str, Expression], ...]
    result: Expression


@dataclass(frozen=True, slots=True)
class Allow:
    """condition None: always."""

    methods: tuple[str, ...]
    condition: Expression | None


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a match path: an id, or a wildcard with its name; deep takes all that is left of the path."""

    text: str
    wildcard: bool = False
    deep: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    path: tuple[Segment, ...]
    functions: tuple[Function, ...]
    allows: tuple[Allow, ...]
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Ruleset:
    version: str
    service: str
    functions: tuple[Function, ...]
    matches: tuple[Match, ...]
