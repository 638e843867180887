"""FaceNet's weights in the four forms that people have, read into the layers of `models.networks.inception_resnet`.

Layers have the names of the Keras files; those of TensorFlow and PyTorch are translated.
Source: davidsandberg/facenet (variable scopes; scaling of the releases), nyoki-mtl/keras-facenet and serengil/deepface
(layer names of the Keras files), timesler/facenet-pytorch (module names).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from config.errors import ModelError
from models.catalog import Scaling
from models.weight_files import array_folder, frozen_graph, hdf5, state_dict
from models.weight_files.size_limit import FloatArray

Layers = Mapping[str, Mapping[str, FloatArray]]
"""Layer -> weight (kernel, bias, gamma, beta, moving_mean, moving_variance) -> values, as Keras lays them out."""


class Form(StrEnum):
    """How the weights are stored."""

    KERAS = "Keras .h5"
    ARRAYS = "folder of arrays"
    GRAPH = "frozen TensorFlow graph"
    STATE_DICT = "PyTorch state dict"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaceNetWeights:
    """What a file holds, not yet compared with the network."""

    form: Form
    layers: Layers

    @property
    def dimension(self) -> int:
        """Length of the vectors: 128 or 512 in published files; 512 where the last layer is missing."""
        kernel = self.layers.get(_LAST, {}).get("kernel")
        return 512 if kernel is None or kernel.ndim != 2 else kernel.shape[1]

    @property
    def scaling(self) -> Scaling:
        """Published weights of 128 dimensions (2017) were trained on whitened pictures, all others on fixed scaling."""
        whitened = self.dimension == 128 and self.form is not Form.STATE_DICT
        return Scaling.PER_PICTURE if whitened else Scaling.FIXED


_LAST = "Bottleneck"
_NORMALISED = "_BatchNorm"
_STATISTICS = ("gamma", "beta", "moving_mean", "moving_variance")
_SYNONYMS = {"weights": "kernel", "biases": "bias"}
_OF_TORCH = {"weight": "kernel", "bias": "bias"}
_OF_TORCH_NORMALISATION = {
    "weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance",
}  # fmt: skip

_STEM = {
    "conv2d_1a": "Conv2d_1a_3x3",
    "conv2d_2a": "Conv2d_2a_3x3",
    "conv2d_2b": "Conv2d_2b_3x3",
    "conv2d_3b": "Conv2d_3b_1x1",
    "conv2d_4a": "Conv2d_4a_3x3",
    "conv2d_4b": "Conv2d_4b_3x3",
}
_BLOCK35 = {
    "branch0": "Branch_0_Conv2d_1x1",
    "branch1.0": "Branch_1_Conv2d_0a_1x1",
    "branch1.1": "Branch_1_Conv2d_0b_3x3",
    "branch2.0": "Branch_2_Conv2d_0a_1x1",
    "branch2.1": "Branch_2_Conv2d_0b_3x3",
    "branch2.2": "Branch_2_Conv2d_0c_3x3",
    "conv2d": "Conv2d_1x1",
}
_MIXED_6A = {
    "branch0": "Branch_0_Conv2d_1a_3x3",
    "branch1.0": "Branch_1_Conv2d_0a_1x1",
    "branch1.1": "Branch_1_Conv2d_0b_3x3",
    "branch1.2": "Branch_1_Conv2d_1a_3x3",
}
_BLOCK17 = {
    "branch0": "Branch_0_Conv2d_1x1",
    "branch1.0": "Branch_1_Conv2d_0a_1x1",
    "branch1.1": "Branch_1_Conv2d_0b_1x7",
    "branch1.2": "Branch_1_Conv2d_0c_7x1",
    "conv2d": "Conv2d_1x1",
}
_MIXED_7A = {
    "branch0.0": "Branch_0_Conv2d_0a_1x1",
    "branch0.1": "Branch_0_Conv2d_1a_3x3",
    "branch1.0": "Branch_1_Conv2d_0a_1x1",
    "branch1.1": "Branch_1_Conv2d_1a_3x3",
    "branch2.0": "Branch_2_Conv2d_0a_1x1",
    "branch2.1": "Branch_2_Conv2d_0b_3x3",
    "branch2.2": "Branch_2_Conv2d_1a_3x3",
}
_BLOCK8 = {
    "branch0": "Branch_0_Conv2d_1x1",
    "branch1.0": "Branch_1_Conv2d_0a_1x1",
    "branch1.1": "Branch_1_Conv2d_0b_1x3",
    "branch1.2": "Branch_1_Conv2d_0c_3x1",
    "conv2d": "Conv2d_1x1",
}


def _modules() -> Iterator[tuple[str, str]]:
    """Each module of PyTorch with weights, and its layer."""
    yield from _STEM.items()
    groups = [(f"repeat_1.{number}", f"Block35_{number + 1}", _BLOCK35) for number in range(5)]
    groups.append(("mixed_6a", "Mixed_6a", _MIXED_6A))
    groups += [(f"repeat_2.{number}", f"Block17_{number + 1}", _BLOCK17) for number in range(10)]
    groups.append(("mixed_7a", "Mixed_7a", _MIXED_7A))
    groups += [(f"repeat_3.{number}", f"Block8_{number + 1}", _BLOCK8) for number in range(5)]
    groups.append(("block8", "Block8_6", _BLOCK8))
    for module, layer, parts in groups:
        for part, name in parts.items():
            yield f"{module}.{part}", f"{layer}_{name}"
    yield "last_linear", _LAST
    yield "last_bn", f"{_LAST}{_NORMALISED}"


MODULES: Mapping[str, str] = MappingProxyType(dict(_modules()))
"""Layer by module of PyTorch; modules end before `.conv` and `.bn`."""
_LAYERS = frozenset({*MODULES.values(), *(f"{layer}{_NORMALISED}" for layer in MODULES.values())})

_BRANCH_ALIAS = re.compile(r"^(Block(?:17|8)_\d+_Branch_)[1-9]\d*(?=_)")
"""deepface numbers the second branch like its block: Block8_3_Branch_3 for Block8_3_Branch_1."""
_SCOPE = re.compile(r"^(?:.*/)?InceptionResnetV1/(?:Repeat(?:_\d+)?/)?")
_LAST_BLOCK = re.compile(r"^Block8_(?=[A-Z])")
_OF_MODULE = re.compile(r"^(?:module\.)?(.+?)(?:\.(conv|bn))?\.(weight|bias|running_mean|running_var)$")


def read(path: Path) -> FaceNetWeights:
    """The weights in a file or folder, whose form is recognised by what it holds.

    Raises ModelError when it cannot be read, is of none of the four forms, truncated, or has no layer of FaceNet.
    """
    form, load, place = _form(path)
    try:
        arrays = load(path)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix="check the path and permissions") from error
    layers: dict[str, dict[str, FloatArray]] = {}
    for name, values in arrays.items():
        layer, weight = place(name)
        if layer in _LAYERS:
            layers.setdefault(layer, {})[weight] = _laid_out(form, values)
    if not layers:
        some = f"the first of its {len(arrays)} is {next(iter(arrays))}" if arrays else "it has no arrays of floats"
        raise ModelError(f"{path.name}: no layer of FaceNet; {some}", fix="name a file of Inception-ResNet-v1")
    return FaceNetWeights(form=form, layers={layer: _named(layer, each) for layer, each in layers.items()})


_Place = Callable[[str], tuple[str, str]]
_Load = Callable[[Path], dict[str, FloatArray]]


def _form(path: Path) -> tuple[Form, _Load, _Place]:
    """The form of a file, what reads it, and what finds layer and weight for the name of an array."""
    if path.is_dir():
        return Form.ARRAYS, array_folder.read, _place_in_keras
    try:
        with path.open("rb") as file:
            start = file.read(len(state_dict.STREAM_MAGIC))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix="check the path and permissions") from error
    if start.startswith(hdf5.MAGIC):
        return Form.KERAS, hdf5.read, _place_in_keras
    if start.startswith(b"\x80") or (start.startswith(b"PK") and state_dict.is_archive(path)):
        return Form.STATE_DICT, state_dict.read, _place_in_torch
    if start.startswith(frozen_graph.FIRST_BYTE):
        return Form.GRAPH, frozen_graph.read, _place_in_graph
    problem = f"{path.name}: none of the forms {', '.join(Form)}"
    raise ModelError(problem, fix="name such a file, or the folder that holds one .npz for each layer")


def _place_in_keras(name: str) -> tuple[str, str]:
    """Of a path in a .h5, of FILE/KEY of a .npz, and of FILE of a .npy (LAYER_WEIGHT)."""
    *folders, weight = name.removesuffix(":0").split("/")
    known = (layer for layer in reversed([_BRANCH_ALIAS.sub(r"\g<1>1", each) for each in folders]) if layer in _LAYERS)
    layer = next(known, "")
    if not folders:
        layer, weight = _split(_BRANCH_ALIAS.sub(r"\g<1>1", weight))
    return _normalisation_of(layer, weight), _SYNONYMS.get(weight, weight)


def _split(name: str) -> tuple[str, str]:
    """LAYER_WEIGHT in two, as weights have names with underscores too."""
    for weight in ("kernel", "bias", *_SYNONYMS, *_STATISTICS):
        if name.endswith(f"_{weight}"):
            return name.removesuffix(f"_{weight}"), weight
    return "", name


def _place_in_graph(name: str) -> tuple[str, str]:
    """Of a node such as InceptionResnetV1/Repeat_1/block17_3/Branch_1/Conv2d_0b_1x7/BatchNorm/beta."""
    scope, _, weight = _SCOPE.sub("", name).rpartition("/")
    layer = scope.replace("/", "_").replace("block", "Block")
    return _LAST_BLOCK.sub("Block8_6_", layer), _SYNONYMS.get(weight, weight)


def _place_in_torch(name: str) -> tuple[str, str]:
    """Of a tensor such as repeat_2.2.branch1.1.bn.bias."""
    found = _OF_MODULE.match(name)
    if found is None:
        return "", name
    module, part, tensor = found.groups()
    layer = MODULES.get(module, "")
    normalises = part == "bn" or layer.endswith(_NORMALISED)
    weight = (_OF_TORCH_NORMALISATION if normalises else _OF_TORCH).get(tensor, tensor)
    return _normalisation_of(layer, weight), weight


def _normalisation_of(layer: str, weight: str) -> str:
    """The batch normalisation after a layer, where a weight belongs to that; else the layer."""
    return f"{layer}{_NORMALISED}" if weight in _STATISTICS and not layer.endswith(_NORMALISED) else layer


def _laid_out(form: Form, values: FloatArray) -> FloatArray:
    """Kernels as Keras has them: PyTorch has outputs first, (n, c, h, w) and (outputs, inputs)."""
    if form is Form.STATE_DICT and values.ndim > 1:
        return values.transpose(2, 3, 1, 0) if values.ndim == 4 else values.T
    return values


def _named(layer: str, weights: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
    """Weights that are only numbered (arr_0, arr_1, … or 0, 1, …) by the name that Keras' order gives them."""
    if not all(re.fullmatch(r"(arr_)?\d+", weight) for weight in weights):
        return weights
    names: tuple[str, ...] = ("kernel", "bias")
    if layer.endswith(_NORMALISED):
        names = _STATISTICS[-len(weights) :]
    in_order = sorted(weights, key=lambda weight: int(weight.removeprefix("arr_")))
    return {name: weights[number] for name, number in zip(names, in_order, strict=False)}
