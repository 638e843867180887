"""Possible faces between the stages, and what the three networks' numbers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes, best_first, squared, suppress
from tracker.vision.faces import FloatArray
from tracker.vision.pyramid import FIELD

STRIDE = 2
"""Px of a pyramid level between neighbouring places of P-Net."""
REFINE_SIDE = 24
OUTPUT_SIDE = 48
LEVEL_OVERLAP = 0.5
STAGE_OVERLAP = 0.7


class Runs(Protocol):
    """A network: a batch of any size in, its outputs out."""

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces, best first: boxes (N, 4) float64 px, scores (N,) float64."""

    boxes: Boxes
    scores: Boxes

    def squares(self) -> Candidates:
        """The boxes grown to squares."""
        return Candidates(squared(self.boxes), self.scores)


def best_of(
    boxes: Boxes, scores: Boxes, max_overlap: float, *, groups: NDArray[np.integer[Any]] | None = None
) -> Candidates:
    """What suppression leaves of boxes in any order; see `suppress` for the groups."""
    order = best_first(scores)
    ordered = None if groups is None else groups[order]
    rows = order[suppress(boxes[order], max_overlap, groups=ordered)]
    return Candidates(boxes[rows], scores[rows])


def joined(parts: list[Candidates], max_overlap: float) -> Candidates:
    """What suppression leaves of several."""
    if not parts:
        return Candidates(np.empty((0, 4)), np.empty(0))
    if len(parts) == 1:
        return best_of(parts[0].boxes, parts[0].scores, max_overlap)
    boxes = np.concatenate([part.boxes for part in parts])
    return best_of(boxes, np.concatenate([part.scores for part in parts]), max_overlap)


def boxes_of_places(places_xy: NDArray[np.intp], offsets: FloatArray) -> Boxes:
    """(N, 4) px of a pyramid level: the fields of P-Net at (N, 2) places, moved by its offsets (N, 4)."""
    corners = places_xy * float(STRIDE)
    fields = np.concatenate([corners + 1, corners + FIELD], axis=1)
    boxes: Boxes = fields + offsets * float(FIELD - 1)
    return boxes


def moved(boxes: Boxes, offsets: FloatArray) -> Boxes:
    """The boxes moved by offsets of R- or O-Net, in parts of the box."""
    return boxes + offsets * np.tile(sizes(boxes), 2)


def sizes(boxes: Boxes) -> Boxes:
    """(N, 2) width and height as the networks were trained: both ends count."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def score_column(scores: NDArray[Any], kept: NDArray[np.bool_]) -> Boxes:
    """(K,) float64: how sure the network is of a face, of the rows that are kept."""
    column: Boxes = scores[kept, 1].astype(np.float64)
    return column
