"""How a function becomes a command: its groups of options are spread out, and what it returns is printed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar, get_type_hints

import typer

from tracker.cli.options import JsonOutput, ReportOutput, TableOutput
from tracker.cli.output import Result, Table, emit, emit_report
from tracker.reports.sheets import Report

Handler = TypeVar("Handler", bound=Callable[..., Any])
_OUTPUTS: dict[object, tuple[type[JsonOutput], Callable[[Any, Any], None]]] = {
    Result: (JsonOutput, emit),
    Table: (TableOutput, emit),
    Report: (ReportOutput, emit_report),
}
"""What a command returns -> its output options, and what prints it."""


def command(*examples: str) -> Callable[[Handler], Handler]:
    """Make a function a command, with `examples` at the end of its help."""

    def mark(handler: Handler) -> Handler:
        handler.examples = examples  # type: ignore[attr-defined]
        return handler

    return mark


def add_command(app: typer.Typer, name: str | None, handler: Any) -> None:
    """Add a command to an app.

    A parameter whose type is a dataclass, a group of options, becomes an option for each of its fields. A command that
    returns a Result takes --json, one that returns a Table --json and --csv, and a Report can be written to files too.
    """
    hints = get_type_hints(handler, include_extras=True)
    output, write = _OUTPUTS.get(hints.pop("return", None), (None, None))
    groups = {name: hint for name, hint in hints.items() if isinstance(hint, type) and is_dataclass(hint)}
    shared = [*groups.values(), *([output] if output else [])]
    own = [each for each in inspect.signature(handler).parameters.values() if each.name not in groups]
    parameters = [each.replace(annotation=hints[each.name], kind=inspect.Parameter.KEYWORD_ONLY) for each in own]
    parameters += [option for group in shared for option in _options_of(group)]

    @functools.wraps(handler)
    def call(**given: Any) -> None:
        values = {name: _take(group, given) for name, group in groups.items()}
        form = _take(output, given) if output else None
        returned = handler(**values, **given)
        if write is not None:
            write(returned, form)

    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    app.command(name, epilog=_epilog(handler.examples))(call)


def _options_of(group: type[Any]) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    kind = inspect.Parameter.KEYWORD_ONLY
    return [
        inspect.Parameter(field.name, kind, default=field.default, annotation=hints[field.name])
        for field in fields(group)
    ]


def _take(group: type[Any], given: dict[str, Any]) -> Any:
    return group(**{field.name: given.pop(field.name) for field in fields(group)})


def _epilog(examples: tuple[str, ...]) -> str:
    return "\n\n".join(["Example:" if len(examples) == 1 else "Examples:", *(f"`{line}`" for line in examples)])
