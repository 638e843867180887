"""Names that commands not converted yet use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from tracker.cli.options import (
    JsonOption,
    ModelsOption,
    Overrides,
    SettingsOption,
    StoreOption,
    UnusedStoreOption,
    UsageError,
)
from tracker.cli.store import open_store
from tracker.store.shared_site import settings_at_site

__all__ = [
    "JsonOption", "ModelsOption", "Overrides", "SettingsOption", "StoreOption", "UnusedStoreOption", "UsageError",
    "example", "open_store", "reread_for", "settings_for",
]  # fmt: skip


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
    """The settings of one run."""
    return reread_for(settings, store=store, models=models, overrides=overrides)()[0]


def reread_for(
    settings: Path | None = None,
    *,
    store: str | None = None,
    models: Path | None = None,
    overrides: Overrides | None = None,
) -> Callable[[], tuple[Settings, dict[str, str]]]:
    """Reads the settings of the run again."""
    flags: Overrides = {"store": {"url": store}, "models": {"dir": models}}
    for section, fields in (overrides or {}).items():
        flags.setdefault(section, {}).update(fields)
    return lambda: settings_at_site(settings, flags)
