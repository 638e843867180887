"""The three stages of MTCNN: propose, refine, output.

Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (2016), in
the form of mtcnn 1.0.0 (stages/*.py, utils/bboxes.py, utils/landmarks.py), for a single picture at its defaults.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from tracker.faces.boxes import Boxes, Overlap, best_first, clipped, squared, suppress
from tracker.faces.faces import Faces, FloatArray
from tracker.faces.patches import cut_patches
from tracker.faces.pyramid import FIELD, Level, levels

_STRIDE = 2
_REFINE_SIDE = 24
_OUTPUT_SIDE = 48
_LEVEL_OVERLAP = 0.5
_STAGE_OVERLAP = 0.7


class Runs(Protocol):
    """A network: a batch of any size in, its outputs out."""

    def run(self, batch: FloatArray) -> tuple[FloatArray, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Possible faces between two stages, best first: boxes (N, 4) float64 px, scores (N,) float64."""

    boxes: Boxes
    scores: Boxes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cascade:
    """P-, R- and O-Net with their thresholds.

    pnet: (1, h, w, 3) -> offsets (1, h', w', 4), scores (1, h', w', 2). rnet: (N, 24, 24, 3) -> offsets (N, 4), scores
    (N, 2). onet: (N, 48, 48, 3) -> offsets (N, 4), landmarks (N, 10: five x, five y, parts of the box), scores (N, 2).
    thresholds: scores that the three must exceed, 0..1.
    """

    pnet: Runs
    rnet: Runs
    onet: Runs
    min_face: int
    scale_factor: float
    thresholds: tuple[float, float, float]

    def faces(self, frame: FloatArray) -> Faces:
        """All faces of a frame (H, W, 3) float32, red green blue, (pixel - 127.5) / 128."""
        candidates = self.propose(frame)
        if len(candidates.scores):
            candidates = self.refine(frame, candidates)
        if not len(candidates.scores):
            return Faces.none()
        return self.output(frame, candidates)

    def propose(self, frame: FloatArray) -> Candidates:
        """Squares that P-Net takes for faces, over all pyramid levels."""
        size_wh = (frame.shape[1], frame.shape[0])
        wanted = levels(size_wh, min_face=self.min_face, scale_factor=self.scale_factor)
        found = [self._propose_at(level, picture) for level, picture in _rendered(frame, wanted)]
        if not found:
            return Candidates(np.empty((0, 4)), np.empty(0))
        boxes = np.concatenate([candidates.boxes for candidates in found])
        scores = np.concatenate([candidates.scores for candidates in found])
        return _squares(_survivors(boxes, scores))

    def refine(self, frame: FloatArray, candidates: Candidates) -> Candidates:
        """Squares that R-Net still takes for faces, moved by its offsets."""
        offsets, scores = self.rnet.run(cut_patches(frame, candidates.boxes, _REFINE_SIDE))
        kept = scores[:, 1] > self.thresholds[1]
        boxes = _moved(candidates.boxes[kept], offsets[kept])
        return _squares(_survivors(boxes, scores[kept, 1].astype(np.float64)))

    def output(self, frame: FloatArray, candidates: Candidates) -> Faces:
        """Faces by O-Net; boxes are held inside the frame, landmarks are not."""
        offsets, points, scores = self.onet.run(cut_patches(frame, candidates.boxes, _OUTPUT_SIDE))
        kept = scores[:, 1] > self.thresholds[2]
        squares, final = candidates.boxes[kept], scores[kept, 1]
        landmarks = _landmarks(squares, points[kept])
        boxes = _moved(squares, offsets[kept])
        order = best_first(final)
        rows = order[suppress(boxes[order], _STAGE_OVERLAP, Overlap.SMALLER)]
        inside = clipped(boxes[rows], (frame.shape[1], frame.shape[0]))
        return Faces(inside.astype(np.float32), final[rows].astype(np.float32), landmarks[rows].astype(np.float32))

    def _propose_at(self, level: Level, picture: FloatArray) -> Candidates:
        """Boxes of one pyramid level in px of the frame, best first."""
        offsets, scores = self.pnet.run(picture[None])
        certainty = scores[0, :, :, 1]
        ys, xs = np.nonzero(certainty > self.thresholds[0])
        corners = np.stack([xs, ys], axis=1) * float(_STRIDE)
        cells = np.concatenate([corners + 1, corners + FIELD], axis=1)
        boxes = (cells + offsets[0, ys, xs] * float(FIELD - 1)) / level.scale
        found = certainty[ys, xs].astype(np.float64)
        order = best_first(found)
        rows = order[suppress(boxes[order], _LEVEL_OVERLAP)]
        return Candidates(boxes[rows], found[rows])


def _rendered(frame: FloatArray, wanted: tuple[Level, ...]) -> Iterator[tuple[Level, FloatArray]]:
    """The frame at each level, averaged over areas. Each is drawn from the full frame: shortcuts move boxes."""
    for level in wanted:
        resized = cv2.resize(frame, level.size_wh, interpolation=cv2.INTER_AREA)
        yield level, resized.astype(np.float32, copy=False)


def _survivors(boxes: Boxes, scores: Boxes) -> Candidates:
    order = best_first(scores)
    rows = order[suppress(boxes[order], _STAGE_OVERLAP)]
    return Candidates(boxes[rows], scores[rows])


def _squares(candidates: Candidates) -> Candidates:
    return Candidates(squared(candidates.boxes), candidates.scores)


def _sizes(boxes: Boxes) -> Boxes:
    """(N, 2) width and height as the networks were trained: both ends count."""
    return boxes[:, 2:] - boxes[:, :2] + 1


def _moved(boxes: Boxes, offsets: FloatArray) -> Boxes:
    return boxes + offsets * np.tile(_sizes(boxes), 2)


def _landmarks(boxes: Boxes, points: FloatArray) -> Boxes:
    """(N, 5, 2) px from parts of the box, which reach back one pixel."""
    parts = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return parts * _sizes(boxes)[:, None] + boxes[:, None, :2] - 1
