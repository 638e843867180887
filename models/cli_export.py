"""`footfall models export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from config.errors import ModelError
from config.settings import Precision
from models import cascades, listing, model_folder, pack_installation, packs
from models.cards import Format, WeightType, exportable
from models.catalog import CATALOG, STANDARD
from models.cli_options import AsJson, Folder, Precisions, SettingsFile, Store, built, folder_of, pack_named, print_json

EXAMPLES = (
    "Examples:\n\n`footfall models export --out edge-box/models`\n\n"
    "`footfall models export ours --format pack --zip --out .`\n\n"
    "`footfall models export sface --format tfjs --dtype float16 --out web/models`"
)
_EVERY_NETWORK = "all"


def export_(
    to: Annotated[Path, typer.Option("--out", "--to", metavar="DIR", help="Target folder; created if missing.")],
    network: Annotated[
        str, typer.Argument(metavar="NETWORK", help="Name in `footfall models list`, or all.")
    ] = _EVERY_NETWORK,
    form: Annotated[
        Format,
        typer.Option(
            "--format", help="folder: one for --models, with all networks; others: a folder for each network, DIR/NAME."
        ),
    ] = Format.FOLDER,
    dtype: Annotated[WeightType | None, typer.Option("--dtype", help="Type of the weights, for tfjs.")] = None,
    zipped: Annotated[bool, typer.Option("--zip", help="Write DIR/NAME.zip, for --format pack.")] = False,
    models: Folder = None,
    settings: SettingsFile = None,
    store: Store = None,
    precision: Precisions = None,
    force: Annotated[bool, typer.Option("--force", help="Replace folders that are not empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Export networks for a machine without TensorFlow, as model packs, or in formats of other programs."""
    _require_options(form, network, dtype, precision, zipped=zipped)
    folder = folder_of(models, settings, store)
    if form is Format.FOLDER:
        copied = model_folder.export(folder, to, precisions=precision or built(folder))
        cascades.copy(folder, to)
        added = [pack_installation.install(pack.folder, to, force=True) for pack in packs.installed(folder)]
        entries = [entry.model_dump(mode="json") for entry in model_folder.read(to).networks]
        several = f" and {len(added)} model pack{'s' if len(added) > 1 else ''}" if added else ""
        _report(f"Copied {copied} networks{several} to {to}", entries + list(map(listing.pack_record, added)), as_json)
        return
    from models import export  # here: it imports numpy

    if form is Format.PACK and network not in (_EVERY_NETWORK, *CATALOG):
        cards = [export.copy_pack(pack_named(network, folder), to, force=force).card]
    elif form is Format.PACK:
        names = _exported(network, form, folder)
        cards = export.export_packs(names, to, models=folder, precisions=precision or built(folder), force=force)
    else:
        names, weights = _exported(network, form, folder), dtype or WeightType.FLOAT32
        cards = export.convert_in_subprocess(names, to, form=form, dtype=weights, force=force)
    if zipped:
        for card in cards:
            pack_installation.write_zip(packs.read(to / card.name), to / f"{card.name}.zip")
    records = [{"folder": str(to / card.name), **card.model_dump(mode="json")} for card in cards]
    _report(f"Exported {', '.join(card.name for card in cards)} to {to}", records, as_json)


def _require_options(
    form: Format, network: str, dtype: WeightType | None, precisions: list[Precision] | None, *, zipped: bool
) -> None:
    """Raises BadParameter for options that the format does not have."""
    if dtype is not None and form is not Format.TFJS:
        raise typer.BadParameter("--dtype is for --format tfjs; folder and pack have --precision")
    if precisions and form not in (Format.FOLDER, Format.PACK):
        raise typer.BadParameter("--precision is for --format folder and pack; tfjs has --dtype")
    if precisions and form is Format.PACK and network not in (_EVERY_NETWORK, *CATALOG):
        raise typer.BadParameter("an added model pack is exported with all its precisions")
    if zipped and form is not Format.PACK:
        raise typer.BadParameter("--zip is for --format pack")
    if form is Format.FOLDER and network != _EVERY_NETWORK:
        raise typer.BadParameter("a model folder has all networks; give a --format to export one")


def _exported(network: str, form: Format, folder: Path) -> tuple[str, ...]:
    """The networks to export. Raises ModelError for an unknown one, and one that the format cannot have."""
    names = exportable(form)
    if network == _EVERY_NETWORK:
        return tuple(name for name in names if name in STANDARD)
    if network not in names:
        known = network in CATALOG or packs.find(network, folder) is not None
        problem = f"{network} cannot be exported as {form.value}" if known else f"no network {network!r}"
        raise ModelError(problem, fix=f"name one of: {', '.join(names)}, {_EVERY_NETWORK}")
    return (network,)


def _report(text: str, records: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(records)
    else:
        typer.echo(text)
