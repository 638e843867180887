from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.errors import PictureError
from tracker.demo.portraits import PORTRAITS, cutouts, enrolment_picture, picture

ASTRONAUT = PORTRAITS["astronaut"]


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package without content, found by name `wheel_of_the_test`."""
    folder = tmp_path / "wheel_of_the_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_missing_package_is_reported_with_the_fix() -> None:
    with pytest.raises(PictureError, match="not installed") as caught:
        picture(replace(ASTRONAUT, package="no_such_package_here"))
    assert caught.value.fix == "python -m pip install --force-reinstall scikit-image"


def test_package_without_its_picture_is_rejected(wheel: Path) -> None:
    with pytest.raises(PictureError, match=r"installed without data/astronaut\.png"):
        picture(replace(ASTRONAUT, package=wheel.name))


def test_changed_picture_is_rejected(wheel: Path) -> None:
    (wheel / "face.png").write_bytes(b"not the portrait")
    with pytest.raises(PictureError, match=r"sha256 [0-9a-f]{12}, expected 88431cd9653c"):
        picture(replace(ASTRONAUT, package=wheel.name, file="face.png"))


def test_folder_instead_of_a_picture_is_rejected(wheel: Path) -> None:
    (wheel / "face.png").mkdir()
    with pytest.raises(PictureError, match="installed without"):
        picture(replace(ASTRONAUT, package=wheel.name, file="face.png"))


@pytest.mark.parametrize("key", sorted(PORTRAITS))
def test_a_cutout_keeps_the_face_and_drops_the_background(key: str) -> None:
    cutout = cutouts((key,))[key]
    x, y, width, height = cutout.face_xywh
    rows, columns = cutout.alpha.shape
    assert cutout.image.shape == (rows, columns, 3)
    face = cutout.alpha[
        round(y - 0.4 * height) : round(y + 0.4 * height), round(x - 0.3 * width) : round(x + 0.3 * width)
    ]
    assert face.min() > 0.99
    assert cutout.alpha[0].max() < 0.01
    assert cutout.alpha[: round(y), [0, -1]].max() < 0.01
    assert 0.3 < float(np.mean(cutout.alpha > 0.5)) < 0.9


def test_the_enrolment_picture_is_not_the_portrait() -> None:
    portrait, enrolled = picture(ASTRONAUT), enrolment_picture()
    assert enrolled.dtype == np.uint8
    assert enrolled.shape[2] == 3
    assert enrolled.shape != portrait.shape
    assert enrolled[:, : enrolled.shape[1] // 4].mean() < 0.9 * portrait.mean()


def test_packages_are_not_imported() -> None:
    code = (
        "import sys; from tracker.demo.portraits import cutouts, enrolment_picture; cutouts(); enrolment_picture();"
        "sys.exit(bool({'skimage', 'matplotlib', 'tensorflow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[3]).returncode == 0
