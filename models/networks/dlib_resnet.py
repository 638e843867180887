"""dlib's face recognition network: a residual network that embeds a 150x150 face as a 128-D vector.

Source: dlib, examples/dnn_face_recognition_ex.cpp and dlib/dnn/layers.h (con_, affine_, max_pool_, avg_pool_,
add_prev_, fc_).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]

SIZE = 150
DIMENSION = 128
MEAN_RGB = (122.782, 117.001, 104.298)
GROUPS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Filters and residual blocks of each group; the first block of each group except the first downsamples by 2."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Convolution:
    """A convolution and the affine layer after it, as stored by dlib.

    filters: (n, c, h, w). biases, gammas, betas: (n,).
    """

    filters: FloatArray
    biases: FloatArray
    gammas: FloatArray
    betas: FloatArray

    def folded(self) -> tuple[FloatArray, FloatArray]:
        """Kernel (h, w, c, n) and bias (n,) of a single convolution equivalent to both layers."""
        kernel = self.filters.transpose(2, 3, 1, 0) * self.gammas
        return kernel.astype(np.float32), (self.biases * self.gammas + self.betas).astype(np.float32)


def dlib_resnet() -> keras.Model:
    """Embeds a face; vectors of one person are less than 0.6 apart (Euclidean).

    Input: (N, 150, 150, 3) RGB, px in 0..255. Output: (N, 128), not normalised to unit length.
    """
    image = keras.Input((SIZE, SIZE, 3), name="image")
    vector = layers.Dense(DIMENSION, use_bias=False, name="vector")(features(image, GROUPS))
    return keras.Model(image, vector, name="dlib_resnet")


def features(image: keras.KerasTensor, groups: Sequence[tuple[int, int]]) -> keras.KerasTensor:
    """The layers before the last one: (N, h, w, 3) RGB, px in 0..255 -> (N, filters of the last group).

    groups: as GROUPS; the first convolution has as many filters as the first group.
    """
    # Not folded into the first convolution: its weights divided by 256 would lose precision as float16.
    x = layers.Rescaling(1 / 256, [-value / 256 for value in MEAN_RGB], name="normalise")(image)
    x = layers.Conv2D(groups[0][0], 7, 2, activation="relu", name="conv0")(x)
    x = layers.MaxPooling2D(3, 2, name="pool0")(x)
    for group, (filters, blocks) in enumerate(groups):
        for block in range(blocks):
            x = _residual(x, filters, downsamples=group > 0 and block == 0, name=f"{group}_{block}")
    return ops.mean(x, axis=(1, 2))


def load(model: keras.Model, convolutions: Sequence[Convolution], matrix: FloatArray) -> keras.Model:
    """Set the weights: convolutions from input to output, then the last matrix (256, 128).

    Raises ValueError when the number or shapes of the arrays do not match.
    """
    model.set_weights([*_flattened(convolutions), matrix])
    return model


def _flattened(convolutions: Sequence[Convolution]) -> Iterator[FloatArray]:
    for convolution in convolutions:
        yield from convolution.folded()


def _residual(x: keras.KerasTensor, filters: int, *, downsamples: bool, name: str) -> keras.KerasTensor:
    if downsamples:
        branch = layers.Conv2D(filters, 3, 2, activation="relu", name=f"conv{name}a")(x)
        skip = layers.AveragePooling2D(2, 2, name=f"pool{name}")(x)
    else:
        branch = layers.Conv2D(filters, 3, padding="same", activation="relu", name=f"conv{name}a")(x)
        skip = x
    branch = layers.Conv2D(filters, 3, padding="same", name=f"conv{name}b")(branch)
    shape = tuple(max(sizes) for sizes in zip(branch.shape[1:], skip.shape[1:], strict=True))
    return ops.relu(_padded(branch, shape) + _padded(skip, shape))


def _padded(x: keras.KerasTensor, shape: tuple[int, ...]) -> keras.KerasTensor:
    """The map zero-padded at the end of rows, columns and channels to `shape`, as dlib adds maps of different sizes."""
    missing = [(0, want - got) for want, got in zip(shape, x.shape[1:], strict=True)]
    return ops.pad(x, [(0, 0), *missing]) if any(count for _, count in missing) else x
