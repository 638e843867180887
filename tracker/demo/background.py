"""The lobby of the demo, painted once: a wall with a window and a doorway, a pillar and a counter."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.demo.clip import COUNTER_TOP, DOOR_BOX, PILLAR_BOX, SIZE_WH
from tracker.vision.faces import FloatArray, Image

_SUPERSAMPLING = 2
"""Factor by which the background is painted larger and then downscaled, for antialiasing."""
_WINDOW = (62, 42, 300, 318)
_PICTURE = (372, 62, 506, 168)
_Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """The scene without actors.

    base: (H, W, 3) uint8 BGR. front: (H, W) float32 0..1, what hides everybody. wall: (H, W) float32 0..1, what
    hides those beyond the doorway. plaster: (H, W) float32 0..1, where a shadow can fall. sun: (H, W) float32, how
    much of the light there is daylight; lamp: (H, W) float32, the rest.
    """

    base: Image
    front: FloatArray
    wall: FloatArray
    plaster: FloatArray
    sun: FloatArray
    lamp: FloatArray


def paint_background(seed: int) -> Background:
    """The room, the same for the same seed."""
    rng = np.random.default_rng(seed)
    wall = _plaster(rng)
    _sunlight(wall)
    _window(wall, rng)
    _framed_picture(wall, rng)
    _door_frame(wall)
    back = _composed(_small(_corridor(rng)), _small(wall), _wall_mask())
    back = np.asarray(cv2.GaussianBlur(back, (0, 0), 0.9), np.uint8)
    front = np.zeros_like(wall)
    occluder = np.zeros(wall.shape[:2], np.uint8)
    _pillar(front, occluder)
    _counter(front, occluder, rng)
    _plant(front, occluder, rng)
    mask = _share(occluder)
    sun, lamp = _light()
    return Background(_composed(back, _small(front), mask), mask, _wall_mask(), _plaster_mask(), sun, lamp)


def _box(canvas: Image, box: tuple[float, float, float, float], colour: _Colour) -> None:
    """A filled box; coordinates are px of the clip."""
    corners = [round(value * _SUPERSAMPLING) for value in box]
    cv2.rectangle(canvas, (corners[0], corners[1]), (corners[2] - 1, corners[3] - 1), colour, -1)


def _small(canvas: Image) -> Image:
    return np.asarray(cv2.resize(canvas, SIZE_WH, interpolation=cv2.INTER_AREA), np.uint8)


def _share(mask: NDArray[np.uint8]) -> FloatArray:
    """A large mask 0..255 as a small one 0..1."""
    return np.asarray(_small(mask), np.float32) / np.float32(255)


def _blurred(picture: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def _composed(back: Image, front: Image, mask: FloatArray) -> Image:
    blend = back * (1 - mask[..., None]) + front * mask[..., None]
    return np.clip(blend + 0.5, 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, height: int, width: int, layers: tuple[tuple[float, float], ...]) -> FloatArray:
    """Unevenness in grey levels: a sum of blurred noises, each (sigma px, strength)."""
    total = np.zeros((height, width), np.float32)
    for sigma, strength in layers:
        step = max(1, int(sigma))
        noise = rng.standard_normal((height // step + 3, width // step + 3)).astype(np.float32)
        grain = cv2.resize(_blurred(noise, sigma / step), (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.asarray(grain, np.float32) * np.float32(strength / max(float(grain.std()), 1e-6))
    return total


def _shaded(canvas: Image, box: tuple[float, float, float, float], texture: FloatArray) -> None:
    x0, y0, x1, y1 = (round(value * _SUPERSAMPLING) for value in box)
    part = canvas[y0:y1, x0:x1].astype(np.float32) + texture[: y1 - y0, : x1 - x0, None]
    canvas[y0:y1, x0:x1] = np.clip(part, 0, 255).astype(np.uint8)


def _plaster(rng: np.random.Generator) -> Image:
    width, height = SIZE_WH
    canvas = np.full((height * _SUPERSAMPLING, width * _SUPERSAMPLING, 3), (186, 201, 208), np.uint8)
    _box(canvas, (0, 352, width, height), (150, 158, 156))
    for left in range(-40, width, 190):
        _box(canvas, (left, 376, left + 164, height), (138, 147, 146))
        _box(canvas, (left + 4, 380, left + 160, height), (154, 163, 161))
    _box(canvas, (0, 342, width, 352), (205, 214, 217))
    _box(canvas, (0, 352, width, 355), (120, 127, 126))
    _shaded(
        canvas,
        (0, 0, width, height),
        _texture(rng, height * _SUPERSAMPLING, width * _SUPERSAMPLING, ((90, 3.5), (12, 1.6), (2, 1.4))),
    )
    return canvas


def _sunlight(canvas: Image) -> None:
    """The window's light on the wall beside it."""
    patch = np.zeros(canvas.shape[:2], np.float32)
    for top in (96, 214):
        corners = (
            np.array([(330, top), (536, top + 48), (536, top + 138), (330, top + 92)], np.float32) * _SUPERSAMPLING
        )
        cv2.fillConvexPoly(patch, corners.astype(np.int32), 1.0)
    glow = _blurred(patch, 9 * _SUPERSAMPLING)[..., None]
    warm = np.array([8, 24, 32], np.float32)
    canvas[:] = np.clip(canvas + glow * warm, 0, 255).astype(np.uint8)


