"""Video files written picture by picture."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest

from config.errors import RecordingError
from tests.tracker.conftest import SmallDisk
from tracker.cameras.video import Picture, Video
from tracker.cameras.video_writer import VideoWriter
from tracker.vision.faces import Image


def grey(value: int, height: int = 48, width: int = 64) -> Image:
    return np.full((height, width, 3), value, np.uint8)


def pictures(path: Path) -> list[Picture]:
    video = Video.open_file(path)
    try:
        return list(iter(video.read, None))
    finally:
        video.close()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov", "a.m4v"])
def test_pictures_come_back_at_their_times(tmp_path: Path, name: str) -> None:
    times = [0.0, 0.1, 0.15, 6.0, 6.1, 306.1]
    with VideoWriter(tmp_path / name) as writer:
        for index, offset_s in enumerate(times):
            writer.write(grey(40 * index), offset_s)
    found = pictures(tmp_path / name)
    assert [each.stamp_s for each in found] == pytest.approx(times, abs=0.001)
    assert [float(each.image.mean()) for each in found] == pytest.approx([40 * index for index in range(6)], abs=3)


def test_odd_sizes_and_other_sizes_are_scaled_to_that_of_the_first(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4") as writer:
        writer.write(grey(0, 49, 65), 0.0)
        writer.write(grey(200, 480, 640), 0.1)
    assert [each.image.shape for each in pictures(tmp_path / "a.mp4")] == [(48, 64, 3)] * 2


def write(path: Path, images: Iterable[Image]) -> None:
    with VideoWriter(path) as writer:
        for index, image in enumerate(images):
            writer.write(image, index / 10)


def failing() -> Iterator[Image]:
    yield grey(0)
    raise KeyError("nobody")


def test_a_file_that_fails_half_way_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        write(tmp_path / "a.mp4", failing())
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_no_file(small_disk: SmallDisk) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (30, 480, 640, 3), dtype=np.uint8)
    small_disk.fill()
    with pytest.raises(RecordingError, match=r"a\.mp4: cannot be written"):
        write(small_disk.path / "a.mp4", noise)
    assert not (small_disk.path / "a.mp4").exists()


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot be written"):
        write(tmp_path / "none" / "a.mp4", [grey(0)])
