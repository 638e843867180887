"""The folder of a run of training: its state, the checkpoint it goes on from, the weights of its best network.

`state.json` names the other files and is replaced last, so that a run killed at any moment goes on from a whole one.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

from pydantic import ValidationError

from config.errors import ModelError
from models.training.state import FORMAT, State

if TYPE_CHECKING:
    from models.training.learner import Learner

STATE = "state.json"
LOGS = "logs"
"""Folder of the TensorBoard logs."""
_PART = ".part"
_OURS = ("step-*", "best-*")


class Checkpoints:
    """The folder of a run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> State:
        """The state. Raises ModelError when there is none, or it is damaged or of another version of Footfall."""
        path = self.folder / STATE
        try:
            state = State.model_validate_json(path.read_bytes())
        except FileNotFoundError as error:
            raise ModelError(f"{self.folder}: no training to resume", fix="start it without --resume") from error
        except (OSError, ValidationError) as error:
            raise ModelError(f"{path}: not the state of a training", fix="start again in another folder") from error
        if state.format != FORMAT:
            raise ModelError(
                f"{path}: of another version of Footfall (format {state.format}, expected {FORMAT})",
                fix="resume with that version, or start again in another folder",
            )
        return state

    def require_free(self) -> None:
        """Make the folder. Raises ModelError when it cannot be written, or is not empty."""
        with self._written():
            self.folder.mkdir(parents=True, exist_ok=True)
            if any(not path.name.startswith(".") for path in self.folder.iterdir()):
                raise ModelError(f"{self.folder} is not empty", fix="give another folder to --to, or --resume a run")

    def start(self, state: State) -> None:
        """Write the state of a new run. Raises ModelError when that is not possible."""
        with self._written():
            self._write_state(state)

    def save(self, learner: Learner, state: State) -> State:
        """Write a checkpoint; returns the state that names it. Raises ModelError when that is not possible."""
        position = state.position
        names = {"checkpoint": f"step-{position.epoch:05d}-{position.step:07d}"}
        with self._written():
            self._place(names["checkpoint"], lambda folder: _saved(learner, folder))
            if state.best is not None and state.best == len(state.epochs) and position.step == 0:
                names["best_weights"] = f"best-{state.best:05d}"
                self._place(names["best_weights"], lambda folder: _saved_network(learner, folder))
            saved = state.model_copy(update=names)
            self._write_state(saved)
            self._delete_others({saved.checkpoint, saved.best_weights})
        return saved

    def restore(self, learner: Learner, state: State) -> None:
        """Load the checkpoint of a state, where it has one. Raises ModelError when it is damaged."""
        if state.checkpoint:
            with self._read():
                learner.load(self.folder / state.checkpoint)

    def restore_best(self, learner: Learner, state: State) -> None:
        """Load the weights of the best network. Raises ModelError when they are damaged, or there are none."""
        if not state.best_weights:
            raise ModelError(f"{self.folder}: no epoch is over", fix="go on with --resume")
        with self._read():
            learner.network.load_weights(self.folder / state.best_weights / "network.weights.h5")

    def _place(self, name: str, write: Callable[[Path], None]) -> None:
        """Make a folder with files, at once; nothing is done where it exists."""
        final, beside = self.folder / name, self.folder / f"{name}{_PART}"
        if final.exists():
            return
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        write(beside)
        for path in beside.iterdir():
            _sync(path)
        beside.rename(final)

    def _write_state(self, state: State) -> None:
        beside = self.folder / f".{STATE}{_PART}"
        beside.write_text(state.model_dump_json(indent=2) + "\n", encoding="utf-8")
        _sync(beside)
        beside.replace(self.folder / STATE)

    def _delete_others(self, kept: set[str]) -> None:
        for pattern in _OURS:
            for path in self.folder.glob(pattern):
                if path.name not in kept:
                    shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ModelError(
                f"{self.folder}: cannot be written ({error.strerror or error})",
                fix="check rights and free space, then go on with --resume",
            ) from error

    @contextmanager
    def _read(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KeyError, ValueError, BadZipFile) as error:
            raise ModelError(
                f"{self.folder}: the checkpoint is damaged ({error})", fix="start again in another folder"
            ) from error


def _saved(learner: Learner, folder: Path) -> None:
    learner.save(folder)


def _saved_network(learner: Learner, folder: Path) -> None:
    learner.network.save_weights(folder / "network.weights.h5")


def _sync(path: Path) -> None:
    """Have the contents of a file on the disk before it is named."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
