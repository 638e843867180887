"""FaceNet's layers: their names in each form, and what is said of those that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from config.errors import ModelError
from models import facenet
from tests.models import facenet_files as files

inception_resnet = pytest.importorskip("models.networks.inception_resnet", reason="needs the models extra")

Batch = NDArray[np.float32]
Layers = dict[str, dict[str, Batch]]


@pytest.fixture(scope="module")
def network_128() -> Any:
    return inception_resnet.inception_resnet(128)


def _layers(network: Any) -> Layers:
    return {
        layer.name: {each.name: np.asarray(each.value) for each in layer.weights}
        for layer in network.layers
        if layer.weights
    }


@pytest.mark.parametrize(
    ("layer", "weight", "values", "problem"),
    [
        pytest.param(
            "Block35_2_Branch_1_Conv2d_0b_3x3",
            "kernel",
            np.zeros((3, 3, 32, 64), np.float32),
            r"Block35_2_Branch_1_Conv2d_0b_3x3: kernel of shape \(3, 3, 32, 64\), expected \(3, 3, 32, 32\)",
            id="other-shape",
        ),
        pytest.param("Block8_6_Conv2d_1x1", "bias", None, "Block8_6_Conv2d_1x1: no bias", id="missing"),
        pytest.param(
            "Bottleneck_BatchNorm",
            "beta",
            np.full(128, np.nan, np.float32),
            "Bottleneck_BatchNorm: beta is not finite",
            id="not-a-number",
        ),
    ],
)
def test_first_layer_that_does_not_fit_is_named(
    layer: str, weight: str, values: Batch | None, problem: str, network_128: Any, tmp_path: Path
) -> None:
    layers = _layers(network_128)
    del layers[layer][weight]
    if values is not None:
        layers[layer][weight] = values
    files.write_npz(tmp_path / "npz", layers, named=True)
    with pytest.raises(ModelError, match=problem):
        inception_resnet.load(network_128, facenet.read(tmp_path / "npz").layers)


def test_layer_without_weights_is_named_in_the_order_of_the_network(network_128: Any, tmp_path: Path) -> None:
    layers = _layers(network_128)
    del layers["Bottleneck"], layers["Mixed_6a_Branch_0_Conv2d_1a_3x3_BatchNorm"]
    files.write_npz(tmp_path / "npz", layers, named=True)
    with pytest.raises(ModelError, match="Mixed_6a_Branch_0_Conv2d_1a_3x3_BatchNorm: missing"):
        inception_resnet.load(network_128, facenet.read(tmp_path / "npz").layers)


def test_names_of_deepface_are_read(tmp_path: Path) -> None:
    """It numbers the second branch like its block, from the second block on."""
    value = {"kernel": np.ones((1, 1, 2, 2), np.float32)}
    names = (
        "Block17_10_Branch_10_Conv2d_0a_1x1",
        "Block8_3_Branch_3_Conv2d_0b_1x3",
        "Block35_2_Branch_2_Conv2d_0b_3x3",
    )
    files.write_keras(tmp_path / "deepface.h5", dict.fromkeys(names, value), model=False)
    assert set(facenet.read(tmp_path / "deepface.h5").layers) == {
        "Block17_10_Branch_1_Conv2d_0a_1x1",
        "Block8_3_Branch_1_Conv2d_0b_1x3",
        "Block35_2_Branch_2_Conv2d_0b_3x3",
    }


def test_statistics_may_lie_in_the_file_of_their_convolution(tmp_path: Path) -> None:
    weights = {"weights": np.ones((3, 3, 3, 32), np.float32), "beta": np.zeros(32, np.float32)}
    files.write_npz(tmp_path / "npz", {"Conv2d_1a_3x3": weights}, named=True)
    layers = facenet.read(tmp_path / "npz").layers
    assert {layer: set(each) for layer, each in layers.items()} == {
        "Conv2d_1a_3x3": {"kernel"},
        "Conv2d_1a_3x3_BatchNorm": {"beta"},
    }


def test_file_of_another_network_is_rejected(tmp_path: Path) -> None:
    files.write_keras(tmp_path / "vgg.h5", {"conv1_1": {"kernel": np.ones(3, np.float32)}}, model=False)
    with pytest.raises(
        ModelError, match=r"vgg\.h5: no layer of FaceNet; the first of its 1 is /conv1_1/conv1_1/kernel:0"
    ):
        facenet.read(tmp_path / "vgg.h5")


@pytest.mark.parametrize(
    "content", [b"", b"# weights\n", b"PK\x05\x06" + bytes(18)], ids=["empty", "text", "empty-zip"]
)
def test_other_files_are_rejected(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "facenet.bin").write_bytes(content)
    with pytest.raises(ModelError, match=r"facenet\.bin: none of the forms Keras \.h5, folder of arrays"):
        facenet.read(tmp_path / "facenet.bin")


def test_missing_file_and_empty_folder_are_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        facenet.read(tmp_path / "none.h5")
    with pytest.raises(ModelError, match="it has no arrays of floats"):
        facenet.read(tmp_path)
