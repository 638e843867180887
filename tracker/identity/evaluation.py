"""Evaluation of recognition on labelled pairs of pictures, listed in a CSV file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from config.errors import PictureError, RecordError
from tracker.identity.enrolment_faces import FaceExtractor, prominent_faces, vector_of
from tracker.identity.pictures import read_picture
from tracker.identity.rates import Curve, accepted, accuracy, best_threshold, curve, equal_error, threshold_at
from tracker.vision.faces import Faces, FloatArray, Image

RATES = (0.01, 0.001)
"""False-accept rates at which the true-accept rate is reported."""
COLUMNS = ("file_x", "file_y", "same")
_YES = frozenset({"1", "1.0", "same", "t", "true", "y", "yes"})
_NO = frozenset({"0", "0.0", "different", "f", "false", "n", "no"})
_DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two picture files and whether they show the same person."""

    first: str
    second: str
    same: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PictureVectors:
    """PictureVectors (D,) by file, the files without a face, and the unreadable files with the reason."""

    by_file: dict[str, FloatArray]
    no_face: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredPair:
    """A pair with the distance of its faces."""

    first: str
    second: str
    same: bool
    distance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAcceptRate:
    """The true-accept rate `tar` at a false-accept rate `far`.

    resolved: whether there are enough pairs of different people to measure `far`; otherwise `tar` is the rate without
    any false accept.
    """

    far: float
    tar: float
    threshold: float
    resolved: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evaluation:
    """Error rates of a list of pairs; None where pairs of a kind are missing.

    best_threshold, best_accuracy: fitted to the same pairs, hence slightly optimistic. wrong: pairs that the current
    threshold misclassifies, the largest error first.
    """

    pairs: int
    scored: tuple[ScoredPair, ...]
    threshold: float
    accuracy: float
    false_accept_rate: float | None
    false_reject_rate: float | None
    best_threshold: float
    best_accuracy: float
    equal_error_rate: float | None
    accepts: tuple[TrueAcceptRate, ...]
    wrong: tuple[ScoredPair, ...]
    no_face: tuple[str, ...]
    unreadable: tuple[tuple[str, str], ...]

    @property
    def same(self) -> int:
        """Number of scored pairs of the same person."""
        return sum(pair.same for pair in self.scored)

    @property
    def different(self) -> int:
        """Number of scored pairs of different people."""
        return len(self.scored) - self.same

    @property
    def curve(self) -> Curve:
        """The receiver operating characteristic."""
        return curve(*_split(self.scored))

    def document(self) -> dict[str, object]:
        """The figures with stable keys; shares are 0..1."""
        rates = {f"tar_at_far_{each.far:g}": each.tar for each in self.accepts}
        return {
            "pairs": self.pairs,
            "pairs_scored": len(self.scored),
            "same": self.same,
            "different": self.different,
            "threshold": self.threshold,
            "accuracy": self.accuracy,
            "false_accept_rate": self.false_accept_rate,
            "false_reject_rate": self.false_reject_rate,
            "best_threshold": self.best_threshold,
            "best_accuracy": self.best_accuracy,
            "equal_error_rate": self.equal_error_rate,
            **rates,
            "tar_at_far": self.accepts,
            "no_face": self.no_face,
            "unreadable": [{"file": file, "reason": reason} for file, reason in self.unreadable],
            "wrong": self.wrong,
        }


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a CSV file with the columns file_x, file_y and same, in any order; other columns are ignored.

    Accepts commas, semicolons, tabs or bars, UTF-8 or UTF-16 with or without a byte order mark, and for `same` yes/no,
    true/false, 1/0, y/n, same/different in any case. Blank lines are skipped. Raises RecordError naming the line.
    """
    lines = io.StringIO(_text(path), newline="")
    header = lines.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().strip('"').casefold() for name in header.split(delimiter)]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise RecordError(
            f"{path}: no column {' or '.join(missing)}, found {', '.join(filter(None, names)) or 'nothing'}"[:300],
            fix=f"start the file with the line {','.join(COLUMNS)}",
        )
    indices = tuple(names.index(name) for name in COLUMNS)
    try:
        pairs = _pairs(path, csv.reader(lines, delimiter=delimiter, strict=True), indices)
    except csv.Error as error:
        raise RecordError(f"{path}: not a CSV file ({error})", fix="check quotes and delimiters") from error
    if not pairs:
        raise RecordError(f"{path}: no pairs found", fix=f"write one pair per line: {','.join(COLUMNS)}")
    return pairs


def files_of(pairs: Iterable[Pair]) -> tuple[str, ...]:
    """Every file once, in order of appearance."""
    return tuple(dict.fromkeys(file for pair in pairs for file in (pair.first, pair.second)))


def read_vectors(
    files: Sequence[str], root: Path, engine: FaceExtractor, on_file: Callable[[str], None]
) -> PictureVectors:
    """The vector of the most prominent face of each picture. on_file: called after each.

    Names are relative to root, with slashes or backslashes. Raises PictureError when no picture can be read.
    """
    by_file: dict[str, FloatArray] = {}
    no_face: list[str] = []
    unreadable: list[tuple[str, str]] = []
    for file in files:
        try:
            image = read_picture(path_of(root, file))
            face = foremost_face(image, engine)
            vector = None if face is None else vector_of(image, engine, face, name=str(path_of(root, file)))
        except PictureError as error:
            unreadable.append((file, error.problem.removeprefix(f"{path_of(root, file)}: ")))
        else:
            if vector is None:
                no_face.append(file)
            else:
                by_file[file] = vector
        on_file(file)
    if len(unreadable) == len(files):
        raise PictureError(
            f"none of the {len(files)} pictures can be read in {root}; {unreadable[0][0]}: {unreadable[0][1]}",
            fix="set --root to the folder that the file names are relative to",
        )
    return PictureVectors(by_file=by_file, no_face=tuple(no_face), unreadable=tuple(unreadable))


def evaluate(pairs: Sequence[Pair], vectors: PictureVectors, *, threshold: float) -> Evaluation:
    """The error rates. threshold: maximum distance of a match.

    Raises RecordError when no pair has a face in both pictures.
    """
    scored = tuple(
        ScoredPair(first=pair.first, second=pair.second, same=pair.same, distance=_distance(vectors, pair))
        for pair in pairs
        if pair.first in vectors.by_file and pair.second in vectors.by_file
    )
    if not scored:
        raise RecordError(
            f"none of the {len(pairs)} pairs has a face in both pictures", fix="give pictures that show faces"
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


def _accepts(same: FloatArray, different: FloatArray, far: float) -> TrueAcceptRate:
    threshold = threshold_at(different, far)
    resolved = len(different) * far >= 1
    return TrueAcceptRate(far=far, tar=accepted(same, threshold), threshold=threshold, resolved=resolved)


def _split(scored: Sequence[ScoredPair]) -> tuple[FloatArray, FloatArray]:
    """Distances of pairs of the same person, and of different people."""
    same = np.array([pair.distance for pair in scored if pair.same], np.float32)
    different = np.array([pair.distance for pair in scored if not pair.same], np.float32)
    return same, different


def _distance(vectors: PictureVectors, pair: Pair) -> float:
    return float(np.linalg.norm(vectors.by_file[pair.first] - vectors.by_file[pair.second]))


def foremost_face(image: Image, engine: FaceExtractor) -> Faces | None:
    """The most prominent face of a picture (wide and central), None without a face."""
    faces = prominent_faces(image, engine)
    if not len(faces):
        return None
    middle = np.array([image.shape[1], image.shape[0]]) / 2
    centres = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    offset = np.linalg.norm(centres - middle, axis=1) / np.linalg.norm(middle)
    chosen = int(np.argmax(faces.widths * (1 - 0.5 * offset)))
    return faces.take(np.array([chosen]))


def path_of(root: Path, file: str) -> Path:
    """The file that a list names, with slashes or backslashes."""
    path = root / file
    other = root / file.replace("\\", "/")
    return other if not path.exists() and other.exists() else path


def _pairs(path: Path, rows: Iterable[list[str]], indices: tuple[int, ...]) -> list[Pair]:
    pairs = []
    for number, row in enumerate(rows, 2):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) <= max(indices):
            raise RecordError(
                f"{path}, line {number}: {len(cells)} columns, the header has more", fix="complete the line"
            )
        first, second, same = (cells[index] for index in indices)
        if not first or not second:
            raise RecordError(f"{path}, line {number}: a file name is missing", fix="give two file names")
        pairs.append(Pair(first, second, _same(path, number, same)))
    return pairs


def _same(path: Path, number: int, text: str) -> bool:
    word = text.casefold()
    if word not in _YES | _NO:
        raise RecordError(f"{path}, line {number}: same is {text[:40]!r}", fix="write yes or no, true or false, 1 or 0")
    return word in _YES


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecordError(f"{path}: cannot be read ({error.strerror})", fix="give a readable CSV file") from error
    is_utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return data.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordError(f"{path}: not text in UTF-8", fix="save it as CSV in UTF-8") from error
