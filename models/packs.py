"""Model packs: one network in a folder or a .zip, with a card of what it needs, its licence, and the hash of each file.

Packs that are added to a model folder are in its folder `packs`, under their names.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from config.errors import ModelError
from config.settings import Precision
from models import cards, model_folder, replacement
from models.cards import CARD, INPUT, Accuracy, Card, File, Format, Input, PackPrecision, output_name
from models.catalog import CATALOG, Kind, Output, Pixels
from models.embedding import Embedding
from models.model_folder import LICENCES, Source, footfall_version

FOLDER = "packs"
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,40}")
RESERVED = frozenset({*CATALOG, "mtcnn", "haar", "all"})
"""Names that packs cannot have: networks, embedders and detectors have them."""
_FILE_NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._ -]{0,120}")
"""Names that are files of one folder on every system."""
_ID_DIGITS = 12
_MAKES_VECTORS: dict[str, set[str] | bool] = {
    "input": {"pixels"},
    "dimension": True,
    "embedding": {"crop", "distance"},
    "source": {"sha256"},
}
"""Fields of a card by which vectors differ."""
WHAT = "name a folder or .zip that 'footfall train' or 'footfall models export --format pack' wrote"
"""The fix where something else was named."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack in a folder."""

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """Its name, as in the settings."""
        return self.card.name

    @property
    def network(self) -> str:
        """The id of its vectors in a store; another one for other weights, or another crop, under the same name."""
        made_by = self.card.model_dump_json(include=_MAKES_VECTORS)
        return f"{self.name}@{hashlib.sha256(made_by.encode()).hexdigest()[:_ID_DIGITS]}"

    @property
    def precisions(self) -> tuple[PackPrecision, ...]:
        """Those of which it has a file, best first."""
        names = {file.name for file in self.card.files}
        return tuple(each for each in PackPrecision if file_name(self.name, each) in names)

    def closest(self, wanted: Precision) -> PackPrecision:
        """The precision of the settings if the pack has it, else the best that it has."""
        same = PackPrecision(wanted.value)
        return same if same in self.precisions else self.precisions[0]

    def content(self, precision: PackPrecision) -> bytes:
        """The verified bytes of one of its networks. Raises ModelError."""
        return _content(self.folder, next(f for f in self.card.files if f.name == file_name(self.name, precision)))


def is_file_name(name: str) -> bool:
    """Whether a file may have that name in a pack: it is in the folder itself on every system."""
    return _FILE_NAME.fullmatch(name) is not None and name.strip(". ") != ""


def file_name(name: str, precision: PackPrecision) -> str:
    """Name of the network's file in a pack."""
    return f"{name}-{precision.value}.tflite"


def create(
    folder: Path,
    *,
    name: str,
    purpose: str,
    pixels: Pixels,
    embedding: Embedding,
    dimension: int,
    contents: Mapping[PackPrecision, bytes],
    source: Source,
    licence: str,
    accuracy: Sequence[Accuracy] = (),
    force: bool = False,
) -> Pack:
    """Write the pack of an embedder into a new folder, atomically.

    contents: TensorFlow Lite files whose first output is the vector. source: of the weights, with the hash that tells
    them from others. force: replace a folder that is not empty. Raises ModelError where the name or a text
    cannot be used, or the folder is not empty or cannot be written.
    """
    require_name(name)
    if not contents:
        raise ValueError("contents: expected at least one network")
    try:
        card = Card(
            name=name,
            kind=Kind.EMBEDDER,
            purpose=purpose,
            format=Format.PACK,
            weights=None,
            input=Input(name=INPUT, shape=(None, embedding.crop.side, embedding.crop.side, 3), pixels=pixels),
            outputs={output_name(0): Output("vector", ("N", dimension), "embedding")},
            dimension=dimension,
            embedding=embedding,
            accuracy=tuple(accuracy),
            licence=licence,
            source=source,
            footfall_version=footfall_version(),
            files=(),
        )
    except ValidationError as error:
        raise ModelError(f"the card of {name}: {_first_problem(error)}", fix="correct that text") from error
    files = {file_name(name, precision): content for precision, content in contents.items()}
    texts = {LICENCES: f"{name} ({licence})\n".encode()}
    with replaced(folder, force=force, option="--out DIR") as new:
        for file, content in {**files, **texts}.items():
            (new / file).write_bytes(content)
        written = cards.write(new, card)
    return Pack(folder, written)


