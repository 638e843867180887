"""The face detector: MTCNN on LiteRT."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from config.settings import Precision
from models.runtime import Network, open_network
from tracker.vision.cascade import Cascade
from tracker.vision.coarse import CoarseDetector, CoarsePNet
from tracker.vision.faces import Faces, Image, require_image
from tracker.vision.patches import MAX_SIDE
from tracker.vision.pyramid import MAX_PIXELS


class Detector:
    """Finds the same faces as the mtcnn package. Not thread-safe: one per thread.

    folder, precision, threads: the networks to load, and the number of threads for inference.
    min_face: side in px of the smallest face. scale_factor: ratio of one pyramid level to the one before.
    thresholds: scores that candidates of P-Net, R-Net and O-Net must exceed. max_faces: how many of the best to return.
    exhaustive: search every pyramid level in full, as mtcnn does, not only near proposals of the coarse detector.
    Raises ModelError when the networks are missing or damaged.
    """

    def __init__(
        self,
        *,
        folder: Path,
        precision: Precision,
        threads: int,
        min_face: int = 20,
        scale_factor: float = 0.709,
        thresholds: tuple[float, float, float] = (0.6, 0.7, 0.8),
        max_faces: int | None = None,
        exhaustive: bool = False,
    ) -> None:
        def network(name: str) -> Network:
            return open_network(name, folder=folder, precision=precision, threads=threads)

        cv2.setNumThreads(1)  # idle threads of OpenCV busy-wait and take processor time from the networks
        self._max_faces = max_faces
        coarse = CoarseDetector(
            pnet=CoarsePNet(network("pnet_stem"), network("pnet_coarse"), threads=threads),
            rnet=network("rnet_coarse"),
            onet=network("onet_coarse"),
            min_face=min_face,
            thresholds=thresholds,
        )
        self._cascade = Cascade(
            pnet=network("pnet"),
            rnet=network("rnet"),
            onet=network("onet"),
            min_face=min_face,
            scale_factor=scale_factor,
            thresholds=thresholds,
            coarse=None if exhaustive else coarse,
        )

    def detect(self, image: Image) -> Faces:
        """Faces of one image by descending score; none in an image smaller than a face.

        Boxes are clipped to the image; landmarks may lie outside. An image of more than 8.4 million pixels, or with a
        side above 32,766 px, is downscaled first, which raises its smallest face by the same factor.
        Raises ValueError when the image is not (H, W, 3) uint8.
        """
        require_image(image)
        if image.size == 0:
            return Faces.empty()
        height, width = image.shape[:2]
        scale = min(MAX_SIDE / max(width, height), math.sqrt(MAX_PIXELS / (width * height)))
        if scale < 1:
            return detect_downscaled(self.detect, image, scale)
        return self._cascade.detect(image).take(slice(self._max_faces))


def detect_downscaled(detect: Callable[[Image], Faces], image: Image, scale: float) -> Faces:
    """What a detector finds in an image made smaller by a factor below 1, in px of the image."""
    height, width = image.shape[:2]
    size_wh = (max(int(width * scale), 1), max(int(height * scale), 1))
    small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    faces = detect(small)
    back = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
    return Faces(faces.boxes * np.tile(back, 2), faces.scores, faces.landmarks * back)
