"""Inception-ResNet-v1 of facenet-pytorch with random weights, and its weights written in the forms that people have."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[np.float32]]

WITHOUT_PARITY = "needs: pip install --no-deps -r tests/models/parity.txt"
_STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")
_BRANCHES = {
    "block35": (
        "Branch_0/Conv2d_1x1",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_1/Conv2d_0b_3x3",
        "Branch_2/Conv2d_0a_1x1",
        "Branch_2/Conv2d_0b_3x3",
        "Branch_2/Conv2d_0c_3x3",
        "Conv2d_1x1",
    ),
    "Mixed_6a": (
        "Branch_0/Conv2d_1a_3x3",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_1/Conv2d_0b_3x3",
        "Branch_1/Conv2d_1a_3x3",
    ),
    "block17": (
        "Branch_0/Conv2d_1x1",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_1/Conv2d_0b_1x7",
        "Branch_1/Conv2d_0c_7x1",
        "Conv2d_1x1",
    ),
    "Mixed_7a": (
        "Branch_0/Conv2d_0a_1x1",
        "Branch_0/Conv2d_1a_3x3",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_1/Conv2d_1a_3x3",
        "Branch_2/Conv2d_0a_1x1",
        "Branch_2/Conv2d_0b_3x3",
        "Branch_2/Conv2d_1a_3x3",
    ),
    "block8": (
        "Branch_0/Conv2d_1x1",
        "Branch_1/Conv2d_0a_1x1",
        "Branch_1/Conv2d_0b_1x3",
        "Branch_1/Conv2d_0c_3x1",
        "Conv2d_1x1",
    ),
}


def scopes() -> Iterator[str]:
    """Variable scopes of TensorFlow's network in the order of its code, which facenet-pytorch keeps."""
    stem = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "Conv2d_3b_1x1", "Conv2d_4a_3x3", "Conv2d_4b_3x3")
    yield from stem
    yield from (f"Repeat/block35_{n}/{part}" for n in range(1, 6) for part in _BRANCHES["block35"])
    yield from (f"Mixed_6a/{part}" for part in _BRANCHES["Mixed_6a"])
    yield from (f"Repeat_1/block17_{n}/{part}" for n in range(1, 11) for part in _BRANCHES["block17"])
    yield from (f"Mixed_7a/{part}" for part in _BRANCHES["Mixed_7a"])
    yield from (f"Repeat_2/block8_{n}/{part}" for n in range(1, 6) for part in _BRANCHES["block8"])
    yield from (f"Block8/{part}" for part in _BRANCHES["block8"])
    yield "Bottleneck"


@cache
def _module() -> ModuleType:
    """The module of facenet-pytorch's network, without its package, which would import torchvision."""
    found = find_spec("facenet_pytorch")
    if found is None:
        pytest.skip(WITHOUT_PARITY)
    package = ModuleType("facenet_pytorch")
    package.__path__ = list(found.submodule_search_locations or ())
    sys.modules["facenet_pytorch"] = package
    return import_module("facenet_pytorch.models.inception_resnet_v1")


def torch_network(dimension: int, *, scales: bool) -> Any:
    """The network with seeded weights and statistics. scales: whether batch normalisation scales, too."""
    torch = pytest.importorskip("torch", reason=WITHOUT_PARITY)
    torch.manual_seed(dimension)
    network = _module().InceptionResnetV1().eval()
    network.last_linear = torch.nn.Linear(1792, dimension, bias=False)
    network.last_bn = torch.nn.BatchNorm1d(dimension, eps=0.001).eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(module.running_var, 0.05, 0.2)
            if scales:
                torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return network


def torch_vectors(network: Any, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors of a batch (N, H, W, 3)."""
    import torch

    with torch.no_grad():
        return network(torch.from_numpy(batch.transpose(0, 3, 1, 2).copy())).numpy()


def tensorflow_arrays(network: Any, *, scales: bool) -> Arrays:
    """The weights by their names in TensorFlow, in its layout; paired with the scopes by order alone."""
    import torch

    remaining = scopes()
    scope = ""
    arrays: dict[str, NDArray[np.float32]] = {}
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d | torch.nn.Linear):
            scope = f"InceptionResnetV1/{next(remaining)}"
            kernel = module.weight.detach().numpy()
            arrays[f"{scope}/weights"] = kernel.transpose(2, 3, 1, 0) if kernel.ndim == 4 else kernel.T
            if module.bias is not None:
                arrays[f"{scope}/biases"] = module.bias.detach().numpy()
        elif isinstance(module, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d):
            values = (module.weight, module.bias, module.running_mean, module.running_var)
            named = dict(zip(_STATISTICS, values, strict=True))
            kept = named if scales else {name: each for name, each in named.items() if name != "gamma"}
            arrays |= {f"{scope}/BatchNorm/{name}": each.detach().numpy() for name, each in kept.items()}
    assert next(remaining, None) is None
    return arrays


def keras_layers(arrays: Arrays) -> dict[str, dict[str, NDArray[np.float32]]]:
    """The same by layer and weight of Keras, where BatchNorm is a layer and the last block is the sixth."""
    layers: dict[str, dict[str, NDArray[np.float32]]] = {}
    for name, values in arrays.items():
        *parts, weight = name.split("/")[1:]
        parts = [part for part in parts if not part.startswith("Repeat")]
        if parts[0] == "Block8":
            parts[0] = "Block8_6"
        layer = "_".join(parts).replace("block", "Block")
        layers.setdefault(layer, {})[{"weights": "kernel", "biases": "bias"}.get(weight, weight)] = values
    return layers


def write_keras(path: Path, layers: Mapping[str, Arrays], *, model: bool) -> None:
    """A .h5 of Keras 2. model: of a whole model, whose description would have to be unmarshalled."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if model else file
        if model:
            file.attrs["model_config"] = '{"class_name": "Model", "config": {"layers": [{"class_name": "Lambda"}]}}'
        for layer, weights in layers.items():
            for weight, values in weights.items():
                root.create_dataset(f"{layer}/{layer}/{weight}:0", data=values)


def write_npz(folder: Path, layers: Mapping[str, Arrays], *, named: bool) -> None:
    """A .npz for each layer. named: with the names of its weights; else in the order of Keras' get_weights()."""
    folder.mkdir()
    for layer, weights in layers.items():
        if named:
            np.savez(folder / f"{layer}.npz", **weights)
        else:
            np.savez(folder / f"{layer}.npz", *weights.values())


def write_npy(folder: Path, layers: Mapping[str, Arrays]) -> None:
    """A .npy for each weight."""
    folder.mkdir()
    for layer, weights in layers.items():
        for weight, values in weights.items():
            np.save(folder / f"{layer}_{weight}.npy", values)


def write_graph(path: Path, arrays: Arrays) -> None:
    """A frozen graph: a constant for each weight, read through an identity, among constants of other types."""
    from tensorflow import make_tensor_proto
    from tensorflow.core.framework.graph_pb2 import GraphDef

    graph = GraphDef()
    for name, values in {**arrays, "InceptionResnetV1/Logits/Shape": np.array([-1, 1792], np.int32)}.items():
        constant = graph.node.add(name=name, op="Const")
        constant.attr["dtype"].type = make_tensor_proto(values).dtype
        constant.attr["value"].tensor.CopyFrom(make_tensor_proto(values))
        graph.node.add(name=f"{name}/read", op="Identity", input=[name])
    path.write_bytes(graph.SerializeToString())
