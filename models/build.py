"""Building a model folder from the published weights: all or nothing, one process at a time."""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from config.errors import ModelError
from config.settings import Precision
from models import manifest, weights
from models.catalog import CATALOG, RECIPE, NetworkSpec
from models.manifest import Entry, Manifest, Source

Progress = Callable[[str, float], None]
"""Called with what is being done and the part of the whole that is done, 0..1."""

_LOCK_NAME = ".lock"
_LOCK_WAIT_S = 600.0
_LOADED = 0.5  # TensorFlow takes as long to load as all conversions together


def build(
    folder: Path,
    *,
    precisions: Sequence[Precision] = tuple(Precision),
    progress: Progress | None = None,
    force: bool = False,
) -> None:
    """Convert every network of the catalog into `folder`, unless what is there is whole.

    Loads TensorFlow into this process; `models.apart` does it in another. Whatever stops it, files in the folder are
    whole: they are moved into place when all are finished, the manifest last.
    Raises ModelError when a package is missing, a weight file is not the published one, or the folder is not writable.
    """
    say = progress or _silent
    with _writing(folder), _alone(folder, say):
        wanted = [precision for precision in precisions if force or not _whole(folder, precision)]
        if wanted:
            converted = _convert_all(wanted, say)
            contents = {entry.file: content for entry, content in converted}
            contents[manifest.LICENCES] = _licences()
            manifest.place(folder, contents, _merged(folder, [entry for entry, _ in converted]))
    say("done", 1.0)


def _convert_all(precisions: Sequence[Precision], say: Progress) -> list[tuple[Entry, bytes]]:
    say("reading weights", 0.0)
    contents = {name: weights.read_verified(weights.find(spec), spec) for name, spec in CATALOG.items()}
    say("loading TensorFlow", 0.05)
    try:
        from models import convert  # loads TensorFlow, after all that can fail early
    except ImportError as error:
        raise ModelError(f"building the models needs TensorFlow ({error})", fix=weights.INSTALL) from error

    converted = []
    for number, (name, spec) in enumerate(CATALOG.items()):
        network = convert.keras_network(spec, contents[name])
        for position, precision in enumerate(precisions):
            done = (number + position / len(precisions)) / len(CATALOG)
            say(f"converting {name} to {precision.value}", _LOADED + (1 - _LOADED) * done)
            content = convert.to_tflite(network, spec, precision)
            converted.append((_entry(spec, precision, content), content))
    return converted


def _entry(spec: NetworkSpec, precision: Precision, content: bytes) -> Entry:
    return Entry(
        name=spec.name,
        precision=precision,
        file=spec.file_name(precision),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        source=Source(
            package=spec.source_package,
            version=weights.installed_version(spec),
            file=spec.source_file,
            sha256=spec.source_sha256,
        ),
        licence=spec.licence,
        input_shape=spec.input_shape,
        input_range=spec.input_range,
        outputs=spec.outputs,
    )


def _licences() -> bytes:
    """Licence texts of the source packages, which whoever copies the folder must hand on."""
    packages = {spec.source_package: spec for spec in CATALOG.values()}
    parts = [f"{name} ({spec.licence})\n\n{weights.licence_text(spec)}" for name, spec in packages.items()]
    return f"\n{'=' * 72}\n\n".join(parts).encode()


def _merged(folder: Path, fresh: Sequence[Entry]) -> Manifest:
    """The manifest of the fresh files and of those that stay."""
    names = {entry.file for entry in fresh}
    try:
        staying = [entry for entry in manifest.read(folder).networks if entry.file not in names]
    except ModelError:
        staying = []
    return Manifest(
        format=manifest.FORMAT,
        recipe=RECIPE,
        footfall_version=_footfall_version(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        networks=(*staying, *fresh),
    )


def _whole(folder: Path, precision: Precision) -> bool:
    try:
        manifest.verify(folder, precision)
    except ModelError:
        return False
    return True


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Make the folder, and turn what the disk says into advice."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        problem = f"{folder}: cannot be written ({error.strerror or error})"
        raise ModelError(
            problem, fix="free space or permit writing there, or name another folder: --models DIR"
        ) from error


@contextmanager
def _alone(folder: Path, say: Progress) -> Iterator[None]:
    """Hold the folder's lock, which the kernel frees when the process dies."""
    lock = FileLock(folder / _LOCK_NAME)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say("another process is building these models, waiting for it", 0.0)
        try:
            lock.acquire(timeout=_LOCK_WAIT_S)
        except Timeout as error:
            problem = f"{folder}: another process has been building for {_LOCK_WAIT_S / 60:.0f} minutes"
            raise ModelError(problem, fix="end that process and try again") from error
    try:
        yield
    finally:
        lock.release()


def _footfall_version() -> str:
    try:
        return importlib.metadata.version("footfall")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _silent(step: str, fraction: float) -> None:
    """Shows nothing."""
