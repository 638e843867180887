"""`footfall models`: build, add, list, verify and export the converted networks."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from config.errors import ModelError
from config.settings import ModelSettings, Precision, load_settings
from models import browser, packs
from models.cards import Card, Format, WeightType, exportable
from models.catalog import CATALOG, NetworkSpec
from models.packs import FileState, FileStatus

app = typer.Typer(name="models", rich_markup_mode="markdown")

Folder = Annotated[Path | None, typer.Option("--models", metavar="DIR", help="Folder of the converted networks.")]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings", metavar="FILE", help="Settings file (TOML). Default: footfall.toml in the working folder."
    ),
]
Precisions = Annotated[list[Precision] | None, typer.Option("--precision", help="Only this precision; repeatable.")]
Store = Annotated[str | None, typer.Option("--store", metavar="URL", help="Ignored; accepted by every command.")]
_EVERY_NETWORK = "all"
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Examples:\n\n`footfall models build --precision float16`\n\n`footfall models build --browser`")
def build(
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    for_browser: Annotated[
        bool, typer.Option("--browser", help="Also convert the networks of the browser camera (31 MB).")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Rebuild networks that are already built.")] = False,
) -> None:
    """Convert the published weights; networks that are already built are skipped."""
    from models.build import build_in_subprocess  # here: it imports numpy

    folder = _folder(models, settings, store)
    build_in_subprocess(folder, precisions=precision or list(Precision), force=force)
    if for_browser:
        browser.build(folder, force=force)
    typer.echo(f"Models are complete in {folder}")


@app.command(epilog="Example:\n\n`footfall models add sface face_recognition_sface_2021dec.onnx`")
def add(
    network: Annotated[str, typer.Argument(metavar="NETWORK", help="Name in `footfall models list`.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The published weight file, recognised by its hash.")],
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
) -> None:
    """Convert the weights in a file that you have, where the package that holds it cannot be downloaded."""
    from models.build import build_in_subprocess

    if network not in CATALOG:
        raise ModelError(f"no network {network!r}", fix=f"name one of: {', '.join(CATALOG)}")
    sha256 = CATALOG[network].source_sha256
    files = {name: file for name, spec in CATALOG.items() if spec.source_sha256 == sha256}
    folder = _folder(models, settings, store)
    build_in_subprocess(folder, precisions=precision or list(Precision), names=tuple(files), files=files, force=True)
    typer.echo(f"Added {', '.join(files)} to {folder}")


@app.command("list", epilog="Example:\n\n`footfall models list --json`")
def list_(models: Folder = None, settings: SettingsFile = None, store: Store = None, as_json: AsJson = False) -> None:
    """Show every network, its source and whether it is built."""
    rows = _statuses(_folder(models, settings, store), list(Precision), list(CATALOG.values()))
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
    """Verify the hash of every file; without --precision, of all precisions that are built."""
    folder = _folder(models, settings, store)
    rows = _statuses(folder, precision or _built(folder), packs.read(folder).specs())
    bad = [row for row in rows if row.state is not FileState.OK]
    if as_json:
        _print_json(rows)
    if bad:
        problem = f"{bad[0].problem}; {len(bad)} of {len(rows)} files failed verification"
        raise ModelError(problem, fix=packs.build_command(folder, force=True))
    if not as_json:
        typer.echo(f"{len(rows)} files in {folder} verified")


@app.command(
    "export",
    epilog="Examples:\n\n`footfall models export --out edge-box/models`\n\n"
    "`footfall models export sface --format tfjs --dtype float16 --out web/models`",
)
def export_(
    to: Annotated[Path, typer.Option("--out", "--to", metavar="DIR", help="Target folder; created if missing.")],
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="Name in `footfall models list`, or all.")
    ] = _EVERY_NETWORK,
    form: Annotated[
        Format, typer.Option("--format", help="pack: a folder for --models; others: a folder for each network.")
    ] = Format.PACK,
    dtype: Annotated[WeightType | None, typer.Option("--dtype", help="Type of the weights, for tfjs.")] = None,
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    force: Annotated[bool, typer.Option("--force", help="Replace folders that are not empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Export networks for a machine without TensorFlow, or in formats of other programs."""
    _require_options(form, network, dtype, precision)
    names = _exported(network, form)
    folder = _folder(models, settings, store)
    if form is Format.PACK:
        copied = packs.export(folder, to, precisions=precision or _built(folder))
        entries = [entry.model_dump(mode="json") for entry in packs.read(to).networks]
        _report(f"Copied {copied} networks to {to}", entries, as_json)
        return
    from models import export  # here: it imports numpy

    cards: list[Card]
    if form is Format.TFLITE:
        chosen = precision[0] if precision else _settings(models, settings, store).precision
        cards = export.copy_tflite(names, to, models=folder, precision=chosen, force=force)
    else:
        cards = export.convert_in_subprocess(names, to, form=form, dtype=dtype or WeightType.FLOAT32, force=force)
    records = [{"folder": str(to / card.name), **card.model_dump(mode="json")} for card in cards]
    _report(f"Exported {', '.join(names)} to {to}", records, as_json)


def _require_options(form: Format, network: str, dtype: WeightType | None, precisions: list[Precision] | None) -> None:
    """Raises BadParameter for options that the format does not have."""
    if dtype is not None and form is not Format.TFJS:
        raise typer.BadParameter("--dtype is for --format tfjs; pack and tflite have --precision")
    if precisions and form not in (Format.PACK, Format.TFLITE):
        raise typer.BadParameter("--precision is for --format pack and tflite; tfjs has --dtype")
    if form is Format.TFLITE and len(precisions or ()) > 1:
        raise typer.BadParameter("--format tflite takes one --precision")
    if form is Format.PACK and network != _EVERY_NETWORK:
        raise typer.BadParameter("a pack has all networks; give a --format to export one")


def _exported(network: str, form: Format) -> tuple[str, ...]:
    """The networks to export. Raises ModelError for an unknown one, and one that the format cannot have."""
    names = exportable(form)
    if network == _EVERY_NETWORK:
        return names
    if network not in names:
        problem = f"{network} cannot be exported as {form.value}" if network in CATALOG else f"no network {network!r}"
        raise ModelError(problem, fix=f"name one of: {', '.join(names)}, {_EVERY_NETWORK}")
    return (network,)


def _settings(models: Path | None, settings: Path | None, store: str | None) -> ModelSettings:
    return load_settings(settings, {"models": {"dir": models}, "store": {"url": store}}).models


def _folder(models: Path | None, settings: Path | None, store: str | None) -> Path:
    return _settings(models, settings, store).dir


def _built(folder: Path) -> list[Precision]:
    """The precisions in the manifest; all of them for an empty manifest, so that missing files are reported."""
    return packs.read(folder).precisions() or list(Precision)


def _statuses(folder: Path, precisions: list[Precision], specs: list[NetworkSpec]) -> list[FileStatus]:
    return [packs.status(folder, spec, precision) for precision in precisions for spec in specs]


def _report(text: str, records: list[dict[str, Any]], as_json: bool) -> None:
    typer.echo(json.dumps(records, indent=2, ensure_ascii=False) if as_json else text)


def _print_json(rows: list[FileStatus]) -> None:
    records = [
        {
            **asdict(row.spec),
            "input_range": row.spec.input_range,
            "outputs": [str(output) for output in row.spec.outputs],
            **asdict(row),
            "file": row.spec.file_name(row.precision),
        }
        for row in rows
    ]
    for record in records:
        del record["spec"]
    typer.echo(json.dumps(records, indent=2, ensure_ascii=False))
