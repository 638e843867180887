"""Lexical tokens of the rules language."""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS = re.compile(
    r"""
    (?P<skip>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_]\w*)
  | (?P<sign>==|!=|<=|>=|&&|\|\||\*\*|[-+*/%<>!=(){}\[\],.;:?$])
    """,
    re.VERBOSE | re.DOTALL,
)


class RulesSyntaxError(Exception):
    """Invalid or unsupported syntax."""


@dataclass(frozen=True, slots=True)
class Token:
    kind: str
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """The tokens in order, and an end token. Raises RulesSyntaxError on an invalid one."""
    found: list[Token] = []
    at, line = 0, 1
    while at < len(source):
        match = WORDS.match(source, at)
        if match is None:
            raise RulesSyntaxError(f"line {line}: {source[at : at + 20]!r} is no word of the language")
        kind = match.lastgroup or ""
        if kind != "skip":
            found.append(Token(kind, match[0], line))
        line += match[0].count("\n")
        at = match.end()
    found.append(Token("end", "", line))
    return found
