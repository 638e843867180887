"""Haar cascades: what stages and trees mean, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from tests.tracker.vision.haar_files import LEFT_DARK, STUMP, TREE, cascade, stage, written
from tracker.vision.haar_file import read_cascade
from tracker.vision.native import kernels

WHOLE = cascade(stage(STUMP))
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "0123456789">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 50}">' for a, b in ("ab", "bc", "cd", "de", "ef"))
    + "]><a>&f;</a>"
)


def halves(left: int, top: int) -> np.ndarray:
    """8x8 of grey 128, to which the left and the top half add so much."""
    grey = np.full((8, 8), 128)
    grey[:, :4] += left
    grey[:4] += top
    return grey.astype(np.uint8)


@pytest.mark.parametrize("native", [True, False], ids=["native", "numpy"])
@pytest.mark.parametrize(
    ("left", "top", "sums"),
    [
        pytest.param(-60, -60, [5.0], id="left-and-top-dark"),
        pytest.param(-60, 30, [3.0], id="left-dark"),
        pytest.param(60, -30, [], id="left-bright"),
        pytest.param(-6, -6, [], id="flat"),
    ],
)
def test_the_trees_of_a_stage_add_up(
    left: int, top: int, sums: list[float], native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(kernels, "KERNELS", None)
    found = read_cascade(written(tmp_path, cascade(stage(STUMP, TREE))))
    boxes, passed = found.search(halves(left, top), min_side=8, scale_factor=1.5)
    assert passed.tolist() == sums
    assert boxes.tolist() == [[0, 0, 8, 8]] * len(sums)


@pytest.mark.parametrize("native", [True, False], ids=["native", "numpy"])
def test_every_stage_has_to_be_passed_and_the_last_one_gives_the_sum(
    native: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not native:
        monkeypatch.setattr(kernels, "KERNELS", None)
    strict = stage(STUMP, threshold=1.5)
    for stages, sums in ([stage(TREE), stage(STUMP)], [1.0]), ([strict, stage(TREE)], []), ([stage(TREE), strict], []):
        found = read_cascade(written(tmp_path, cascade(*stages)))
        assert found.search(halves(-60, -60), min_side=8, scale_factor=1.5)[1].tolist() == sums


def test_windows_are_found_at_every_scale_from_the_smallest_side(tmp_path: Path) -> None:
    found = read_cascade(written(tmp_path, WHOLE))
    grey = np.kron(halves(-60, 0), np.ones((4, 4), np.uint8))
    boxes, _ = found.search(grey, min_side=8, scale_factor=2.0)
    assert {int(side) for side in boxes[:, 2] - boxes[:, 0]} == {8, 16, 32}
    assert [0, 0, 32, 32] in boxes.tolist()
    large, _ = found.search(grey, min_side=20, scale_factor=2.0)
    assert large.tolist() == [[0, 0, 32, 32]]
    assert len(found.search(grey[:7], min_side=8, scale_factor=2.0)[0]) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "not an XML file", id="empty"),
        pytest.param("no cascade", "not an XML file", id="text"),
        pytest.param(WHOLE[:-40], "not an XML file", id="cut-off"),
        pytest.param(BOMB, "not an XML file", id="entities"),
        pytest.param("<html/>", "no cascade", id="another-document"),
        pytest.param(cascade(stage(STUMP), type_id="opencv-haar-classifier"), "no cascade", id="old-format"),
        pytest.param(cascade(stage(STUMP), kind="LBP"), "'LBP' instead of HAAR", id="lbp"),
        pytest.param(cascade(stage(STUMP), size_wh=(2, 8)), "a window of 2 x 8 px", id="tiny-window"),
        pytest.param(cascade(), "no stages", id="no-stages"),
        pytest.param(cascade(stage()), "stage without trees", id="empty-stage"),
        pytest.param(
            cascade(stage(STUMP), features=LEFT_DARK.replace(">0</tilted", ">1</tilted")), "tilted", id="tilted"
        ),
        pytest.param(cascade(stage(STUMP), features=""), "beyond the 0", id="no-features"),
        pytest.param(
            cascade(stage(STUMP), features=LEFT_DARK.replace("0 0 8 8", "0 1 8 8")), "outside the window", id="rect"
        ),
        pytest.param(cascade(stage(STUMP), features=LEFT_DARK.replace("2.", "nan")), "not finite", id="nan"),
        pytest.param(cascade(stage(STUMP.replace("0 -1 0 ", "0 -1 7 "))), "beyond the 2", id="unknown-feature"),
        pytest.param(cascade(stage(STUMP.replace("0 -1 0 ", "0 -2 0 "))), "leaf 2 of 2", id="unknown-leaf"),
        pytest.param(cascade(stage(TREE.replace("1 -2 0", "0 -2 0").replace("0 -1 1", "1 -1 1"))), "node 1", id="loop"),
        pytest.param(cascade(stage(STUMP.replace("-0.5", ""))), "four numbers", id="short-node"),
        pytest.param(cascade(stage(STUMP).replace(">0.0<", ">low<")), "could not convert", id="no-number"),
    ],
)
def test_files_that_cannot_be_used_are_rejected_with_the_setting_to_change(
    text: str, problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=problem) as caught:
        read_cascade(written(tmp_path, text))
    assert "detect.haar_cascade" in caught.value.fix


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.xml", tmp_path):
        with pytest.raises(ModelError, match="cannot be read"):
            read_cascade(path)
