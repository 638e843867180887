"""The networks that can be trained to embed, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import keras
from keras import layers

from models.networks.inception_resnet import NORMALISED, inception_resnet
from models.networks.mobilenetv4 import mobilenetv4_small
from models.training.options import Backbone, TrainingOptions

_MOMENTUM = 0.9
"""Of batch normalisation: few pictures make few steps, after which the means have to be those of the pictures."""


def embedder(options: TrainingOptions) -> keras.Model:
    """A network with random weights. Input: (N, size, size, 3) RGB, px in 0..255. Output: (N, dimension)."""
    return _MAKERS[options.backbone](options)


def _mobilenetv4_small(options: TrainingOptions) -> keras.Model:
    return mobilenetv4_small(options.dimension, size=options.size, width=options.width)


def _mobilenetv3_small(options: TrainingOptions) -> keras.Model:
    """Source: Howard et al., "Searching for MobileNetV3" (2019), as in Keras."""
    image = keras.Input((options.size, options.size, 3), name="image")
    network = keras.applications.MobileNetV3Small(
        input_tensor=image, alpha=options.width, include_top=False, weights=None, pooling="avg"
    )
    _follow_short_runs(network)
    x = layers.Dense(options.dimension, use_bias=False, name="dense")(network.output)
    vector = layers.BatchNormalization(epsilon=1e-5, momentum=_MOMENTUM, name="vector")(x)
    return keras.Model(image, vector, name="mobilenetv3_small")


def _inception_resnet_v1(options: TrainingOptions) -> keras.Model:
    """FaceNet's network, before its vectors are scaled to unit length, with the scaling of pixels in it."""
    network = inception_resnet(options.dimension, size=options.size)
    _follow_short_runs(network)
    whole = keras.Model(network.input, network.get_layer(f"Bottleneck{NORMALISED}").output, name="features")
    image = keras.Input((options.size, options.size, 3), name="image")
    vector = whole(layers.Rescaling(1 / 128, -127.5 / 128, name="normalise")(image))
    return keras.Model(image, vector, name="inception_resnet_v1")


def _follow_short_runs(network: keras.Model) -> None:
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = _MOMENTUM


_MAKERS: Mapping[Backbone, Callable[[TrainingOptions], keras.Model]] = MappingProxyType(
    {
        Backbone.MOBILENETV4_SMALL: _mobilenetv4_small,
        Backbone.MOBILENETV3_SMALL: _mobilenetv3_small,
        Backbone.INCEPTION_RESNET_V1: _inception_resnet_v1,
    }
)
