"""TensorFlow.js graph models: model.json with the graph and the manifest of its weights, and the weights in shards.

The package tensorflowjs, which writes the same layout, pins versions that exclude those of Footfall.
Source: tensorflow/tfjs, tfjs-converter/python/tensorflowjs (write_weights.py, quantization.py, fuse_prelu.py,
fuse_depthwise_conv2d.py) and tfjs-core/src/io (types.ts, io_utils.ts).
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.cards import WeightType

Array = NDArray[Any]

MODEL = "model.json"
SHARD_BYTES = 4 * 1024 * 1024
"""Size of a shard; browsers cache files up to that size."""
MIN_QUANTISED = 4_096
"""Values of the smallest array stored as uint8. Smaller ones, such as biases and depthwise kernels, lose the most and
take little space; they are stored as float16."""
_DATA_TYPES = {"float32": "DT_FLOAT", "int32": "DT_INT32"}
_FOLDED: Mapping[str, Callable[..., Array]] = MappingProxyType(
    {"Identity": np.asarray, "Neg": np.negative, "Reshape": np.reshape, "Squeeze": np.squeeze}
)
"""Operations that are computed where their inputs are constants."""
_FUSED = {
    "Conv2D": "_FusedConv2D",
    "DepthwiseConv2dNative": "FusedDepthwiseConv2dNative",
    "MatMul": "_FusedMatMul",
}
"""Operations that take a bias and an activation, by their plain form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An operation. inputs: names of nodes. attributes: those of a TensorFlow NodeDef, as in JSON."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """A TensorFlow graph without variables.

    nodes: by name. constants: by name, float32 or int32. inputs, outputs: names of nodes and the
    shapes of their tensors, -1 where free, by name in the signature.
    """

    nodes: Mapping[str, Node]
    constants: Mapping[str, Array]
    inputs: Mapping[str, tuple[str, tuple[int, ...]]]
    outputs: Mapping[str, tuple[str, tuple[int, ...]]]


def write(graph: Graph, folder: Path, dtype: WeightType) -> None:
    """Write a graph into a folder that exists. dtype: of the stored weights; TensorFlow.js computes in float32.

    Raises OSError.
    """
    graph = simplified(graph)
    entries, contents = [], []
    for name, values in graph.constants.items():
        content, quantisation = _encoded(values, dtype)
        entries.append({"name": name, "shape": list(values.shape), "dtype": str(values.dtype), **quantisation})
        contents.append(content)
    shards = _shards(b"".join(contents))
    for name, shard in shards.items():
        (folder / name).write_bytes(shard)
    model = {
        "format": "graph-model",
        "generatedBy": "TensorFlow",
        "convertedBy": "Footfall",
        "signature": {"inputs": _tensors(graph.inputs), "outputs": _tensors(graph.outputs)},
        "modelTopology": {"node": _topology(graph), "library": {}, "versions": {}},
        "weightsManifest": [{"paths": list(shards), "weights": entries}],
    }
    (folder / MODEL).write_text(json.dumps(model), encoding="utf-8")


def simplified(graph: Graph) -> Graph:
    """An equivalent graph for inference: operations on constants folded, PReLU one operation instead of five, biases
    and activations fused into the operation before them, unused nodes dropped.
    """
    graph = _pruned(graph)
    for step in (_with_folded_constants, _with_prelu, _with_biases, _with_activations):
        graph = _pruned(step(graph))
    return graph


def _with_folded_constants(graph: Graph) -> Graph:
    constants = dict(graph.constants)
    for node in graph.nodes.values():
        if node.op in _FOLDED and all(name in constants for name in node.inputs):
            constants[node.name] = _FOLDED[node.op](*(constants[name] for name in node.inputs))
    nodes = {name: node for name, node in graph.nodes.items() if name not in constants}
    return replace(graph, nodes=nodes, constants=constants)


def _with_prelu(graph: Graph) -> Graph:
    """PReLU as one operation. Keras computes it as relu(x) + -slope * relu(-x)."""
    nodes, constants = dict(graph.nodes), dict(graph.constants)
    for node in graph.nodes.values():
        match [nodes.get(name) for name in node.inputs]:
            case [Node(op="Relu", inputs=(x,)), Node(op="Mul", inputs=(negative, below))] if (
                node.op == "AddV2" and negative in constants and _is_negative_part(nodes, below, x)
            ):
                constants[f"{node.name}/slope"] = -constants[negative]
                slope = f"{node.name}/slope"
                nodes[node.name] = replace(node, op="Prelu", inputs=(x, slope))
    return replace(graph, nodes=nodes, constants=constants)


def _is_negative_part(nodes: Mapping[str, Node], name: str, of: str) -> bool:
    """Whether a node is relu(-x) of the node `of`."""
    match nodes.get(name):
        case Node(op="Relu", inputs=(negated,)):
            return nodes[negated].op == "Neg" and nodes[negated].inputs == (of,)
    return False


def _with_biases(graph: Graph) -> Graph:
    nodes, constants, uses = dict(graph.nodes), dict(graph.constants), _uses(graph)
    for node in graph.nodes.values():
        if node.op not in ("BiasAdd", "AddV2") or node.inputs[1] not in constants:
            continue
        before, bias = nodes.get(node.inputs[0]), constants[node.inputs[1]]
        if before is not None and before.op in _FUSED and uses[before.name] == 1 and bias.shape[-1:] == (bias.size,):
            constants[f"{node.name}/bias"] = bias.reshape(-1)
            nodes[node.name] = Node(
                name=node.name,
                op=_FUSED[before.op],
                inputs=(*before.inputs, f"{node.name}/bias"),
                attributes={**before.attributes, **_fused_operations("BiasAdd")},
            )
    return replace(graph, nodes=nodes, constants=constants)


def _with_activations(graph: Graph) -> Graph:
    nodes, uses = dict(graph.nodes), _uses(graph)
    for node in graph.nodes.values():
        before = nodes.get(node.inputs[0]) if node.op in ("Relu", "Prelu") else None
        if before is not None and before.op in _FUSED.values() and uses[before.name] == 1:
            nodes[node.name] = replace(
                before,
                name=node.name,
                inputs=(*before.inputs, *node.inputs[1:]),
                attributes={**before.attributes, **_fused_operations("BiasAdd", node.op)},
            )
    return replace(graph, nodes=nodes)


def _fused_operations(*names: str) -> dict[str, Any]:
    """Attributes of a fused operation: the operations after it, and how many of them have an argument."""
    encoded = [base64.b64encode(name.encode()).decode() for name in names]
    return {"fused_ops": {"list": {"s": encoded}}, "num_args": {"i": len(set(names) - {"Relu"})}}


def _uses(graph: Graph) -> Counter[str]:
    """How often each node is an input, or an output of the graph."""
    uses = Counter(name for node in graph.nodes.values() for name in node.inputs)
    uses.update(name for name, _ in graph.outputs.values())
    return uses


def _pruned(graph: Graph) -> Graph:
    """The nodes and constants on which the outputs depend, each after its inputs."""
    waiting, inputs = [name for name, _ in graph.outputs.values()], dict[str, tuple[str, ...]]()
    while waiting:
        name = waiting.pop()
        if name not in inputs:
            inputs[name] = graph.nodes[name].inputs if name in graph.nodes else ()
            waiting.extend(inputs[name])
    order = list(TopologicalSorter(inputs).static_order())
    nodes = {name: graph.nodes[name] for name in order if name in graph.nodes}
    return replace(graph, nodes=nodes, constants={name: graph.constants[name] for name in order if name not in nodes})


def _topology(graph: Graph) -> list[dict[str, Any]]:
    constants = [
        {"name": name, "op": "Const", "attr": {"dtype": {"type": _DATA_TYPES[str(values.dtype)]}}}
        for name, values in graph.constants.items()
    ]
    operations = [
        {"name": node.name, "op": node.op, "input": list(node.inputs), "attr": dict(node.attributes)}
        for node in graph.nodes.values()
    ]
    return [*constants, *operations]


def _tensors(named: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, Any]:
    return {
        key: {"name": f"{name}:0", "dtype": "DT_FLOAT", "tensorShape": {"dim": [{"size": str(side)} for side in shape]}}
        for key, (name, shape) in named.items()
    }


def _encoded(values: Array, dtype: WeightType) -> tuple[bytes, dict[str, Any]]:
    """The bytes of an array, and how they are read where they are not its values."""
    if values.dtype != np.float32 or dtype is WeightType.FLOAT32 or abs(values).max() > np.finfo(np.float16).max:
        return values.tobytes(), {}
    original = {"original_dtype": "float32"}
    if dtype is WeightType.FLOAT16 or values.size < MIN_QUANTISED:
        return values.astype("<f2").tobytes(), {"quantization": {"dtype": "float16", **original}}
    low, high = float(values.min()), float(values.max())
    scale = (high - low) / 255 or 1.0
    steps = np.rint((values.astype(np.float64) - low) / scale).astype(np.uint8)
    return steps.tobytes(), {"quantization": {"dtype": "uint8", "min": low, "scale": scale, **original}}


def _shards(content: bytes) -> dict[str, bytes]:
    """Parts of the weights by file name."""
    parts = [content[start : start + SHARD_BYTES] for start in range(0, len(content), SHARD_BYTES)]
    return {f"group1-shard{number}of{len(parts)}.bin": part for number, part in enumerate(parts, 1)}
