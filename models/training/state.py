"""How far a run of training has come: its epochs, and which of its networks is the best."""

from __future__ import annotations

from typing import NamedTuple

from models.embedding import Record
from models.training.options import TrainingOptions

FORMAT = 1


class Score(NamedTuple):
    """How well a network tells people apart whom it was not taught; the higher is the better.

    tar: true-accept rate, at the false-accept rate `far`. separation: distance of the mean distances of pairs of the
    same and of different people, in standard deviations; it decides where the rates are equal.
    """

    tar: float
    separation: float
    far: float


class Epoch(Record):
    """An epoch that is over.

    number: from 1. loss: mean over its steps. learning_rate: at its end. seconds: that it took, validation included; of
    a resumed one, since then.
    """

    number: int
    loss: float
    learning_rate: float
    score: Score
    seconds: float


class Position(Record):
    """Where learning goes on: the epoch, from 0, the step in it, and the sum of the losses of the steps before."""

    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0


class State(Record):
    """A run of training. fingerprint: of the pictures it learns from. people: their number.

    best: number of the epoch with the best network. checkpoint, best_weights: names of the files with the networks, ""
    before there are any. finished: whether nothing is left to do.
    """

    format: int = FORMAT
    options: TrainingOptions
    fingerprint: str
    people: int
    position: Position = Position()
    epochs: tuple[Epoch, ...] = ()
    best: int | None = None
    checkpoint: str = ""
    best_weights: str = ""
    finished: bool = False

    @property
    def best_epoch(self) -> Epoch | None:
        """The epoch with the best network."""
        return None if self.best is None else self.epochs[self.best - 1]

    @property
    def is_patient(self) -> bool:
        """Whether a better network may still come."""
        return self.best is None or len(self.epochs) - self.best < self.options.patience

    def after(self, epoch: Epoch) -> State:
        """The state after an epoch, at the start of the next."""
        best = self.best_epoch
        is_best = best is None or epoch.score[:2] > best.score[:2]
        state = self.model_copy(
            update={
                "position": Position(epoch=epoch.number),
                "epochs": (*self.epochs, epoch),
                "best": epoch.number if is_best else self.best,
            }
        )
        done = epoch.number >= self.options.epochs or not state.is_patient
        return state.model_copy(update={"finished": done})