def _window(canvas: Image, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = _WINDOW
    _box(canvas, (x0 - 16, y0 - 16, x1 + 16, y1 + 16), (178, 188, 192))
    _box(canvas, (x0 - 13, y0 - 13, x1 + 13, y1 + 13), (226, 232, 233))
    width, height = (x1 - x0) * _SUPERSAMPLING, (y1 - y0) * _SUPERSAMPLING
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    sky = np.array([244, 226, 204], np.float32) * (1 - down) + np.array([238, 240, 238], np.float32) * down
    view = np.repeat(sky, width, axis=1)
    for _ in range(150):
        x = int(rng.integers(-30, width + 30))
        y = int(height * (0.62 + 0.3 * rng.random()) + 0.16 * abs(x - width * 0.55))
        green = (int(rng.integers(96, 130)), int(rng.integers(140, 178)), int(rng.integers(118, 150)))
        cv2.circle(view, (x, y), int(rng.integers(16, 58)), green, -1)
    view = _blurred(view, 9)
    canvas[y0 * _SUPERSAMPLING : y1 * _SUPERSAMPLING, x0 * _SUPERSAMPLING : x1 * _SUPERSAMPLING] = np.clip(
        view, 0, 255
    ).astype(np.uint8)
    middle = (x0 + x1) / 2
    _box(canvas, (middle - 5, y0, middle + 5, y1), (222, 229, 231))
    _box(canvas, (middle + 3, y0, middle + 5, y1), (184, 194, 197))
    _box(canvas, (x0, y0 + 84, x1, y0 + 91), (220, 227, 229))
    _box(canvas, (x0 - 26, y1 + 13, x1 + 26, y1 + 24), (228, 234, 235))
    _box(canvas, (x0 - 26, y1 + 24, x1 + 26, y1 + 28), (146, 156, 160))
    _curtain(canvas, x0 - 46, x0 + 16)
    _curtain(canvas, x1 - 16, x1 + 46)


def _curtain(canvas: Image, left: int, right: int) -> None:
    across = np.linspace(0, 1, (right - left) * _SUPERSAMPLING, dtype=np.float32)
    folds = 0.86 + 0.1 * np.sin(across * 26) + 0.05 * np.sin(across * 61 + 1)
    cloth = np.array([150, 168, 166], np.float32) * folds[None, :, None]
    canvas[: 340 * _SUPERSAMPLING, left * _SUPERSAMPLING : right * _SUPERSAMPLING] = np.clip(cloth, 0, 255).astype(
        np.uint8
    )


def _framed_picture(canvas: Image, rng: np.random.Generator) -> None:
    x0, y0, x1, y1 = _PICTURE
    shadow = np.zeros(canvas.shape[:2], np.float32)
    cv2.rectangle(
        shadow,
        ((x0 + 6) * _SUPERSAMPLING, (y0 + 7) * _SUPERSAMPLING),
        ((x1 + 8) * _SUPERSAMPLING, (y1 + 9) * _SUPERSAMPLING),
        34.0,
        -1,
    )
    canvas[:] = np.clip(canvas - _blurred(shadow, 5 * _SUPERSAMPLING)[..., None], 0, 255).astype(np.uint8)
    _box(canvas, (x0, y0, x1, y1), (62, 82, 104))
    _box(canvas, (x0 + 6, y0 + 6, x1 - 6, y1 - 6), (226, 233, 235))
    left, top, right, bottom = x0 + 18, y0 + 18, x1 - 18, y1 - 18
    _box(canvas, (left, top, right, bottom), (196, 176, 142))
    across = np.linspace(0, 1, 60)
    for level, colour in ((0.5, (160, 150, 128)), (0.66, (120, 138, 112)), (0.8, (92, 128, 140))):
        ridge = level + 0.07 * np.sin(across * (5 + 3 * rng.random()) + 6 * rng.random())
        xs = left + across * (right - left)
        ys = top + ridge * (bottom - top)
        hill = np.concatenate([np.stack([xs, ys], 1), [[right, bottom], [left, bottom]]]) * _SUPERSAMPLING
        cv2.fillPoly(canvas, [hill.astype(np.int32)], colour, cv2.LINE_AA)


def _corridor(rng: np.random.Generator) -> Image:
    """What shows through the doorway: a passage with a lit wall at its end."""
    width, height = SIZE_WH
    canvas = np.full((height * _SUPERSAMPLING, width * _SUPERSAMPLING, 3), (140, 154, 162), np.uint8)
    left, _, right, _ = (round(value) for value in DOOR_BOX)
    far = (left + 62, 62, right - 52, height)
    for x in range(left, far[0]):
        shade = 0.62 + 0.3 * (x - left) / (far[0] - left)
        _box(canvas, (x, 0, x + 1, height), (round(128 * shade), round(146 * shade), round(156 * shade)))
    for x in range(far[2], right):
        shade = 0.96 - 0.22 * (x - far[2]) / (right - far[2])
        _box(canvas, (x, 0, x + 1, height), (round(140 * shade), round(160 * shade), round(170 * shade)))
    _box(canvas, far, (164, 180, 188))
    _box(canvas, (far[0] + 22, 96, far[2] - 20, height), (108, 128, 146))
    _box(canvas, (far[0] + 26, 100, far[2] - 24, height), (122, 144, 164))
    _box(canvas, (far[0] + 38, 116, far[2] - 36, 270), (196, 208, 208))
    canvas[:] = cv2.GaussianBlur(canvas, (0, 0), 2.2 * _SUPERSAMPLING)
    _shaded(
        canvas,
        (0, 0, width, height),
        _texture(rng, height * _SUPERSAMPLING, width * _SUPERSAMPLING, ((40, 2.0), (3, 1.0))),
    )
    return canvas


def _door_frame(canvas: Image) -> None:
    left, top, right, bottom = DOOR_BOX
    for reach, colour in ((16, (158, 168, 172)), (14, (216, 223, 226)), (5, (196, 205, 208))):
        _box(canvas, (left - reach, top - reach, right + reach, bottom), colour)


def _wall_mask() -> FloatArray:
    width, height = SIZE_WH
    mask = np.ones((height * _SUPERSAMPLING, width * _SUPERSAMPLING), np.uint8) * 255
    x0, y0, x1, y1 = (round(value * _SUPERSAMPLING) for value in DOOR_BOX)
    mask[y0:y1, x0:x1] = 0
    return _share(mask)


def _plaster_mask() -> FloatArray:
    mask = _wall_mask().copy()
    x0, y0, x1, y1 = _WINDOW
    mask[y0:y1, x0:x1] = 0
    return _blurred(mask, 2.0)


def _pillar(front: Image, occluder: Image) -> None:
    x0, y0, x1, y1 = (round(value * _SUPERSAMPLING) for value in PILLAR_BOX)
    across = np.linspace(-1, 1, x1 - x0, dtype=np.float32)
    shade = 0.55 + 0.4 * np.sqrt(np.maximum(1 - (across + 0.25) ** 2 / 1.7, 0)) - 0.12 * np.maximum(across, 0)
    stone = np.array([168, 182, 190], np.float32) * shade[None, :, None]
    front[y0:y1, x0:x1] = np.clip(stone, 0, 255).astype(np.uint8)
    occluder[y0:y1, x0:x1] = 255
    _box(front, (PILLAR_BOX[0], 380, PILLAR_BOX[2], 384), (96, 104, 108))


def _counter(front: Image, occluder: Image, rng: np.random.Generator) -> None:
    width, height = SIZE_WH
    _box(front, (0, COUNTER_TOP, width, height), (74, 104, 138))
    grain = _texture(rng, (height - round(COUNTER_TOP)) * _SUPERSAMPLING, 40, ((1.5, 5.0), (5, 4.0)))
    boards = cv2.resize(grain, (width * _SUPERSAMPLING, len(grain)), interpolation=cv2.INTER_CUBIC)
    nearer = np.linspace(16, -26, len(grain), dtype=np.float32)[:, None]
    _shaded(front, (0, COUNTER_TOP, width, height), np.asarray(boards + nearer, np.float32))
    _box(front, (0, COUNTER_TOP, width, COUNTER_TOP + 3), (128, 158, 188))
    _box(front, (0, COUNTER_TOP + 3, width, COUNTER_TOP + 5), (96, 126, 158))
    occluder[round(COUNTER_TOP * _SUPERSAMPLING) :] = 255


def _plant(front: Image, occluder: Image, rng: np.random.Generator) -> None:
    """A pot with long leaves on the counter, low enough to hide no face."""
    foot = np.array([64.0, 470.0])
    for angle in np.linspace(-1.15, 1.15, 17):
        reach = float(rng.uniform(92, 138)) * (1 - 0.16 * abs(angle))
        along = np.linspace(0, 1, 24)[:, None]
        bend = angle + 0.5 * angle * along
        spine = foot + np.concatenate([np.sin(bend), -np.cos(bend)], 1) * along * reach + [0, -34]
        side = np.concatenate([np.cos(bend), np.sin(bend)], 1) * np.sin(np.pi * along**0.7) * 6.5
        leaf = (np.concatenate([spine + side, (spine - side)[::-1]]) * _SUPERSAMPLING).astype(np.int32)
        tone = float(rng.uniform(0.7, 1.12))
        cv2.fillPoly(front, [leaf], (round(52 * tone), round(104 * tone), round(72 * tone)), cv2.LINE_AA)
        cv2.polylines(front, [(spine * _SUPERSAMPLING).astype(np.int32)], False, (78, 134, 100), 1, cv2.LINE_AA)
        cv2.fillPoly(occluder, [leaf], 255, cv2.LINE_AA)
    pot = (np.array([(34, 428), (94, 428), (86, 500), (42, 500)]) * _SUPERSAMPLING).astype(np.int32)
    cv2.fillPoly(front, [pot], (92, 112, 176), cv2.LINE_AA)
    cv2.fillPoly(occluder, [pot], 255, cv2.LINE_AA)
    _box(front, (31, 422, 97, 436), (100, 122, 190))
    _box(occluder, (31, 422, 97, 436), (255, 255, 255))


def _light() -> tuple[FloatArray, FloatArray]:
    """Daylight falls off from the window, lamplight from the middle of the ceiling."""
    width, height = SIZE_WH
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    near = np.exp(-(((x - 180) / 520) ** 2) - ((y - 190) / 520) ** 2)
    sun = 0.1 + 0.34 * near
    corner = ((x / width - 0.5) ** 2 + (y / height - 0.45) ** 2) * 0.5
    return sun.astype(np.float32), (0.76 - corner).astype(np.float32)
