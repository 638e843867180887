"""The coarse detector: a fast pass over a frame that proposes where faces may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from tracker.vision.boxes import Boxes
from tracker.vision.candidates import (
    ONET_SIDE,
    RECEPTIVE_FIELD,
    RNET_SIDE,
    STAGE_OVERLAP,
    Candidates,
    SupportsRun,
    cell_boxes,
    face_scores,
    merged,
    regressed,
    suppressed,
)
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels
from tracker.vision.native.kernels import FirstLayer, ScratchBuffer
from tracker.vision.patches import NormalisedFrame, normalised

_MIN_FACE_PX = 10.0
"""Side in px of the smallest face at the finest coarse level; the exact search uses 12."""
_PNET_FACTOR, _RNET_FACTOR, _ONET_FACTOR = 0.45, 0.2, 0.2
"""Factors on the thresholds of the cascade; docs/performance.md has what higher ones would miss."""
_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)
"""Within it, only the cell with the highest score becomes a proposal."""
_PROPOSAL_OVERLAP = 0.3
_REFINED_OVERLAP = 0.6
_MIN_PIXELS_FOR_THREADS = 20_000
"""Pixels below which starting another thread takes longer than it saves."""


class CoarsePNet:
    """P-Net in 8 bits except for its first layer, which runs in C where it is compiled. Not thread-safe.

    stem, body: the networks `pnet_stem` and `pnet_coarse`. threads: number of threads for the first layer.
    """

    def __init__(self, stem: SupportsRun, body: SupportsRun, *, threads: int) -> None:
        self._stem, self._body, self._threads = stem, body, threads
        _, kernel, bias, slope = stem.run(np.zeros((1, 4, 4, 3), np.float32))
        self._layer = FirstLayer.of(kernel, bias, slope)
        self._scratch = ScratchBuffer()

    def run(self, image: Image) -> tuple[FloatArray, FloatArray]:
        """Regression (h, w, 4) and face scores (h, w) for each output cell of a BGR image."""
        if kernels.KERNELS is not None:
            threads = self._threads if image.size >= 3 * _MIN_PIXELS_FOR_THREADS else 1
            features = kernels.KERNELS.first_layer(image, self._layer, threads=threads, scratch=self._scratch)
        else:
            features = self._stem.run(normalised(image)[None])[0]
        (offsets,), (scores,) = self._body.run(features)
        return offsets, np.ascontiguousarray(scores[..., 1])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoarseDetector:
    """The three networks in 8 bits with low thresholds: P-Net over a pyramid of halved images, then R-Net and O-Net.

    rnet, onet, thresholds: as in `Cascade`. min_face: side in px of the smallest face.
    """

    pnet: CoarsePNet
    rnet: SupportsRun
    onet: SupportsRun
    min_face: int
    thresholds: tuple[float, float, float]

    def propose(self, image: Image) -> Candidates:
        """Square proposals of P-Net, px of the image."""
        found = [self._proposals(scaled, image) for scaled in _halvings(image, _MIN_FACE_PX / self.min_face)]
        found = [each for each in found if len(each[1])]
        if not found:
            return Candidates.empty()
        boxes, scores = (np.concatenate(each) for each in zip(*found, strict=True))
        levels = np.repeat(np.arange(len(found)), [len(each) for _, each in found])
        return merged([suppressed(boxes, scores, _PROPOSAL_OVERLAP, groups=levels)], STAGE_OVERLAP).squares()

    def refine(self, frame: NormalisedFrame, proposals: Candidates) -> Boxes:
        """(N, 4) px: squares of the proposals that R-Net and O-Net keep, corrected by their regression."""
        found = proposals
        if len(found.scores):
            offsets, scores = self.rnet.run(frame.patches(found.boxes, RNET_SIDE))
            found = _kept(found, offsets, scores, self.thresholds[1] * _RNET_FACTOR)
        if len(found.scores):
            offsets, _, scores = self.onet.run(frame.patches(found.boxes, ONET_SIDE))
            found = _kept(found, offsets, scores, self.thresholds[2] * _ONET_FACTOR)
        return found.boxes

    def _proposals(self, scaled: Image, image: Image) -> tuple[Boxes, Boxes]:
        """Boxes (N, 4) in px of the image and scores (N,): local maxima of P-Net's scores at one pyramid level."""
        offsets, scores = self.pnet.run(scaled)
        cells = np.flatnonzero(scores > self.thresholds[0] * _PNET_FACTOR)
        if not len(cells):
            return np.empty((0, 4)), np.empty(0)
        found = scores.ravel()[cells]
        peaks = found >= cv2.dilate(scores, _NEIGHBOURHOOD).ravel()[cells]
        cells, found = cells[peaks], found[peaks]
        ys, xs = np.divmod(cells, scores.shape[1])
        scale_xyxy = (image.shape[1] / scaled.shape[1], image.shape[0] / scaled.shape[0]) * 2
        boxes = cell_boxes(np.stack([xs, ys], axis=1), offsets.reshape(-1, 4)[cells]) * scale_xyxy
        return boxes, found.astype(np.float64)


def _kept(candidates: Candidates, offsets: FloatArray, scores: FloatArray, threshold: float) -> Candidates:
    kept = scores[:, 1] > threshold
    boxes = regressed(candidates.boxes[kept], offsets[kept])
    return suppressed(boxes, face_scores(scores, kept), _REFINED_OVERLAP).squares()


def _halvings(image: Image, scale: float) -> Iterator[Image]:
    """The image at a scale, at half of it, and so on, down to P-Net's receptive field."""
    size_wh = (int(image.shape[1] * scale), int(image.shape[0] * scale))
    scaled = image
    while min(size_wh) >= RECEPTIVE_FIELD:
        scaled = cv2.resize(scaled, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        yield scaled
        size_wh = (size_wh[0] // 2, size_wh[1] // 2)
