"""The card of an exported network: what it is, how it is used, and the hash of each of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from models.catalog import CATALOG, Kind, NetworkSpec, Output, Part, Pixels
from models.packs import Record, Source, footfall_version

CARD = "card.json"
INPUT = "image"
"""Name of the input, in every format."""


class Format(StrEnum):
    """What networks are exported to."""

    PACK = "pack"
    TFLITE = "tflite"
    SAVED_MODEL = "saved_model"
    TFJS = "tfjs"
    ONNX = "onnx"


class WeightType(StrEnum):
    """Type of the weights in a TensorFlow.js model."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    UINT8 = "uint8"


class Input(Record):
    """The input. shape: NHWC, null where free."""

    name: str
    shape: tuple[int | None, ...]
    pixels: Pixels | None


class File(Record):
    """A file of the folder. name: with slashes. size: bytes."""

    name: str
    size: int
    sha256: str


class Card(Record):
    """An exported network.

    weights: their type; null where the published file is used as it is. outputs: by name, in order.
    dimension, distance: of the vectors of an embedder, null for others. files: all others in the folder.
    """

    name: str
    kind: Kind
    purpose: str
    format: Format
    weights: str | None
    input: Input
    outputs: dict[str, Output]
    dimension: int | None
    distance: str | None
    licence: str
    source: Source
    footfall_version: str
    files: tuple[File, ...]


def exportable(form: Format) -> tuple[str, ...]:
    """The networks that a format can have: all but the variants for the coarse detector, which only the agent uses."""
    return tuple(
        name
        for name, spec in CATALOG.items()
        if spec.part is Part.WHOLE and not spec.eight_bits and (form is Format.TFLITE or not spec.published_as_tflite)
    )


def output_name(number: int) -> str:
    """Name of an output, counted from 0, in every format."""
    return f"output_{number}"


def write(folder: Path, spec: NetworkSpec, source: Source, *, form: Format, weights: str) -> None:
    """Write the card of a network whose other files are in the folder. weights: their type. Raises OSError."""
    card = Card(
        name=spec.name,
        kind=spec.kind,
        purpose=spec.purpose,
        format=form,
        weights=None if spec.published_as_tflite else weights,
        input=Input(name=INPUT, shape=spec.input_shape, pixels=spec.pixels),
        outputs={output_name(number): output for number, output in enumerate(spec.outputs)},
        dimension=spec.dimension,
        distance=spec.distance,
        licence=spec.licence,
        source=source,
        footfall_version=footfall_version(),
        files=tuple(_files(folder)),
    )
    (folder / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Card:
    """The card of an exported network. Raises OSError, and ValueError where it is no card."""
    return Card.model_validate_json((folder / CARD).read_bytes())


def _files(folder: Path) -> Iterator[File]:
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        yield File(name=path.relative_to(folder).as_posix(), size=len(content), sha256=sha256)
