"""TensorFlow.js models: Node gets the vectors and faces that the agent gets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from config.settings import Precision
from models import tfjs
from models.cards import Format, WeightType, exportable
from models.catalog import CATALOG, EMBEDDERS
from models.runtime import Network, open_network
from models.tfjs import Graph
from models.tfjs import Node as Operation
from tests.models.conftest import published
from tests.models.javascript import Node, NodeNetwork, running_node
from tests.tracker.vision.scenes import astronaut
from tracker.vision import embedders, yunet
from tracker.vision.align import align
from tracker.vision.boxes import iou_matrix
from tracker.vision.cascade import Cascade
from tracker.vision.detector import Detector
from tracker.vision.faces import Faces, Image
from tracker.vision.yunet import YuNetDetector

convert = pytest.importorskip("models.convert", reason="needs the models extra")

Batch = NDArray[np.float32]
Batches = Callable[[str, int], Batch]
Exported = Callable[[str, WeightType], Path]
NAMES = exportable(Format.TFJS)
VECTOR_LIMITS = {WeightType.FLOAT32: 1e-4, WeightType.FLOAT16: 3e-3, WeightType.UINT8: 0.1}
"""The largest Euclidean distance from the vector of the agent, by type of the weights."""
each_type = pytest.mark.parametrize("dtype", list(WeightType))


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as running:
        yield running


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """(network name, type of the weights) -> the folder of the model, written once."""

    @cache
    def graph(name: str) -> Graph:
        return convert.to_graph(convert.keras_network(CATALOG[name], published(name)), CATALOG[name])

    @cache
    def written(name: str, dtype: WeightType) -> Path:
        folder = tmp_path_factory.mktemp(f"{name}-{dtype}")
        tfjs.write(graph(name), folder, dtype)
        return folder

    return written


@pytest.fixture(scope="module")
def picture() -> Image:
    return cv2.resize(astronaut(), (256, 256), interpolation=cv2.INTER_AREA).astype(np.uint8)


@pytest.fixture(scope="module")
def ours(models_folder: Path) -> Callable[[str], Network]:
    return lambda name: open_network(name, folder=models_folder, precision=Precision.FLOAT32, threads=2)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in EMBEDDERS])
def test_outputs_are_those_of_the_agent(
    name: str, node: Node, exported: Exported, ours: Callable[[str], Network], batch_for: Batches
) -> None:
    batch = batch_for(name, 2)
    theirs = node.network(exported(name, WeightType.FLOAT32)).run(batch)
    for got, want in zip(theirs, ours(name).run(batch), strict=True):
        assert abs(got - want).max() < 1e-4


@each_type
@pytest.mark.parametrize("spec", embedders.EMBEDDERS.values(), ids=lambda spec: spec.name)
def test_vector_of_a_face_is_that_of_the_agent(
    spec: embedders.EmbedderSpec,
    dtype: WeightType,
    node: Node,
    exported: Exported,
    ours: Callable[[str], Network],
    models_folder: Path,
) -> None:
    image = astronaut()
    faces = Detector(folder=models_folder, precision=Precision.FLOAT32, threads=2).detect(image)
    chips = align(image, faces.landmarks[:1], spec.chip).astype(np.float32)
    (got,) = node.network(exported(spec.network, dtype)).run(chips)
    (want,) = ours(spec.network).run(chips)
    assert np.linalg.norm(got - want, axis=1).max() < VECTOR_LIMITS[dtype]


@each_type
def test_mtcnn_finds_the_same_faces(
    dtype: WeightType, node: Node, exported: Exported, ours: Callable[[str], Network], picture: Image
) -> None:
    def cascade(network: Callable[[str], Network | NodeNetwork]) -> Cascade:
        pnet, rnet, onet = map(network, ("pnet", "rnet", "onet"))
        return Cascade(pnet=pnet, rnet=rnet, onet=onet, min_face=40, scale_factor=0.709, thresholds=(0.6, 0.7, 0.8))

    found = cascade(lambda name: node.network(exported(name, dtype))).detect(picture)
    assert_same_faces(found, cascade(ours).detect(picture))


@each_type
def test_yunet_finds_the_same_faces(
    dtype: WeightType,
    node: Node,
    exported: Exported,
    models_folder: Path,
    picture: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def detect() -> Faces:
        return YuNetDetector(folder=models_folder, precision=Precision.FLOAT32, threads=2).detect(picture)

    want = detect()
    monkeypatch.setattr(yunet, "open_network", lambda name, **_options: node.network(exported(name, dtype)))
    assert_same_faces(detect(), want)


def assert_same_faces(found: Faces, want: Faces) -> None:
    assert len(found) == len(want) >= 1
    assert np.diag(iou_matrix(found.boxes, want.boxes)).min() > 0.99
    assert abs(found.landmarks - want.landmarks).max() < 0.5


@pytest.mark.parametrize("name", NAMES)
def test_graph_for_inference_is_small(name: str, exported: Exported) -> None:
    """Each convolution is one operation with its bias and activation, each PReLU none of its own."""
    model = json.loads((exported(name, WeightType.FLOAT32) / tfjs.MODEL).read_text(encoding="utf-8"))
    found = {node["op"] for node in model["modelTopology"]["node"]}
    assert not found & {"BiasAdd", "Conv2D", "DepthwiseConv2dNative", "Neg", "NoOp", "Prelu"}
    assert [*model["signature"]["outputs"]] == [f"output_{number}" for number in range(len(CATALOG[name].outputs))]


@each_type
def test_shards_are_small_and_hold_exactly_the_weights(dtype: WeightType, exported: Exported) -> None:
    folder = exported("dlib_resnet", dtype)
    (group,) = json.loads((folder / tfjs.MODEL).read_text(encoding="utf-8"))["weightsManifest"]
    sizes = [(folder / path).stat().st_size for path in group["paths"]]
    assert {path.name for path in folder.iterdir()} == {tfjs.MODEL, *group["paths"]}
    assert max(sizes) <= 4 * 1024 * 1024
    bytes_of = {"float32": 4, "int32": 4, "float16": 2, "uint8": 1}
    stored = [(each["shape"], each.get("quantization", each)["dtype"]) for each in group["weights"]]
    assert sum(sizes) == sum(int(np.prod(shape)) * bytes_of[kind] for shape, kind in stored)
    whole = sum(int(np.prod(shape)) for shape, _ in stored) * 4
    assert sum(sizes) < whole * {"float32": 1.001, "float16": 0.51, "uint8": 0.26}[dtype]


def test_numbers_beyond_float16_are_kept(tmp_path: Path) -> None:
    node = Operation(name="sum", op="AddV2", inputs=("image", "large"), attributes={})
    image = Operation(name="image", op="Placeholder", inputs=(), attributes={})
    graph = Graph(
        nodes={"image": image, "sum": node},
        constants={"large": np.array([1e12], np.float32)},
        inputs={"image": ("image", (1,))},
        outputs={"output_0": ("sum", (1,))},
    )
    tfjs.write(graph, tmp_path, WeightType.FLOAT16)
    assert np.fromfile(tmp_path / "group1-shard1of1.bin", "<f4").tolist() == [np.float32(1e12)]


def test_a_value_that_is_used_twice_is_not_fused_away() -> None:
    """An output before its activation stays an operation of its own."""
    operations = (("image", "Placeholder"), ("dense", "MatMul", "image", "kernel"), ("sum", "BiasAdd", "dense", "bias"),
                  ("positive", "Relu", "sum"))  # fmt: skip
    nodes = {name: Operation(name=name, op=op, inputs=tuple(inputs), attributes={}) for name, op, *inputs in operations}
    graph = Graph(
        nodes=nodes,
        constants={"kernel": np.ones((2, 3), np.float32), "bias": np.ones(3, np.float32)},
        inputs={"image": ("image", (1, 2))},
        outputs={"output_0": ("sum", (1, 3)), "output_1": ("positive", (1, 3))},
    )
    assert {node.name: node.op for node in tfjs.simplified(graph).nodes.values()} == {
        "image": "Placeholder", "sum": "_FusedMatMul", "positive": "Relu",
    }  # fmt: skip
