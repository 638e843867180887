"""The three stages of MTCNN: propose, refine, output.

Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (2016), in
the form of mtcnn 1.0.0 (stages/*.py, utils/bboxes.py, utils/landmarks.py), for a single picture at its defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracker.vision import rois
from tracker.vision.boxes import Boxes, Overlap, best_first, clipped, suppress
from tracker.vision.candidates import (
    LEVEL_OVERLAP,
    OUTPUT_SIDE,
    REFINE_SIDE,
    STAGE_OVERLAP,
    Candidates,
    Runs,
    best_of,
    boxes_of_places,
    joined,
    moved,
    score_column,
    sizes,
)
from tracker.vision.coarse import Scout
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.integral import Sums
from tracker.vision.pyramid import Level, levels
from tracker.vision.shades import Shades

_PIXELS_PER_HINT = 1200
"""Looking into one hint costs as much as searching so many pixels of the pyramid."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cascade:
    """P-, R- and O-Net with their thresholds.

    pnet: (N, h, w, 3) -> offsets (N, h', w', 4), scores (N, h', w', 2). rnet: (N, 24, 24, 3) -> offsets (N, 4), scores
    (N, 2). onet: (N, 48, 48, 3) -> offsets (N, 4), landmarks (N, 10: five x, five y, parts of the box), scores (N, 2).
    thresholds: scores that the three must exceed, 0..1. scout: tells P-Net where to look; None searches everywhere.
    """

    pnet: Runs
    rnet: Runs
    onet: Runs
    min_face: int
    scale_factor: float
    thresholds: tuple[float, float, float]
    scout: Scout | None = None

    def faces(self, image: Image) -> Faces:
        """All faces of a picture."""
        hints = None if self.scout is None else self.scout.hints(image)
        if hints is not None and not len(hints.scores):
            return Faces.none()
        frame = Shades(image)
        candidates = self._propose(image, frame, hints)
        if len(candidates.scores):
            candidates = self.refine(frame, candidates)
        if not len(candidates.scores):
            return Faces.none()
        return self.output(frame, candidates)

    def _propose(self, image: Image, frame: Shades, hints: Candidates | None) -> Candidates:
        """Squares that P-Net takes for faces, over all pyramid levels; frame: the image."""
        size_wh = (image.shape[1], image.shape[0])
        wanted = levels(size_wh, min_face=self.min_face, scale_factor=self.scale_factor)
        pixels = sum(level.size_wh[0] * level.size_wh[1] for level in wanted)
        if self.scout is None or hints is None or len(hints.scores) * _PIXELS_PER_HINT > pixels:
            sums = Sums.of(image)
            return joined([self._propose_at(level, frame.whole(), sums) for level in wanted], STAGE_OVERLAP).squares()
        squares = self.scout.squares(frame, hints)
        found = rois.propose(image, frame, squares, wanted, pnet=self.pnet, threshold=self.thresholds[0])
        return joined([found], STAGE_OVERLAP).squares()

    def refine(self, frame: Shades, candidates: Candidates) -> Candidates:
        """Squares that R-Net still takes for faces, moved by its offsets."""
        offsets, scores = self.rnet.run(frame.patches(candidates.boxes, REFINE_SIDE))
        kept = scores[:, 1] > self.thresholds[1]
        boxes = moved(candidates.boxes[kept], offsets[kept])
        return best_of(boxes, score_column(scores, kept), STAGE_OVERLAP).squares()

    def output(self, frame: Shades, candidates: Candidates) -> Faces:
        """Faces by O-Net; boxes are held inside the frame, landmarks are not."""
        offsets, points, scores = self.onet.run(frame.patches(candidates.boxes, OUTPUT_SIDE))
        kept = scores[:, 1] > self.thresholds[2]
        squares, final = candidates.boxes[kept], scores[kept, 1]
        landmarks = _landmarks(squares, points[kept])
        boxes = moved(squares, offsets[kept])
        order = best_first(final)
        rows = order[suppress(boxes[order], STAGE_OVERLAP, Overlap.SMALLER)]
        inside = clipped(boxes[rows], frame.size_wh)
        return Faces(inside.astype(np.float32), final[rows].astype(np.float32), landmarks[rows].astype(np.float32))

    def _propose_at(self, level: Level, frame: FloatArray, sums: Sums) -> Candidates:
        """Boxes of one pyramid level in px of the frame."""
        offsets, scores = self.pnet.run(rois.whole_level(frame, sums, level))
        ys, xs = np.nonzero(scores[0, :, :, 1] > self.thresholds[0])
        boxes = boxes_of_places(np.stack([xs, ys], axis=1), offsets[0, ys, xs]) / level.scale
        return best_of(boxes, scores[0, ys, xs, 1].astype(np.float64), LEVEL_OVERLAP)


def _landmarks(boxes: Boxes, points: FloatArray) -> Boxes:
    """(N, 5, 2) px from parts of the box, which reach back one pixel."""
    parts = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return parts * sizes(boxes)[:, None] + boxes[:, None, :2] - 1
