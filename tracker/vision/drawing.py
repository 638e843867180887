"""Boxes and names on pictures."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont

from tracker.vision.faces import Image

_KNOWN_RGB = (22, 163, 74)
_UNKNOWN_RGB = (217, 119, 6)


def draw_faces(
    image: Image, boxes: Sequence[tuple[float, float, float, float]], labels: Sequence[str], known: Sequence[bool]
) -> Image:
    """A copy of the picture with a box and a label for each face; names in any script that the font has.

    boxes: x1 y1 x2 y2 px. known: whether the face has a name (green) or not (amber).
    """
    canvas = PIL.Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
    pen = PIL.ImageDraw.Draw(canvas)
    size_px = max(11, round(min(canvas.size) / 36))
    font = PIL.ImageFont.load_default(size_px)
    line_px = max(1, size_px // 8)
    for box, label, is_known in zip(boxes, labels, known, strict=True):
        colour = _KNOWN_RGB if is_known else _UNKNOWN_RGB
        pen.rectangle(box, outline=colour, width=line_px)
        left, _, right, bottom = pen.textbbox((0, 0), label, font=font)
        width, height = right - left + 2 * line_px + 4, bottom + 2 * line_px
        x = min(max(box[0], 0), max(canvas.width - width, 0))
        y = box[1] - height if box[1] >= height else min(box[3], canvas.height - height)
        pen.rectangle((x, y, x + width, y + height), fill=colour)
        pen.text((x + line_px + 2, y), label, font=font, fill=(255, 255, 255))
    return cv2.cvtColor(np.asarray(canvas), cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)
