"""A trained network as TensorFlow Lite files. Imports TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from models.cards import INPUT, PackPrecision, output_name
from models.training.augmentation import FloatArray
from models.training.sampling import Images

EXAMPLES = 200
"""Pictures from which the ranges of 8-bit numbers are taken, or fewer."""


def to_tflite(network: keras.Model, precision: PackPrecision, examples: Images) -> bytes:
    """The network in a precision; input and output are float32 in each.

    examples: (n, size, size, 3) RGB, px in 0..255, of which the ranges of the activations are taken for int8.
    """

    def forward(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {output_name(0): network(image, training=False)}

    def ranges() -> Iterator[list[FloatArray]]:
        for image in examples[:EXAMPLES]:
            yield [image[None].astype(np.float32)]

    tracked = tf.Module()  # converters freeze the variables that a module has, and a Keras network is none
    tracked.weights = [variable.value for variable in network.variables]
    spec = tf.TensorSpec(network.input_shape, tf.float32, name=INPUT)
    function = tf.function(forward, input_signature=[spec]).get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], tracked)
    if precision is not PackPrecision.FLOAT32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is PackPrecision.FLOAT16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is PackPrecision.INT8:
        converter.representative_dataset = ranges
    return bytes(converter.convert())
