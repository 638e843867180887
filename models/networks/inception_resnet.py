"""Inception-ResNet-v1: the network of FaceNet, which embeds a 160x160 face as a unit vector.

Source: Szegedy et al., "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning" (2016), with
the scales, filters and padding of davidsandberg/facenet, src/models/inception_resnet_v1.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from config.errors import ModelError

FloatArray = NDArray[np.float32]


SIZE = 160
DIMENSION = 512
NORMALISED = "_BatchNorm"
"""Suffix of the batch normalisation after the layer of that name."""
_EPSILON = 1e-3
_MOMENTUM = 0.995
_FIX = "give the weights of an Inception-ResNet-v1 with the layers of FaceNet"


@dataclass(frozen=True, slots=True)
class _Convolution:
    """A convolution with batch normalisation and ReLU. kernel: rows and columns. stride: 2 halves, without padding."""

    name: str
    filters: int
    kernel: tuple[int, int]
    stride: int = 1


_Branches = Sequence[Sequence[_Convolution]]


def _pointwise(filters: int, name: str = "Conv2d_0a_1x1") -> _Convolution:
    return _Convolution(name, filters, (1, 1))


def _square(filters: int, name: str = "Conv2d_0b_3x3") -> _Convolution:
    return _Convolution(name, filters, (3, 3))


def _halving(filters: int) -> _Convolution:
    return _Convolution("Conv2d_1a_3x3", filters, (3, 3), 2)


_BLOCK35: _Branches = (
    (_pointwise(32, "Conv2d_1x1"),),
    (_pointwise(32), _square(32)),
    (_pointwise(32), _square(32), _square(32, "Conv2d_0c_3x3")),
)
_MIXED_6A: _Branches = ((_halving(384),), (_pointwise(192), _square(192), _halving(256)))
_BLOCK17: _Branches = (
    (_pointwise(128, "Conv2d_1x1"),),
    (_pointwise(128), _Convolution("Conv2d_0b_1x7", 128, (1, 7)), _Convolution("Conv2d_0c_7x1", 128, (7, 1))),
)
_MIXED_7A: _Branches = (
    (_pointwise(256), _halving(384)),
    (_pointwise(256), _halving(256)),
    (_pointwise(256), _square(256), _halving(256)),
)
_BLOCK8: _Branches = (
    (_pointwise(192, "Conv2d_1x1"),),
    (_pointwise(192), _Convolution("Conv2d_0b_1x3", 192, (1, 3)), _Convolution("Conv2d_0c_3x1", 192, (3, 1))),
)


def inception_resnet(dimension: int = DIMENSION, *, size: int = SIZE, dropout: float = 0.0) -> keras.Model:
    """Embeds a face; for published weights see `models.facenet`.

    size: sides of the input, at least 75 px. dropout: fraction of the last features that training leaves out.
    Input: (N, size, size, 3) RGB, scaled as the weights need it. Output: (N, dimension), of unit length.
    """
    image = keras.Input((size, size, 3), name="image")
    x = _stem(image)
    for number in range(1, 6):
        x = _residual(x, _BLOCK35, scale=0.17, name=f"Block35_{number}")
    x = _reduction(x, _MIXED_6A, name="Mixed_6a")
    for number in range(1, 11):
        x = _residual(x, _BLOCK17, scale=0.1, name=f"Block17_{number}")
    x = _reduction(x, _MIXED_7A, name="Mixed_7a")
    for number in range(1, 6):
        x = _residual(x, _BLOCK8, scale=0.2, name=f"Block8_{number}")
    x = _residual(x, _BLOCK8, scale=1.0, name="Block8_6", activation=None)
    x = layers.GlobalAveragePooling2D(name="AvgPool")(x)
    x = layers.Dropout(dropout, name="Dropout")(x)
    x = layers.Dense(dimension, use_bias=False, name="Bottleneck")(x)
    x = _normalisation("Bottleneck")(x)
    return keras.Model(image, layers.UnitNormalization(name="vector")(x), name="inception_resnet_v1")


def load(model: keras.Model, arrays: Mapping[str, Mapping[str, FloatArray]]) -> keras.Model:
    """Set the weights by layer name; a batch normalisation without gamma is given one of ones.

    arrays: layer name -> name of the weight (kernel, bias, gamma, beta, moving_mean, moving_variance) -> values.
    Raises ModelError naming the first layer whose weights are missing, of another shape or not finite.
    """
    for layer in model.layers:
        if not layer.weights:
            continue
        given = arrays.get(layer.name)
        if given is None:
            raise ModelError(f"{layer.name}: missing", fix=_FIX)
        layer.set_weights([_checked(layer.name, each.name, tuple(each.shape), given) for each in layer.weights])
    return model


def _checked(layer: str, weight: str, shape: tuple[int, ...], given: Mapping[str, FloatArray]) -> FloatArray:
    if weight == "gamma" and weight not in given:
        return np.ones(shape, np.float32)
    if weight not in given:
        raise ModelError(f"{layer}: no {weight}", fix=_FIX)
    values = given[weight]
    if values.shape != shape:
        raise ModelError(f"{layer}: {weight} of shape {values.shape}, expected {shape}", fix=_FIX)
    if not np.isfinite(values).all():
        raise ModelError(f"{layer}: {weight} is not finite everywhere", fix="get the file again, or train anew")
    return values


def _stem(image: keras.KerasTensor) -> keras.KerasTensor:
    x = _convolved(image, 32, (3, 3), 2, padding="valid", name="Conv2d_1a_3x3")
    x = _convolved(x, 32, (3, 3), padding="valid", name="Conv2d_2a_3x3")
    x = _convolved(x, 64, (3, 3), name="Conv2d_2b_3x3")
    x = layers.MaxPooling2D(3, 2, name="MaxPool_3a_3x3")(x)
    x = _convolved(x, 80, (1, 1), name="Conv2d_3b_1x1")
    x = _convolved(x, 192, (3, 3), padding="valid", name="Conv2d_4a_3x3")
    return _convolved(x, 256, (3, 3), 2, padding="valid", name="Conv2d_4b_3x3")


def _residual(
    x: keras.KerasTensor, branches: _Branches, *, scale: float, name: str, activation: str | None = "relu"
) -> keras.KerasTensor:
    """The map plus the scaled sum of all branches."""
    mixed = layers.Concatenate(name=f"{name}_Concatenate")(_branched(x, branches, name))
    up = layers.Conv2D(x.shape[-1], 1, name=f"{name}_Conv2d_1x1")(mixed)
    total = layers.Add(name=f"{name}_Add")([x, layers.Rescaling(scale, name=f"{name}_Scale")(up)])
    return layers.Activation(activation, name=f"{name}_Activation")(total)


def _reduction(x: keras.KerasTensor, branches: _Branches, *, name: str) -> keras.KerasTensor:
    """Half the rows and columns: the branches, and the map itself after pooling."""
    pooled = layers.MaxPooling2D(3, 2, name=f"{name}_Branch_{len(branches)}_MaxPool_1a_3x3")(x)
    return layers.Concatenate(name=name)([*_branched(x, branches, name), pooled])


def _branched(x: keras.KerasTensor, branches: _Branches, name: str) -> list[keras.KerasTensor]:
    """The map after each branch."""
    outputs = []
    for number, convolutions in enumerate(branches):
        output = x
        for each in convolutions:
            padding = "same" if each.stride == 1 else "valid"
            full_name = f"{name}_Branch_{number}_{each.name}"
            output = _convolved(output, each.filters, each.kernel, each.stride, padding=padding, name=full_name)
        outputs.append(output)
    return outputs


def _convolved(
    x: keras.KerasTensor, filters: int, kernel: tuple[int, int], stride: int = 1, *, padding: str = "same", name: str
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, padding=padding, use_bias=False, name=name)(x)
    return layers.Activation("relu", name=f"{name}_Activation")(_normalisation(name)(x))


def _normalisation(name: str) -> layers.Layer:
    return layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{name}{NORMALISED}")
