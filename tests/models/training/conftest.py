"""A tiny network, and pictures of people whom it can tell apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.training.checkpoints import Checkpoints
from models.training.options import TrainingOptions
from models.training.sampling import Images, Rows, TrainingSet, batches
from models.training.state import Epoch, Score, State

if TYPE_CHECKING:
    from models.training.learner import Learner
    from models.training.loop import Training

SIZE = 32
PEOPLE = 4
OPTIONS = TrainingOptions(
    size=SIZE,
    dimension=8,
    epochs=4,
    steps=1,
    batch=12,
    pictures_per_person=3,
    patience=4,
    learning_rate=0.02,
    warm_up=1,
    loss_margin=0.2,
    scale=8,
)


class Stripes:
    """Ten pictures a person, with stripes of a distance that is theirs, and noise."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self.labels: Rows = np.repeat(np.arange(PEOPLE), 10)
        waves = np.sin(np.arange(SIZE)[None, :] * (self.labels[:, None] + 1) * 0.4)[:, :, None, None]
        noise = random.normal(0, 20, (len(self.labels), SIZE, SIZE, 3))
        self.images: Images = np.clip(128 + 80 * waves + noise, 0, 255).astype(np.uint8)

    def read(self, rows: Rows) -> Images:
        return self.images[rows]


@dataclass
class Recorder:
    """Watches a run, and stops it after so many steps."""

    stop_after: int | None = None
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    epochs: list[Epoch] = field(default_factory=list)

    def step(self, epoch: int, done: int, total: int) -> None:
        self.steps.append((epoch, done, total))

    def epoch(self, state: State) -> None:
        self.epochs.append(state.epochs[-1])

    def wants_stop(self) -> bool:
        return self.stop_after is not None and len(self.steps) >= self.stop_after


def separation(learner: Learner) -> Score:
    """The score on the same pictures, which is enough to follow a run."""
    stripes = Stripes()
    vectors = learner.embed(stripes.images)
    distances = np.linalg.norm(vectors[:, None] - vectors[None, :], axis=2)
    same = stripes.labels[:, None] == stripes.labels[None, :]
    gap = distances[~same].mean() - distances[same].mean()
    return Score(tar=0.0, separation=float(gap), far=0.1)


def training(folder: Path, options: TrainingOptions, watcher: object | None = None, **more: object) -> Training:
    """A run of a tiny network in a folder."""
    import keras
    from keras import layers

    from models.training.learner import Learner
    from models.training.loop import Training

    keras.utils.set_random_seed(options.seed)
    image = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(8, 5, 4, use_bias=False)(layers.Rescaling(1 / 128, -1)(image))
    x = layers.ReLU()(layers.BatchNormalization(momentum=0.8)(x))
    network = keras.Model(image, layers.Dense(options.dimension)(layers.GlobalAveragePooling2D()(x)))
    stripes = Stripes()
    return Training(
        learner=Learner(options, people=PEOPLE, steps=steps(options), network=network),
        lessons=TrainingSet(pictures=stripes, labels=stripes.labels),
        checkpoints=Checkpoints(folder),
        **({"validate": separation, "watcher": watcher or Recorder()} | more),
    )


def begun(folder: Path, options: TrainingOptions) -> State:
    """A run that has just been started in a folder."""
    state = State(options=options, fingerprint="stripes", people=PEOPLE)
    Checkpoints(folder).require_free()
    Checkpoints(folder).start(state)
    return state


def steps(options: TrainingOptions) -> int:
    """Steps of an epoch."""
    return len(batches(Stripes().labels, options, 0))
