"""Options that commands share. A command takes a group of them as one parameter; see `command.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from config.errors import FootfallError

if TYPE_CHECKING:
    from config.settings import Settings

Overrides: TypeAlias = dict[str, dict[str, object]]
"""Section -> field -> value of a setting; None where the option was not given."""
Reload: TypeAlias = Callable[[], "tuple[Settings, dict[str, str]]"]
"""Loads the settings again when what the site shares has changed; see `Options.reload`."""


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
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Options of every command: settings file and store."""

    store: StoreOption = None
    settings: SettingsOption = None

    def overrides(self) -> Overrides:
        """The settings that these options replace."""
        return {"store": {"url": self.store}}

    def load(self) -> Settings:
        """The settings of the run: defaults, what the site shares, file, environment, options. Raises SettingsError."""
        return self.reload()[0]

    def reload(self) -> tuple[Settings, dict[str, str]]:
        """The settings as of now, and which of the site's shared settings were rejected, with the reason."""
        from tracker.store.site_settings import settings_at_site  # here, so that no help waits for pydantic

        return settings_at_site(self.settings, self.overrides())


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

    def overrides(self) -> Overrides:
        """The settings that these options replace."""
        return {"store": {"url": self.store}, "models": {"dir": self.models}}


@dataclass(frozen=True, slots=True, kw_only=True)
class NoStoreModels(Models):
    """Options of a command that runs the networks and opens no store."""

    store: UnusedStoreOption = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingModels(Models):
    """Options of a command that runs the networks and reads a store."""

    offline: OfflineOption = False


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
            raise UsageError("--json and --csv exclude each other", fix="give one of them")
