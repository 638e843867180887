"""`footfall evaluate`: the figures of a list of pairs, as a table, JSON and a plot."""

from __future__ import annotations

from pathlib import Path

import PIL.Image
import pytest

from tests.tracker.cli.conftest import Run

LISTED = "file_x,file_y,same\nada.png,ada-dark.png,yes\nada.png,bob.jpg,no\nbob.jpg,ada-dark.png,no\n"
EMPTY = "nobody.png,ada.png,no\n"


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    path.write_text(LISTED + EMPTY)
    return path


def test_figures_as_json(run: Run, pictures: Path, pairs: Path) -> None:
    done = run("evaluate", "--pairs", pairs, "--root", pictures, "--json")
    assert (done.code, done.err) == (0, "")
    found = done.data
    assert (found["pairs"], found["pairs_scored"], found["same"], found["different"]) == (4, 3, 1, 2)
    assert (found["threshold"], found["accuracy"], found["best_accuracy"]) == (1.05, 1.0, 1.0)
    assert (found["tar_at_far_0.01"], found["tar_at_far_0.001"]) == (1.0, 1.0)
    assert [each["resolved"] for each in found["tar_at_far"]] == [False, False]
    assert (found["no_face"], found["unreadable"], found["wrong"]) == (["nobody.png"], [], [])


def test_figures_as_a_table_with_what_the_list_is_too_short_for(run: Run, pictures: Path, pairs: Path) -> None:
    done = run("evaluate", "--pairs", pairs, "--root", pictures)
    assert done.code == 0
    for words in ("4, 3 with a face in both pictures", "1 of one person, 2 of two", "accuracy at the threshold 1.05"):
        assert words in done.out
    assert "no face found in nobody.png" in done.out
    assert "with 2 pairs of different people, a false accept rate of 0.01 or 0.001 means none at all" in " ".join(
        done.err.split()
    )


def test_root_defaults_to_the_folder_of_the_list(run: Run, pictures: Path, tmp_path: Path) -> None:
    beside = tmp_path / "set"
    beside.mkdir()
    for name in ("ada.png", "ada-dark.png", "bob.jpg"):
        (beside / name).write_bytes((pictures / name).read_bytes())
    (beside / "pairs.csv").write_text(LISTED)
    assert run("evaluate", "--pairs", beside / "pairs.csv", "--json").data["pairs_scored"] == 3


def test_the_threshold_of_the_settings_is_evaluated(run: Run, pictures: Path, pairs: Path, tmp_path: Path) -> None:
    (tmp_path / "strict.toml").write_text("[match]\nmax_distance = 0.05\nclear_by = 0.0\n")
    done = run("evaluate", "--pairs", pairs, "--root", pictures, "--settings", tmp_path / "strict.toml", "--json")
    assert (done.data["threshold"], done.data["accuracy"]) == (0.05, pytest.approx(2 / 3))
    assert [(wrong["first"], wrong["second"]) for wrong in done.data["wrong"]] == [("ada.png", "ada-dark.png")]


def test_curve_is_drawn(run: Run, pictures: Path, pairs: Path, tmp_path: Path) -> None:
    done = run("evaluate", "--pairs", pairs, "--root", pictures, "--plot", tmp_path / "roc.png")
    assert f"ROC curve written to {tmp_path / 'roc.png'}" in done.out.replace("\n", "")
    with PIL.Image.open(tmp_path / "roc.png") as drawn:
        assert drawn.size == (960, 720)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("file_x,file_y\na,b\n", ("no column same",), id="no-truth"),
        pytest.param("file_x,file_y,same\na,b,perhaps\n", ("line 2", "perhaps"), id="odd-truth"),
        pytest.param("", ("no column",), id="empty"),
        pytest.param(
            "file_x,file_y,same\ngone.png,also.png,1\n", ("none of the 2 pictures", "--root"), id="wrong-root"
        ),
        pytest.param("file_x,file_y,same\nnobody.png,nobody.png,1\n", ("none of the 1 pairs",), id="no-face"),
    ],
)
def test_bad_lists_are_one_line_errors(
    run: Run, pictures: Path, tmp_path: Path, text: str, words: tuple[str, ...]
) -> None:
    (tmp_path / "bad.csv").write_text(text)
    run("evaluate", "--pairs", tmp_path / "bad.csv", "--root", pictures).refused(*words)


def test_missing_list_and_missing_flag(run: Run, tmp_path: Path) -> None:
    run("evaluate", "--pairs", tmp_path / "gone.csv").refused("gone.csv", "cannot be read")
    assert run("evaluate").code == 2
