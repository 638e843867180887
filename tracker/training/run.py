"""A run of training from a dataset to a model pack. Loads TensorFlow when it begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from filelock import FileLock, Timeout

from config.errors import ModelError, PictureError
from models import packs
from models.training.checkpoints import Checkpoints
from models.training.sampling import TrainingSet, batches
from models.training.start import load_weights, quiet_tensorflow
from models.training.state import Score, State
from tracker.dataset.folders import PersonFolder, require_apart
from tracker.reports.text import count_text
from tracker.training import request as requests
from tracker.training.crops import Crops, load
from tracker.training.people import ENOUGH_PICTURES, Parts, read_parts, require_enough
from tracker.training.request import Request
from tracker.training.verification import Verification, sample, verify

if TYPE_CHECKING:
    from models.training.learner import Learner
    from models.training.loop import Watcher
    from tracker.training.packing import Measured

PACK = "pack"
"""Folder of the pack, in that of the run."""
_PURPOSE = "embeds a face as a {dimension}-D vector ({backbone}, trained on own pictures)"
Reading: TypeAlias = Callable[[list[tuple[str, Path]]], Iterable[tuple[str, Path]]]
"""Shows the progress of what is read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Material:
    """The pictures of a run. skipped: those that cannot be read."""

    parts: Parts
    learning: Crops
    validation: Crops
    test: Crops
    skipped: list[PictureError]

    @property
    def fingerprint(self) -> str:
        """Of the pictures that the network learns from, and those it is chosen by."""
        return f"{self.learning.fingerprint}-{self.validation.fingerprint}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What came of a run. verification: of the test people, by the network as it was trained."""

    state: State
    verification: Verification
    measured: list[Measured]
    pack: packs.Pack


@contextmanager
def occupied(folder: Path, root: Path) -> Iterator[None]:
    """A folder of a run that no other process trains in meanwhile. root: of the dataset.

    Raises ModelError, and PeopleError where the folder is in the dataset or holds it.
    """
    require_apart(root, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0)
        with lock:
            yield
    except Timeout as error:
        raise ModelError(f"{folder}: another training runs there", fix="wait for it, or give another --to") from error
    except OSError as error:
        raise ModelError(
            f"{folder}: cannot be written ({error.strerror or error})", fix="check rights and free space"
        ) from error


def read_material(root: Path, request: Request, reading: Reading) -> Material:
    """Divide the people of a dataset and read their pictures. Raises FootfallError where they are not enough."""
    options = request.training
    parts = read_parts(root, test=request.test, validation=request.validation, seed=options.seed)
    found, skipped = [], []
    for people in (parts.learning, parts.validation, parts.test):
        crops, failures = load(people, options.size, reading(_pictures(people)))
        found.append(crops)
        skipped += failures
    require_enough(root, *map(_people_with_pairs, found))
    learning, validation, test = found
    return Material(parts=parts, learning=learning, validation=validation, test=test, skipped=skipped)


def begin(folder: Path, request: Request, material: Material) -> State:
    """The state of a new run in a folder. Raises ModelError where the folder is not empty or cannot be written."""
    state = State(options=request.training, fingerprint=material.fingerprint, people=len(material.learning.people))
    checkpoints = Checkpoints(folder)
    checkpoints.require_free()
    requests.write(folder, request)
    checkpoints.start(state)
    return state


def resume(folder: Path, material: Material) -> State:
    """The state of a run in a folder. Raises ModelError where it is of other pictures."""
    state = Checkpoints(folder).read()
    if state.fingerprint != material.fingerprint:
        raise ModelError(
            f"{folder}: the pictures are not those that this training began with",
            fix="give the folder as it was then, or start again in another folder: --to",
        )
    return state


def learner_of(state: State, material: Material, request: Request) -> Learner:
    """The network that a run begins with: random weights, or those of a file. Raises ModelError."""
    with quiet_tensorflow():
        from models.training.learner import Learner

        steps = len(batches(material.learning.labels, state.options, 0))
        learner = Learner(state.options, people=state.people, steps=steps)
    if request.weights and not state.checkpoint:
        load_weights(learner, Path(request.weights))
    return learner


def train(learner: Learner, folder: Path, state: State, material: Material, watcher: Watcher) -> State:
    """Train until nothing is left to do, or the watcher wants to stop. Raises ModelError."""
    from models.training.loop import Training

    rows = sample(material.validation.labels)
    images, labels = material.validation.read(rows), material.validation.labels[rows]

    def validate(trained: Learner) -> Score:
        return verify(trained.embed(images), labels).score()

    return Training(
        learner=learner,
        lessons=TrainingSet(pictures=material.learning, labels=material.learning.labels),
        validate=validate,
        checkpoints=Checkpoints(folder),
        watcher=watcher,
    ).run(state)


def finish(
    learner: Learner, folder: Path, state: State, material: Material, request: Request,
    begin: Callable[[str, float], None], *, threads: int,
) -> Trained:  # fmt: skip
    """Measure the best network, and write it as a model pack into the folder of the run. Raises ModelError.

    begin: shows what begins, and the share that is done before. threads: of the runtime, see the settings.
    """
    from models.training.conversion import EXAMPLES, to_tflite
    from tracker.training import packing

    steps = len(packing.PRECISIONS) + 2
    begin("Measuring on people held out", 0)
    Checkpoints(folder).restore_best(learner, state)
    options, rows = state.options, sample(material.test.labels)
    verification = verify(learner.embed(material.test.read(rows)), material.test.labels[rows])
    examples = material.learning.read(_spread(len(material.learning.paths), EXAMPLES))
    contents, measured = {}, []
    for number, precision in enumerate(packing.PRECISIONS, 1):
        begin(f"Converting to {precision.value}, and measuring", number / steps)
        with quiet_tensorflow():
            contents[precision] = to_tflite(learner.network, precision, examples)
        measured.append(packing.measure(precision, contents[precision], material.test, threads=threads))
    begin("Writing the pack", (steps - 1) / steps)
    pack = packing.write_pack(
        folder / PACK,
        request=request,
        purpose=_PURPOSE.format(dimension=options.dimension, backbone=options.backbone),
        contents=contents,
        measured=measured,
        verification=packing.held_out_pairs(learner, material.validation, material.test),
        test=material.test,
    )
    return Trained(state=state, verification=verification, measured=measured, pack=pack)


def _pictures(people: Iterable[PersonFolder]) -> list[tuple[str, Path]]:
    return [(person.name, path) for person in people for path in person.pictures]


def _people_with_pairs(crops: Crops) -> int:
    """How many people have enough pictures that can be read."""
    return int(np.count_nonzero(np.bincount(crops.labels, minlength=1) >= ENOUGH_PICTURES))


def _spread(count: int, wanted: int) -> np.ndarray:
    """Rows at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).astype(np.int64))


def skipped_text(material: Material) -> list[str]:
    """Notes about what was left out."""
    notes = [f"note: not read: {error.problem}" for error in material.skipped]
    if material.parts.single:
        few = count_text(len(material.parts.single), "person", "people")
        notes.append(f"note: left out: {few} with fewer than {ENOUGH_PICTURES} pictures")
    return notes
