"""Adding model packs to a model folder, from a folder or a .zip, and removing them."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from config.errors import ModelError
from models import cards, model_folder, packs
from models.cards import CARD, Card, Input, PackPrecision
from models.catalog import CATALOG, Kind, Pixels
from models.packs import WHAT, Pack
from models.zip_errors import ZIP_ERRORS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MAX_BYTES = 1_000_000_000
"""Limit on the files of a pack."""
_MAX_FILES = 32


def install(path: Path, models: Path, *, precision: PackPrecision | None = None, force: bool = False) -> Pack:
    """Copy a pack, a folder or a .zip, into a model folder; nothing is changed where the same pack is there.

    precision: only this one of its networks. force: replace another pack of the same name. Raises ModelError where the
    pack is damaged, does not run, or cannot be used here.
    """
    with _unpacked(path) as folder:
        pack = packs.read(folder)
        if pack.name in CATALOG:
            raise ModelError(
                f"{pack.name} is a network that Footfall has, and needs no pack",
                fix="run 'footfall models build', or copy a folder that 'footfall models export' wrote",
            )
        packs.require_name(pack.name)
        if pack.card.kind is not Kind.EMBEDDER:
            problem = f"the network in {pack.name} is of the kind {pack.card.kind.value}; only embedders can be added"
            raise ModelError(problem, fix="add the pack of a network that embeds faces")
        packs.verify(pack)
        kept = _kept(pack, precision)
        _require_running(pack, kept)
        there = packs.find(pack.name, models) if not force else None
        if there is not None:
            _require_same(there, pack, kept)
            return there
        target = models / packs.FOLDER / pack.name
        left_out = {packs.file_name(pack.name, each) for each in pack.precisions if each not in kept}
        with packs.replaced(target, force=True, option="--models DIR") as new:
            for file in pack.card.files:
                if file.name not in left_out:
                    shutil.copyfile(folder / file.name, new / file.name)
            card = cards.write(new, pack.card)
    return Pack(target, card)


def remove(name: str, models: Path) -> None:
    """Remove a pack from a model folder. Raises ModelError where there is none of that name."""
    folder = models / packs.FOLDER / name
    if not packs.NAME.fullmatch(name) or not folder.is_dir():
        raise ModelError(f"no model pack named {name!r}", fix="'footfall models list' shows them")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        problem = f"{folder}: cannot be removed ({error.strerror or error})"
        raise ModelError(problem, fix="check its permissions") from error


def write_zip(pack: Pack, path: Path) -> None:
    """Write the files of a pack as a .zip, in a folder of its name, atomically. Raises ModelError."""
    part = path.with_name(f".{path.name}.part")
    with model_folder.writable(path.parent, option="--out DIR"):
        try:
            with zipfile.ZipFile(part, "w") as archive:
                for name in (CARD, *(file.name for file in pack.card.files)):
                    archive.write(pack.folder / name, f"{pack.name}/{name}", zipfile.ZIP_DEFLATED)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)


def _kept(pack: Pack, precision: PackPrecision | None) -> tuple[PackPrecision, ...]:
    if precision is None:
        return pack.precisions
    if precision not in pack.precisions:
        has = ", ".join(pack.precisions)
        raise ModelError(f"{pack.name} has no network in {precision.value}", fix=f"give --precision {has}")
    return (precision,)


def _require_same(there: Pack, pack: Pack, kept: Sequence[PackPrecision]) -> None:
    """Raises ModelError where the pack of that name in the model folder is another one, or damaged."""
    if there.network != pack.network:
        raise ModelError(
            f"there is another pack named {pack.name}, whose vectors do not compare with those of this one",
            fix="replace it with --force; people must be enrolled again then",
        )
    if _description(there) != _description(pack):
        raise ModelError(
            f"the model pack {pack.name} is there already, with another card",
            fix="replace it with --force; people stay enrolled",
        )
    if set(there.precisions) != set(kept):
        raise ModelError(
            f"the model pack {pack.name} is there already, in {', '.join(there.precisions)}",
            fix="replace it with --force; people stay enrolled",
        )
    packs.verify(there)


def _description(pack: Pack) -> Card:
    """The card without what differs between copies of one pack."""
    return pack.card.model_copy(update={"files": (), "footfall_version": ""})


def _require_running(pack: Pack, precisions: Sequence[PackPrecision]) -> None:
    """Raises ModelError where a network does not run, or its vectors are not finite or not as the card has them."""
    import numpy as np  # here, as is the runtime: `footfall models list` starts quicker without them

    from models.runtime import Network

    for precision in precisions:
        path = pack.folder / packs.file_name(pack.name, precision)
        network = Network(path, threads=1, content=pack.content(precision))
        for image in _trial_inputs(pack.card.input):
            try:
                output = network.run(image)[0]
            except ValueError as error:
                fix = "correct input.shape in the card"
                raise ModelError(f"{path.name}: does not run ({error})", fix=fix) from error
            if pack.card.dimension is not None and output.shape != (1, pack.card.dimension):
                problem = f"{path.name}: outputs {output.shape}, the card has vectors of {pack.card.dimension} numbers"
                raise ModelError(problem, fix="correct dimension in the card")
            if not np.isfinite(output).all():
                problem = f"{path.name}: outputs NaN or infinity for an ordinary picture"
                raise ModelError(problem, fix="correct input.pixels in the card, or convert the network again")


def _trial_inputs(given: Input) -> Iterator[NDArray[np.float32]]:
    """A black picture and one of noise, (1, side, side, channels), in the numbers that the network takes."""
    import numpy as np

    pixels, side = given.pixels or Pixels(channels="RGB"), given.shape[1] or 0
    size, rng = (1, side, side, 1 if pixels.channels == "grey" else 3), np.random.default_rng(0)
    black, noise = np.zeros(size), rng.standard_normal(size)
    if not pixels.whitened:
        black, noise = ((each - pixels.offset) / pixels.divisor for each in (black, rng.uniform(0, 255, size)))
    with np.errstate(over="ignore"):  # the network's output shows it
        yield from (each.astype(np.float32) for each in (black, noise))


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    """The folder of a pack, or that of an unpacked .zip, removed after the block. Raises ModelError."""
    if path.is_dir():
        yield path
        return
    if not path.exists():
        raise ModelError(f"{path} does not exist", fix=WHAT)
    if not zipfile.is_zipfile(path):
        raise ModelError(f"{path}: neither a folder nor a .zip", fix=WHAT)
    with tempfile.TemporaryDirectory(prefix="footfall-pack-") as temporary:
        try:
            with zipfile.ZipFile(path) as archive:
                _extract(archive, Path(temporary), path)
        except ZIP_ERRORS as error:
            raise ModelError(f"{path}: cannot be unpacked ({error})", fix="get the file again") from error
        try:
            yield Path(temporary)
        except ModelError as error:  # it names files of the temporary folder
            raise ModelError(error.problem.replace(temporary, str(path)), fix=error.fix) from error


def _extract(archive: zipfile.ZipFile, folder: Path, path: Path) -> None:
    """Write the files of an archive, all of one folder, into `folder`. Raises ModelError and what zipfile does."""
    entries = [each for each in archive.infolist() if not each.is_dir()]
    if len(entries) > _MAX_FILES or sum(each.file_size for each in entries) > MAX_BYTES:
        problem = f"{path}: more than {_MAX_FILES} files or {MAX_BYTES // 1_000_000} MB"
        raise ModelError(problem, fix=WHAT)
    parents = {each.filename.rpartition("/")[0] for each in entries}
    names = [each.filename.rpartition("/")[2] for each in entries]
    if (
        len(parents) > 1
        or any(stat.S_ISLNK(each.external_attr >> 16) for each in entries)
        or not all(map(packs.is_file_name, names))
    ):
        raise ModelError(f"{path}: not the files of one folder", fix=WHAT)
    left = MAX_BYTES
    for each, name in zip(entries, names, strict=True):
        with archive.open(each) as packed, (folder / name).open("wb") as file:
            while chunk := packed.read(1 << 20):
                left -= len(chunk)
                if left < 0:
                    raise ModelError(f"{path}: more than {MAX_BYTES // 1_000_000} MB", fix=WHAT)
                file.write(chunk)
