"""Copying a model folder for machines that cannot build one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from config.errors import ModelError
from config.settings import Precision
from models import manifest
from models.catalog import CATALOG


def export(folder: Path, to: Path, *, precisions: Sequence[Precision]) -> int:
    """Copy checked networks and a manifest of just them; returns how many. `to` is made if missing.

    Raises ModelError when one is not whole, or `to` cannot be written or is the folder itself.
    """
    if to.exists() and to.samefile(folder):
        raise ModelError(f"{to} is the model folder itself", fix="name another folder: --to DIR")
    contents = {
        spec.file_name(precision): manifest.load(folder, spec, precision)
        for precision in precisions
        for spec in CATALOG.values()
    }
    whole = manifest.read(folder)
    networks = tuple(entry for entry in whole.networks if entry.file in contents)
    try:
        licences = {manifest.LICENCES: (folder / manifest.LICENCES).read_bytes()}
    except OSError as error:
        problem = f"{folder / manifest.LICENCES}: cannot be read ({error.strerror})"
        raise ModelError(problem, fix=manifest.build_command(folder, force=True)) from error
    try:
        to.mkdir(parents=True, exist_ok=True)
        manifest.place(to, contents | licences, whole.model_copy(update={"networks": networks}))
    except OSError as error:
        problem = f"{to}: cannot be written ({error.strerror or error})"
        raise ModelError(problem, fix="free space or permit writing there, or name another folder: --to DIR") from error
    return len(contents)
