"""The scales at which a frame is searched for faces."""

from __future__ import annotations

import math
from dataclasses import dataclass

FIELD = 12
"""Side in px of what P-Net looks at."""


@dataclass(frozen=True, slots=True)
class Level:
    """One pyramid level: the nominal scale, and the size it gives the frame."""

    scale: float
    size_wh: tuple[int, int]


def levels(size_wh: tuple[int, int], *, min_face: int, scale_factor: float) -> tuple[Level, ...]:
    """Levels from the finest to the coarsest; none for a frame that no face fits.

    min_face: side in px of the smallest face to find. scale_factor: ratio of a level to the one before, 0..1.
    Levels narrower or lower than P-Net's field are left out, and none enlarges the frame.
    At `min_face` 20 the levels are those of mtcnn; at other values the same rule is counted from `min_face`.
    Source: mtcnn 1.0.0, utils/images.py, `build_scale_pyramid`.

    Raises ValueError when `scale_factor` is outside 0..1 or `min_face` is below P-Net's field.
    """
    if not 0 < scale_factor < 1:
        raise ValueError(f"scale_factor: expected more than 0 and less than 1, got {scale_factor}")
    if min_face < FIELD:
        raise ValueError(f"min_face: expected at least {FIELD}, got {min_face}")
    smallest = 0.6 * min_face
    if min(size_wh) <= smallest:
        return ()
    count = round(math.log(min(size_wh) / smallest) / -math.log(scale_factor) - 1)
    found = (_level(size_wh, FIELD / min_face * scale_factor**step) for step in range(count))
    return tuple(level for level in found if min(level.size_wh) >= FIELD)


def _level(size_wh: tuple[int, int], scale: float) -> Level:
    return Level(scale, (int(size_wh[0] * scale), int(size_wh[1] * scale)))
