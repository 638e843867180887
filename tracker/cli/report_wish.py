"""What all reports take: which part of the history, and in which form."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from tracker.cli.current import OfflineFlag
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError
from tracker.cli.moments import FromOption, ToOption

PLOT_SUFFIXES = (".html", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The options that all reports share."""

    store: StoreOption = None
    settings: SettingsOption = None
    site: Annotated[
        str | None, typer.Option("--site", metavar="ID", help="Another site than the one in the settings.")
    ] = None
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="ID", help="Only a room of that camera, or who came in, or went out, by it."),
    ] = None
    zone: Annotated[
        str | None, typer.Option("--zone", metavar="NAME", help="Only a zone of a room, as if it were a room.")
    ] = None
    staff: Annotated[bool, typer.Option("--staff", help="Count staff too.")] = False
    offline: OfflineFlag = False
    as_json: JsonOption = False
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")] = False
    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar="FILE", help="Write an Excel workbook; replaces the file.")
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw it: .html opens everywhere, .png needs Chrome or Chromium."),
    ] = None

    def check(self) -> None:
        """Raises UsageError when the wishes contradict each other or a file has the wrong ending."""
        if self.as_json and self.as_csv:
            raise UsageError("--json and --csv are two forms of one thing", fix="give one of them")
        if self.xlsx is not None and self.xlsx.suffix.lower() != ".xlsx":
            raise UsageError(f"--xlsx: {self.xlsx.name[:80]!r} does not end in .xlsx", fix="write --xlsx report.xlsx")
        if self.plot is not None and self.plot.suffix.lower() not in PLOT_SUFFIXES:
            name = self.plot.name[:80]
            raise UsageError(f"--plot: {name!r} ends neither in .html nor in .png", fix="write --plot report.html")


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeWish(Wish):
    """The options of reports over a range."""

    since: FromOption = None
    until: ToOption = None


def takes(kind: type[Wish]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function of a wish, and maybe more, a command that takes each field of the wish as an option."""

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(kind, include_extras=True)
        own_hints = get_type_hints(command, include_extras=True)
        own = [each for each in inspect.signature(command).parameters.values() if each.name != "wish"]
        shared = [
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default)
            for field in fields(kind)
        ]

        @functools.wraps(command)
        def call(**given: Any) -> None:
            wish = kind(**{field.name: given.pop(field.name) for field in fields(kind)})
            wish.check()
            command(wish, **given)

        parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + shared
        parameters = [each.replace(annotation={**hints, **own_hints}[each.name]) for each in parameters]
        call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what Typer reads
        call.__annotations__ = {each.name: each.annotation for each in parameters}
        return call

    return decorate
