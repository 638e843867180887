"""Overlays on a frame: faces with names, bodies, and a camera's region, line and zones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from tracker.presence.line import Line
from tracker.vision.bodies import Bodies
from tracker.vision.boxes import Region, region_px
from tracker.vision.faces import Image

_KNOWN_RGB = (22, 163, 74)
_UNKNOWN_RGB = (217, 119, 6)
_LINE_RGB = (220, 38, 38)
_INWARD_RGB = (22, 163, 74)
_ZONE_RGB = ((37, 99, 235), (217, 119, 6), (147, 51, 234), (8, 145, 178), (219, 39, 119))
_PART_RGB = (148, 163, 184)
_SMALLEST_RGB = _ZONE_RGB[0]
_BODY_ASPECT = 0.4
"""Width of a body that stands, in its heights."""
_DIMMING = 3
ARROW_LENGTH = 0.12
"""Of the arrow that points inside, in fractions of the frame."""


def draw_faces(
    image: Image, boxes: Sequence[tuple[float, float, float, float]], labels: Sequence[str], known: Sequence[bool]
) -> Image:
    """A copy of the image with a box and a label for each face.

    boxes: x1 y1 x2 y2 px. known: whether the face has a name (green) or not (amber).
    """
    canvas = _canvas(image)
    draw = PIL.ImageDraw.Draw(canvas)
    size_px = max(11, round(min(canvas.size) / 36))
    font = PIL.ImageFont.load_default(size_px)
    line_px = max(1, size_px // 8)
    for box, label, is_known in zip(boxes, labels, known, strict=True):
        colour = _KNOWN_RGB if is_known else _UNKNOWN_RGB
        draw.rectangle(box, outline=colour, width=line_px)
        left, _, right, bottom = draw.textbbox((0, 0), label, font=font)
        width, height = right - left + 2 * line_px + 4, bottom + 2 * line_px
        x = min(max(box[0], 0), max(canvas.width - width, 0))
        y = box[1] - height if box[1] >= height else min(box[3], canvas.height - height)
        draw.rectangle((x, y, x + width, y + height), fill=colour)
        draw.text((x + line_px + 2, y), label, font=font, fill=(255, 255, 255))
    return _image(canvas)


def draw_region(image: Image, region: Region) -> Image:
    """A copy of the image, dimmed outside the region."""
    drawn = image // _DIMMING
    x1, y1, x2, y2 = region_px(region, (image.shape[1], image.shape[0]))
    drawn[y1:y2, x1:x2] = image[y1:y2, x1:x2]
    return drawn


def draw_line(image: Image, line: Line) -> Image:
    """A copy of the image with the line (red) and an arrow from its middle to the inside (green)."""
    canvas = _canvas(image)
    draw = PIL.ImageDraw.Draw(canvas)
    width = max(2, min(canvas.size) // 120)
    start, end = _px(line.start, canvas.size), _px(line.end, canvas.size)
    draw.line((*start, *end), fill=_LINE_RGB, width=width)
    middle = ((line.start[0] + line.end[0]) / 2, (line.start[1] + line.end[1]) / 2)
    tip = (middle[0] + ARROW_LENGTH * line.inward[0], middle[1] + ARROW_LENGTH * line.inward[1])
    shaft = np.array(_px(tip, canvas.size)) - np.array(_px(middle, canvas.size))
    along = shaft / max(float(np.hypot(*shaft)), 1.0) * 4 * width
    across = np.array((-along[1], along[0])) / 2
    point = np.array(_px(tip, canvas.size))
    draw.line((*_px(middle, canvas.size), *(point - along / 2)), fill=_INWARD_RGB, width=width)
    draw.polygon([tuple(point), tuple(point - along + across), tuple(point - along - across)], fill=_INWARD_RGB)
    return _image(canvas)


def draw_bodies(
    image: Image, bodies: Bodies, *, part: tuple[int, int, int, int], smallest_px: float, foot: tuple[float, float]
) -> Image:
    """A copy of the image with bodies and their heights, the part where they are looked for, and the smallest.

    part: x1 y1 x2 y2 px. smallest_px: the least height that will be found; a body (blue) of that height is drawn with
    its foot at `foot`, in fractions of the frame. Bodies that are not as tall are amber, others green.
    """
    boxes = [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in bodies.boxes]
    labels = [f"{height:.0f} px" for height in bodies.heights]
    canvas = _canvas(draw_faces(image, boxes, labels, (bodies.heights >= smallest_px).tolist()))
    draw = PIL.ImageDraw.Draw(canvas)
    width = max(1, min(canvas.size) // 240)
    draw.rectangle((part[0], part[1], part[2] - 1, part[3] - 1), outline=_PART_RGB, width=width)
    x, y = _px(foot, canvas.size)
    half = _BODY_ASPECT * smallest_px / 2
    draw.rectangle((x - half, y - smallest_px, x + half, y), outline=_SMALLEST_RGB, width=2 * width)
    return _image(canvas)


def draw_zones(image: Image, zones: Mapping[str, Sequence[tuple[float, float]]]) -> Image:
    """A copy of the image with each zone tinted, outlined and labelled. Corners are in fractions of the frame."""
    canvas = _canvas(image).convert("RGBA")
    size_px = max(11, round(min(canvas.size) / 30))
    font = PIL.ImageFont.load_default(size_px)
    for number, (name, corners) in enumerate(zones.items()):
        colour = _ZONE_RGB[number % len(_ZONE_RGB)]
        outline = [_px(corner, canvas.size) for corner in corners]
        layer = PIL.Image.new("RGBA", canvas.size)
        PIL.ImageDraw.Draw(layer).polygon(outline, fill=(*colour, 70))
        canvas = PIL.Image.alpha_composite(canvas, layer)
        draw = PIL.ImageDraw.Draw(canvas)
        draw.line([*outline, outline[0]], fill=colour, width=max(2, size_px // 6), joint="curve")
        x = sum(corner[0] for corner in outline) / len(outline)
        y = sum(corner[1] for corner in outline) / len(outline)
        draw.text((x, y), name, font=font, fill=(255, 255, 255), anchor="mm", stroke_width=2, stroke_fill=colour)
    return _image(canvas.convert("RGB"))


def _px(point: tuple[float, float], size_wh: tuple[int, int]) -> tuple[float, float]:
    return point[0] * (size_wh[0] - 1), point[1] * (size_wh[1] - 1)


def _canvas(image: Image) -> PIL.Image.Image:
    return PIL.Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))


def _image(canvas: PIL.Image.Image) -> Image:
    return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
