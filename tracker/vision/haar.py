"""The Haar detector: a cascade of the user proposes faces, MTCNN's last network decides."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from config.settings import Precision
from models.runtime import open_network
from tracker.vision.boxes import Boxes, to_squares
from tracker.vision.cascade import output_faces
from tracker.vision.detector import detect_downscaled
from tracker.vision.faces import Faces, Image, require_image
from tracker.vision.haar_file import read_cascade
from tracker.vision.patches import NormalisedFrame

SIDE_PX = 1280
"""Larger images are downscaled to this side, which raises the smallest face that is found."""
_SCALE_FACTOR = 1.1
_MIN_NEIGHBOURS = 3
"""Windows that agree on a face. Both as in OpenCV's `detectMultiScale`."""
_TOLERANCE = 0.2
"""By which edges of windows on one face differ, in parts of their sides."""
_MAX_WINDOWS = 2048
"""Windows that are grouped, those with the highest sums; a good cascade passes some hundred."""
_FACE_SHARE = 0.9
"""Of a window's side that of the square for O-Net, with which its points come nearest to those in MTCNN."""


class HaarDetector:
    """Finds frontal faces by a Haar cascade; O-Net corrects and rates them. Not thread-safe: one per thread.

    cascade: OpenCV's XML file. folder, precision, threads: of O-Net; the cascade itself runs on one thread.
    min_face: side in px of the smallest window; the cascade has a minimum of its own, mostly 20 or 24.
    threshold: score of O-Net that a face must exceed. max_faces: how many of the best to return.
    Raises ModelError when the file is missing, damaged or not supported, or the network is missing or damaged.
    """

    def __init__(
        self,
        *,
        cascade: Path,
        folder: Path,
        precision: Precision,
        threads: int,
        min_face: int = 20,
        threshold: float = 0.8,
        max_faces: int | None = None,
    ) -> None:
        cv2.setNumThreads(1)  # idle threads of OpenCV busy-wait and take processor time from the networks
        self._cascade = read_cascade(cascade)
        self._onet = open_network("onet", folder=folder, precision=precision, threads=threads)
        self._min_face = min_face
        self._threshold = threshold
        self._max_faces = max_faces

    def detect(self, image: Image) -> Faces:
        """Faces of one image by descending score. Boxes are clipped to the image; landmarks may lie outside.

        Raises ValueError when the image is not (H, W, 3) uint8.
        """
        require_image(image)
        if image.size == 0:
            return Faces.empty()
        if (longest := max(image.shape[:2])) > SIDE_PX:
            return detect_downscaled(self.detect, image, SIDE_PX / longest)
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
        proposals = grouped(*self._cascade.search(grey, min_side=self._min_face, scale_factor=_SCALE_FACTOR))
        if not len(proposals):
            return Faces.empty()
        middles, halves = (proposals[:, :2] + proposals[:, 2:]) / 2, (proposals[:, 2:] - proposals[:, :2]) / 2
        squares = to_squares(np.concatenate([middles - _FACE_SHARE * halves, middles + _FACE_SHARE * halves], axis=1))
        faces = output_faces(NormalisedFrame(image), squares, onet=self._onet, threshold=self._threshold)
        return faces.take(slice(self._max_faces))


def grouped(boxes: Boxes, sums: Boxes) -> Boxes:
    """(M, 4) px: the mean of each group of windows on one face; windows with few neighbours are left out.

    boxes, sums: of N windows, as `HaarCascade.search` returns them.
    Source: OpenCV 4, objdetect, `groupRectangles`.
    """
    rows = np.argsort(-sums, kind="stable")[:_MAX_WINDOWS]
    boxes = boxes[np.sort(rows)]
    if not len(boxes):
        return boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    tolerances = _TOLERANCE / 2 * np.minimum(sides[:, None], sides[None]).sum(axis=2)
    alike = np.ones(tolerances.shape, np.bool_)
    for edge in boxes.T:
        alike &= np.abs(edge[:, None] - edge[None]) <= tolerances
    from scipy.sparse.csgraph import connected_components  # here: other detectors do not need it

    count, groups = connected_components(alike, directed=False)
    sizes = np.bincount(groups, minlength=count)
    means = np.stack([np.bincount(groups, edge, minlength=count) / sizes for edge in boxes.T], axis=1)
    found: Boxes = means[sizes >= _MIN_NEIGHBOURS]
    return found
