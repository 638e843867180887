"""MobileNetV4-Conv-Small: universal inverted bottlenecks, with a head that classifies or one that embeds.

Source: Qin et al., "MobileNetV4: Universal Models for the Mobile Ecosystem" (2024), the table of MNv4-Conv-S. Layers
have the names of timm's `mobilenetv4_conv_small`, so that its state dict fits them by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIZE = 224
"""Side of the images that the paper counts with."""
FEATURES = 960
HEAD = 1280
_MEAN_RGB = (0.485, 0.456, 0.406)
_DEVIATION_RGB = (0.229, 0.224, 0.225)
"""Of ImageNet's pixels in 0..1."""
_EPSILON = 1e-5
_MOMENTUM = 0.9
_DIVISOR = 8
"""Numbers of filters are multiples of it."""


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with batch normalisation and ReLU."""

    kernel: int
    filters: int
    stride: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Bottleneck:
    """A universal inverted bottleneck: expansion and projection by convolutions of 1x1.

    start, middle: kernels of the depthwise convolutions before and after the expansion, 0 for none. The stride is that
    of the middle one, or of the first where there is no other.
    """

    start: int
    middle: int
    expansion: int
    filters: int
    stride: int = 1


STEM = Convolution(3, 32, 2)
STAGES: tuple[tuple[Convolution | Bottleneck, ...], ...] = (
    (Convolution(3, 32, 2), Convolution(1, 32)),
    (Convolution(3, 96, 2), Convolution(1, 64)),
    (
        Bottleneck(start=5, middle=5, expansion=3, filters=96, stride=2),
        *(Bottleneck(start=0, middle=3, expansion=2, filters=96),) * 4,
        Bottleneck(start=3, middle=0, expansion=4, filters=96),
    ),
    (
        Bottleneck(start=3, middle=3, expansion=6, filters=128, stride=2),
        Bottleneck(start=5, middle=5, expansion=4, filters=128),
        Bottleneck(start=0, middle=5, expansion=4, filters=128),
        Bottleneck(start=0, middle=5, expansion=3, filters=128),
        *(Bottleneck(start=0, middle=3, expansion=4, filters=128),) * 2,
    ),
    (Convolution(1, FEATURES),),
)


def classifier(classes: int = 1000, *, size: int = SIZE) -> keras.Model:
    """The network of the paper. Input: (N, size, size, 3) RGB, px in 0..255. Output: (N, classes) logits."""
    image = keras.Input((size, size, 3), name="image")
    x = layers.GlobalAveragePooling2D(keepdims=True, name="pool")(_features(image, 1.0))
    x = layers.Conv2D(HEAD, 1, use_bias=False, name="conv_head")(x)
    x = layers.ReLU(name="act_head")(_normalised(x, "norm_head"))
    logits = layers.Dense(classes, name="classifier")(layers.Flatten(name="flatten")(x))
    return keras.Model(image, logits, name="mobilenetv4_small")


def mobilenetv4_small(dimension: int, *, size: int, width: float = 1.0) -> keras.Model:
    """Embeds a face by the 960 features before the head of the paper.

    width: factor of the numbers of filters. Input: (N, size, size, 3) RGB, px in 0..255. Output: (N, dimension), not
    of unit length.
    """
    image = keras.Input((size, size, 3), name="image")
    x = layers.GlobalAveragePooling2D(name="pool")(_features(image, width))
    x = layers.Dense(dimension, use_bias=False, name="dense")(x)
    return keras.Model(image, _normalised(x, "vector"), name="mobilenetv4_small")


def load(model: keras.Model, arrays: Mapping[str, FloatArray]) -> keras.Model:
    """Set the weights of every layer that timm's network has: all of the classifier, the features of an embedder.

    arrays: timm's state dict by name, in the layout of PyTorch. Raises KeyError or ValueError when it does not fit.
    """
    for layer in model.layers:
        if layer.weights and layer.name not in ("dense", "vector"):
            layer.set_weights(list(_converted(layer, arrays)))
    return model


def _converted(layer: keras.Layer, arrays: Mapping[str, FloatArray]) -> Iterator[FloatArray]:
    if isinstance(layer, layers.BatchNormalization):
        yield from (arrays[f"{layer.name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        return
    weight = arrays[f"{layer.name}.weight"]  # (filters, channels, rows, columns) in PyTorch
    if isinstance(layer, layers.Dense):
        yield weight.T
        yield arrays[f"{layer.name}.bias"]
    elif isinstance(layer, layers.DepthwiseConv2D):
        yield weight.transpose(2, 3, 0, 1)
    else:
        yield weight.transpose(2, 3, 1, 0)


def _features(image: keras.KerasTensor, width: float) -> keras.KerasTensor:
    scale = [1 / (255 * deviation) for deviation in _DEVIATION_RGB]
    offset = [-mean / deviation for mean, deviation in zip(_MEAN_RGB, _DEVIATION_RGB, strict=True)]
    x = layers.Rescaling(scale, offset, name="normalise")(image)
    x = _convolution(x, STEM, width, conv="conv_stem", norm="bn1")
    for number, stage in enumerate(STAGES):
        for index, block in enumerate(stage):
            name = f"blocks.{number}.{index}"
            if isinstance(block, Bottleneck):
                x = _bottleneck(x, block, width, name)
            else:
                x = _convolution(x, block, width, conv=f"{name}.conv", norm=f"{name}.bn1")
    return x


def _convolution(x: keras.KerasTensor, row: Convolution, width: float, *, conv: str, norm: str) -> keras.KerasTensor:
    x, padding = _padded(x, row.kernel, row.stride, conv)
    filters = _filters(row.filters * width)
    x = layers.Conv2D(filters, row.kernel, row.stride, padding=padding, use_bias=False, name=conv)(x)
    return layers.ReLU(name=f"{norm}.act")(_normalised(x, norm))


def _bottleneck(x: keras.KerasTensor, row: Bottleneck, width: float, name: str) -> keras.KerasTensor:
    skip = x
    expanded, filters = _filters(x.shape[-1] * row.expansion), _filters(row.filters * width)
    if row.start:
        x = _depthwise(x, row.start, 1 if row.middle else row.stride, f"{name}.dw_start")
    x = layers.ReLU(name=f"{name}.pw_exp.act")(_pointwise(x, expanded, f"{name}.pw_exp"))
    if row.middle:
        x = layers.ReLU(name=f"{name}.dw_mid.act")(_depthwise(x, row.middle, row.stride, f"{name}.dw_mid"))
    x = _pointwise(x, filters, f"{name}.pw_proj")
    return layers.Add(name=f"{name}.add")([skip, x]) if skip.shape == x.shape else x


def _depthwise(x: keras.KerasTensor, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    x, padding = _padded(x, kernel, stride, name)
    x = layers.DepthwiseConv2D(kernel, stride, padding=padding, use_bias=False, name=f"{name}.conv")(x)
    return _normalised(x, f"{name}.bn")


def _pointwise(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    return _normalised(layers.Conv2D(filters, 1, use_bias=False, name=f"{name}.conv")(x), f"{name}.bn")


def _padded(x: keras.KerasTensor, kernel: int, stride: int, name: str) -> tuple[keras.KerasTensor, str]:
    """The input and padding of a convolution. With a stride, "same" would pad on two sides only."""
    if stride == 1:
        return x, "same"
    return layers.ZeroPadding2D(kernel // 2, name=f"{name}.pad")(x), "valid"


def _normalised(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.BatchNormalization(epsilon=_EPSILON, momentum=_MOMENTUM, name=name)(x)


def _filters(wanted: float) -> int:
    """The nearest multiple of 8, which takes away at most a tenth."""
    rounded = max(_DIVISOR, int(wanted + _DIVISOR / 2) // _DIVISOR * _DIVISOR)
    return rounded if rounded >= 0.9 * wanted else rounded + _DIVISOR
