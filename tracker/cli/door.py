"""Where a command comes in: the options that all commands share, and the settings and store that they name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from config.errors import FootfallError
from config.settings import Settings
from tracker.store.shared_site import settings_at_site
from tracker.store.store import Store

Overrides: TypeAlias = dict[str, dict[str, object]]
"""Section -> field -> value that a flag gives; None for one that was not given."""


class UsageError(FootfallError):
    """Flags or arguments that contradict each other or make no sense; ends with exit code 2."""


StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        help="Where people, events and visits are kept: sqlite:///PATH, or firestore://PROJECT.",
    ),
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
    overrides: Overrides | None = None,
) -> Settings:
    """The settings of one run: what the site shares, the file and the environment, then what the flags say.

    Raises SettingsError.
    """
    found, _ = reread_for(settings, store=store, models=models, overrides=overrides)()
    return found


def reread_for(
    settings: Path | None = None,
    *,
    store: str | None = None,
    models: Path | None = None,
    overrides: Overrides | None = None,
) -> Callable[[], tuple[Settings, dict[str, str]]]:
    """Reads the settings of the run, again when what the site shares has changed, and why some of that is left out."""
    flags: Overrides = {"store": {"url": store}, "models": {"dir": models}}
    for section, fields in (overrides or {}).items():
        flags.setdefault(section, {}).update(fields)
    return lambda: settings_at_site(settings, flags)


def open_store(settings: Settings, *, create: bool = True) -> Store:
    """The store that the settings name, open; close it or use it as a context manager. Raises StoreError."""
    return Store(settings.store.path).open(create=create)
