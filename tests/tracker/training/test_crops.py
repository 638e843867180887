"""Reading pictures of one size."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import PictureError
from tests.tracker.training.rendered_faces import picture, write_people
from tracker.dataset.folders import PersonFolder, read_dataset
from tracker.training.crops import Crops, load, read_crop


def loaded(root: Path, size: int, **more: int) -> tuple[Crops, list[PictureError]]:
    dataset = read_dataset(root)
    return load(dataset.people, size, dataset.pictures(), **more)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return write_people(tmp_path / "faces", range(3), 3, 32)


def test_pictures_are_rgb_in_order_and_the_same_from_memory_and_disk(people: Path) -> None:
    kept, failures = loaded(people, 32)
    fresh, _ = loaded(people, 32, memory=0)
    assert failures == []
    assert (kept.kept is None, fresh.kept is None) == (False, True)
    assert kept.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert kept.people == ("person-000", "person-001", "person-002")
    rows = np.array([4, 0, 4])
    assert (kept.read(rows) == fresh.read(rows)).all()
    assert (kept.read(rows)[1] == picture(0, 0, 32)[:, :, ::-1]).all()
    assert kept.fingerprint == fresh.fingerprint


def test_other_sizes_are_scaled_and_the_middle_of_long_pictures_counts(tmp_path: Path) -> None:
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = (10, 20, 30)
    image[:, :30] = 255
    cv2.imwrite(str(tmp_path / "wide.png"), image)
    crop, side = read_crop(tmp_path / "wide.png", 32)
    assert (crop.shape, side) == ((32, 32, 3), 40)
    assert (crop == (30, 20, 10)).all()
    large, _ = read_crop(tmp_path / "wide.png", 64)
    assert large.shape == (64, 64, 3)


def test_pictures_that_cannot_be_read_are_left_out(people: Path) -> None:
    before = loaded(people, 32)[0].fingerprint
    (people / "person-001" / "1.png").write_bytes(b"no picture")
    crops, failures = loaded(people, 32)
    assert [error.problem.rpartition("/")[2] for error in failures] == ["1.png: not a picture"]
    assert crops.labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert len(crops.paths) == 8
    assert (crops.read(np.array([4]))[0] == picture(1, 2, 32)[:, :, ::-1]).all()
    assert crops.fingerprint != before


def test_a_picture_that_vanishes_is_an_error(people: Path) -> None:
    crops, _ = loaded(people, 32, memory=0)
    (people / "person-000" / "0.png").unlink()
    with pytest.raises(PictureError, match="no such file"):
        crops.read(np.array([0]))


def test_no_pictures_are_no_crops(tmp_path: Path) -> None:
    crops, _ = load((PersonFolder(name="Ada", pictures=()),), 32, [])
    assert crops.read(np.arange(0)).shape == (0, 32, 32, 3)
