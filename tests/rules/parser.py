"""Parser of rules files, for the part of the language that is used here; the rest is rejected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tests.rules.syntax import (
    Allow,
    At,
    Binary,
    Call,
    Choice,
    Expression,
    Function,
    ListOf,
    Literal,
    MapOf,
    Match,
    Member,
    Name,
    PathOf,
    Ruleset,
    Segment,
    Unary,
)
from tests.rules.tokens import RulesSyntaxError, Token, tokens

METHODS = ("read", "write", "get", "list", "create", "update", "delete")
LEVELS = (("||",), ("&&",), ("==", "!="), ("in", "is"), ("<", "<=", ">", ">="), ("+", "-"), ("*", "/", "%"))
"""Operators from the loosest to the tightest, as the language's reference lists them."""
CONSTANTS = {"true": True, "false": False, "null": None}
RESERVED = {"function", "match", "allow", "let", "return", "if", "service", *CONSTANTS}
_Item = TypeVar("_Item")


def parse(source: str) -> Ruleset:
    """The tree of a rules file. Raises RulesSyntaxError naming the line."""
    return _Parser(tokens(source)).ruleset()


class _Parser:
    def __init__(self, words: list[Token]) -> None:
        self._words = words
        self._at = 0

    # Words

    @property
    def _next(self) -> Token:
        return self._words[self._at]

    def _is(self, *texts: str) -> bool:
        return self._next.kind in ("sign", "name") and self._next.text in texts

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _expect(self, text: str) -> None:
        if not self._is(text):
            raise self._wrong(f"expected {text!r}")
        self._take()

    def _name(self) -> str:
        if self._next.kind != "name" or self._next.text in RESERVED:
            raise self._wrong("expected a name")
        return self._take().text

    def _text(self) -> str:
        if self._next.kind != "text":
            raise self._wrong("expected a text in quotes")
        return self._take().text[1:-1]

    def _wrong(self, problem: str) -> RulesSyntaxError:
        return RulesSyntaxError(f"line {self._next.line}: {problem}, got {self._next.text or 'the end'!r}")

    def _listed(self, item: Callable[[], _Item], close: str) -> tuple[_Item, ...]:
        items: list[_Item] = []
        while not self._is(close):
            items.append(item())
            if not self._is(close):
                self._expect(",")
        self._expect(close)
        return tuple(items)

    # Statements

    def ruleset(self) -> Ruleset:
        self._expect("rules_version")
        self._expect("=")
        version = self._text()
        self._expect(";")
        self._expect("service")
        service = self._name()
        while self._is("."):
            self._take()
            service += f".{self._name()}"
        functions, allows, matches = self._block()
        if allows:
            raise RulesSyntaxError("an allow outside of every match")
        if self._next.kind != "end":
            raise self._wrong("expected the end of the file")
        return Ruleset(version, service, functions, matches)

    def _block(self) -> tuple[tuple[Function, ...], tuple[Allow, ...], tuple[Match, ...]]:
        functions, allows, matches = list[Function](), list[Allow](), list[Match]()
        self._expect("{")
        while not self._is("}"):
            if self._is("function"):
                functions.append(self._function())
            elif self._is("match"):
                matches.append(self._match())
            elif self._is("allow"):
                allows.append(self._allow())
            else:
                raise self._wrong("expected function, match or allow")
        self._expect("}")
        names = [function.name for function in functions]
        if len({*names}) < len(names):
            raise RulesSyntaxError(f"line {self._next.line}: a function is there twice among {', '.join(names)}")
        return tuple(functions), tuple(allows), tuple(matches)

    def _function(self) -> Function:
        self._expect("function")
        name = self._name()
        self._expect("(")
        parameters = self._listed(self._name, ")")
        self._expect("{")
        lets: list[tuple[str, Expression]] = []
        while self._is("let"):
            self._take()
            variable = self._name()
            self._expect("=")
            lets.append((variable, self._expression()))
            self._expect(";")
        self._expect("return")
        result = self._expression()
        self._expect(";")
        self._expect("}")
        return Function(name, parameters, tuple(lets), result)

    def _allow(self) -> Allow:
        self._expect("allow")
        methods = [self._method()]
        while self._is(","):
            self._take()
            methods.append(self._method())
        condition = None
        if self._is(":"):
            self._take()
            self._expect("if")
            condition = self._expression()
        self._expect(";")
        return Allow(tuple(methods), condition)

    def _method(self) -> str:
        if not self._is(*METHODS):
            raise self._wrong(f"expected one of {', '.join(METHODS)}")
        return self._take().text

    def _match(self) -> Match:
        self._expect("match")
        path = [self._segment()]
        while self._is("/"):
            path.append(self._segment())
        functions, allows, matches = self._block()
        return Match(tuple(path), functions, allows, matches)

    def _segment(self) -> Segment:
        self._expect("/")
        if not self._is("{"):
            return Segment(self._name())
        self._take()
        name, deep = self._name(), self._is("=")
        if deep:
            self._take()
            self._expect("**")
        self._expect("}")
        return Segment(name, wildcard=True, deep=deep)

    # Expressions

    def _expression(self) -> Expression:
        condition = self._level(0)
        if not self._is("?"):
            return condition
        self._take()
        yes = self._expression()
        self._expect(":")
        return Choice(condition, yes, self._expression())

    def _level(self, level: int) -> Expression:
        if level == len(LEVELS):
            return self._unary()
        left = self._level(level + 1)
        while self._is(*LEVELS[level]):
            operator = self._take().text
            right = Name(self._name()) if operator == "is" else self._level(level + 1)
            left = Binary(operator, left, right)
        return left

    def _unary(self) -> Expression:
        if self._is("!", "-"):
            return Unary(self._take().text, self._unary())
        return self._postfix()

    def _postfix(self) -> Expression:
        found = self._primary()
        while self._is(".", "[", "("):
            sign = self._take().text
            if sign == ".":
                found = Member(found, self._name())
            elif sign == "[":
                found = At(found, self._expression())
                self._expect("]")
            else:
                found = Call(found, self._listed(self._expression, ")"))
        return found

    def _primary(self) -> Expression:
        if self._next.kind == "text":
            return Literal(self._text())
        if self._next.kind == "number":
            number = self._take().text
            return Literal(float(number) if "." in number else int(number))
        if self._is(*CONSTANTS):
            return Literal(CONSTANTS[self._take().text])
        if self._next.kind == "name":
            return Name(self._name())
        if self._is("/"):
            return self._path()
        if self._is("(", "[", "{"):
            return self._bracketed(self._take().text)
        raise self._wrong("expected a value")

    def _bracketed(self, sign: str) -> Expression:
        if sign == "[":
            return ListOf(self._listed(self._expression, "]"))
        if sign == "{":
            return MapOf(self._listed(self._pair, "}"))
        inner = self._expression()
        self._expect(")")
        return inner

    def _pair(self) -> tuple[Expression, Expression]:
        key = Literal(self._text())
        self._expect(":")
        return key, self._expression()

    def _path(self) -> Expression:
        segments: list[Expression] = []
        while self._is("/"):
            self._take()
            if self._is("$"):
                self._take()
                self._expect("(")
                segments.append(self._expression())
                self._expect(")")
            else:
                segments.append(Literal(self._name()))
        return PathOf(tuple(segments))
