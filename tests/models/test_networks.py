"""The Keras networks against golden values, the mtcnn package and dlib."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import ModelError
from models import weights
from models.catalog import CATALOG
from tests.models.conftest import BATCHED, CONVERTED, published, stem_reference, waves

keras = pytest.importorskip("keras", reason="needs the models extra")
convert = pytest.importorskip("models.convert", reason="needs the models extra")

Batch = NDArray[np.float32]
Batches = Callable[[str, int], Batch]
Deviation = Callable[[str, Sequence[Batch]], float]


@pytest.fixture(scope="module")
def networks() -> dict[str, Callable[[Batch], list[Batch]]]:
    def runner(name: str) -> Callable[[Batch], list[Batch]]:
        spec = CATALOG[name]
        model = convert.keras_network(spec, published(name))

        def run(batch: Batch) -> list[Batch]:
            outputs = model(batch, training=False)
            return [np.asarray(output) for output in (outputs if isinstance(outputs, list | tuple) else [outputs])]

        return run

    return {name: runner(name) for name in CONVERTED}


@pytest.mark.parametrize("name", [name for name in BATCHED if name in CONVERTED])
def test_outputs_match_golden_values(name: str, networks, batch_for: Batches, deviation: Deviation) -> None:
    assert deviation(name, networks[name](batch_for(name, 2))) < 1e-4


def test_stem_matches_reference_implementation(networks, batch_for: Batches) -> None:
    batch = batch_for("pnet_stem", 2)
    (got,) = networks["pnet_stem"](batch)
    assert abs(got - stem_reference(batch)).max() < 1e-5


@pytest.mark.parametrize("name", CONVERTED)
def test_batch_order_does_not_matter(name: str, networks, batch_for: Batches) -> None:
    batch = batch_for(name, 3)
    forward, backward = networks[name](batch), networks[name](batch[::-1].copy())
    for there, back in zip(forward, backward, strict=True):
        assert abs(there - back[::-1]).max() < 1e-5


@pytest.mark.parametrize(("name", "kind"), [("pnet", "PNet"), ("rnet", "RNet"), ("onet", "ONet")])
def test_outputs_match_the_mtcnn_package(name: str, kind: str, networks, batch_for: Batches) -> None:
    theirs = getattr(importlib.import_module(f"mtcnn.network.{name}"), kind)()
    theirs.build()
    theirs.set_weights(weights.read_mtcnn(published(name)))
    batch = batch_for(name, 3)
    for mine, other in zip(networks[name](batch), theirs(batch), strict=True):
        assert mine.shape == other.shape
        assert abs(mine - np.asarray(other)).max() < 1e-5


def test_vector_matches_dlib(networks, batch_for: Batches) -> None:
    dlib = pytest.importorskip("dlib", reason="needs dlib-bin")
    theirs = dlib.face_recognition_model_v1(str(weights.find(CATALOG["dlib_resnet"])))
    batch = batch_for("dlib_resnet", 2)
    want = np.array([theirs.compute_face_descriptor(chip) for chip in batch.astype(np.uint8)])
    assert np.linalg.norm(networks["dlib_resnet"](batch)[0] - want, axis=1).max() < 1e-4


def test_vector_matches_opencv(networks, batch_for: Batches, tmp_path: Path) -> None:
    """OpenCV runs the published file itself; its vectors are not of unit length."""
    file = tmp_path / "sface.onnx"
    file.write_bytes(published("sface"))
    theirs = cv2.dnn.readNet(str(file))
    batch = batch_for("sface", 3)
    want = np.empty((3, 128), np.float32)
    for row, chip in enumerate(batch):
        theirs.setInput(np.ascontiguousarray(chip.transpose(2, 0, 1)[None]))
        want[row] = theirs.forward()[0]
    want /= np.linalg.norm(want, axis=1, keepdims=True)
    assert np.linalg.norm(networks["sface"](batch)[0] - want, axis=1).max() < 1e-5


def test_outputs_of_yunet_match_opencv(networks, tmp_path: Path) -> None:
    file = tmp_path / "yunet.onnx"
    file.write_bytes(published("yunet"))
    theirs = cv2.dnn.readNetFromONNX(str(file))
    image = waves(1, 640, 640).astype(np.float32)
    theirs.setInput(np.ascontiguousarray(image.transpose(0, 3, 1, 2)))
    names = [f"{head}_{stride}" for head in ("cls", "obj", "bbox", "kps") for stride in (8, 16, 32)]
    want = dict(zip(names, theirs.forward(names), strict=True))
    for stride, output in zip((8, 16, 32), networks["yunet"](image), strict=True):
        mine = output.reshape(-1, 6)
        for head, columns in (("cls", slice(0, 1)), ("obj", slice(1, 2)), ("bbox", slice(2, 6))):
            assert abs(mine[:, columns] - want[f"{head}_{stride}"].reshape(len(mine), -1)).max() < 1e-5


def test_weights_of_another_network_are_rejected() -> None:
    with pytest.raises(ValueError, match="weight"):
        convert.mtcnn.load(convert.mtcnn.rnet(), weights.read_mtcnn(weights.find(CATALOG["pnet"]).read_bytes()))


def test_dlib_file_without_layers_is_rejected() -> None:
    with pytest.raises(ModelError, match="dlib network"):
        convert.keras_network(CATALOG["dlib_resnet"], b"\x01\x05con_4 and nothing after it")


def test_ages_match_opencv(networks, batch_for: Batches, tmp_path: Path) -> None:
    file = tmp_path / "age.onnx"
    file.write_bytes(published("age"))
    theirs = cv2.dnn.readNetFromONNX(str(file))
    batch = batch_for("age", 3)
    normalised = (batch - np.array([122.782, 117.001, 104.298], np.float32)) / 256
    got = networks["age"](batch)[0]
    for row, chip in enumerate(normalised):
        theirs.setInput(np.ascontiguousarray(chip.transpose(2, 0, 1)[None]))
        assert abs(got[row] - theirs.forward()[0]).max() < 1e-5
