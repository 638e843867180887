"""`footfall models`: build, add, list, show, verify, export and remove networks."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from config.errors import ModelError
from config.settings import Precision, load_settings
from models import browser, cascades, cli_export, facenet_pack, listing, model_folder, pack_installation, packs
from models.cards import PackPrecision
from models.catalog import AUDIENCE, CATALOG, STANDARD, NetworkSpec, Scaling
from models.cli_options import AsJson, Folder, Precisions, SettingsFile, Store, built, folder_of, pack_named, print_json
from models.model_folder import FileState, FileStatus

app = typer.Typer(name="models", rich_markup_mode="markdown")
app.command("export", epilog=cli_export.EXAMPLES)(cli_export.export_)


@app.command(epilog="Examples:\n\n`footfall models build --precision float16`\n\n`footfall models build --browser`")
def build(
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    for_browser: Annotated[
        bool, typer.Option("--browser", help="Also convert the networks of the browser camera (31 MB).")
    ] = False,
    haar: Annotated[
        bool, typer.Option("--haar", help="Also download the cascade of the Haar detector (0.2 MB).")
    ] = False,
    for_audience: Annotated[
        bool, typer.Option("--audience", help="Also those that [audience] asks for: expression and age (18 MB).")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Rebuild networks that are already built.")] = False,
) -> None:
    """Convert the published weights; networks that are already built are skipped."""
    from models.build import build_in_subprocess  # here: it imports numpy

    folder = folder_of(models, settings, store)
    if haar:
        cascades.build(folder, force=force)  # first: it needs no TensorFlow
    names = (*STANDARD, *(AUDIENCE if for_audience else ()))
    build_in_subprocess(folder, precisions=precision or list(Precision), names=names, force=force)
    if for_browser:
        browser.build(folder, force=force)
    typer.echo(f"Networks are complete in {folder}")


@app.command(
    epilog="Examples:\n\n`footfall models add ours.zip`\n\n`footfall models add ours/ --precision int8`\n\n"
    "`footfall models add sface face_recognition_sface_2021dec.onnx`\n\n"
    "`footfall models add facenet 20180402-114759-vggface2.pt --licence 'MIT, David Sandberg'`\n\n"
    "`footfall models add facenet facenet_keras.h5 --name facenet-128 --scaling per-picture`"
)
def add(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PACK|NETWORK",
            help="A model pack, folder or .zip; or a network, or facenet, with the FILE of its weights.",
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            help="Published weights of that network, recognised by their hash. Of facenet: Keras .h5, frozen TensorFlow"
            " .pb, PyTorch state dict, or the folder of a .npz for each layer.",
        ),
    ] = None,
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Annotated[
        list[PackPrecision] | None, typer.Option("--precision", help="Only this precision; repeatable.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Of the model pack that facenet becomes.")
    ] = None,
    scaling: Annotated[
        Scaling | None,
        typer.Option(
            "--scaling",
            help="Of the pixels for facenet: (px - 127.5) / 128, or by the mean and deviation of each picture."
            " Default: as the published weights of this form and dimension need it.",
        ),
    ] = None,
    licence: Annotated[
        str | None, typer.Option("--licence", metavar="TEXT", help="Licence of the weights of facenet, for its card.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace another model pack of the same name.")] = False,
) -> None:
    """Add a model pack, or a network whose package cannot be downloaded.

    A model pack is what `footfall train` and `footfall models export --format pack` write: a network with a card of
    what it needs. `recognition.embedder = "NAME"` in the settings uses it; `footfall people re-enroll` changes a store
    that has people.

    facenet becomes a model pack. The length of its vectors, 128 or 512, is that of the weights; nothing in their file
    is run.
    """
    if (name, scaling, licence) != (None, None, None) and (what != facenet_pack.NAME or file is None):
        raise typer.BadParameter("--name, --scaling and --licence are for facenet with the FILE of its weights")
    folder = folder_of(models, settings, store)
    if what == facenet_pack.NAME and file is not None:
        wanted = _buildable(precision) or [Precision.FLOAT16]
        _add_facenet(
            file,
            folder,
            name=name or facenet_pack.NAME,
            scaling=scaling,
            licence=licence or facenet_pack.NO_LICENCE,
            precisions=wanted,
            force=force,
        )
        return
    if file is not None:
        _add_network(what, file, folder, precision)
        return
    if what in CATALOG or (what == facenet_pack.NAME and not Path(what).exists()):
        raise typer.BadParameter(f"name the FILE of the weights of {what}", param_hint="FILE")
    if len(precision or ()) > 1:
        raise typer.BadParameter("a model pack is added with all its precisions, or with one")
    _install(Path(what), folder, precision[0] if precision else None, force=force)


def _add_facenet(
    file: Path,
    folder: Path,
    *,
    name: str,
    scaling: Scaling | None,
    licence: str,
    precisions: list[Precision],
    force: bool,
) -> None:
    """Convert weights of FaceNet into a model pack, and add it. Raises ModelError."""
    there = None if force else packs.find(name, folder)
    if there is not None and there.card.source.sha256 != facenet_pack.digest(file):  # before a minute of converting
        raise ModelError(
            f"there is another pack named {name}, whose vectors do not compare with those of this one",
            fix="give it another name: --name NAME; or replace it: --force, and people must be enrolled again then",
        )
    with tempfile.TemporaryDirectory(prefix="footfall-facenet-") as temporary:
        made = facenet_pack.make_in_subprocess(
            file, Path(temporary, name), name=name, scaling=scaling, licence=licence, precisions=precisions
        )
        _install(made.folder, folder, None, force=force)


def _install(path: Path, folder: Path, precision: PackPrecision | None, *, force: bool) -> None:
    """Add a model pack, and say how to use it. Raises ModelError."""
    before = [] if force else packs.readable(folder)[0]
    pack = pack_installation.install(path, folder, precision=precision, force=force)
    which = f"{pack.name} ({', '.join(pack.precisions)})"
    typer.echo(f"{which} is there already: {pack.folder}" if pack in before else f"Added {which} to {pack.folder}")
    typer.echo(f'Use it: recognition.embedder = "{pack.name}" in footfall.toml')
    typer.echo("Where people are enrolled already: footfall people re-enroll --pictures DIR")


def _add_network(name: str, file: Path, folder: Path, precisions: list[PackPrecision] | None) -> None:
    """Convert the published weights of a network. Raises ModelError."""
    from models.build import build_in_subprocess

    if name not in CATALOG:
        raise ModelError(f"no network {name!r}", fix=f"name one of: {', '.join(CATALOG)}, {facenet_pack.NAME}")
    sha256 = CATALOG[name].source_sha256
    files = {each: file for each, spec in CATALOG.items() if spec.source_sha256 == sha256}
    wanted = _buildable(precisions) or list(Precision)
    build_in_subprocess(folder, precisions=wanted, names=tuple(files), files=files, force=True)
    typer.echo(f"Added {', '.join(files)} to {folder}")


def _buildable(precisions: list[PackPrecision] | None) -> list[Precision]:
    """Precisions that networks are converted to here."""
    if PackPrecision.INT8 in (precisions or ()):
        raise typer.BadParameter("networks are converted to float16 and float32; int8 is what 'footfall train' makes")
    return [Precision(each.value) for each in precisions or ()]


@app.command(epilog="Example:\n\n`footfall models remove ours`")
def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model pack in `footfall models list`.")],
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
) -> None:
    """Remove a model pack. People who were enrolled with it are not recognised until it is added again."""
    folder = folder_of(models, settings, store)
    recognition = load_settings(settings).recognition
    for setting, value in {"embedder": recognition.embedder, "shadow": recognition.shadow}.items():
        if value == name:
            raise ModelError(f"recognition.{setting} is {name}", fix="change the setting first")
    pack_installation.remove(name, folder)
    typer.echo(f"Removed {name} from {folder}")


@app.command("list", epilog="Example:\n\n`footfall models list --json`")
def list_(models: Folder = None, settings: SettingsFile = None, store: Store = None, as_json: AsJson = False) -> None:
    """Show every network and model pack, its source and whether it is whole."""
    folder = folder_of(models, settings, store)
    rows = _statuses(folder, list(Precision), list(CATALOG.values()))
    added, damaged = packs.readable(folder)
    if as_json:
        print_json(
            [
                *map(listing.record, rows),
                *map(listing.pack_record, added),
                *(listing.damaged_record(name, error) for name, error in damaged.items()),
            ]
        )
        return
    table = Table("network", "precision", "state", "MB", Column("weights from", overflow="fold"))
    for row in rows:
        spec = row.spec
        size = "" if row.size is None else f"{row.size / 1e6:.1f}"
        weights = f"{spec.source_package} {spec.source_version}"
        table.add_row(spec.name, row.precision, row.state, size, weights)
    for pack in added:
        sizes = {file.name: file.size for file in pack.card.files}
        state = FileState.OK if listing.problem(pack) is None else FileState.DAMAGED
        for precision in pack.precisions:
            size = f"{sizes[packs.file_name(pack.name, precision)] / 1e6:.1f}"
            table.add_row(pack.name, precision, state, size, pack.card.source.file or pack.card.purpose)
    for name, error in damaged.items():
        table.add_row(name, "", FileState.DAMAGED, "", error.problem)
    _print(table)


@app.command(epilog="Examples:\n\n`footfall models show sface`\n\n`footfall models show ours --json`")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A network or model pack in `footfall models list`.")],
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    as_json: AsJson = False,
) -> None:
    """Show what a network is: input, vector, distances, licence, source and measured accuracy."""
    card = listing.built_in_card(name) if name in CATALOG else pack_named(name, folder_of(models, settings, store)).card
    if as_json:
        typer.echo(card.model_dump_json(indent=2))
        return
    table = Table(Column(), Column(overflow="fold"), show_header=False, box=None, pad_edge=False)
    for title, value in listing.lines(card):
        table.add_row(title, value)
    _print(table)


@app.command(epilog="Example:\n\n`footfall models verify`")
def verify(
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    as_json: AsJson = False,
) -> None:
    """Verify the hash of every file; without --precision, of all that are built, and of model packs."""
    folder = folder_of(models, settings, store)
    rows = _statuses(folder, precision or built(folder), model_folder.read(folder).specs())
    added = [] if precision else packs.installed(folder)
    bad = [row.problem for row in rows if row.state is not FileState.OK]
    bad_packs = [problem for problem in map(listing.problem, added) if problem is not None]
    if as_json:
        print_json([*map(listing.record, rows), *map(listing.pack_record, added)])
    if bad:
        problem = f"{bad[0]}; {len(bad)} of {len(rows)} files failed verification"
        raise ModelError(problem, fix=model_folder.build_command(folder, force=True))
    if bad_packs:
        raise bad_packs[0]
    if not as_json:
        files = len(rows) + sum(len(pack.precisions) for pack in added)
        typer.echo(f"{files} files in {folder} verified")


def _print(table: Table) -> None:
    """Print a table; brackets in a card are no markup."""
    Console(markup=False, emoji=False, highlight=False).print(table)


def _statuses(folder: Path, precisions: list[Precision], specs: list[NetworkSpec]) -> list[FileStatus]:
    return [model_folder.status(folder, spec, precision) for precision in precisions for spec in specs]
