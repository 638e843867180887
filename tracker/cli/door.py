"""Where a command comes in: the options that all commands share, and the settings and store that they name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from config.errors import FootfallError
from config.settings import Settings, load_settings
from tracker.store.local import LocalStore


class UsageError(FootfallError):
    """Flags or arguments that contradict each other or make no sense; ends with exit code 2."""


StoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Where people, events and visits are kept: sqlite:///PATH."),
]
UnusedStoreOption = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Every command takes it; this one needs no store."),
]
SettingsOption = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file (TOML). Default: footfall.toml, if it is here."),
]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", metavar="DIR", help="Folder of the converted networks."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys instead of a table.")]


def example(*lines: str) -> str:
    """The end of a command's help: what to type, a line each."""
    return "\n\n".join(["Example:" if len(lines) == 1 else "Examples:", *(f"`{line}`" for line in lines)])


def settings_for(
    settings: Path | None = None,
    *,
    store: str | None = None,
    models: Path | None = None,
    overrides: dict[str, dict[str, object]] | None = None,
) -> Settings:
    """The settings of one run: the file and the environment, then what the flags say. Raises SettingsError."""
    flags: dict[str, dict[str, object]] = {"store": {"url": store}, "models": {"dir": models}}
    for section, fields in (overrides or {}).items():
        flags.setdefault(section, {}).update(fields)
    return load_settings(settings, flags)


def open_store(settings: Settings, *, create: bool = True) -> LocalStore:
    """The store that the settings name, open; close it or use it as a context manager. Raises StoreError."""
    return LocalStore(settings.store.path).open(create=create)
