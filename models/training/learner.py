"""The network that is trained, with what its training needs: the centres of ArcFace, and the optimiser.

Imports TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from models.networks.backbones import embedder
from models.training.augmentation import FloatArray
from models.training.losses import arcface, semi_hard_triplets
from models.training.options import Loss, Optimiser, TrainingOptions
from models.training.sampling import Images, Rows

_MOMENTUM = 0.9
_CLIP_NORM = 10.0
"""Of all gradients together; more come only from a batch that would throw the network back."""
_MARGIN_RISES = 0.5
"""Share of the steps in which the margin of ArcFace rises from 0: with all of it from the first step on, a network that
begins with random weights and has few people to learn from hardly comes away from the beginning."""
_EMBEDDED_AT_ONCE = 64
_WITHOUT_DECAY = ("gamma", "beta", "bias")


class Learner:
    """A network that learns. Its weights are random in the beginning, the same for the same seed."""

    def __init__(
        self, options: TrainingOptions, *, people: int, steps: int, network: keras.Model | None = None
    ) -> None:
        """people: to teach with. steps: of an epoch. network: instead of the one that the options name."""
        keras.utils.set_random_seed(options.seed)
        self.network = embedder(options) if network is None else network
        self._options = options
        self._head = [_centres(people, options.dimension, options.seed)] if options.loss is Loss.ARCFACE else []
        self._variables = [*self.network.trainable_variables, *self._head]
        self._optimiser = _optimiser(options, steps)
        self._margin_steps = max(1.0, _MARGIN_RISES * options.epochs * steps)
        self._optimiser.build(self._variables)
        image = tf.TensorSpec((None, *self.network.input_shape[1:]), tf.float32)
        self._step = tf.function(self._learned, input_signature=[image, tf.TensorSpec((None,), tf.int32)])
        self._vectors = tf.function(lambda images: self.network(images, training=False), input_signature=[image])

    def learn(self, images: FloatArray, labels: Rows) -> float:
        """One step; returns the loss before it. images: (n, size, size, 3) RGB, px in 0..255."""
        return float(self._step(images, labels.astype(np.int32)))

    def embed(self, images: Images) -> FloatArray:
        """(N, size, size, 3) RGB -> (N, dimension), of unit length."""
        parts = [
            self._vectors(images[start : start + _EMBEDDED_AT_ONCE].astype(np.float32)).numpy()
            for start in range(0, len(images), _EMBEDDED_AT_ONCE)
        ]
        vectors = np.concatenate([np.zeros((0, self._options.dimension), np.float32), *parts])
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12), np.float32)

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        return float(self._optimiser.learning_rate)

    def save(self, folder: Path) -> None:
        """Write everything that learning goes on from into a folder that exists. Raises OSError."""
        self.network.save_weights(folder / "network.weights.h5")
        with (folder / "training.npz").open("wb") as file:
            np.savez(file, allow_pickle=False, **self._arrays())

    def load(self, folder: Path) -> None:
        """The opposite of `save`. Raises OSError, and KeyError or ValueError for files of another network."""
        self.network.load_weights(folder / "network.weights.h5")
        with np.load(folder / "training.npz", allow_pickle=False) as arrays:
            if set(arrays) != set(self._arrays()):
                raise ValueError(f"{folder}: arrays of another training")
            self._assign(arrays)

    def _learned(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = self._loss(self.network(images, training=True), labels)
        self._optimiser.apply(tape.gradient(loss, self._variables), self._variables)
        return loss

    def _loss(self, vectors: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        options = self._options
        if not self._head:
            return semi_hard_triplets(vectors, labels, margin=options.loss_margin)
        centres = tf.convert_to_tensor(self._head[0])
        risen = tf.minimum(tf.cast(self._optimiser.iterations, tf.float32) / self._margin_steps, 1)
        margin = options.loss_margin * risen
        return arcface(vectors, centres, labels, scale=options.scale, margin=margin)

    def _arrays(self) -> dict[str, NDArray[Any]]:
        found = {f"optimiser{number}": each.numpy() for number, each in enumerate(self._optimiser.variables)}
        return found | {f"head{number}": each.numpy() for number, each in enumerate(self._head)}

    def _assign(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        for name, variables in (("optimiser", self._optimiser.variables), ("head", self._head)):
            for number, each in enumerate(variables):
                each.assign(arrays[f"{name}{number}"])


def _centres(people: int, dimension: int, seed: int) -> keras.Variable:
    initial = keras.initializers.RandomNormal(stddev=dimension**-0.5, seed=seed)
    return keras.Variable(initial, shape=(people, dimension), name="centres")


def _optimiser(options: TrainingOptions, steps: int) -> keras.optimizers.Optimizer:
    warm_up = min(round(options.warm_up * steps), options.epochs * steps - 1)
    rate: float | keras.optimizers.schedules.LearningRateSchedule = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else options.learning_rate,
        options.epochs * steps - warm_up,
        warmup_target=options.learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    shared = {"learning_rate": rate, "weight_decay": options.weight_decay, "global_clipnorm": _CLIP_NORM}
    if options.optimiser is Optimiser.SGD:
        optimiser = keras.optimizers.SGD(momentum=_MOMENTUM, nesterov=True, **shared)
    else:
        optimiser = keras.optimizers.AdamW(**shared)
    optimiser.exclude_from_weight_decay(var_names=_WITHOUT_DECAY)
    return optimiser
