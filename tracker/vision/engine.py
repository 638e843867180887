"""Everything that one frame tells about faces: where, how good, and the vectors of those good enough."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from config.settings import DetectSettings, ModelSettings, QualitySettings
from tracker.vision.align import align
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder
from tracker.vision.faces import Faces, FloatArray, Image, require_image
from tracker.vision.quality import Quality, assess, rejection
from tracker.vision.region import WHOLE, Region, cut


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """The faces of one frame with what is known of each, row by row.

    rejections: why a face may not say who somebody is, None where it may. vectors: (N, 128) float32, zeros in rejected
    rows. usable: (N,) bool, the rows with a vector.
    """

    faces: Faces
    quality: Quality
    rejections: tuple[str | None, ...]
    vectors: FloatArray
    usable: NDArray[np.bool_]


class FaceEngine:
    """Detection, alignment, quality and embedding in one call.

    May be shared by threads: they take turns at the networks, which use several processors themselves.
    """

    def __init__(
        self,
        *,
        detector: Detector,
        embedder: Embedder,
        quality: QualitySettings,
        region: Region = WHOLE,
        turn: threading.Lock | None = None,
    ) -> None:
        """region: where to look for faces. turn: held while the networks work, by all that share them."""
        self._detector = detector
        self._embedder = embedder
        self._quality = quality
        self._region = region
        self._turn = turn or threading.Lock()

    def within(self, region: Region) -> Self:
        """This engine, looking for faces only in a part of the frame; both take turns at the same networks."""
        return type(self)(
            detector=self._detector, embedder=self._embedder, quality=self._quality, region=region, turn=self._turn
        )

    @classmethod
    def load(cls, *, models: ModelSettings, detect: DetectSettings, quality: QualitySettings) -> Self:
        """Networks from the folder of the settings; the whole picture is searched, `within` narrows that.

        Raises ModelError when they are missing or damaged.
        """
        folder: Path = models.dir
        detector = Detector(
            folder=folder,
            precision=models.precision,
            threads=models.threads,
            min_face=detect.min_face,
            scale_factor=detect.scale_factor,
            thresholds=(detect.proposal_threshold, detect.refine_threshold, detect.output_threshold),
            max_faces=detect.max_faces,
        )
        embedder = Embedder(folder=folder, precision=models.precision, threads=models.threads)
        return cls(detector=detector, embedder=embedder, quality=quality)

    def detect(self, image: Image) -> Faces:
        """Faces only, px of the whole picture. Raises ValueError when the picture is not (H, W, 3) uint8."""
        require_image(image)
        part, origin_xy = cut(image, self._region)
        with self._turn:
            faces = self._detector.detect(part)
        return faces.moved(origin_xy)

    def embed(self, image: Image, faces: Faces) -> FloatArray:
        """(N, 128) float32: the vectors of all given faces, however poor."""
        chips = align(image, faces.landmarks)
        with self._turn:
            return self._embedder.embed(chips)

    def see(self, image: Image) -> Seen:
        """Faces, their quality, and vectors of the good ones. Raises ValueError as `detect` does."""
        faces = self.detect(image)
        chips = align(image, faces.landmarks)
        quality = assess(faces, chips)
        rejections = tuple(rejection(quality, row, self._quality) for row in range(len(faces)))
        usable = np.array([reason is None for reason in rejections], np.bool_)
        vectors = np.zeros((len(faces), self._embedder.dimension), np.float32)
        if usable.any():
            with self._turn:
                vectors[usable] = self._embedder.embed(chips[usable])
        return Seen(faces=faces, quality=quality, rejections=rejections, vectors=vectors, usable=usable)
