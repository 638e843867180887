"""Evaluation on labelled pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from config.errors import PictureError, RecordError
from tracker.identity.evaluation import Pair, PictureVectors, evaluate, files_of, read_vectors
from tracker.identity.roc import draw_roc, save_roc
from tracker.vision.embedders import DLIB_CHIP
from tracker.vision.faces import Faces


class FakeEngine:
    """Finds a face at each red pixel of row 0: x is the left edge, blue the width, green the person."""

    def detect(self, image: np.ndarray) -> Faces:
        lefts = np.flatnonzero(image[0, :, 2] == 255)
        widths = image[0, lefts, 0].astype(np.float32)
        boxes = np.stack([lefts, np.full(len(lefts), 40), lefts + widths, 40 + widths], axis=1).astype(np.float32)
        points = np.repeat(DLIB_CHIP.template[None], len(lefts), axis=0).astype(np.float32)
        points[:, :, 0] += lefts[:, None]
        return Faces(boxes, np.ones(len(lefts), np.float32), points)

    def embed(self, image: np.ndarray, faces: Faces) -> np.ndarray:
        vectors = np.zeros((len(faces), 128), np.float32)
        vectors[:, 0] = image[0, faces.boxes[:, 0].astype(int), 1] / 100
        return vectors


def picture(path: Path, *faces: tuple[int, int, int]) -> Path:
    """faces: left edge, width, who (two are `who` hundredths apart)."""
    image = np.full((100, 200, 3), 90, np.uint8)
    for left, width, who in faces:
        image[0, left] = (255, who, width)
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(image).save(path)
    return path


def looked_at(folder: Path, *files: str) -> PictureVectors:
    return read_vectors(files, folder, FakeEngine(), lambda _file: None)


def numbers(**places: float) -> PictureVectors:
    """Pictures with a face at these places on a line."""
    by_file = {name: np.array([place], np.float32) for name, place in places.items()}
    return PictureVectors(by_file=by_file, no_face=(), unreadable=())


def test_every_picture_is_read_once_and_those_without_a_face_are_listed(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", (60, 50, 10))
    picture(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    read: list[str] = []
    pairs = [Pair("a.png", "none.png", True), Pair("text.png", "a.png", False), Pair("a.png", "gone.png", False)]
    files = files_of(pairs)
    found = read_vectors(files, tmp_path, FakeEngine(), read.append)
    assert files == tuple(read) == ("a.png", "none.png", "text.png", "gone.png")
    assert list(found.by_file) == ["a.png"]
    assert found.no_face == ("none.png",)
    assert found.unreadable == (("text.png", "not a picture"), ("gone.png", "no such file"))


def test_most_prominent_face_counts(tmp_path: Path) -> None:
    picture(tmp_path / "crowd.png", (0, 50, 10), (70, 60, 20), (140, 40, 30))
    picture(tmp_path / "edge.png", (150, 50, 40), (75, 46, 50))
    found = looked_at(tmp_path, "crowd.png", "edge.png").by_file
    assert (found["crowd.png"][0], found["edge.png"][0]) == pytest.approx((0.2, 0.5))


def test_backslashes_in_names_are_accepted(tmp_path: Path) -> None:
    picture(tmp_path / "ada" / "1.png", (60, 50, 10))
    assert looked_at(tmp_path, "ada\\1.png", "ada/1.png").unreadable == ()


def test_wrong_root_is_reported(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none of the 2 pictures can be read.*a\.png: no such file.*--root"):
        looked_at(tmp_path, "a.png", "b.png")


def test_error_rates() -> None:
    vectors = numbers(a=0.0, b=0.3, c=0.5, d=0.7, e=2.0)
    pairs = [
        Pair("a", "b", True),
        Pair("a", "d", True),
        Pair("b", "c", False),
        Pair("a", "e", False),
        Pair("b", "e", False),
        Pair("a", "gone", True),
    ]
    found = evaluate(pairs, vectors, threshold=0.55)
    assert (found.pairs, len(found.scored), found.same, found.different) == (6, 5, 2, 3)
    assert found.accuracy == pytest.approx(3 / 5)
    assert (found.false_accept_rate, found.false_reject_rate) == (pytest.approx(1 / 3), 0.5)
    assert found.best_accuracy == pytest.approx(4 / 5)
    assert [(pair.first, pair.second) for pair in found.wrong] == [("b", "c"), ("a", "d")]
    assert [(each.far, each.tar, each.resolved) for each in found.accepts] == [(0.01, 0.0, False), (0.001, 0.0, False)]


def test_rates_are_resolved_with_enough_pairs() -> None:
    near = {f"s{index}": 0.004 * index for index in range(100)}
    far = {f"d{index}": 0.39 + 0.004 * index for index in range(100)}
    pairs = [Pair("zero", name, True) for name in near] + [Pair("zero", name, False) for name in far]
    found = evaluate(pairs, numbers(zero=0.0, **near, **far), threshold=0.39)
    one_percent, tenth = found.accepts
    assert (one_percent.resolved, tenth.resolved) == (True, False)
    assert one_percent.tar == pytest.approx(0.99)
    assert tenth.tar == pytest.approx(0.98)
    assert found.equal_error_rate == pytest.approx(0.01, abs=0.011)


@pytest.mark.parametrize("same", [True, False])
def test_pairs_of_one_kind_have_an_accuracy_but_no_rates(same: bool) -> None:
    found = evaluate([Pair("a", "b", same)], numbers(a=0.0, b=0.3), threshold=0.55)
    assert found.accuracy == float(same)
    assert found.best_accuracy == 1
    assert (found.accepts, found.equal_error_rate) == ((), None)
    assert draw_roc(found).size == (960, 720)


def test_pairs_without_faces_are_rejected() -> None:
    with pytest.raises(RecordError, match="none of the 1 pairs"):
        evaluate([Pair("a", "gone", True)], numbers(a=0.0), threshold=0.55)


@pytest.mark.parametrize("name", ["roc.png", "roc.jpg"])
def test_curve_is_drawn_into_a_file_with_both_thresholds_on_it(tmp_path: Path, name: str) -> None:
    vectors = numbers(a=0.0, b=0.3, c=0.7, d=1.4)
    pairs = [Pair("a", "b", True), Pair("b", "c", True), Pair("a", "c", False), Pair("a", "d", False)]
    found = evaluate(pairs, vectors, threshold=0.35)
    save_roc(found, tmp_path / name)
    with PIL.Image.open(tmp_path / name) as drawn:
        assert drawn.size == (960, 720)
    colours = {colour for _, colour in draw_roc(found).getcolors(1 << 20) or ()}
    assert {(217, 119, 6), (22, 163, 74), (79, 70, 229)} <= colours


@pytest.mark.parametrize("name", ["roc.words", "roc", "gone/roc.png"])
def test_unwritable_plot_is_reported(tmp_path: Path, name: str) -> None:
    found = evaluate([Pair("a", "b", True), Pair("a", "c", False)], numbers(a=0.0, b=0.3, c=1.0), threshold=0.5)
    with pytest.raises(PictureError, match="cannot be written"):
        save_roc(found, tmp_path / name)
