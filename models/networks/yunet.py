"""YuNet: a small one-pass face detector.

Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector" (2023), as published by OpenCV Zoo
(face_detection_yunet_2023mar.onnx). Its heads for landmarks are left out: O-Net's points are better for recognition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

STRIDES = (8, 16, 32)
"""px of the image a cell, of each output."""
FIRST_FILTERS = 16
UNITS = ((16, 16), (16, 32), (32, 32), (32, 64), (64, 64), (64, 64), (64, 64), (64, 64), (64, 64), (64, 64))
"""Filters before and after each unit of the backbone but the first: two units a stage."""
POOLED_STAGES = (0, 2, 3, 4)
"""Stages after which the resolution is halved."""
NECK_FILTERS = 64
HEADS = {"cls": 1, "obj": 1, "bbox": 4}
"""Channels of each head."""


def yunet() -> keras.Model:
    """Detects faces of 10 to 300 px.

    Input: (N, h, w, 3) BGR, px in 0..255, h and w multiples of 32. Outputs for each of STRIDES:
    (N, h / stride, w / stride, 6): two scores 0..1, whose geometric mean is that of a face, then the box: its centre
    from the corner of the cell, and the logarithm of its size, both in cells.
    """
    image = keras.Input((None, None, 3), name="image")
    x = layers.ZeroPadding2D(1, name="pad")(image)
    x = layers.Conv2D(FIRST_FILTERS, 3, 2, activation="relu", name="first")(x)
    x = _unit(x, FIRST_FILTERS, "stage0")
    stages = [x]
    for stage in range(1, 1 + len(UNITS) // 2):
        if stage - 1 in POOLED_STAGES:
            x = layers.MaxPooling2D(2, name=f"pool{stage}")(x)
        for half in (0, 1):
            x = _unit(x, UNITS[2 * (stage - 1) + half][1], f"stage{stage}{'ab'[half]}")
        stages.append(x)
    coarse = _unit(stages[5], NECK_FILTERS, "neck32")
    middle = _unit(layers.Add(name="sum16")([stages[4], _doubled(coarse, "up16")]), NECK_FILTERS, "neck16")
    fine = _unit(layers.Add(name="sum8")([stages[3], _doubled(middle, "up8")]), NECK_FILTERS, "neck8")
    outputs = [_heads(each, stride) for each, stride in zip((fine, middle, coarse), STRIDES, strict=True)]
    return keras.Model(image, outputs, name="yunet")


def load(model: keras.Model, arrays: Mapping[str, FloatArray]) -> keras.Model:
    """Set the weights. arrays: by name, as in the published file; KeyError or ValueError when they do not match.

    The convolutions with folded batch normalisation have numbers as names, in the order of the network.
    """
    numbers = sorted(int(name) for name, array in arrays.items() if name.isdigit() and array.ndim == 4)
    folded = ((str(number), str(number + 1)) for number in numbers)
    for layer, names in _names(folded):
        kernel, bias = (arrays[name] for name in names)
        axes = (2, 3, 0, 1) if isinstance(model.get_layer(layer), layers.DepthwiseConv2D) else (2, 3, 1, 0)
        model.get_layer(layer).set_weights([kernel.transpose(axes), bias])
    return model


def _names(folded: Iterator[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Layers, and the names of kernel and bias of each."""
    yield "first", next(folded)
    units = {"stage0": "backbone.model0.conv2"}
    units |= {f"stage{n}{half}": f"backbone.model{n}.conv{1 + k}" for n in range(1, 6) for k, half in enumerate("ab")}
    units |= {f"neck{stride}": f"neck.lateral_convs.{n}" for n, stride in ((2, 32), (1, 16), (0, 8))}
    for unit, name in units.items():
        yield f"{unit}_point", (f"{name}.conv1.weight", f"{name}.conv1.bias")
        yield f"{unit}_depth", next(folded)
    for number, stride in enumerate(STRIDES):
        for head in HEADS:
            name = f"bbox_head.multi_level_{head}.{number}"
            for part, layer in (("conv1", "point"), ("conv2", "depth")):
                yield f"{head}{stride}_{layer}", (f"{name}.{part}.weight", f"{name}.{part}.bias")


def _unit(x: keras.KerasTensor, filters: int, name: str) -> keras.KerasTensor:
    x = layers.Conv2D(filters, 1, name=f"{name}_point")(x)
    return layers.DepthwiseConv2D(3, padding="same", activation="relu", name=f"{name}_depth")(x)


def _doubled(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return layers.UpSampling2D(2, interpolation="nearest", name=name)(x)


def _heads(x: keras.KerasTensor, stride: int) -> keras.KerasTensor:
    found = []
    for head, channels in HEADS.items():
        each = layers.Conv2D(channels, 1, name=f"{head}{stride}_point")(x)
        activation = None if head == "bbox" else "sigmoid"
        found.append(
            layers.DepthwiseConv2D(3, padding="same", activation=activation, name=f"{head}{stride}_depth")(each)
        )
    return layers.Concatenate(name=f"stride{stride}")(found)
