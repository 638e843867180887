"""Training from where a run is to its end: epochs, validation after each, checkpoints, early stopping."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from config.errors import ModelError
from models.training.augmentation import FloatArray, augmented
from models.training.checkpoints import Checkpoints
from models.training.learner import Learner
from models.training.logs import Logs
from models.training.sampling import Rows, TrainingSet, batches
from models.training.state import Epoch, Position, Score, State

_CHECKPOINT_S = 600.0
"""Longest time without a checkpoint, where an epoch takes longer."""


class Watcher(Protocol):
    """Who watches a run."""

    def step(self, epoch: int, done: int, total: int) -> None:
        """So many steps of an epoch are done, of a total."""

    def epoch(self, state: State) -> None:
        """An epoch is over, the last one of the state."""

    def wants_stop(self) -> bool:
        """Whether to stop before the next step, with a checkpoint."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Training:
    """A run of training.

    validate: the score of the network after an epoch. checkpoint_s: longest time without a checkpoint.
    """

    learner: Learner
    lessons: TrainingSet
    validate: Callable[[Learner], Score]
    checkpoints: Checkpoints
    watcher: Watcher
    checkpoint_s: float = _CHECKPOINT_S

    def run(self, state: State) -> State:
        """Train until the state is finished, or the watcher wants to stop; returns the state then.

        A run that was stopped or killed and goes on from its last checkpoint gives the network, bit for bit, that it
        would have given otherwise. Raises ModelError when a checkpoint cannot be read or written, and when the loss is
        no number any more.
        """
        self.checkpoints.restore(self.learner, state)
        with Logs(self.checkpoints.folder) as logs, ThreadPoolExecutor(1, "batches") as pool:
            while not state.finished:
                started = time.monotonic()
                rows = batches(self.lessons.labels, state.options, state.position.epoch)
                state = self._learn(state, rows, pool)
                position = state.position
                if position.step < len(rows):
                    return state
                epoch = Epoch(
                    number=position.epoch + 1,
                    loss=position.loss_sum / len(rows),
                    learning_rate=self.learner.learning_rate,
                    score=self.validate(self.learner),
                    seconds=round(time.monotonic() - started, 3),
                )
                state = self.checkpoints.save(self.learner, state.after(epoch))
                logs.write(epoch)
                self.watcher.epoch(state)
        return state

    def _learn(self, state: State, rows: Sequence[Rows], pool: Executor) -> State:
        """The rest of an epoch, or, with a checkpoint, as much of it as the watcher wants."""
        saved_at = time.monotonic()
        for images, labels in self._prepared(state, rows, pool):
            if self.watcher.wants_stop():
                return self.checkpoints.save(self.learner, state)
            state = state.model_copy(update={"position": self._step(state.position, images, labels)})
            done = state.position.step
            self.watcher.step(state.position.epoch + 1, done, len(rows))
            if done < len(rows) and time.monotonic() - saved_at >= self.checkpoint_s:
                state, saved_at = self.checkpoints.save(self.learner, state), time.monotonic()
        return state

    def _step(self, position: Position, images: FloatArray, labels: Rows) -> Position:
        loss = self.learner.learn(images, labels)
        if not math.isfinite(loss):
            raise ModelError(
                f"the loss is {loss} in epoch {position.epoch + 1}", fix="train with a lower --learning-rate"
            )
        return Position(epoch=position.epoch, step=position.step + 1, loss_sum=position.loss_sum + loss)

    def _prepared(self, state: State, rows: Sequence[Rows], pool: Executor) -> Iterator[tuple[FloatArray, Rows]]:
        """The batches of an epoch from a position on, each prepared while the one before is learned."""
        options, epoch = state.options, state.position.epoch

        def prepare(step: int) -> tuple[FloatArray, Rows]:
            images, labels = self.lessons.pictures.read(rows[step]), self.lessons.labels[rows[step]]
            if not options.augment:
                return images.astype(np.float32), labels
            return augmented(images, seed=options.seed, epoch=epoch, step=step), labels

        steps = range(state.position.step, len(rows))
        coming = [pool.submit(prepare, step) for step in steps[:1]]
        for step in steps:
            images, labels = coming.pop().result()
            coming += [pool.submit(prepare, following) for following in range(step + 1, len(rows))[:1]]
            yield images, labels
