"""Face candidates between the stages of the cascade, and the meaning of the networks' outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tracker.vision.boxes import Boxes, best_first, nms, to_squares
from tracker.vision.faces import FloatArray

RECEPTIVE_FIELD = 12
"""Side of P-Net's receptive field, px."""
STRIDE = 2
"""Stride of P-Net, px of its input per cell of its output."""
RNET_SIDE = 24
ONET_SIDE = 48
LEVEL_OVERLAP = 0.5
"""IoU above which candidates of one pyramid level suppress each other."""
STAGE_OVERLAP = 0.7
"""IoU above which candidates suppress each other after each stage."""


class SupportsRun(Protocol):
    """A network: takes a batch of any size, returns its outputs."""

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Face candidates by descending score: boxes (N, 4) float64 px, scores (N,) float64."""

    boxes: Boxes
    scores: Boxes

    def squares(self) -> Candidates:
        """The candidates with boxes extended to squares."""
        return Candidates(to_squares(self.boxes), self.scores)

    @classmethod
    def empty(cls) -> Candidates:
        """Zero candidates."""
        return cls(np.empty((0, 4)), np.empty(0))


def suppressed(
    boxes: Boxes, scores: Boxes, max_overlap: float, *, groups: NDArray[np.integer[Any]] | None = None
) -> Candidates:
    """Candidates that non-maximum suppression keeps of unsorted boxes. groups: see `nms`."""
    order = best_first(scores)
    ordered = None if groups is None else groups[order]
    rows = order[nms(boxes[order], max_overlap, groups=ordered)]
    return Candidates(boxes[rows], scores[rows])


def merged(parts: list[Candidates], max_overlap: float) -> Candidates:
    """Candidates of several parts after non-maximum suppression across them."""
    if not parts:
        return Candidates.empty()
    boxes = np.concatenate([part.boxes for part in parts])
    return suppressed(boxes, np.concatenate([part.scores for part in parts]), max_overlap)


def cell_boxes(cells_xy: NDArray[np.intp], offsets: FloatArray) -> Boxes:
    """(N, 4) px of P-Net's input: receptive fields of (N, 2) output cells, corrected by its regression (N, 4)."""
    corners = cells_xy * float(STRIDE)
    fields = np.concatenate([corners + 1, corners + RECEPTIVE_FIELD], axis=1)
    boxes: Boxes = fields + offsets * float(RECEPTIVE_FIELD - 1)
    return boxes


def regressed(boxes: Boxes, offsets: FloatArray) -> Boxes:
    """The boxes corrected by the regression of R- or O-Net, in fractions of the box."""
    return boxes + offsets * np.tile(inclusive_sizes(boxes), 2)


def inclusive_sizes(boxes: Boxes) -> Boxes:
    """(N, 2) width and height with both end pixels counted, as in the networks' training."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def face_scores(scores: NDArray[Any], kept: NDArray[np.bool_]) -> Boxes:
    """(K,) float64: the probability of a face in the kept rows."""
    column: Boxes = scores[kept, 1].astype(np.float64)
    return column
