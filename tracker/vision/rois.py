"""The exact search, only in the parts of the pyramid where somebody may be.

P-Net sees the very pixels that it would see in the whole level: a zone is averaged from the frame with the weights that
the whole level would have had, and begins where P-Net's places begin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes
from tracker.vision.candidates import LEVEL_OVERLAP, STRIDE, Candidates, Runs, best_of, boxes_of_places
from tracker.vision.faces import FloatArray, Image
from tracker.vision.integral import Sums
from tracker.vision.native import kernels
from tracker.vision.pyramid import FIELD, Level
from tracker.vision.shades import Shades

_SMALLER, _LARGER = 0.38, 2.2
"""Levels at which P-Net is asked: those where its field is so many times as large as the square."""
_AROUND, _SIDE_STEP, _LEAST_SIDE = 3, 8, 26
"""Px of a level: how much longer a zone is than its square, of what its side is a multiple, and its least side."""
_WORTH_ZONES = 0.5
"""Part of a level's pixels above which the whole level is no dearer than its zones."""
_WORTH_SUMS = 1 / 32
"""Part of the frame's pixels below which a level is drawn from sums in less time than by OpenCV."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Zones:
    """N parts of pyramid levels: levels (N,) which, corners_xy (N, 2) even px of the level, sizes_wh (N, 2) px."""

    levels: NDArray[np.intp]
    corners_xy: NDArray[np.intp]
    sizes_wh: NDArray[np.intp]

    def alike(self) -> list[NDArray[np.intp]]:
        """Rows of one size each."""
        kinds, rows = np.unique(self.sizes_wh[:, 0] * (1 << 32) + self.sizes_wh[:, 1], return_inverse=True)
        return [np.flatnonzero(rows == kind) for kind in range(len(kinds))]


def propose(
    image: Image, frame: Shades, squares: Boxes, wanted: Sequence[Level], *, pnet: Runs, threshold: float
) -> Candidates:
    """What P-Net proposes near the squares at any level, suppressed level by level; boxes in px of the image.

    frame: the same image. squares: (N, 4) px. threshold: score that a proposal must exceed.
    """
    zones = zones_of(squares, wanted, frame.size_wh)
    if not len(zones.levels):
        return Candidates(np.empty((0, 4)), np.empty(0))
    sums = Sums.of(image, _part(zones, wanted, frame.size_wh))
    keys, offsets, certainties = [], [], []
    for rows in zones.alike():
        found, scores = pnet.run(_drawn(frame, sums, wanted, zones, rows))
        part, ys, xs = np.nonzero(scores[..., 1] > threshold)
        at = zones.corners_xy[rows[part]] // STRIDE + np.stack([xs, ys], axis=1)
        keys.append((zones.levels[rows[part]] << 40) + (at[:, 1] << 20) + at[:, 0])
        offsets.append(found[part, ys, xs])
        certainties.append(scores[part, ys, xs, 1].astype(np.float64))
    key, first = np.unique(np.concatenate(keys), return_index=True)  # two zones may share a place
    level, places = key >> 40, np.stack([key & 0xFFFFF, key >> 20 & 0xFFFFF], axis=1)
    scales = np.array([each.scale for each in wanted])[level]
    boxes = boxes_of_places(places, np.concatenate(offsets)[first]) / scales[:, None]
    return best_of(boxes, np.concatenate(certainties)[first], LEVEL_OVERLAP, groups=level)


def zones_of(squares: Boxes, wanted: Sequence[Level], size_wh: tuple[int, int]) -> Zones:
    """Zones around squares (N, 4) in px of a frame of `size_wh`, at the levels of fitting size; none comes twice.

    Where those of a level are many, the whole level is one zone. At the far end a zone reaches the very last pixel.
    """
    lengths = np.array([level.size_wh for level in wanted], np.intp).reshape(-1, 2)
    sides = np.array([level.scale for level in wanted])[:, None] * (squares[:, 2] - squares[:, 0])
    level, square = np.nonzero((sides * _SMALLER <= FIELD) & (sides * _LARGER >= FIELD))
    side = np.ceil((sides[level, square] + _AROUND) / _SIDE_STEP)[:, None] * _SIDE_STEP
    side = np.maximum(side, _LEAST_SIDE)
    centres = (squares[square, :2] + squares[square, 2:]) / 2 * (lengths[level] / np.array(size_wh))
    starts = (np.round((centres - side / 2) / STRIDE) * STRIDE).astype(np.intp)
    sizes = np.minimum(side.astype(np.intp), lengths[level])
    last = lengths[level] - sizes
    odd = (starts >= last) & (last % STRIDE == 1)
    corners = np.clip(starts, 0, last) + odd
    sizes = sizes - odd
    found = set(map(tuple, np.concatenate([level[:, None], corners, sizes], axis=1).tolist()))
    table = np.array(sorted(found), np.intp).reshape(-1, 5)
    covered = np.bincount(table[:, 0], weights=table[:, 3] * table[:, 4], minlength=len(wanted))
    full = np.flatnonzero(covered > _WORTH_ZONES * lengths.prod(axis=1))
    whole = np.concatenate([full[:, None], np.zeros((len(full), 2), np.intp), lengths[full]], axis=1)
    table = np.concatenate([table[~np.isin(table[:, 0], full)], whole])
    return Zones(levels=table[:, 0], corners_xy=table[:, 1:3], sizes_wh=table[:, 3:])


def _part(zones: Zones, wanted: Sequence[Level], size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part x1 y1 x2 y2 of a frame that the zones show."""
    steps = np.array(size_wh) / np.array([level.size_wh for level in wanted])[zones.levels]
    x1, y1 = (zones.corners_xy * steps).min(axis=0).astype(int).tolist()
    x2, y2 = np.ceil(((zones.corners_xy + zones.sizes_wh) * steps).max(axis=0)).astype(int).tolist()
    return x1, y1, min(x2, size_wh[0]), min(y2, size_wh[1])


def whole_level(frame: FloatArray, sums: Sums, level: Level) -> FloatArray:
    """(1, height, width, 3) float32: the frame at a level. Drawn from the frame itself: shortcuts move boxes."""
    width, height = level.size_wh
    if width * height > _WORTH_SUMS * frame.shape[0] * frame.shape[1]:
        return cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)[None]
    steps = np.array([[frame.shape[1] / width, frame.shape[0] / height]])
    return sums.drawn(np.zeros((1, 2), np.intp), steps, level.size_wh)


def _drawn(frame: Shades, sums: Sums, wanted: Sequence[Level], zones: Zones, rows: NDArray[np.intp]) -> FloatArray:
    """(N, height, width, 3) float32: what the levels show in some zones of one size."""
    width, height = zones.sizes_wh[rows[0]].tolist()
    first = wanted[zones.levels[rows[0]]]
    if kernels.KERNELS is None and (width, height) == first.size_wh and len(rows) == 1:
        return whole_level(frame.whole(), sums, first)
    lengths = np.array([level.size_wh for level in wanted])[zones.levels[rows]]
    return sums.drawn(zones.corners_xy[rows], np.array(frame.size_wh) / lengths, (width, height))
