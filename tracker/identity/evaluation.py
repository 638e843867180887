"""How often the engine is right on pairs of pictures that somebody has judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.errors import PictureError, RecordError
from tracker.identity.enrolment import Reader, people_in
from tracker.identity.pairs import Pair
from tracker.identity.pictures import read_picture
from tracker.identity.rates import Curve, accepted, accuracy, best_threshold, curve, equal_error, threshold_at
from tracker.vision.faces import FloatArray, Image

RATES = (0.01, 0.001)
"""The false-accept rates at which the true-accept rate is told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vectors:
    """What pictures gave: a vector (D,) by file; the files without a face; the unreadable ones with the reason."""

    by_file: dict[str, FloatArray]
    no_face: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A pair and the distance of its faces."""

    first: str
    second: str
    same: bool
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepts:
    """How many pairs of the same person pass where at most the share `far` of different ones does.

    resolved: there are enough different pairs for that share to be at least one of them; otherwise `tar` is the rate
    without any false accept.
    """

    far: float
    tar: float
    threshold: float
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """The figures of a list of pairs. Rates that need both kinds of pairs are None where one is missing.

    best_threshold, best_accuracy: chosen on these very pairs, so a little too good. wrong: pairs that the current
    threshold gets wrong, the clearest error first.
    """

    pairs: int
    scored: tuple[Scored, ...]
    threshold: float
    accuracy: float
    false_accept_rate: float | None
    false_reject_rate: float | None
    best_threshold: float
    best_accuracy: float
    equal_error_rate: float | None
    accepts: tuple[Accepts, ...]
    wrong: tuple[Scored, ...]
    no_face: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]

    @property
    def same(self) -> int:
        """Scored pairs of the same person."""
        return sum(pair.same for pair in self.scored)

    @property
    def different(self) -> int:
        """Scored pairs of two people."""
        return len(self.scored) - self.same

    @property
    def curve(self) -> Curve:
        """The receiver operating characteristic."""
        return curve(*_split(self.scored))


def files_of(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Every file once, in order of appearance."""
    return tuple(dict.fromkeys(file for pair in pairs for file in (pair.first, pair.second)))


def read_vectors(files: Sequence[str], root: Path, engine: Reader, on_file: Callable[[str], None]) -> Vectors:
    """The vector of the most prominent face of each picture. on_file: called after each.

    Names are relative to root; backslashes of another system are understood. Raises PictureError when not one of the
    pictures can be read.
    """
    by_file: dict[str, FloatArray] = {}
    no_face: list[str] = []
    unreadable: list[tuple[str, str]] = []
    for file in files:
        try:
            vector = _vector(read_picture(_path(root, file)), engine)
        except PictureError as error:
            unreadable.append((file, error.problem.removeprefix(f"{_path(root, file)}: ")))
        else:
            if vector is None:
                no_face.append(file)
            else:
                by_file[file] = vector
        on_file(file)
    if len(unreadable) == len(files):
        raise PictureError(
            f"none of the {len(files)} pictures can be read in {root}; {unreadable[0][0]}: {unreadable[0][1]}",
            fix="give the folder that the file names start from to --root",
        )
    return Vectors(by_file=by_file, no_face=tuple(no_face), unreadable=tuple(unreadable))


def evaluate(pairs: Sequence[Pair], vectors: Vectors, *, threshold: float) -> Evaluation:
    """The figures. threshold: the distance up to which two faces are taken for one person's.

    Raises RecordError when no pair has two faces.
    """
    scored = tuple(
        Scored(first=pair.first, second=pair.second, same=pair.same, distance=_apart(vectors, pair))
        for pair in pairs
        if pair.first in vectors.by_file and pair.second in vectors.by_file
    )
    if not scored:
        raise RecordError(
            f"not one of the {len(pairs)} pairs has a face in both pictures", fix="give pictures that show faces"
        )
    same, different = _split(scored)
    best = best_threshold(same, different)
    both = len(same) > 0 and len(different) > 0
    wrong = [pair for pair in scored if (pair.distance <= threshold) != pair.same]
    return Evaluation(
        pairs=len(pairs),
        scored=scored,
        threshold=threshold,
        accuracy=accuracy(same, different, threshold),
        false_accept_rate=accepted(different, threshold) if len(different) else None,
        false_reject_rate=1 - accepted(same, threshold) if len(same) else None,
        best_threshold=best,
        best_accuracy=accuracy(same, different, best),
        equal_error_rate=equal_error(curve(same, different)) if both else None,
        accepts=tuple(_accepts(same, different, far) for far in RATES) if both else (),
        wrong=tuple(sorted(wrong, key=lambda pair: -abs(pair.distance - threshold))),
        no_face=vectors.no_face,
        unreadable=vectors.unreadable,
    )


def _accepts(same: FloatArray, different: FloatArray, far: float) -> Accepts:
    threshold = threshold_at(different, far)
    resolved = len(different) * far >= 1
    return Accepts(far=far, tar=accepted(same, threshold), threshold=threshold, resolved=resolved)


def _split(scored: Sequence[Scored]) -> tuple[FloatArray, FloatArray]:
    """Distances of pairs of the same person, and of two people."""
    same = np.array([pair.distance for pair in scored if pair.same], np.float32)
    different = np.array([pair.distance for pair in scored if not pair.same], np.float32)
    return same, different


def _apart(vectors: Vectors, pair: Pair) -> float:
    return float(np.linalg.norm(vectors.by_file[pair.first] - vectors.by_file[pair.second]))


def _vector(image: Image, engine: Reader) -> FloatArray | None:
    """The vector of the most prominent face: wide, and not at the edge. None without a face."""
    faces = people_in(image, engine)
    if not len(faces):
        return None
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    off = np.linalg.norm(centres - middle, axis=1) / np.linalg.norm(middle)
    chosen = int(np.argmax(faces.widths * (1 - 0.5 * off)))
    vector: FloatArray = engine.embed(image, faces.take(np.array([chosen])))[0]
    return vector


def _path(root: Path, file: str) -> Path:
    path = root / file
    other = root / file.replace("\\", "/")
    return other if not path.exists() and other.exists() else path
