"""Keras networks with their weights, and their conversion to other formats. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

import keras
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from config.settings import Precision
from models.cards import INPUT, output_name
from models.catalog import NetworkSpec, Part
from models.facenet import FaceNetWeights
from models.networks import dlib_age, dlib_resnet, inception_resnet, mtcnn, sface, yunet
from models.onnx import read_onnx
from models.tfjs import Graph, Node
from models.weights import read_dlib, read_mtcnn

ONNX_OPSET = 17
"""Version of ONNX's operators: the oldest that runtimes in use all have."""
_MTCNN: Mapping[str, Callable[[], keras.Model]] = {
    "pnet.lz4": mtcnn.pnet,
    "rnet.lz4": mtcnn.rnet,
    "onet.lz4": mtcnn.onet,
}
"""By name of the weight file."""
_PNET_PARTS: Mapping[Part, Callable[[keras.Model], keras.Model]] = {
    Part.WHOLE: lambda padded: padded,
    Part.STEM: mtcnn.pnet_stem,
    Part.BODY: mtcnn.pnet_body,
}


def keras_network(spec: NetworkSpec, content: bytes) -> keras.Model:
    """The Keras network with its published weights. content: the verified bytes of the weight file.

    Raises ModelError when the weights do not fit.
    """
    make = _MTCNN.get(PurePosixPath(spec.source_file).name)
    if make is mtcnn.pnet:
        padded = mtcnn.pnet_padded(mtcnn.load(make(), read_mtcnn(content)))
        return _PNET_PARTS[spec.part](padded)
    if make is not None:
        return mtcnn.load(make(), read_mtcnn(content))
    if spec.name == "sface":
        return sface.load(sface.sface(), read_onnx(content))
    if spec.name == "yunet":
        return yunet.load(yunet.yunet(), read_onnx(content))
    if spec.name == "age":
        return dlib_age.load(dlib_age.dlib_age(), read_onnx(content))
    weights = read_dlib(content)
    convolutions = [
        dlib_resnet.Convolution(filters=filters, biases=biases, gammas=gammas, betas=betas)
        for (filters, biases), (gammas, betas) in zip(weights.convolutions, weights.affines, strict=True)
    ]
    return dlib_resnet.load(dlib_resnet.dlib_resnet(), convolutions, weights.matrix)


def facenet_network(weights: FaceNetWeights) -> keras.Model:
    """Inception-ResNet-v1 with FaceNet's weights. Raises ModelError naming the first layer that does not fit."""
    return inception_resnet.load(inception_resnet.inception_resnet(weights.dimension), weights.layers)


def to_tflite(model: keras.Model, spec: NetworkSpec, precision: Precision) -> bytes:
    """A TensorFlow Lite file."""
    function, tracked = _function(model, spec)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], tracked)
    if spec.eight_bits:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    elif precision is Precision.FLOAT16 and spec.part is not Part.STEM:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()


def to_saved_model(model: keras.Model, spec: NetworkSpec, folder: Path) -> None:
    """Write a SavedModel with one signature into a folder that exists. Raises OSError."""
    function, tracked = _function(model, spec)
    tf.saved_model.save(tracked, str(folder), signatures=function)


def to_graph(model: keras.Model, spec: NetworkSpec) -> Graph:
    """The graph with its weights as constants, for TensorFlow.js."""
    function, _ = _function(model, spec)
    frozen = convert_variables_to_constants_v2(function.get_concrete_function())
    nodes, constants = {}, {}
    for each in frozen.graph.as_graph_def().node:
        if each.op == "Const":
            constants[each.name] = tf.make_ndarray(each.attr["value"].tensor)
        else:
            nodes[each.name] = Node(
                name=each.name,
                op=each.op,
                inputs=tuple(name.removesuffix(":0") for name in each.input if not name.startswith("^")),
                attributes={key: MessageToDict(value) for key, value in each.attr.items() if not key.startswith("_")},
            )
    (image,) = frozen.inputs
    named = {output_name(number): output for number, output in enumerate(frozen.outputs)}
    return Graph(
        nodes=nodes,
        constants=constants,
        inputs={INPUT: _tensor(image)},
        outputs={name: _tensor(output) for name, output in named.items()},
    )


def to_onnx(model: keras.Model, spec: NetworkSpec) -> bytes:
    """An ONNX file; as in all formats, images are NHWC."""
    from tf2onnx.convert import from_function  # only the extra onnx has it

    function, _ = _function(model, spec)
    converted, _ = from_function(function, function.input_signature, opset=ONNX_OPSET)
    for kind, values in (("NHWC", converted.graph.input), ("Nhwc", converted.graph.output)):
        for value in values:
            for letter, side in zip(kind, value.type.tensor_type.shape.dim, strict=False):
                if not side.dim_value:
                    side.dim_param = letter
    return bytes(converted.SerializeToString())


def _function(model: keras.Model, spec: NetworkSpec) -> tuple[tf.types.experimental.PolymorphicFunction, tf.Module]:
    """The network as a function, and a module that tracks its weights.

    Its signature names the outputs output_0, output_1, … in the network's order.
    """
    constants = [variable.value for variable in model.variables] if spec.part is Part.STEM else []

    def forward(image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(image, training=False)
        ordered = [*(outputs if isinstance(outputs, list | tuple) else [outputs]), *map(tf.identity, constants)]
        return {output_name(number): output for number, output in enumerate(ordered)}

    # Converters freeze only tracked variables, and a Keras 3 model does not track its own: without this module a
    # TensorFlow Lite file would read variables instead of holding weights, which prevents PReLU fusion and XNNPACK
    # delegation.
    tracked = tf.Module()
    tracked.weights = [variable.value for variable in model.variables]
    return tf.function(forward, input_signature=[tf.TensorSpec(spec.input_shape, tf.float32, name=INPUT)]), tracked


def _tensor(tensor: tf.Tensor) -> tuple[str, tuple[int, ...]]:
    """The node of a tensor, and its shape, -1 where free."""
    return tensor.op.name, tuple(-1 if side is None else side for side in tensor.shape)
