"""P-Net, R-Net and O-Net, the three networks of the MTCNN face detector.

Source: Zhang et al., Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks (2016), in the
layout of the weights of the PyPI package mtcnn 1.0.0.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

_PADDED_CHANNELS = 16
"""Channels of P-Net's first feature map after padding: the width of the widest vector register."""
_STEM_ARRAYS = 3
"""Weights of the first layer: kernel, bias, slope."""


def pnet() -> keras.Model:
    """Proposal network: scores every 12x12 px window of an image, with stride 2.

    Input: (N, H, W, 3) RGB, (px - 127.5) / 128, H and W of 12 or more. Outputs: regression (N, h, w, 4), offsets of
    x1 y1 x2 y2 in fractions of the window; scores (N, h, w, 2), probabilities of background and face.
    """
    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, 10, 3, "1")
    x = layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x)
    x = _convolution(x, 16, 3, "2")
    x = _convolution(x, 32, 3, "3")
    regression = layers.Conv2D(4, 1, name="regression")(x)
    scores = layers.Conv2D(2, 1, activation="softmax", name="scores")(x)
    return keras.Model(image, [regression, scores], name="pnet")


def pnet_padded(plain: keras.Model) -> keras.Model:
    """A network equivalent to a loaded `pnet` that takes a third less time on a CPU.

    The first feature map is padded from 10 to 16 channels to fill a vector register. Regression and scores come from
    one convolution instead of two, and the softmax of two values is computed as the sigmoid of their difference.
    """
    arrays = [np.asarray(array) for array in plain.get_weights()]
    padding = _PADDED_CHANNELS - arrays[0].shape[-1]
    first = [np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, padding)]) for array in arrays[:3]]
    second = np.pad(arrays[3], [(0, 0), (0, 0), (0, padding), (0, 0)])
    (offset_kernel, offset_bias), (score_kernel, score_bias) = arrays[9:11], arrays[11:13]
    logits = [score_kernel - score_kernel[..., ::-1], score_bias - score_bias[::-1]]
    heads = [np.concatenate([offset_kernel, logits[0]], axis=-1), np.concatenate([offset_bias, logits[1]])]

    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, _PADDED_CHANNELS, 3, "1")
    x = layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x)
    model = keras.Model(image, _pnet_heads(x), name="pnet")
    model.set_weights([*first, second, *arrays[4:9], *heads])
    return model


def pnet_stem(padded: keras.Model) -> keras.Model:
    """The first layer of a loaded `pnet_padded`: convolution, PReLU and pooling.

    Input: as `pnet`. Output: map (N, ceil((H - 2) / 2), ceil((W - 2) / 2), 16).
    """
    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, _PADDED_CHANNELS, 3, "1")
    model = keras.Model(image, layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x), name="pnet_stem")
    model.set_weights(padded.get_weights()[:_STEM_ARRAYS])
    return model


def pnet_body(padded: keras.Model) -> keras.Model:
    """The layers after `pnet_stem`. Input: its feature map. Outputs: as `pnet`."""
    pooled = keras.Input((None, None, _PADDED_CHANNELS), name="image")
    model = keras.Model(pooled, _pnet_heads(pooled), name="pnet_body")
    model.set_weights(padded.get_weights()[_STEM_ARRAYS:])
    return model


def rnet() -> keras.Model:
    """Refinement network: classifies proposals and corrects their boxes.

    Input: (N, 24, 24, 3) RGB, (px - 127.5) / 128. Outputs: regression (N, 4), offsets in fractions of the box; scores
    (N, 2), probabilities of background and face.
    """
    image = keras.Input((24, 24, 3), name="image")
    x = _convolution(image, 28, 3, "1")
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = _convolution(x, 48, 3, "2")
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = _convolution(x, 64, 2, "3")
    x = _dense(x, 128, "4")
    regression = layers.Dense(4, name="regression")(x)
    scores = layers.Dense(2, activation="softmax", name="scores")(x)
    return keras.Model(image, [regression, scores], name="rnet")


def onet() -> keras.Model:
    """Output network: classifies candidates, corrects their boxes and finds five landmarks.

    Input: (N, 48, 48, 3) RGB, (px - 127.5) / 128. Outputs: regression (N, 4), offsets in fractions of the box;
    landmarks (N, 10), five x then five y in fractions of the box; scores (N, 2), probabilities of background and face.
    """
    image = keras.Input((48, 48, 3), name="image")
    x = _convolution(image, 32, 3, "1")
    x = layers.MaxPooling2D(3, 2, padding="same", name="pool1")(x)
    x = _convolution(x, 64, 3, "2")
    x = layers.MaxPooling2D(3, 2, name="pool2")(x)
    x = _convolution(x, 64, 3, "3")
    x = layers.MaxPooling2D(2, 2, padding="same", name="pool3")(x)
    x = _convolution(x, 128, 2, "4")
    x = _dense(x, 256, "5")
    regression = layers.Dense(4, name="regression")(x)
    landmarks = layers.Dense(10, name="landmarks")(x)
    scores = layers.Dense(2, activation="softmax", name="scores")(x)
    return keras.Model(image, [regression, landmarks, scores], name="onet")


def load(model: keras.Model, arrays: Sequence[NDArray[np.float32]]) -> keras.Model:
    """Set the weights of a network: kernel, bias and slope of each layer, from input to output.

    Raises ValueError when the number or shapes of the arrays do not match.
    """
    model.set_weights(list(arrays))
    return model


def _pnet_heads(x: keras.KerasTensor) -> list[keras.KerasTensor]:
    x = _convolution(x, 16, 3, "2")
    x = _convolution(x, 32, 3, "3")
    x = layers.Conv2D(6, 1, name="heads")(x)
    return [x[..., :4], ops.sigmoid(x[..., 4:])]


def _convolution(x: keras.KerasTensor, filters: int, size: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(filters, size, name=f"conv{name}")(x)
    return layers.PReLU(shared_axes=[1, 2], name=f"prelu{name}")(x)


def _dense(x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    """A dense layer on a feature map, flattened in column-major order.

    The batch size is -1 instead of the tensor's: reading it would add operators that XNNPACK cannot delegate.
    """
    columns_first = ops.transpose(x, (0, 2, 1, 3))
    flat = ops.reshape(columns_first, (-1, int(np.prod(x.shape[1:]))))
    x = layers.Dense(units, name=f"dense{name}")(flat)
    return layers.PReLU(name=f"prelu{name}")(x)