def read(folder: Path) -> Pack:
    """The pack in a folder; its files are verified when they are read.

    Raises ModelError where it has no card, or one that no program of this version can use.
    """
    path = folder / CARD
    try:
        card = cards.read(folder)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: no model pack, it has no {CARD}", fix=WHAT) from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix="check its permissions") from error
    except ValidationError as error:
        problem = f"{path}: {_first_problem(error)}"
        raise ModelError(problem, fix="correct the card (docs/models.md), or update Footfall") from error
    except ValueError as error:
        raise ModelError(f"{path}: no card of a model pack ({error})", fix=WHAT) from error
    _require_usable(card, path)
    return Pack(folder, card)


def verify(pack: Pack) -> None:
    """Verify the hash of every file. Raises ModelError naming the first that fails."""
    for file in pack.card.files:
        _content(pack.folder, file)


def installed(models: Path) -> list[Pack]:
    """The packs of a model folder, by name. Raises ModelError for one with a damaged card."""
    found, damaged = readable(models)
    if damaged:
        raise next(iter(damaged.values()))
    return found


def readable(models: Path) -> tuple[list[Pack], dict[str, ModelError]]:
    """The packs of a model folder, and why others cannot be used, both by name."""
    found: list[Pack] = []
    damaged: dict[str, ModelError] = {}
    folder = models / FOLDER
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and NAME.fullmatch(path.name):
            try:
                found.append(_read_own(path))
            except ModelError as error:
                damaged[path.name] = error
    return found, damaged


def find(name: str, models: Path) -> Pack | None:
    """The pack of that name in a model folder, None where there is none. Raises ModelError for a damaged card."""
    folder = models / FOLDER / name
    return _read_own(folder) if NAME.fullmatch(name) and folder.is_dir() else None


def _read_own(folder: Path) -> Pack:
    """The pack in a folder of its name."""
    pack = read(folder)
    if pack.name != folder.name:
        raise ModelError(f"{folder}: the pack in it is named {pack.name}", fix=f"rename the folder to {pack.name}")
    return pack


def require_name(name: str) -> None:
    """Raises ModelError for a name that packs cannot have."""
    if not NAME.fullmatch(name):
        problem = f"{name!r} cannot be the name of a model pack"
        raise ModelError(problem, fix="use up to 41 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit")
    if name in RESERVED:
        raise ModelError(f"{name} is the name of a network that Footfall has", fix="give another name")


@contextmanager
def replaced(folder: Path, *, force: bool, option: str) -> Iterator[Path]:
    """A temporary folder that becomes `folder` when the block ends without an error.

    force: replace a folder that is not empty. option: how another folder is named. Raises ModelError.
    """
    replacement.require_free(folder, force=force, option=option)
    with (
        model_folder.writable(folder.parent, option=option),
        tempfile.TemporaryDirectory(prefix=".new-", dir=folder.parent) as temporary,
    ):
        new = Path(temporary, "new")
        new.mkdir()
        yield new
        replacement.replace(folder, new, old=Path(temporary, "old"))


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"])) or "document"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"


def _require_usable(card: Card, path: Path) -> None:
    """Raises ModelError where a card contradicts itself or lacks what its kind needs."""
    problem = None
    names = [file.name for file in card.files]
    if card.format is not Format.PACK:
        problem = f"the format is {card.format.value}, not pack"
    elif CARD in names or not all(map(is_file_name, names)):
        problem = "a file is not in the folder itself"
    elif not any(name == file_name(card.name, each) for name in names for each in PackPrecision):
        problem = f"no network named {card.name}-PRECISION.tflite among its files"
    elif LICENCES not in names:
        problem = f"no {LICENCES} among its files"
    elif card.kind is Kind.EMBEDDER:
        problem = _problem_of_embedder(card)
    if problem is not None:
        raise ModelError(f"{path}: {problem}", fix=WHAT)


def _problem_of_embedder(card: Card) -> str | None:
    pixels, embedding = card.input.pixels, card.embedding
    if embedding is None or card.dimension is None or pixels is None:
        return "an embedder needs embedding, dimension and input.pixels"
    if tuple(card.input.shape[1:]) != (embedding.crop.side,) * 2 + (3,):
        return f"the input {card.input.shape} is not the crop of {embedding.crop.side} px"
    if pixels.channels == "grey" or pixels.dtype != "float32":
        return f"the pixels of an embedder are RGB or BGR as float32, not {pixels.channels} as {pixels.dtype}"
    return None


def _content(folder: Path, file: File) -> bytes:
    path = folder / file.name
    fix = "get the whole pack again, and add it: footfall models add PACK --force"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=fix) from error
    got = hashlib.sha256(content).hexdigest()
    if (len(content), got) != (file.size, file.sha256):
        raise ModelError(f"{path}: damaged, sha256 {got[:12]} instead of {file.sha256[:12]}", fix=fix)
    return content
