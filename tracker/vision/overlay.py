"""Region, line and zones of a camera, drawn on a frame of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from tracker.presence.line import Line
from tracker.vision.faces import Image
from tracker.vision.region import Region, part_xyxy

_LINE_RGB = (220, 38, 38)
_INWARD_RGB = (22, 163, 74)
_ZONE_RGB = ((37, 99, 235), (217, 119, 6), (147, 51, 234), (8, 145, 178), (219, 39, 119))
_DARKENED = 3
ARROW = 0.12
"""Length of the arrow inwards, in fractions of the frame."""


def draw_region(image: Image, region: Region) -> Image:
    """A copy of the picture, darkened where no faces are looked for."""
    drawn = image // _DARKENED
    x1, y1, x2, y2 = part_xyxy(region, (image.shape[1], image.shape[0]))
    drawn[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return drawn


def draw_line(image: Image, line: Line) -> Image:
    """A copy of the picture with the line (red), and from its middle an arrow inwards (green)."""
    canvas = PIL.Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    pen = PIL.ImageDraw.Draw(canvas)
    thick = max(2, min(canvas.size) // 120)
    start, end = _px(line.start, canvas.size), _px(line.end, canvas.size)
    pen.line((*start, *end), fill=_LINE_RGB, width=thick)
    middle = ((line.start[0] + line.end[0]) / 2, (line.start[1] + line.end[1]) / 2)
    tip = (middle[0] + ARROW * line.inward[0], middle[1] + ARROW * line.inward[1])
    shaft = np.array(_px(tip, canvas.size)) - np.array(_px(middle, canvas.size))
    along = shaft / max(float(np.hypot(*shaft)), 1.0) * 4 * thick
    across = np.array((-along[1], along[0])) / 2
    point = np.array(_px(tip, canvas.size))
    pen.line((*_px(middle, canvas.size), *(point - along / 2)), fill=_INWARD_RGB, width=thick)
    pen.polygon([tuple(point), tuple(point - along + across), tuple(point - along - across)], fill=_INWARD_RGB)
    return _bgr(canvas)


def draw_zones(image: Image, zones: Mapping[str, Sequence[tuple[float, float]]]) -> Image:
    """A copy of the picture with each zone (corners in fractions of the frame) tinted, outlined and named."""
    canvas = PIL.Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)).convert("RGBA")
    size_px = max(11, round(min(canvas.size) / 30))
    font = PIL.ImageFont.load_default(size_px)
    for number, (name, corners) in enumerate(zones.items()):
        colour = _ZONE_RGB[number % len(_ZONE_RGB)]
        outline = [_px(corner, canvas.size) for corner in corners]
        layer = PIL.Image.new("RGBA", canvas.size)
        PIL.ImageDraw.Draw(layer).polygon(outline, fill=(*colour, 70))
        canvas = PIL.Image.alpha_composite(canvas, layer)
        pen = PIL.ImageDraw.Draw(canvas)
        pen.line([*outline, outline[0]], fill=colour, width=max(2, size_px // 6), joint="curve")
        x = sum(corner[0] for corner in outline) / len(outline)
        y = sum(corner[1] for corner in outline) / len(outline)
        pen.text((x, y), name, font=font, fill=(255, 255, 255), anchor="mm", stroke_width=2, stroke_fill=colour)
    return _bgr(canvas.convert("RGB"))


def _px(place: tuple[float, float], size_wh: tuple[int, int]) -> tuple[float, float]:
    return place[0] * (size_wh[0] - 1), place[1] * (size_wh[1] - 1)


def _bgr(canvas: PIL.Image.Image) -> Image:
    return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
