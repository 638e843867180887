"""The second face detector: YuNet on LiteRT, whose cost does not grow with the number of faces."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from config.settings import Precision
from models.runtime import open_network
from tracker.vision.boxes import Boxes, clipped, to_squares
from tracker.vision.candidates import ONET_SIDE, Candidates, suppressed
from tracker.vision.cascade import landmarks_of
from tracker.vision.detector import detect_downscaled
from tracker.vision.faces import Faces, FloatArray, Image, require_image
from tracker.vision.patches import MAX_SIDE, NormalisedFrame

SCORE = 0.75
"""Faces of lower scores are mostly none."""
SIDE_PX = 640
"""Larger images are downscaled to this side, which raises the smallest face that is found."""
_STRIDES = (8, 16, 32)
_MAX_OVERLAP = 0.3
"""IoU above which boxes suppress each other, as in OpenCV's detector."""


class YuNetDetector:
    """Finds faces by YuNet and their landmarks by MTCNN's O-Net. Not thread-safe: one per thread.

    folder, precision, threads: the networks to load, and the number of threads for inference.
    min_face: narrower faces are left out, px. max_faces: how many of the best to return.
    Raises ModelError when the networks are missing or damaged.
    """

    def __init__(
        self, *, folder: Path, precision: Precision, threads: int, min_face: int = 20, max_faces: int | None = None
    ) -> None:
        cv2.setNumThreads(1)  # idle threads of OpenCV busy-wait and take processor time from the networks
        self._yunet, self._onet = (
            open_network(name, folder=folder, precision=precision, threads=threads) for name in ("yunet", "onet")
        )
        self._min_face = min_face
        self._max_faces = max_faces

    def detect(self, image: Image) -> Faces:
        """Faces of one image by descending score. Boxes are clipped to the image; landmarks may lie outside.

        Raises ValueError when the image is not (H, W, 3) uint8.
        """
        require_image(image)
        if image.size == 0:
            return Faces.empty()
        if (longest := max(image.shape[:2])) > MAX_SIDE:
            return detect_downscaled(self.detect, image, MAX_SIDE / longest)
        found = self._found(image)
        rows = np.flatnonzero(found.boxes[:, 2] - found.boxes[:, 0] >= self._min_face)[: self._max_faces]
        if not len(rows):
            return Faces.empty()
        boxes, frame = found.boxes[rows], NormalisedFrame(image)
        squares = to_squares(boxes)
        _, points, _ = self._onet.run(frame.patches(squares, ONET_SIDE))
        return Faces(
            clipped(boxes, frame.size_wh).astype(np.float32),
            found.scores[rows].astype(np.float32),
            landmarks_of(squares, points).astype(np.float32),
        )

    def _found(self, image: Image) -> Candidates:
        """The faces of YuNet, px of the image."""
        height, width = image.shape[:2]
        scale = min(1.0, SIDE_PX / max(width, height))
        small_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
        small = image if scale == 1 else cv2.resize(image, small_wh, interpolation=cv2.INTER_AREA)
        cell = _STRIDES[-1]
        batch = np.zeros((1, -(-small_wh[1] // cell) * cell, -(-small_wh[0] // cell) * cell, 3), np.float32)
        batch[0, : small_wh[1], : small_wh[0]] = small
        parts = [_decoded(output[0], stride) for output, stride in zip(self._yunet.run(batch), _STRIDES, strict=True)]
        back = np.tile([width / small_wh[0], height / small_wh[1]], 2)
        boxes = np.concatenate([part.boxes for part in parts]) * back
        return suppressed(boxes, np.concatenate([part.scores for part in parts]), _MAX_OVERLAP)


def _decoded(output: FloatArray, stride: int) -> Candidates:
    """The faces in one output (h, w, 6) of the network, px of its input; see `models.networks.yunet`."""
    scores = np.sqrt(output[..., 0] * output[..., 1])
    ys, xs = np.nonzero(scores >= SCORE)
    cells = output[ys, xs, 2:].astype(np.float64)
    centres = (np.stack([xs, ys], axis=1) + cells[:, :2]) * stride
    halves: Boxes = np.exp(cells[:, 2:]) * stride / 2
    return Candidates(np.concatenate([centres - halves, centres + halves], axis=1), scores[ys, xs].astype(np.float64))
