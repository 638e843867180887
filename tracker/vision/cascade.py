"""The three stages of MTCNN: propose (P-Net), refine (R-Net), output (O-Net).

Source: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (2016), in
the form of mtcnn 1.0.0 (stages/*.py, utils/bboxes.py, utils/landmarks.py), for a single image at its defaults.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tracker.vision import rois
from tracker.vision.boxes import Boxes, Overlap, best_first, clipped, nms
from tracker.vision.candidates import (
    LEVEL_OVERLAP,
    ONET_SIDE,
    RNET_SIDE,
    STAGE_OVERLAP,
    Candidates,
    SupportsRun,
    cell_boxes,
    face_scores,
    inclusive_sizes,
    merged,
    regressed,
    suppressed,
)
from tracker.vision.coarse import CoarseDetector
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.patches import NormalisedFrame
from tracker.vision.pyramid import IntegralImage, Level, levels, whole_level

_PIXELS_PER_PROPOSAL = 1200
"""Refining one coarse proposal costs as much as searching this many pixels of the pyramid."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cascade:
    """P-, R- and O-Net with their thresholds.

    pnet: (N, h, w, 3) -> regression (N, h', w', 4), scores (N, h', w', 2). rnet: (N, 24, 24, 3) -> regression (N, 4),
    scores (N, 2). onet: (N, 48, 48, 3) -> regression (N, 4), landmarks (N, 10: five x, five y, fractions of the box),
    scores (N, 2).
    thresholds: scores that candidates must exceed at each stage, 0..1. coarse: restricts P-Net to regions of interest;
    None searches every level in full.
    """

    pnet: SupportsRun
    rnet: SupportsRun
    onet: SupportsRun
    min_face: int
    scale_factor: float
    thresholds: tuple[float, float, float]
    coarse: CoarseDetector | None = None

    def detect(self, image: Image) -> Faces:
        """All faces of an image."""
        coarse = None if self.coarse is None else self.coarse.propose(image)
        if coarse is not None and not len(coarse.scores):
            return Faces.empty()
        frame = NormalisedFrame(image)
        candidates = self._propose(image, frame, coarse)
        if len(candidates.scores):
            candidates = self._refine(frame, candidates)
        if not len(candidates.scores):
            return Faces.empty()
        return output_faces(frame, candidates.boxes, onet=self.onet, threshold=self.thresholds[2])

    def _propose(self, image: Image, frame: NormalisedFrame, coarse: Candidates | None) -> Candidates:
        """Square proposals of P-Net over all pyramid levels. frame: the image. coarse: the coarse proposals."""
        size_wh = (image.shape[1], image.shape[0])
        searched = levels(size_wh, min_face=self.min_face, scale_factor=self.scale_factor)
        pixels = sum(level.size_wh[0] * level.size_wh[1] for level in searched)
        if self.coarse is None or coarse is None or len(coarse.scores) * _PIXELS_PER_PROPOSAL > pixels:
            integral = IntegralImage.of(image)
            found = [self._propose_at(level, frame.all_rows(), integral) for level in searched]
        else:
            squares = self.coarse.refine(frame, coarse)
            found = [rois.propose(image, frame, squares, searched, pnet=self.pnet, threshold=self.thresholds[0])]
        return merged(found, STAGE_OVERLAP).squares()

    def _propose_at(self, level: Level, frame: FloatArray, integral: IntegralImage) -> Candidates:
        """Proposals of one whole pyramid level, px of the frame."""
        offsets, scores = self.pnet.run(whole_level(frame, integral, level))
        ys, xs = np.nonzero(scores[0, :, :, 1] > self.thresholds[0])
        boxes = cell_boxes(np.stack([xs, ys], axis=1), offsets[0, ys, xs]) / level.scale
        return suppressed(boxes, scores[0, ys, xs, 1].astype(np.float64), LEVEL_OVERLAP)

    def _refine(self, frame: NormalisedFrame, candidates: Candidates) -> Candidates:
        """Squares of the candidates that R-Net keeps, corrected by its regression."""
        offsets, scores = self.rnet.run(frame.patches(candidates.boxes, RNET_SIDE))
        kept = scores[:, 1] > self.thresholds[1]
        boxes = regressed(candidates.boxes[kept], offsets[kept])
        return suppressed(boxes, face_scores(scores, kept), STAGE_OVERLAP).squares()


def output_faces(frame: NormalisedFrame, squares: Boxes, *, onet: SupportsRun, threshold: float) -> Faces:
    """Faces that O-Net keeps of squares (N, 4) px; boxes are clipped to the frame, landmarks are not.

    onet, threshold: as in `Cascade`.
    """
    offsets, points, scores = onet.run(frame.patches(squares, ONET_SIDE))
    kept = scores[:, 1] > threshold
    squares, final = squares[kept], scores[kept, 1]
    landmarks = landmarks_of(squares, points[kept])
    boxes = regressed(squares, offsets[kept])
    order = best_first(final)
    rows = order[nms(boxes[order], STAGE_OVERLAP, Overlap.SMALLER)]
    inside = clipped(boxes[rows], frame.size_wh)
    return Faces(inside.astype(np.float32), final[rows].astype(np.float32), landmarks[rows].astype(np.float32))


def landmarks_of(boxes: Boxes, points: FloatArray) -> Boxes:
    """(N, 5, 2) px from fractions of the box, with the one-pixel shift of mtcnn."""
    fractions = points.reshape(-1, 2, 5).transpose(0, 2, 1)
    return fractions * inclusive_sizes(boxes)[:, None] + boxes[:, None, :2] - 1
