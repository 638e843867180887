"""Where faces may be: a rough, quick look at a frame, so that the exact search need not go everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from tracker.vision.boxes import Boxes
from tracker.vision.candidates import (
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
)
from tracker.vision.faces import FloatArray, Image
from tracker.vision.glance import Glance
from tracker.vision.pyramid import FIELD
from tracker.vision.shades import Shades

_FINEST = 10.0
"""Side in px to which the smallest face is shrunken; the exact search takes it at 12."""
_PROPOSED, _REFINED, _SEEN = 0.45, 0.2, 0.2
"""Parts of the three thresholds that a hint must pass; docs/performance.md has what stricter ones would lose."""
_NEIGHBOURS = np.ones((3, 3), np.uint8)
"""Of neighbouring places only the surest gives a hint."""
_HINT_OVERLAP = 0.3
_ZONE_OVERLAP = 0.6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scout:
    """The three networks in 8 bits: P-Net over a pyramid of halves, then R- and O-Net, all with low thresholds.

    glance: P-Net over a picture. rnet, onet, thresholds: as in `Cascade`. min_face: side in px of the smallest face.
    """

    glance: Glance
    rnet: Runs
    onet: Runs
    min_face: int
    thresholds: tuple[float, float, float]

    def hints(self, image: Image) -> Candidates:
        """Squares in which P-Net sees as much as a hint of a face, px of the image."""
        found = [self._hints(picture, image) for picture in _halves(image, _FINEST / self.min_face)]
        seen = [each for each in found if each is not None]
        if not seen:
            return Candidates(np.empty((0, 4)), np.empty(0))
        boxes, scores = (np.concatenate(each) for each in zip(*seen, strict=True))
        pictures = np.repeat(np.arange(len(seen)), [len(each) for _, each in seen])
        return joined([best_of(boxes, scores, _HINT_OVERLAP, groups=pictures)], STAGE_OVERLAP).squares()

    def squares(self, frame: Shades, found: Candidates) -> Boxes:
        """(N, 4) px: those of the hints that may be faces, moved to where they are. frame: the picture."""
        if len(found.scores):
            offsets, scores = self.rnet.run(frame.patches(found.boxes, REFINE_SIDE))
            found = _kept(found, offsets, scores, self.thresholds[1] * _REFINED)
        if len(found.scores):
            offsets, _, scores = self.onet.run(frame.patches(found.boxes, OUTPUT_SIDE))
            found = _kept(found, offsets, scores, self.thresholds[2] * _SEEN)
        return found.boxes

    def _hints(self, picture: Image, image: Image) -> tuple[Boxes, Boxes] | None:
        """Boxes (N, 4) in px of the image, and scores (N,), that P-Net sees in one picture of the pyramid, if any."""
        offsets, certainty = self.glance.at(picture)
        places = np.flatnonzero(certainty > self.thresholds[0] * _PROPOSED)
        if not len(places):
            return None
        scores = certainty.ravel()[places]
        peaks = scores >= cv2.dilate(certainty, _NEIGHBOURS).ravel()[places]
        places, scores = places[peaks], scores[peaks]
        ys, xs = np.divmod(places, certainty.shape[1])
        across, down = image.shape[1] / picture.shape[1], image.shape[0] / picture.shape[0]
        boxes = boxes_of_places(np.stack([xs, ys], axis=1), offsets.reshape(-1, 4)[places]) * (
            across,
            down,
            across,
            down,
        )
        return boxes, scores.astype(np.float64)


def _kept(found: Candidates, offsets: FloatArray, scores: FloatArray, least: float) -> Candidates:
    kept = scores[:, 1] > least
    return best_of(moved(found.boxes[kept], offsets[kept]), score_column(scores, kept), _ZONE_OVERLAP).squares()


def _halves(image: Image, scale: float) -> Iterator[Image]:
    """The image at a scale, at half of it, and so on, while P-Net's field fits."""
    size_wh = (int(image.shape[1] * scale), int(image.shape[0] * scale))
    picture = image
    while min(size_wh) >= FIELD:
        picture = cv2.resize(picture, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        yield picture
        size_wh = (size_wh[0] // 2, size_wh[1] // 2)
