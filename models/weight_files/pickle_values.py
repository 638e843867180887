"""Plain values in a pickle, read without unpickling: no name in it is looked up, no code of it is run.

Source: Python's pickletools, which documents the opcodes; the standard library takes a stream apart into them.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

_MARK: Final = object()
_IGNORED = {"PROTO", "FRAME"}
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}


@dataclass(frozen=True, slots=True)
class Global:
    """A name that a pickle refers to, such as "torch FloatStorage"."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """What would be called: `function` with `arguments`. The result is this record."""

    function: Global
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What is stored outside the pickle, by the identifier there."""

    identifier: Any


Calls = Callable[[Call], Any]
"""Replaces a call by a value, or raises ValueError."""


def read(stream: IO[bytes], calls: Calls) -> Any:
    """The value of the next pickle in a stream, which is then after it.

    calls: decides what each call in it gives. Raises ValueError for what plain data never needs, and where the pickle
    is truncated.
    """
    machine = _Machine(calls)
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == "STOP":
            return machine.pop()
        machine.step(opcode.name, argument)
    raise ValueError("no end")


class _Machine:
    """The stack and the memory that the opcodes work on."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stack: list[Any] = []
        self._memory: dict[int, Any] = {}

    def pop(self) -> Any:
        if not self._stack or self._stack[-1] is _MARK:
            raise ValueError("an empty stack")
        return self._stack.pop()

    def step(self, name: str, argument: Any) -> None:
        """Execute one opcode. Raises ValueError for one that is not supported."""
        if name in _IGNORED:
            return
        if name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name])
        elif name in _LITERALS:
            self._stack.append(argument)
        elif name in _TUPLES:
            self._stack.append(tuple(reversed([self.pop() for _ in range(_TUPLES[name])])))
        elif name.startswith("EMPTY_"):
            self._stack.append({} if name == "EMPTY_DICT" else [])
        elif name in ("MARK", "TUPLE", "SETITEM", "SETITEMS", "APPEND", "APPENDS"):
            self._collect(name)
        else:
            self._refer(name, argument)

    def _collect(self, name: str) -> None:
        """Opcodes of tuples, dictionaries and lists."""
        match name:
            case "MARK":
                self._stack.append(_MARK)
            case "TUPLE":
                self._stack.append(tuple(self._pop_to_mark()))
            case "SETITEM":
                value, key = self.pop(), self.pop()
                self._fill([key, value])
            case "SETITEMS":
                self._fill(self._pop_to_mark())
            case "APPEND":
                self._extend([self.pop()])
            case _:
                self._extend(self._pop_to_mark())

    def _refer(self, name: str, argument: Any) -> None:
        """Opcodes of the memory, and those that refer to names, calls and storages."""
        match name:
            case "BINPUT" | "LONG_BINPUT":
                self._memory[argument] = self._stack[-1]
            case "MEMOIZE":
                self._memory[len(self._memory)] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                self._stack.append(self._memory[argument])
            case "GLOBAL":
                self._stack.append(Global(argument))
            case "STACK_GLOBAL":
                attribute, module = self.pop(), self.pop()
                self._stack.append(Global(f"{module} {attribute}"))
            case "BINPERSID":
                self._stack.append(Reference(self.pop()))
            case "REDUCE" | "NEWOBJ":
                self._call()
            case "BUILD":
                self.pop()  # attributes of the object below, such as the versions of a state dict's modules
            case _:
                raise ValueError(f"the opcode {name}")

    def _call(self) -> None:
        arguments, function = self.pop(), self.pop()
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise ValueError("a call of no name")
        self._stack.append(self._calls(Call(function, arguments)))

    def _pop_to_mark(self) -> list[Any]:
        items: list[Any] = []
        while self._stack:
            item = self._stack.pop()
            if item is _MARK:
                return items[::-1]
            items.append(item)
        raise ValueError("no mark")

    def _fill(self, items: Sequence[Any]) -> None:
        if not self._stack or not isinstance(self._stack[-1], dict):
            raise ValueError("items of no dictionary")
        if not all(isinstance(key, str | int) for key in items[::2]):  # the hash of nested tuples has no limit of depth
            raise ValueError("a key that is neither a text nor an integer")
        self._stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def _extend(self, items: Sequence[Any]) -> None:
        if not self._stack or not isinstance(self._stack[-1], list):
            raise ValueError("items of no list")
        self._stack[-1].extend(items)
