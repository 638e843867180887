"""Keras networks with their weights, and their conversion to TensorFlow Lite. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath

import keras
import tensorflow as tf

from config.settings import Precision
from models.catalog import NetworkSpec, Part
from models.networks import dlib_resnet, mtcnn, sface, yunet
from models.onnx import read_onnx
from models.weights import read_dlib, read_mtcnn

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
    weights = read_dlib(content)
    convolutions = [
        dlib_resnet.Convolution(filters=filters, biases=biases, gammas=gammas, betas=betas)
        for (filters, biases), (gammas, betas) in zip(weights.convolutions, weights.affines, strict=True)
    ]
    return dlib_resnet.load(dlib_resnet.dlib_resnet(), convolutions, weights.matrix)


def to_tflite(model: keras.Model, spec: NetworkSpec, precision: Precision) -> bytes:
    """A TensorFlow Lite file whose signature names the outputs output_0, output_1, … in the network's order."""
    constants = [variable.value for variable in model.variables] if spec.part is Part.STEM else []

    def forward(image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(image, training=False)
        ordered = [*(outputs if isinstance(outputs, list | tuple) else [outputs]), *map(tf.identity, constants)]
        return {f"output_{number}": output for number, output in enumerate(ordered)}

    # The converter freezes only tracked variables, and a Keras 3 model does not track its own: without this module the
    # file would read variables instead of holding weights, which prevents PReLU fusion and XNNPACK delegation.
    tracked = tf.Module()
    tracked.weights = [variable.value for variable in model.variables]
    image = tf.TensorSpec(spec.input_shape, tf.float32, name="image")
    concrete = tf.function(forward).get_concrete_function(image)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tracked)
    if spec.eight_bits:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    elif precision is Precision.FLOAT16 and spec.part is not Part.STEM:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_types = [tf.float16]
    return converter.convert()
