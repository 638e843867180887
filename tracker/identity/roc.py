"""The receiver operating characteristic as a picture."""

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
_FINER = 3
"""Drawn this much larger and scaled down, for smooth lines."""
_FRAME = (88, 84, 924, 632)
"""Left, top, right and bottom of the axes, px of the finished picture."""
_INK, _SOFT, _GRID, _PAPER = (17, 24, 39), (107, 114, 128), (229, 231, 235), (255, 255, 255)
_LINE, _FILL = (79, 70, 229), (238, 242, 255)
_NOW, _BEST = (217, 119, 6), (22, 163, 74)


@dataclass(frozen=True, slots=True)
class _Axes:
    """Where rates stand in the picture.

    decades: powers of ten of the false-accept rate left of 1. floor: the true-accept rate at the bottom.
    """

    decades: int
    floor: float

    def place(self, far: float, tar: float) -> tuple[float, float]:
        """x, y px; a false-accept rate of 0 stands on the left edge."""
        left, top, right, bottom = _FRAME
        across = 0.0 if far <= 0 else max(0.0, 1 + math.log10(far) / self.decades)
        up = max(0.0, (tar - self.floor) / (1 - self.floor))
        return left + across * (right - left), bottom - up * (bottom - top)


class _Pen:
    """Draws in px of the finished picture onto a finer canvas."""

    def __init__(self) -> None:
        width, height = _SIZE_WH
        self.canvas = PIL.Image.new("RGB", (width * _FINER, height * _FINER), _PAPER)
        self._draw = PIL.ImageDraw.Draw(self.canvas)

    def line(self, points: list[tuple[float, float]], colour: tuple[int, int, int], width: float) -> None:
        self._draw.line(_scaled(points), fill=colour, width=round(width * _FINER), joint="curve")

    def area(self, points: list[tuple[float, float]], colour: tuple[int, int, int]) -> None:
        self._draw.polygon(_scaled(points), fill=colour)

    def dot(self, at: tuple[float, float], colour: tuple[int, int, int]) -> None:
        for radius, ink in ((8, _PAPER), (6, colour)):
            (x, y), r = _scaled([at])[0], radius * _FINER
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=ink)

    def text(self, at: tuple[float, float], words: str, *, size: int = 15, ink: tuple[int, int, int] = _INK,
             anchor: str = "la") -> None:  # fmt: skip
        font = PIL.ImageFont.load_default(size * _FINER)
        self._draw.text(_scaled([at])[0], words, font=font, fill=ink, anchor=anchor)

    def upward(self, middle: tuple[float, float], words: str) -> None:
        """Text that reads from bottom to top."""
        font = PIL.ImageFont.load_default(15 * _FINER)
        left, top, right, bottom = (round(edge) for edge in font.getbbox(words))
        strip = PIL.Image.new("RGB", (right - left, bottom - top), _PAPER)
        PIL.ImageDraw.Draw(strip).text((-left, -top), words, font=font, fill=_SOFT)
        turned = strip.rotate(90, expand=True)
        x, y = _scaled([middle])[0]
        self.canvas.paste(turned, (round(x - turned.width / 2), round(y - turned.height / 2)))

    def finished(self) -> PIL.Image.Image:
        return self.canvas.reduce(_FINER)


def draw_roc(found: Evaluation) -> PIL.Image.Image:
    """The curve of an evaluation on a logarithmic false-accept axis, with the current and the best threshold."""
    pen = _Pen()
    rates = found.curve
    sure = float(rates.true_accepts[rates.false_accepts == 0].max())
    axes = _Axes(
        decades=max(2, math.ceil(math.log10(max(10, found.different)))),
        floor=0.9 if sure > 0.93 else 0.5 if sure > 0.6 else 0.0,
    )
    pen.text((_FRAME[0], 24), "True accepts at each false-accept rate", size=22)
    pen.text((_FRAME[0], 54), _subtitle(found), ink=_SOFT)
    _draw_curve(pen, axes, rates)
    for threshold, colour, words in (
        (found.best_threshold, _BEST, f"best threshold {found.best_threshold:.3f}: {found.best_accuracy:.2%} right"),
        (found.threshold, _NOW, f"threshold {found.threshold:.3f}: {found.accuracy:.2%} right"),
    ):
        pen.dot(axes.place(*_rates_at(found, threshold)), colour)
        row = _FRAME[3] - (30 if colour == _NOW else 56)
        pen.dot((_FRAME[2] - 330, row), colour)
        pen.text((_FRAME[2] - 314, row), words, anchor="lm")
    return pen.finished()


def save_roc(found: Evaluation, path: Path) -> None:
    """Write the picture. Raises PictureError when the file cannot be written or its ending names no picture."""
    try:
        draw_roc(found).save(path)
    except (OSError, ValueError) as error:
        raise PictureError(
            f"{path}: the plot cannot be written ({error})", fix="give a file such as roc.png"
        ) from error


def _subtitle(found: Evaluation) -> str:
    words = f"{found.same} pairs of one person, {found.different} of two"
    if found.equal_error_rate is not None:
        words += f"; equal error rate {found.equal_error_rate:.2%}"
    return words


def _draw_curve(pen: _Pen, axes: _Axes, rates: Curve) -> None:
    points: list[tuple[float, float]] = []
    before = 0.0
    for far, tar in zip(rates.false_accepts.tolist(), rates.true_accepts.tolist(), strict=True):
        points += [axes.place(far, before), axes.place(far, tar)]
        before = tar
    points.append(axes.place(1.0, before))
    left, _, right, bottom = _FRAME
    pen.area([(left, bottom), *points, (right, bottom)], _FILL)
    _draw_grid(pen, axes)
    pen.line(points, _LINE, 4)


def _draw_grid(pen: _Pen, axes: _Axes) -> None:
    left, top, right, bottom = _FRAME
    for step in range(axes.decades + 1):
        far = 10.0 ** (step - axes.decades)
        x, _ = axes.place(far, 0)
        pen.line([(x, top), (x, bottom)], _GRID, 1)
        label = f"{100 * far:g}%" if step else f"up to {100 * far:g}%"
        pen.text((x, bottom + 10), label, ink=_SOFT, anchor="ma")
    for fifth in range(6):
        tar = axes.floor + (1 - axes.floor) * fifth / 5
        _, y = axes.place(1, tar)
        pen.line([(left, y), (right, y)], _GRID, 1)
        pen.text((left - 10, y), f"{tar:.0%}", ink=_SOFT, anchor="rm")
    pen.line([(left, top), (left, bottom), (right, bottom)], _SOFT, 1.5)
    pen.text(((left + right) / 2, bottom + 42), "pairs of two people that are accepted", ink=_SOFT, anchor="ma")
    pen.upward((24, (top + bottom) / 2), "pairs of one person that are accepted")


def _rates_at(found: Evaluation, threshold: float) -> tuple[float, float]:
    same = np.array([pair.distance for pair in found.scored if pair.same], np.float32)
    different = np.array([pair.distance for pair in found.scored if not pair.same], np.float32)
    return accepted(different, threshold), accepted(same, threshold)


def _scaled(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x * _FINER, y * _FINER) for x, y in points]
