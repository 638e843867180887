"""Drawn faces: a person is a set of proportions and colours, a picture of them adds pose, light and noise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
_CANVAS = 128
_WHITE = (235, 235, 235)


@dataclass(frozen=True)
class Look:
    """What stays the same of a person. Shares of the head's half width, and colours (BGR)."""

    head: float
    chin: float
    eyes_apart: float
    eyes_up: float
    eye: float
    brow: float
    brow_tilt: float
    nose: float
    mouth: float
    mouth_down: float
    fringe: float
    beard: bool
    glasses: bool
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    iris: tuple[int, int, int]


def look(person: int) -> Look:
    """The look of a person, by number."""
    random = np.random.default_rng([7, person])
    tone, dark = random.uniform(0.35, 1.0), random.uniform(0.05, 0.8)
    return Look(
        head=random.uniform(0.72, 1.0),
        chin=random.uniform(1.15, 1.5),
        eyes_apart=random.uniform(0.32, 0.52),
        eyes_up=random.uniform(0.05, 0.3),
        eye=random.uniform(0.1, 0.2),
        brow=random.uniform(0.04, 0.12),
        brow_tilt=random.uniform(-0.12, 0.12),
        nose=random.uniform(0.2, 0.45),
        mouth=random.uniform(0.22, 0.5),
        mouth_down=random.uniform(0.5, 0.75),
        fringe=random.uniform(0.3, 0.75),
        beard=bool(random.random() < 0.3),
        glasses=bool(random.random() < 0.3),
        skin=tuple(int(tone * value) for value in (170, 195, 235)),
        hair=tuple(int(dark * value) for value in random.uniform(60, 255, 3)),
        iris=tuple(int(value) for value in random.uniform(20, 180, 3)),
    )


def picture(person: int, number: int, size: int) -> Image:
    """(size, size, 3) BGR: a picture of a person, always the same for the same numbers."""
    random = np.random.default_rng([11, person, number])
    background = tuple(int(value) for value in random.uniform(30, 220, 3))
    canvas = np.full((_CANVAS, _CANVAS, 3), background, np.uint8)
    _draw(canvas, look(person), smile=random.uniform(-0.08, 0.12), turn=random.uniform(-0.1, 0.1))
    matrix = cv2.getRotationMatrix2D((64, 64), random.uniform(-8, 8), random.uniform(0.92, 1.08))
    matrix[:, 2] += random.uniform(-4, 4, 2)
    moved = cv2.warpAffine(canvas, matrix, (_CANVAS, _CANVAS), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    side_light = 1 + random.uniform(-0.25, 0.25) * np.linspace(-1, 1, _CANVAS)[None, :, None]
    lit = moved * side_light * random.uniform(0.7, 1.2) + random.uniform(-15, 15)
    small = cv2.resize(lit.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    return np.clip(small + random.normal(0, 6, small.shape), 0, 255).astype(np.uint8)


def write_people(folder: Path, people: range, pictures: int, size: int) -> Path:
    """A folder with a folder of pictures for each person."""
    for person in people:
        place = folder / f"person-{person:03d}"
        place.mkdir(parents=True)
        for number in range(pictures):
            cv2.imwrite(str(place / f"{number}.png"), picture(person, number, size))
    return folder


def _draw(canvas: Image, look: Look, *, smile: float, turn: float) -> None:
    half = 44 * look.head
    x, y = 64 + turn * half, 62.0

    def point(right: float, down: float) -> tuple[int, int]:
        return round(x + (right + turn * (1 - abs(right))) * half), round(y + down * half)

    def length(share: float) -> int:
        return max(1, round(share * half))

    cv2.ellipse(canvas, point(0, -0.15), (length(1.12), length(1.25)), 0, 0, 360, look.hair, -1, cv2.LINE_AA)
    cv2.ellipse(canvas, point(0, 0), (length(1), length(look.chin)), 0, 0, 360, look.skin, -1, cv2.LINE_AA)
    if look.beard:
        cv2.ellipse(
            canvas, point(0, 0.55), (length(0.75), length(look.chin - 0.6)), 0, 0, 180, look.hair, -1, cv2.LINE_AA
        )
    cv2.ellipse(canvas, point(0, -look.fringe - 0.35), (length(0.95), length(0.45)), 0, 180, 360, look.hair, -1)
    for side in (-1, 1):
        eye = point(side * look.eyes_apart, -look.eyes_up)
        cv2.ellipse(
            canvas, eye, (length(look.eye * 1.4), length(look.eye)), 0, 0, 360, (235, 235, 235), -1, cv2.LINE_AA
        )
        cv2.circle(canvas, eye, length(look.eye * 0.7), look.iris, -1, cv2.LINE_AA)
        inner = point(side * (look.eyes_apart - 0.2), -look.eyes_up - 0.28)
        outer = point(side * (look.eyes_apart + 0.2), -look.eyes_up - 0.28 - look.brow_tilt)
        cv2.line(canvas, inner, outer, look.hair, length(look.brow), cv2.LINE_AA)
        if look.glasses:
            cv2.circle(canvas, eye, length(0.3), (40, 40, 40), 2, cv2.LINE_AA)
    shade = tuple(int(value * 0.75) for value in look.skin)
    cv2.line(canvas, point(0, -look.eyes_up + 0.1), point(0.04, look.nose), shade, 3, cv2.LINE_AA)
    cv2.line(canvas, point(-0.12, look.nose), point(0.12, look.nose), shade, 3, cv2.LINE_AA)
    left, right = point(-look.mouth, look.mouth_down - smile), point(look.mouth, look.mouth_down - smile)
    middle = point(0, look.mouth_down + smile)
    cv2.polylines(canvas, [np.array([left, middle, right])], False, (70, 60, 160), 3, cv2.LINE_AA)
