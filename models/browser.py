"""The networks of the browser camera: TensorFlow.js models in a folder beside the converted networks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from config.errors import ModelError
from models import cards, model_folder
from models.cards import Format, WeightType
from models.catalog import CATALOG, EMBEDDERS
from models.child_process import Progress

FOLDER = "browser"
"""Inside a model folder; as `footfall models export all --format tfjs` writes it."""
NETWORKS = ("pnet", "rnet", "onet", *EMBEDDERS)


def browser_networks(folder: Path, names: Sequence[str] = NETWORKS) -> Path:
    """The verified folder with a folder for each network. folder: of the converted networks.

    Raises ModelError naming what is missing or damaged.
    """
    for name in names:
        _verify(folder, name)
    return folder / FOLDER


def build(folder: Path, *, force: bool = False, progress: Progress | None = None) -> None:
    """Convert the networks that are missing or damaged, or all with `force`, in a child process.

    progress: without it, a progress bar is shown on stderr. Raises ModelError as `export.convert_in_subprocess` does.
    """
    wanted = [name for name in NETWORKS if force or not _is_built(folder, name)]
    if wanted:
        from models import export  # here: it imports numpy

        export.convert_in_subprocess(
            wanted, folder / FOLDER, form=Format.TFJS, dtype=WeightType.FLOAT16, force=True, progress=progress
        )


def _is_built(folder: Path, name: str) -> bool:
    try:
        _verify(folder, name)
    except ModelError:
        return False
    return True


def _verify(folder: Path, name: str) -> None:
    place = folder / FOLDER / name
    try:
        card = cards.read(place)
    except FileNotFoundError as error:
        fix = model_folder.build_command(folder, browser=True)
        raise ModelError(f"{name} for the browser camera: not built in {folder}", fix=fix) from error
    except (OSError, ValidationError) as error:
        raise _damaged(folder, place / cards.CARD, f"damaged ({str(error).splitlines()[0]})") from error
    if card.name != name or card.format is not Format.TFJS:
        raise _damaged(folder, place, f"holds {card.name} as {card.format.value} instead of {name} as tfjs")
    if card.source.sha256 != CATALOG[name].source_sha256:
        raise _damaged(folder, place, "built from other weights than this version of Footfall uses")
    for file in card.files:
        path = place / file.name
        try:
            got = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise _damaged(folder, path, f"cannot be read ({error.strerror})") from error
        if got != file.sha256:
            raise _damaged(folder, path, f"damaged, sha256 {got[:12]} instead of {file.sha256[:12]}")


def _damaged(folder: Path, path: Path, problem: str) -> ModelError:
    return ModelError(f"{path}: {problem}", fix=model_folder.build_command(folder, browser=True))
