"""Options of reports: which part of the history, and in which form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tracker.cli.options import Overrides, Reading, TableOutput, UsageError
from tracker.cli.times import FromOption, ToOption

PLOT_SUFFIXES = (".html", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOptions(Reading):
    """What a report of the current day is asked for."""

    site: Annotated[str | None, typer.Option("--site", metavar="ID", help="Site. Default: that of the settings.")] = (
        None
    )
    camera: Annotated[
        str | None,
        typer.Option("--camera", metavar="ID", help="Only this camera's room, or visits through its door."),
    ] = None
    zone: Annotated[str | None, typer.Option("--zone", metavar="NAME", help="Only this zone of a room.")] = None
    staff: Annotated[bool, typer.Option("--staff", help="Include staff.")] = False

    def overrides(self) -> Overrides:
        """The settings that these options replace."""
        return {"store": {"url": self.store}, "site": {"id": self.site}}


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeOptions(ReportOptions):
    """What a report over a range is asked for."""

    since: FromOption = None
    until: ToOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOutput(TableOutput):
    """Output options of a report."""

    xlsx: Annotated[
        Path | None, typer.Option("--xlsx", metavar="FILE", help="Write an Excel workbook; replaces the file.")
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw a chart: .html opens everywhere, .png needs Chromium."),
    ] = None

    def __post_init__(self) -> None:
        TableOutput.__post_init__(self)
        if self.xlsx is not None and self.xlsx.suffix.lower() != ".xlsx":
            raise UsageError(f"--xlsx: {self.xlsx.name[:80]!r} does not end in .xlsx", fix="write --xlsx report.xlsx")
        if self.plot is not None and self.plot.suffix.lower() not in PLOT_SUFFIXES:
            name = self.plot.name[:80]
            raise UsageError(f"--plot: {name!r} ends neither in .html nor in .png", fix="write --plot report.html")
