"""The card of an exported network: what it is, how it is used, and the hash of each of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from models.catalog import CATALOG, Kind, NetworkSpec, Output, Part, Pixels
from models.embedding import Attribute, Embedding, Line, Record
from models.model_folder import Source, footfall_version

CARD = "card.json"
INPUT = "image"
"""Name of the input, in every format."""
MAX_BYTES = 100_000
"""Limit of a card: checking it takes a thousand times its memory, where every value in it is wrong."""


class Format(StrEnum):
    """What networks are exported to. FOLDER: all of them in one folder. PACK: see `models.packs`."""

    FOLDER = "folder"
    PACK = "pack"
    SAVED_MODEL = "saved_model"
    TFJS = "tfjs"
    ONNX = "onnx"


class WeightType(StrEnum):
    """Type of the weights in a TensorFlow.js model."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    UINT8 = "uint8"


class PackPrecision(StrEnum):
    """Type of the weights of a TensorFlow Lite file in a model pack, best first."""

    FLOAT16 = "float16"
    FLOAT32 = "float32"
    INT8 = "int8"


class Accuracy(Record):
    """One measured figure. precision: of the file that was measured.

    dataset: what it was measured on, with its size. measure: such as "TAR at FAR 0.001". value: 0..1.
    """

    precision: PackPrecision
    dataset: Line
    measure: Line
    value: float = Field(ge=0, le=1)


class Input(Record):
    """The input. shape: NHWC, null where free."""

    name: Line
    shape: tuple[int | None, ...]
    pixels: Pixels | None


class File(Record):
    """A file of the folder. name: with slashes. size: bytes."""

    name: Line
    size: int
    sha256: str


class Card(Record):
    """An exported network.

    weights: their type; null in a pack, whose files have it in their names. outputs: by name, in order. dimension,
    embedding: of an embedder, null for others. attribute: of a network of that kind. accuracy: as measured by whoever
    made it. source: package and version are empty where the weights come from a file of the user's. files: all others
    in the folder.
    """

    name: Line
    kind: Kind
    purpose: Line
    format: Format
    weights: str | None
    input: Input
    outputs: dict[str, Output]
    dimension: int | None
    embedding: Embedding | None = None
    attribute: Attribute | None = None
    accuracy: tuple[Accuracy, ...] = ()
    licence: Line
    source: Source
    footfall_version: Line
    files: tuple[File, ...]


def exportable(form: Format) -> tuple[str, ...]:
    """The networks that a format can have: all but the variants for the coarse detector, which only the agent uses."""
    return tuple(
        name
        for name, spec in CATALOG.items()
        if spec.part is Part.WHOLE and not spec.eight_bits and (form is Format.PACK or not spec.published_as_tflite)
    )


def output_name(number: int) -> str:
    """Name of an output, counted from 0, in every format."""
    return f"output_{number}"


def of(spec: NetworkSpec, source: Source, *, form: Format, weights: str | None) -> Card:
    """The card of a network of the catalog, still without files. weights: their type, None in a pack."""
    return Card(
        name=spec.name,
        kind=spec.kind,
        purpose=spec.purpose,
        format=form,
        weights=weights,
        input=Input(name=INPUT, shape=spec.input_shape, pixels=spec.pixels),
        outputs={output_name(number): output for number, output in enumerate(spec.outputs)},
        dimension=spec.dimension,
        embedding=spec.embedding,
        attribute=spec.attribute,
        licence=spec.licence,
        source=source,
        footfall_version=footfall_version(),
        files=(),
    )


def write(folder: Path, card: Card) -> Card:
    """Write a card that lists the other files of the folder; returns it. Raises OSError."""
    whole = card.model_copy(update={"files": tuple(_files(folder))})
    (folder / CARD).write_text(whole.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return whole


def read(folder: Path) -> Card:
    """The card of an exported network. Raises OSError, and ValueError where it is no card."""
    with (folder / CARD).open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES // 1000} kB")
    return Card.model_validate_json(content)


def _files(folder: Path) -> Iterator[File]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / CARD):
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        yield File(name=path.relative_to(folder).as_posix(), size=len(content), sha256=sha256)
