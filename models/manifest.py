"""What a model folder holds: one manifest that names every file, its hash and where its weights come from."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from config.errors import ModelError
from config.settings import ModelSettings, Precision
from models.apart import ADVICE, can_build
from models.catalog import CATALOG, RECIPE, NetworkSpec

FILE_NAME = "manifest.json"
LICENCES = "LICENCES.txt"
FORMAT = 1
"""Version of the manifest's fields."""
_SCRATCH = ".build-"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """The published weights: package, its version as installed, file inside it and the file's hash."""

    package: str
    version: str
    file: str
    sha256: str


class Entry(_Record):
    """One converted network. size: bytes. input_shape: NHWC, null where any size goes."""

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


class Manifest(_Record):
    """Contents of a model folder. recipe: version of definitions and conversion. created_at: ISO 8601, UTC."""

    format: int
    recipe: int
    footfall_version: str
    created_at: str
    networks: tuple[Entry, ...]

    def entry(self, spec: NetworkSpec, precision: Precision) -> Entry | None:
        """The entry of a network, None where it has not been built."""
        found = (entry for entry in self.networks if entry.name == spec.name and entry.precision is precision)
        return next(found, None)

    def precisions(self) -> list[Precision]:
        """The number formats of which at least one network is here."""
        return [precision for precision in Precision if any(entry.precision is precision for entry in self.networks)]


class State(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How one network stands in a folder. size: bytes, None unless whole. problem: None where there is none."""

    spec: NetworkSpec
    precision: Precision
    state: State
    size: int | None
    problem: str | None


def build_command(folder: Path, *, force: bool = False) -> str:
    """What makes the folder whole, as advice to a person: the command, or the way out where nothing can be built."""
    if not can_build():
        return ADVICE
    place = "" if folder == ModelSettings().dir else f" --models {shlex.quote(str(folder))}"
    return f"run: footfall models build{' --force' if force else ''}{place}"


def read(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises ModelError when there is none, it cannot be understood, or another version of Footfall built the files.
    """
    path = folder / FILE_NAME
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


def place(folder: Path, contents: Mapping[str, bytes], manifest: Manifest) -> None:
    """Put files and their manifest into a folder: each at once and whole, the manifest last.

    contents: file name -> bytes. What an earlier, killed call left behind is removed. One caller at a time.
    Raises OSError; the folder then holds no half file.
    """
    for left in folder.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=folder) as name:
        scratch = Path(name)
        text = manifest.model_dump_json(indent=2) + "\n"
        files = {**contents, FILE_NAME: text.encode()}
        for file, content in files.items():
            (scratch / file).write_bytes(content)
        for file in files:
            (scratch / file).replace(folder / file)


def load(folder: Path, spec: NetworkSpec, precision: Precision) -> bytes:
    """The bytes of one converted network, exactly as they were built.

    Raises ModelError naming the file when it is missing, cut short, altered, or built from other weights.
    """
    return _checked(folder, read(folder), spec, precision)


def verify(folder: Path, precision: Precision) -> None:
    """Check every network of one precision. Raises ModelError naming the first file that is not as it was built."""
    manifest = read(folder)
    for spec in CATALOG.values():
        _checked(folder, manifest, spec, precision)


def standing(folder: Path, spec: NetworkSpec, precision: Precision) -> Standing:
    """How one network stands in a folder; raises nothing."""
    path = folder / spec.file_name(precision)
    try:
        content = load(folder, spec, precision)
    except ModelError as error:
        state = State.DAMAGED if path.exists() else State.MISSING
        return Standing(spec=spec, precision=precision, state=state, size=None, problem=error.problem)
    return Standing(spec=spec, precision=precision, state=State.OK, size=len(content), problem=None)


def _checked(folder: Path, manifest: Manifest, spec: NetworkSpec, precision: Precision) -> bytes:
    path = folder / spec.file_name(precision)
    entry = manifest.entry(spec, precision)
    if entry is None:
        raise ModelError(f"{path.name}: not built in {folder}", fix=build_command(folder))
    mend = build_command(folder, force=True)
    if entry.source.sha256 != spec.source_sha256:
        raise ModelError(f"{path}: built from other weights than this version of Footfall uses", fix=mend)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=mend) from error
    if len(content) != entry.size:
        raise ModelError(f"{path}: damaged, {len(content)} bytes instead of {entry.size}", fix=mend)
    got = hashlib.sha256(content).hexdigest()
    if got != entry.sha256:
        raise ModelError(f"{path}: damaged, sha256 {got[:12]} instead of {entry.sha256[:12]}", fix=mend)
    return content
