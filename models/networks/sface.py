"""SFace: a MobileNet that embeds a 112x112 face as a 128-D unit vector.

Source: Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition" (2021), as published by
OpenCV Zoo (face_recognition_sface_2021dec.onnx).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIZE = 112
DIMENSION = 128
FIRST_FILTERS = 32
BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip
"""Filters and stride of each block: a depthwise convolution of 3x3 with that stride, then a convolution of 1x1."""
_EPSILON = 1e-3
_LAST_EPSILON = 2e-5
"""Added to the variance in batch normalisation: of the blocks, and before and after the dense layer."""


def sface() -> keras.Model:
    """Embeds a face; vectors of one person are less than about 1.1 apart (Euclidean).

    Input: (N, 112, 112, 3) RGB, px in 0..255. Output: (N, 128), of unit length.
    """
    image = keras.Input((SIZE, SIZE, 3), name="image")
    x = layers.Rescaling(1 / 128, -127.5 / 128, name="normalise")(image)
    x = layers.Conv2D(FIRST_FILTERS, 3, padding="same", name="conv1")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu1")(x)
    for number, (filters, stride) in enumerate(BLOCKS, 2):
        if stride > 1:  # padded on all sides; "same" would pad on two only
            x = layers.ZeroPadding2D(1, name=f"pad{number}")(x)
        padding = "same" if stride == 1 else "valid"
        x = layers.DepthwiseConv2D(3, stride, padding=padding, name=f"depthwise{number}")(x)
        x = layers.PReLU(shared_axes=[1, 2], name=f"prelu{number}a")(x)
        x = layers.Conv2D(filters, 1, name=f"conv{number}")(x)
        x = layers.PReLU(shared_axes=[1, 2], name=f"prelu{number}b")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(DIMENSION, name="dense")(x)
    return keras.Model(image, layers.UnitNormalization(name="vector")(x), name="sface")


def load(model: keras.Model, arrays: Mapping[str, FloatArray]) -> keras.Model:
    """Set the weights, batch normalisation folded into the layer before it, the first one of the end into the dense.

    arrays: by name, as in the published file. Raises KeyError or ValueError when they do not match.
    """
    model.set_weights(list(_folded(arrays)))
    return model


def _folded(arrays: Mapping[str, FloatArray]) -> Iterator[FloatArray]:
    names = ["conv_1"]
    for number in range(2, 2 + len(BLOCKS)):
        names += [f"conv_{number}_dw", f"conv_{number}"]
    for name in names:
        scale, shift = _affine(arrays, f"{name}_batchnorm", _EPSILON)
        kernel = arrays[f"{name}_conv2d_weight"].astype(np.float64) * scale[:, None, None, None]
        axes = (2, 3, 0, 1) if name.endswith("_dw") else (2, 3, 1, 0)  # (filters, channels, rows, columns) before
        yield kernel.transpose(axes).astype(np.float32)
        yield shift.astype(np.float32)
        yield arrays[f"{name}_relu_gamma"].reshape(1, 1, -1)
    yield from _dense(arrays)


def _dense(arrays: Mapping[str, FloatArray]) -> Iterator[FloatArray]:
    """Kernel and bias of the dense layer with the batch normalisations before and after it."""
    before_scale, before_shift = _affine(arrays, "bn1", _LAST_EPSILON)
    scale, shift = _affine(arrays, "fc1", _LAST_EPSILON)
    weight = arrays["pre_fc1_weight"].astype(np.float64).reshape(DIMENSION, len(before_scale), -1)
    side = round(np.sqrt(weight.shape[2]))
    kernel = weight * before_scale[:, None] * scale[:, None, None]
    bias = (arrays["pre_fc1_bias"] + np.einsum("ocp,c->o", weight, before_shift)) * scale + shift
    by_place = kernel.reshape(DIMENSION, -1, side, side).transpose(2, 3, 1, 0)  # channels come last in Keras
    yield by_place.reshape(-1, DIMENSION).astype(np.float32)
    yield bias.astype(np.float32)


def _affine(arrays: Mapping[str, FloatArray], name: str, epsilon: float) -> tuple[NDArray[np.float64], ...]:
    """Scale and shift of a batch normalisation with its moving statistics."""
    gamma, beta, mean, variance = (
        arrays[f"{name}_{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_var")
    )
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, beta - mean * scale
