"""The exact search, only in the parts of the pyramid where somebody may be.

P-Net sees the very pixels that it would see in the whole level: a zone is averaged from the frame with the weights that
the whole level would have had, and begins where P-Net's places begin.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.faces.boxes import Boxes
from tracker.faces.candidates import LEVEL_OVERLAP, STRIDE, Candidates, Runs, best_of, boxes_of_places
from tracker.faces.faces import FloatArray, Image
from tracker.faces.pyramid import FIELD, Level

_SMALLER, _LARGER = 0.45, 2.2
"""Levels at which P-Net is asked: those where its field is so many times as large as the square."""
_AROUND = FIELD + 1
_SIDE_STEP = 8
_SMALL_PRODUCT = 200_000
"""Multiply-adds of a product for which a BLAS does not wake a second thread."""
_WORTH_ZONES = 0.5
"""Part of a level's pixels above which the whole level is no dearer than its zones."""


@dataclass(frozen=True, slots=True)
class Zone:
    """Part of a pyramid level, px of the level: corner (even numbers) and size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def propose(
    image: Image, frame: FloatArray, squares: Boxes, wanted: Sequence[Level], *, pnet: Runs, threshold: float
) -> list[Candidates]:
    """What P-Net proposes near the squares, one entry for each level that has any; boxes in px of the image.

    squares: (N, 4) px. frame: the image, normalised. threshold: score that a proposal must exceed.
    """
    size_wh = (image.shape[1], image.shape[0])
    places: dict[int, list[tuple[NDArray[np.intp], FloatArray, FloatArray]]] = defaultdict(list)
    by_shape: dict[tuple[int, int], list[tuple[int, Zone]]] = defaultdict(list)
    for index, level in enumerate(wanted):
        zones = zones_of(squares, level, size_wh)
        if sum(zone.pixels for zone in zones) > _WORTH_ZONES * level.size_wh[0] * level.size_wh[1]:
            zones = {Zone(0, 0, *level.size_wh)}
        for zone in sorted(zones, key=lambda zone: (zone.y, zone.x)):
            by_shape[zone.height, zone.width].append((index, zone))
    for jobs in by_shape.values():
        batch = np.stack([rendered(image, frame, wanted[index], zone) for index, zone in jobs])
        offsets, scores = pnet.run(batch)
        for (index, zone), zone_offsets, zone_scores in zip(jobs, offsets, scores[..., 1], strict=True):
            ys, xs = np.nonzero(zone_scores > threshold)
            corner = (zone.x // STRIDE, zone.y // STRIDE)
            places[index].append((np.stack([xs, ys], axis=1) + corner, zone_offsets[ys, xs], zone_scores[ys, xs]))
    return [_candidates(found, wanted[index].scale) for index, found in sorted(places.items())]


def zones_of(squares: Boxes, level: Level, size_wh: tuple[int, int]) -> set[Zone]:
    """Zones of one level around squares (N, 4) in px of a frame of `size_wh`; those of unlike size are left out."""
    step = np.array(level.size_wh) / np.array(size_wh)
    zones = set()
    for x1, y1, x2, y2 in squares:
        side = (x2 - x1) * level.scale
        if not _SMALLER <= FIELD / max(side, 1e-6) <= _LARGER:
            continue
        wanted = math.ceil((side + _AROUND) / _SIDE_STEP) * _SIDE_STEP
        spans = (
            _span((low + high) / 2 * each, wanted, length)
            for low, high, each, length in ((x1, x2, step[0], level.size_wh[0]), (y1, y2, step[1], level.size_wh[1]))
        )
        (x, width), (y, height) = spans
        zones.add(Zone(x, y, width, height))
    return zones


def rendered(image: Image, frame: FloatArray, level: Level, zone: Zone) -> FloatArray:
    """(height, width, 3) float32, normalised: what the whole level would show in the zone."""
    if (zone.width, zone.height) == level.size_wh:
        return cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)
    columns, across = _averages(zone.x, zone.width, image.shape[1], level.size_wh[0])
    rows, down = _averages(zone.y, zone.height, image.shape[0], level.size_wh[1])
    part = image[rows, columns].astype(np.float32)
    lines = _banded(down, part.reshape(len(part), -1)).reshape(zone.height, -1, 3)
    flat = lines.transpose(1, 2, 0).reshape(len(across[0]), -1)
    bgr = _banded(across, flat).reshape(zone.width, 3, zone.height)
    rgb = (bgr[:, ::-1] - np.float32(127.5)) * np.float32(1 / 128)
    return rgb.transpose(2, 0, 1)


def _banded(weights: FloatArray, source: FloatArray) -> FloatArray:
    """weights @ source, where each row of the weights is zero but for a short run further right than the row before.

    In blocks of rows: less to multiply, and products small enough that a BLAS does not wake threads for them.
    """
    count, length = weights.shape
    result = np.empty((count, source.shape[1]), np.float32)
    block = max(min(8, int(math.sqrt(_SMALL_PRODUCT * count / (length * source.shape[1])))), 1)
    for start in range(0, count, block):
        rows = slice(start, min(start + block, count))
        used = slice(max(length * start // count - 2, 0), length * rows.stop // count + 3)
        np.matmul(weights[rows, used], source[used], out=result[rows])
    return result


def _span(centre: float, wanted: int, length: int) -> tuple[int, int]:
    """Start (even) and length of a part of an axis about `centre`; at the far end it reaches the very last pixel."""
    if wanted >= length:
        return 0, length
    start = round((centre - wanted / 2) / STRIDE) * STRIDE
    last = length - wanted
    if start >= last:
        return (last, wanted) if last % STRIDE == 0 else (last + 1, wanted - 1)
    return max(start, 0), wanted


def _averages(first: int, count: int, length: int, level_length: int) -> tuple[slice, FloatArray]:
    """The pixels under `count` pixels of a level, and the (count, pixels) parts in which each of those has them."""
    step = length / level_length
    edges = np.arange(first, first + count + 1) * step
    begin, end = int(edges[0]), min(math.ceil(edges[-1] - 1e-9), length)
    pixels = np.arange(begin, end)
    shared = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    return slice(begin, end), (np.maximum(shared, 0) / step).astype(np.float32)


def _candidates(found: list[tuple[NDArray[np.intp], FloatArray, FloatArray]], scale: float) -> Candidates:
    """Proposals of one level; places that two zones share count once."""
    places, offsets, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    rows = np.unique(places[:, ::-1], axis=0, return_index=True)[1] if len(found) > 1 else slice(None)
    boxes = boxes_of_places(places[rows], offsets[rows]) / scale
    return best_of(boxes, scores[rows].astype(np.float64), LEVEL_OVERLAP)
