"""Finding the faces of a frame."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from config.settings import Precision
from models.runtime import Network, open_network
from tracker.vision.cascade import Cascade
from tracker.vision.coarse import Scout
from tracker.vision.faces import Faces, Image, require_image
from tracker.vision.glance import Glance
from tracker.vision.integral import MAX_PIXELS
from tracker.vision.patches import MAX_SIDE


class Detector:
    """Faces as mtcnn finds them, on LiteRT. Not thread-safe: one per thread.

    folder, precision, threads: which networks, and how many processor threads each may use.
    min_face: side in px of the smallest face. scale_factor: ratio of one pyramid level to the one before.
    thresholds: scores that P-Net, R-Net and O-Net must exceed. max_faces: keep only the best so many.
    exhaustive: search every place of every level, as mtcnn does, and not only where a rough look found a hint.
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
        def opened(name: str) -> Network:
            return open_network(name, folder=folder, precision=precision, threads=threads)

        cv2.setNumThreads(1)  # OpenCV's own wait for work in loops, and keep the networks' threads from the processors
        self._max_faces = max_faces
        quick = Scout(
            glance=Glance(opened("pnet_first"), opened("pnet_scout"), threads=threads),
            rnet=opened("rnet_scout"),
            onet=opened("onet_scout"),
            min_face=min_face,
            thresholds=thresholds,
        )
        self._cascade = Cascade(
            pnet=opened("pnet"),
            rnet=opened("rnet"),
            onet=opened("onet"),
            min_face=min_face,
            scale_factor=scale_factor,
            thresholds=thresholds,
            scout=None if exhaustive else quick,
        )

    def detect(self, image: Image) -> Faces:
        """Faces of one picture, best first; none in a picture too small to hold one.

        Boxes lie inside the picture; landmarks may lie outside. A picture of more than 8.4 million pixels, or with a
        side beyond 32,766 px, is searched shrunken: its smallest faces are as much larger.
        Raises ValueError when the picture is not (H, W, 3) uint8.
        """
        require_image(image)
        if image.size == 0:
            return Faces.none()
        height, width = image.shape[:2]
        shrink = min(MAX_SIDE / max(width, height), math.sqrt(MAX_PIXELS / (width * height)))
        if shrink < 1:
            return self._detect_shrunken(image, shrink)
        return self._cascade.faces(image).take(slice(self._max_faces))

    def _detect_shrunken(self, image: Image, shrink: float) -> Faces:
        height, width = image.shape[:2]
        size_wh = (max(int(width * shrink), 1), max(int(height * shrink), 1))
        small = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        faces = self.detect(small)
        back = np.array([width / size_wh[0], height / size_wh[1]], np.float32)
        return Faces(faces.boxes * np.tile(back, 2), faces.scores, faces.landmarks * back)
