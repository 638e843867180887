"""`footfall models`: build, list, verify and export the converted networks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from config.errors import ModelError
from config.settings import Precision, load_settings
from models import apart, export, manifest
from models.catalog import CATALOG
from models.manifest import Standing, State

app = typer.Typer(name="models", rich_markup_mode="markdown")

Folder = Annotated[Path | None, typer.Option("--models", metavar="DIR", help="Folder of the converted networks.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file (TOML). Default: footfall.toml, if it is here."),
]
Precisions = Annotated[
    list[Precision] | None, typer.Option("--precision", help="Only this number format; may be given twice.")
]
Store = Annotated[
    str | None, typer.Option("--store", metavar="URL", help="Every command takes it; the networks need no store.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example:\n\n`footfall models build --precision float16`")
def build(
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    force: Annotated[bool, typer.Option("--force", help="Build again what is there.")] = False,
) -> None:
    """Convert the published weights; what is whole already stays."""
    folder = _folder(models, settings, store)
    apart.build_apart(folder, precisions=precision or list(Precision), force=force)
    typer.echo(f"models are whole in {folder}")


@app.command("list", epilog="Example:\n\n`footfall models list --json`")
def list_(models: Folder = None, settings: SettingsFile = None, store: Store = None, as_json: AsJson = False) -> None:
    """Show every network, where it comes from and whether it is built."""
    rows = _standings(_folder(models, settings, store), list(Precision))
    if as_json:
        _print_json(rows)
        return
    table = Table("network", "precision", "state", "MB", "weights from")
    for row in rows:
        spec = row.spec
        size = "" if row.size is None else f"{row.size / 1e6:.1f}"
        weights = f"{spec.source_package} {spec.source_version}"
        table.add_row(spec.name, row.precision, row.state, size, weights)
    Console().print(table)


@app.command(epilog="Example:\n\n`footfall models verify`")
def verify(
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    as_json: AsJson = False,
) -> None:
    """Compare every file with its hash; without --precision, of all formats that are built."""
    folder = _folder(models, settings, store)
    rows = _standings(folder, precision or _built(folder))
    bad = [row for row in rows if row.state is not State.OK]
    if as_json:
        _print_json(rows)
    if bad:
        problem = f"{bad[0].problem}; {len(bad)} of {len(rows)} files are not as they were built"
        raise ModelError(problem, fix=manifest.build_command(folder, force=True))
    if not as_json:
        typer.echo(f"{len(rows)} files in {folder} are as they were built")


@app.command("export", epilog="Example:\n\n`footfall models export --to edge-box/models`")
def export_(
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Folder to copy to; made if missing.")],
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
) -> None:
    """Copy the networks into a folder for a machine without TensorFlow, which then runs with --models DIR."""
    folder = _folder(models, settings, store)
    copied = export.export(folder, to, precisions=precision or _built(folder))
    typer.echo(f"{copied} networks copied to {to}")


def _folder(models: Path | None, settings: Path | None, store: str | None) -> Path:
    return load_settings(settings, {"models": {"dir": models}, "store": {"url": store}}).models.dir


def _built(folder: Path) -> list[Precision]:
    """The number formats that the manifest names; all where it names none, so that the lack is reported."""
    return manifest.read(folder).precisions() or list(Precision)


def _standings(folder: Path, precisions: list[Precision]) -> list[Standing]:
    return [manifest.standing(folder, spec, precision) for precision in precisions for spec in CATALOG.values()]


def _print_json(rows: list[Standing]) -> None:
    records = [{**asdict(row.spec), **asdict(row), "file": row.spec.file_name(row.precision)} for row in rows]
    for record in records:
        del record["spec"]
    typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
