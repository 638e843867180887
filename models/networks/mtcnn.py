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

_PACKED = 16
"""Channels of P-Net's first map when packed: one vector register of the widest kind."""
_FIRST = 3
"""Arrays of its first layer: kernel, bias, slope."""


def pnet() -> keras.Model:
    """Proposes faces at every place of a picture.

    Input: (N, H, W, 3) RGB, (px - 127.5) / 128, H and W of 12 or more. Outputs: regression (N, h, w, 4), offsets of
    x1 y1 x2 y2 in parts of the 12 px field; scores (N, h, w, 2), not a face and face. Neighbouring places are 2 px
    apart in the input.
    """
    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, 10, 3, "1")
    x = layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x)
    x = _convolution(x, 16, 3, "2")
    x = _convolution(x, 32, 3, "3")
    regression = layers.Conv2D(4, 1, name="regression")(x)
    scores = layers.Conv2D(2, 1, activation="softmax", name="scores")(x)
    return keras.Model(image, [regression, scores], name="pnet")


def pnet_packed(plain: keras.Model) -> keras.Model:
    """The same function as a loaded `pnet`, in a third less time on a CPU.

    Maps of 10 channels leave a third of a vector register idle, most of all in pooling: the first map gets 16, of which
    6 are zero. Offsets and scores come from one convolution instead of two, and the softmax of two numbers is the
    logistic function of their difference.
    """
    arrays = [np.asarray(array) for array in plain.get_weights()]
    idle = _PACKED - arrays[0].shape[-1]
    first = [np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, idle)]) for array in arrays[:3]]
    second = np.pad(arrays[3], [(0, 0), (0, 0), (0, idle), (0, 0)])
    (offset_kernel, offset_bias), (score_kernel, score_bias) = arrays[9:11], arrays[11:13]
    apart = [score_kernel - score_kernel[..., ::-1], score_bias - score_bias[::-1]]
    heads = [np.concatenate([offset_kernel, apart[0]], axis=-1), np.concatenate([offset_bias, apart[1]])]

    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, _PACKED, 3, "1")
    x = layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x)
    model = keras.Model(image, _pnet_heads(x), name="pnet")
    model.set_weights([*first, second, *arrays[4:9], *heads])
    return model


def pnet_first(packed: keras.Model) -> keras.Model:
    """The first layer of a loaded `pnet_packed`, up to where its map is halved.

    Input: as `pnet`. Output: map (N, ceil((H - 2) / 2), ceil((W - 2) / 2), 16).
    """
    image = keras.Input((None, None, 3), name="image")
    x = _convolution(image, _PACKED, 3, "1")
    model = keras.Model(image, layers.MaxPooling2D(2, 2, padding="same", name="pool1")(x), name="pnet_first")
    model.set_weights(packed.get_weights()[:_FIRST])
    return model


def pnet_rest(packed: keras.Model) -> keras.Model:
    """What comes after `pnet_first`. Input: its map. Outputs: as `pnet`."""
    halved = keras.Input((None, None, _PACKED), name="image")
    model = keras.Model(halved, _pnet_heads(halved), name="pnet_rest")
    model.set_weights(packed.get_weights()[_FIRST:])
    return model


def rnet() -> keras.Model:
    """Judges and corrects the proposals.

    Input: (N, 24, 24, 3) RGB, (px - 127.5) / 128. Outputs: regression (N, 4), offsets in parts of the box; scores
    (N, 2), not a face and face.
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
    """Judges what R-Net let pass, and finds the five points.

    Input: (N, 48, 48, 3) RGB, (px - 127.5) / 128. Outputs: regression (N, 4), offsets in parts of the box; landmarks
    (N, 10), five x then five y in parts of the box; scores (N, 2), not a face and face.
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
    """Give a network its weights: kernel, bias and slope of each layer, input to output.

    Raises ValueError when number or shapes of the arrays do not fit.
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
    """A layer on the whole map; the weights count it column by column.

    The batch is -1 and not read from the tensor: reading it would put operators into the converted network that keep
    XNNPACK from taking it whole.
    """
    columns_first = ops.transpose(x, (0, 2, 1, 3))
    flat = ops.reshape(columns_first, (-1, int(np.prod(x.shape[1:]))))
    x = layers.Dense(units, name=f"dense{name}")(flat)
    return layers.PReLU(name=f"prelu{name}")(x)
