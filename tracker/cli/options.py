"""Options that commands share. A command takes a group of them as one parameter; see `command.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from config.errors import FootfallError
from tracker.cameras.timeline import HIGHEST_FPS

if TYPE_CHECKING:
    from config.settings import Settings

Overrides: TypeAlias = dict[str, dict[str, object]]
"""Section -> field -> value of a setting; None where the option was not given."""
Reload: TypeAlias = Callable[[], "tuple[Settings, dict[str, str]]"]
"""Loads the settings again when what the site shares has changed; see `Options.reload`."""
_OVERRIDDEN = {
    "store": ("store", "url"),
    "models": ("models", "dir"),
    "site": ("site", "id"),
    "credentials": ("cloud", "credentials"),
}
"""Option -> section and field of the setting that it replaces."""
PLOT_SUFFIXES = (".html", ".png")


class UsageError(FootfallError):
    """Options or arguments that are invalid or contradict each other; exit code 2."""


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="Store of people, events and visits: sqlite:///PATH or firestore://PROJECT."
    ),
]
UnusedStoreOption = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Accepted by every command; this one opens no store.")
]
SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file (TOML). Default: footfall.toml, if it is here."),
]
ModelsOption = Annotated[Path | None, typer.Option("--models", metavar="DIR", help="Folder of the converted networks.")]
OfflineOption = Annotated[
    bool, typer.Option("--offline", help="Read the local copy of a shared store without downloading first.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]
CsvOption = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]
CameraOption = Annotated[
    list[str] | None,
    typer.Option(
        "--camera",
        metavar="SRC",
        help="Device number, video file, folder of pictures, or rtsp/http address; may be given several times.",
    ),
]
FpsOption = Annotated[
    float | None,
    typer.Option(
        "--fps",
        min=0.001,
        max=HIGHEST_FPS,
        help="Frames a second of recordings without time stamps: .h264, .mjpeg, folders.",
    ),
]
SiteOption = Annotated[str | None, typer.Option("--site", metavar="ID", help="Site. Default: that of the settings.")]
ByOption = Annotated[
    str | None, typer.Option("--by", metavar="NAME", help="Author of the change. Default: your user name.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of every command: settings file and store."""

    store: StoreOption = None
    settings: SettingsOption = None

    def load(self) -> Settings:
        """The settings of the run: defaults, what the site shares, file, environment, options. Raises SettingsError."""
        return self.reload()[0]

    def reload(self) -> tuple[Settings, dict[str, str]]:
        """The settings as of now, and which of the site's shared settings were rejected, with the reason."""
        from config.settings import load_settings  # here, so that no help waits for pydantic

        overrides: Overrides = {}
        for name in {each.name for each in fields(self)} & _OVERRIDDEN.keys():
            section, key = _OVERRIDDEN[name]
            overrides[section] = {key: getattr(self, name)}
        settings = load_settings(self.settings, overrides)
        if settings.store.firestore is None:
            return settings, {}
        from tracker.store.site_settings import settings_at_site

        return settings_at_site(self.settings, overrides)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting(Options):
    """Options of a command that changes something; see `acting.actor_of`."""

    by: ByOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingModels(Acting):
    """Options of a command that changes something and runs the networks."""

    models: ModelsOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoStore(Options):
    """Options of a command that opens no store."""

    store: UnusedStoreOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Options):
    """Options of a command that reads a store; see `store.reading`."""

    offline: OfflineOption = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Models(Options):
    """Options of a command that runs the networks."""

    models: ModelsOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoStoreModels(NoStore):
    """Options of a command that runs the networks and opens no store."""

    models: ModelsOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingModels(Reading):
    """Options of a command that runs the networks and reads a store."""

    models: ModelsOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonOutput:
    """Output options of a command that returns a `Result`."""

    as_json: JsonOption = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOutput(JsonOutput):
    """Output options of a command that returns a `Table`."""

    as_csv: CsvOption = False

    def __post_init__(self) -> None:
        if self.as_json and self.as_csv:
            raise UsageError("--json and --csv cannot be used together", fix="specify one of them")


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
