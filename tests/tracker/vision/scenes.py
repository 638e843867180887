"""Test images, made from portraits in installed packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from tracker.cameras.video import Video
from tracker.vision.faces import Image

CLIPS = ("woman_a_turning.gif", "man_d_nodding.gif", "two_walking_in.gif")
TESTDATA = os.environ.get("FOOTFALL_TESTDATA")
_ASTRONAUT_HEAD = (slice(0, 260), slice(150, 310))
_GRACE_HEAD = (slice(20, 420), slice(130, 430))


def astronaut() -> Image:
    return _read("skimage", "data/astronaut.png")


def grace_hopper() -> Image:
    return _read("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def small_astronaut() -> Image:
    return cv2.resize(astronaut(), (128, 128), interpolation=cv2.INTER_AREA).astype(np.uint8)


def empty_room() -> Image:
    """640x360, a smooth gradient without faces."""
    across, down = np.linspace(40, 200, 640), np.linspace(0, 50, 360)
    return np.repeat((across[None, :] + down[:, None])[:, :, None], 3, axis=2).astype(np.uint8)


def ten_faces() -> Image:
    """1280x720 with the two portraits alternating in ten sizes, half of them mirrored."""
    room = cv2.resize(empty_room(), (1280, 720)).astype(np.uint8)
    heads = (astronaut()[_ASTRONAUT_HEAD], grace_hopper()[_GRACE_HEAD])
    for index in range(10):
        head = heads[index % 2][:, :: 1 if index % 4 < 2 else -1]
        height = 130 + 20 * index
        size_wh = (height * head.shape[1] // head.shape[0], height)
        x, y = 256 * (index % 5) + 4, 10 + 350 * (index // 5)
        room[y : y + size_wh[1], x : x + size_wh[0]] = cv2.resize(head, size_wh, interpolation=cv2.INTER_AREA)
    return room


STILLS: dict[str, Callable[[], Image]] = {
    "astronaut": astronaut,
    "grace-hopper": grace_hopper,
    "small-astronaut": small_astronaut,
    "empty-room": empty_room,
    "ten-faces": ten_faces,
}


def clip_frames(folder: Path, name: str, every: int = 1) -> Iterator[tuple[int, Image]]:
    """(index, frame) of every n-th frame of a clip."""
    video = Video.open_file(folder / name)
    for index, picture in enumerate(iter(video.read, None)):
        if index % every == 0:
            yield index, picture.image
    video.close()


def _read(package: str, path: str) -> Image:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(f"{package} is not installed")
    picture = cv2.imread(str(Path(spec.submodule_search_locations[0]) / path))
    if picture is None:
        raise FileNotFoundError(f"{package} has no {path}")
    return picture.astype(np.uint8, copy=False)
