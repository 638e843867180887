"""Exporting networks in the formats of other programs: a folder each, with a card and the licence of the weights."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from config.errors import ModelError
from config.settings import Precision
from models import cards, child_process, model_folder, packs, replacement, tfjs, weights
from models.build import TENSORFLOW_LOADED, read_weights
from models.cards import Card, Format, PackPrecision, WeightType
from models.catalog import CATALOG
from models.child_process import Progress
from models.packs import Pack

ONNX_FILE = "model.onnx"


def export_packs(
    names: Sequence[str], to: Path, *, models: Path, precisions: Sequence[Precision], force: bool = False
) -> list[Card]:
    """Copy verified files of a model folder as model packs, into a folder `to`/NAME each; returns their cards.

    force: replace folders that are not empty. Raises ModelError when a network is not built or fails verification, or
    when a folder is not empty or cannot be written; nothing is changed then.
    """
    licences = model_folder.read_licences(models)
    with _staging(names, to, force=force) as staging:
        for name in names:
            spec = CATALOG[name]
            for precision in precisions:
                content = model_folder.load(models, spec, precision)
                (staging / name / packs.file_name(name, PackPrecision(precision.value))).write_bytes(content)
            (staging / name / model_folder.LICENCES).write_bytes(licences)
            cards.write(staging / name, cards.of(spec, weights.source(spec), form=Format.PACK, weights=None))
    return [cards.read(to / name) for name in names]


def copy_pack(pack: Pack, to: Path, *, force: bool = False) -> Pack:
    """Copy an added model pack to `to`/NAME. Raises ModelError as `export_packs` does."""
    packs.verify(pack)
    with _staging([pack.name], to, force=force) as staging:
        shutil.copytree(pack.folder, staging / pack.name, dirs_exist_ok=True)
    return packs.read(to / pack.name)


def convert_in_subprocess(
    names: Sequence[str],
    to: Path,
    *,
    form: Format,
    dtype: WeightType = WeightType.FLOAT32,
    force: bool = False,
    progress: Progress | None = None,
) -> list[Card]:
    """Convert the published weights in a child process, into a folder `to`/NAME each; returns their cards.

    form: SAVED_MODEL, TFJS or ONNX. dtype: of the weights, for TFJS. force: replace folders that are not empty.
    progress: without it, a progress bar is shown on stderr. Raises ModelError when a package is missing, a weight file
    is not the published one, or a folder is not empty or cannot be written; nothing is changed then, nor when this
    process is interrupted.
    """
    _require_packages(form)
    with _staging(names, to, force=force) as staging:
        arguments = {"names": list(names), "folder": str(staging.absolute()), "form": form, "dtype": dtype}
        fix = "run the command again; if it fails again, report this line"
        child_process.run("models.export", arguments, title="Exporting models", fix=fix, progress=progress)
    return [cards.read(to / name) for name in names]


def convert(names: Sequence[str], folder: Path, *, form: Format, dtype: WeightType, progress: Progress) -> None:
    """Convert the published weights into the folders `folder`/NAME, which exist. Loads TensorFlow.

    Raises ModelError when a weight file is missing or not the published one, and OSError.
    """
    contents = read_weights([CATALOG[name] for name in names], {}, progress)
    progress("loading TensorFlow", 0.05)
    from models import convert as converters  # loads TensorFlow, so it comes after everything that fails early

    for number, name in enumerate(names):
        progress(
            f"converting {name} to {form.value}", TENSORFLOW_LOADED + (1 - TENSORFLOW_LOADED) * number / len(names)
        )
        spec = CATALOG[name]
        network = converters.keras_network(spec, contents[name])
        match form:
            case Format.SAVED_MODEL:
                converters.to_saved_model(network, spec, folder / name)
            case Format.TFJS:
                tfjs.write(converters.to_graph(network, spec), folder / name, dtype)
            case Format.ONNX:
                (folder / name / ONNX_FILE).write_bytes(converters.to_onnx(network, spec))
            case _:
                raise ValueError(f"form: expected one that is converted, got {form}")
        (folder / name / model_folder.LICENCES).write_bytes(weights.licence_texts([spec]))
        cards.write(folder / name, cards.of(spec, weights.source(spec), form=form, weights=dtype.value))
    progress("done", 1.0)


@contextmanager
def _staging(names: Sequence[str], to: Path, *, force: bool) -> Iterator[Path]:
    """A temporary folder with a folder for each name; they are moved into `to` when the block ends without an error."""
    with model_folder.writable(to, option="--out DIR"):
        for name in names:
            replacement.require_free(to / name, force=force, option="--out DIR")
        with tempfile.TemporaryDirectory(prefix=".export-", dir=to) as temporary:
            new, old = Path(temporary, "new"), Path(temporary, "old")
            old.mkdir()
            for name in names:
                (new / name).mkdir(parents=True)
            yield new
            for name in names:
                replacement.replace(to / name, new / name, old=old / name)


def _require_packages(form: Format) -> None:
    """Raises ModelError where a package that converts is not installed."""
    if not model_folder.can_build():
        raise ModelError(f"exporting {form.value} needs TensorFlow, which is not installed", fix=model_folder.INSTALL)
    if form is Format.ONNX and not find_spec("tf2onnx"):
        raise ModelError("exporting onnx needs tf2onnx, which is not installed", fix="pip install 'footfall[onnx]'")


def _main(arguments: dict[str, Any], progress: Progress) -> None:
    """The child process of `convert_in_subprocess`."""
    convert(
        arguments["names"],
        Path(arguments["folder"]),
        form=Format(arguments["form"]),
        dtype=WeightType(arguments["dtype"]),
        progress=progress,
    )


if __name__ == "__main__":
    sys.exit(child_process.serve(_main))
