"""Plot of the receiver operating characteristic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from config.errors import PictureError
from tracker.identity.evaluation import Evaluation
from tracker.identity.rates import Curve, accepted

_SIZE_WH = (960, 720)
_SUPERSAMPLING = 3
"""Factor by which the plot is drawn larger and then downscaled, for antialiasing."""
_FRAME = (88, 84, 924, 632)
"""Left, top, right and bottom of the axes, px of the output."""
_TEXT, _MUTED, _GRID, _BACKGROUND = (17, 24, 39), (107, 114, 128), (229, 231, 235), (255, 255, 255)
_LINE, _FILL = (79, 70, 229), (238, 242, 255)
_CURRENT, _BEST = (217, 119, 6), (22, 163, 74)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Axis ranges.

    decades: powers of ten on the logarithmic false-accept axis. floor: the lowest true-accept rate.
    """

    decades: int
    floor: float

    def position(self, far: float, tar: float) -> tuple[float, float]:
        """x, y px; a false-accept rate of 0 is on the left edge."""
        left, top, right, bottom = _FRAME
        across = 0.0 if far <= 0 else max(0.0, 1 + math.log10(far) / self.decades)
        up = max(0.0, (tar - self.floor) / (1 - self.floor))
        return left + across * (right - left), bottom - up * (bottom - top)


class _Canvas:
    """A supersampled canvas with coordinates in px of the output."""

    def __init__(self) -> None:
        width, height = _SIZE_WH
        self.image = PIL.Image.new("RGB", (width * _SUPERSAMPLING, height * _SUPERSAMPLING), _BACKGROUND)
        self._draw = PIL.ImageDraw.Draw(self.image)

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int], width: float) -> None:
        self._draw.line(_scaled(points), fill=colour, width=round(width * _SUPERSAMPLING), joint="curve")

    def area(self, points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        self._draw.polygon(_scaled(points), fill=colour)

    def dot(self, at: tuple[float, float], colour: tuple[int, int, int]) -> None:
        for radius, fill in ((8, _BACKGROUND), (6, colour)):
            (x, y), r = _scaled([at])[0], radius * _SUPERSAMPLING
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)

    def text(self, at: tuple[float, float], text: str, *, size: int = 15, colour: tuple[int, int, int] = _TEXT,
             anchor: str = "la") -> None:  # fmt: skip
        font = PIL.ImageFont.load_default(size * _SUPERSAMPLING)
        self._draw.text(_scaled([at])[0], text, font=font, fill=colour, anchor=anchor)

    def vertical_text(self, middle: tuple[float, float], text: str) -> None:
        """Text rotated by 90 degrees, reading upwards."""
        font = PIL.ImageFont.load_default(15 * _SUPERSAMPLING)
        left, top, right, bottom = (round(edge) for edge in font.getbbox(text))
        strip = PIL.Image.new("RGB", (right - left, bottom - top), _BACKGROUND)
        PIL.ImageDraw.Draw(strip).text((-left, -top), text, font=font, fill=_MUTED)
        rotated = strip.rotate(90, expand=True)
        x, y = _scaled([middle])[0]
        self.image.paste(rotated, (round(x - rotated.width / 2), round(y - rotated.height / 2)))

    def downscaled(self) -> PIL.Image.Image:
        return self.image.reduce(_SUPERSAMPLING)


def draw_roc(found: Evaluation) -> PIL.Image.Image:
    """The curve of an evaluation on a logarithmic false-accept axis, with the current and the best threshold."""
    canvas = _Canvas()
    rates = found.curve
    without_errors = float(rates.true_accepts[rates.false_accepts == 0].max())
    axes = _Axes(
        decades=max(2, math.ceil(math.log10(max(10, found.different)))),
        floor=0.9 if without_errors > 0.93 else 0.5 if without_errors > 0.6 else 0.0,
    )
    canvas.text((_FRAME[0], 24), "True-accept rate by false-accept rate", size=22)
    canvas.text((_FRAME[0], 54), _subtitle(found), colour=_MUTED)
    _draw_curve(canvas, axes, rates)
    for threshold, colour, text in (
        (found.best_threshold, _BEST, f"best threshold {found.best_threshold:.3f}: accuracy {found.best_accuracy:.2%}"),
        (found.threshold, _CURRENT, f"threshold {found.threshold:.3f}: accuracy {found.accuracy:.2%}"),
    ):
        canvas.dot(axes.position(*_rates_at(found, threshold)), colour)
        row = _FRAME[3] - (30 if colour == _CURRENT else 56)
        canvas.dot((_FRAME[2] - 330, row), colour)
        canvas.text((_FRAME[2] - 314, row), text, anchor="lm")
    return canvas.downscaled()


def save_roc(found: Evaluation, path: Path) -> None:
    """Write the plot. Raises PictureError when the file cannot be written or its suffix is not an image format."""
    try:
        draw_roc(found).save(path)
    except (OSError, ValueError) as error:
        raise PictureError(
            f"{path}: the plot cannot be written ({error})", fix="give a file name such as roc.png"
        ) from error


def _subtitle(found: Evaluation) -> str:
    text = f"{found.same} pairs of the same person, {found.different} of different people"
    if found.equal_error_rate is not None:
        text += f"; equal error rate {found.equal_error_rate:.2%}"
    return text


def _draw_curve(canvas: _Canvas, axes: _Axes, rates: Curve) -> None:
    points: list[tuple[float, float]] = []
    before = 0.0
    for far, tar in zip(rates.false_accepts.tolist(), rates.true_accepts.tolist(), strict=True):
        points += [axes.position(far, before), axes.position(far, tar)]
        before = tar
    points.append(axes.position(1.0, before))
    left, _, right, bottom = _FRAME
    canvas.area([(left, bottom), *points, (right, bottom)], _FILL)
    _draw_grid(canvas, axes)
    canvas.line(points, _LINE, 4)


def _draw_grid(canvas: _Canvas, axes: _Axes) -> None:
    left, top, right, bottom = _FRAME
    for step in range(axes.decades + 1):
        far = 10.0 ** (step - axes.decades)
        x, _ = axes.position(far, 0)
        canvas.line([(x, top), (x, bottom)], _GRID, 1)
        label = f"{100 * far:g}%" if step else f"up to {100 * far:g}%"
        canvas.text((x, bottom + 10), label, colour=_MUTED, anchor="ma")
    for fifth in range(6):
        tar = axes.floor + (1 - axes.floor) * fifth / 5
        _, y = axes.position(1, tar)
        canvas.line([(left, y), (right, y)], _GRID, 1)
        canvas.text((left - 10, y), f"{tar:.0%}", colour=_MUTED, anchor="rm")
    canvas.line([(left, top), (left, bottom), (right, bottom)], _MUTED, 1.5)
    canvas.text(((left + right) / 2, bottom + 42), "false-accept rate", colour=_MUTED, anchor="ma")
    canvas.vertical_text((24, (top + bottom) / 2), "true-accept rate")


def _rates_at(found: Evaluation, threshold: float) -> tuple[float, float]:
    same = np.array([pair.distance for pair in found.scored if pair.same], np.float32)
    different = np.array([pair.distance for pair in found.scored if not pair.same], np.float32)
    return accepted(different, threshold), accepted(same, threshold)


def _scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _SUPERSAMPLING, y * _SUPERSAMPLING) for x, y in points]
