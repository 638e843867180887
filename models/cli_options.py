"""Options that the commands of `footfall models` share, and what they name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from config.errors import ModelError
from config.settings import Precision, load_settings
from models import model_folder, packs
from models.catalog import CATALOG
from models.packs import Pack

Folder = Annotated[Path | None, typer.Option("--models", metavar="DIR", help="Folder of the converted networks.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file (TOML). Default: footfall.toml, if it is here."),
]
Precisions = Annotated[list[Precision] | None, typer.Option("--precision", help="Only this precision; repeatable.")]
Store = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Accepted by every command; this one opens no store.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with stable keys.")]


def folder_of(models: Path | None, settings: Path | None, store: str | None) -> Path:
    """The model folder that the options name."""
    return load_settings(settings, {"models": {"dir": models}, "store": {"url": store}}).models.dir


def built(folder: Path) -> list[Precision]:
    """The precisions in the manifest; all of them for an empty manifest, so that missing files are reported."""
    return model_folder.read(folder).precisions() or list(Precision)


def pack_named(name: str, folder: Path) -> Pack:
    """The model pack of that name. Raises ModelError."""
    found = packs.find(name, folder)
    if found is None:
        names = [*CATALOG, *(pack.name for pack in packs.readable(folder)[0])]
        raise ModelError(f"no network or model pack {name!r}", fix=f"name one of: {', '.join(names)}")
    return found


def print_json(records: list[dict[str, Any]]) -> None:
    """Print the records of a list."""
    typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
