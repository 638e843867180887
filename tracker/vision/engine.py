"""The face engine: detection, alignment, quality and embedding of one frame."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from config.recognition import DetectSettings, QualitySettings
from config.settings import ModelSettings
from tracker.vision.align import align, cut
from tracker.vision.boxes import WHOLE_FRAME, Region, region_px
from tracker.vision.detectors import FaceDetector, open_detector, open_thorough
from tracker.vision.embed import Embedder, has_vector
from tracker.vision.embedders import SFACE, EmbedderSpec
from tracker.vision.faces import Faces, FloatArray, Image, require_image
from tracker.vision.quality import CHIP, Quality, assess, rejection

_NO_VECTOR = "not embedded: the network gives no finite vector"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AnalysedFaces:
    """The faces of one frame with quality and vector of each, row by row.

    quality: NaN where a face was not examined. rejections: why it is not good enough for recognition, or has no
    vector; None where it is, or was not examined. vectors: (N, D) float32, zeros where there is none. usable: (N,)
    bool, True where there is a vector: the face was examined and not rejected.
    """

    faces: Faces
    quality: Quality
    rejections: tuple[str | None, ...]
    vectors: FloatArray
    usable: NDArray[np.bool_]


class FaceEngine:
    """Detection, alignment, quality and embedding, in one call or in two: `detect`, then `examine` some of the faces.

    Thread-safe: a lock serialises the networks, which use several threads themselves.
    """

    def __init__(
        self,
        *,
        detector: FaceDetector,
        embedder: Embedder,
        quality: QualitySettings,
        region: Region = WHOLE_FRAME,
        lock: threading.Lock | None = None,
    ) -> None:
        """region: the part of the frame to search. lock: held during inference; one per set of networks."""
        self._detector = detector
        self._embedder = embedder
        self._quality = quality
        self._region = region
        self._lock = lock or threading.Lock()

    def within(self, region: Region) -> Self:
        """An engine with the same networks that searches only a part of the frame."""
        return type(self)(
            detector=self._detector, embedder=self._embedder, quality=self._quality, region=region, lock=self._lock
        )

    @property
    def embedder(self) -> EmbedderSpec:
        """The network that embeds the faces."""
        return self._embedder.spec

    @classmethod
    def load(
        cls,
        *,
        models: ModelSettings | None = None,
        detect: DetectSettings | None = None,
        quality: QualitySettings | None = None,
        embedder: EmbedderSpec = SFACE,
        thorough: bool = False,
    ) -> Self:
        """An engine for whole frames with the networks in the settings' folder; settings that are not given: defaults.

        thorough: for single pictures; see `open_thorough`.
        Raises ModelError when networks are missing or damaged.
        """
        models, detect = models or ModelSettings(), detect or DetectSettings()
        detector = open_thorough(models, detect) if thorough else open_detector(detect.detector, models, detect)
        loaded = Embedder(embedder, folder=models.dir, precision=models.precision, threads=models.threads)
        return cls(detector=detector, embedder=loaded, quality=quality or QualitySettings())

    def detect(self, image: Image) -> Faces:
        """Faces only, in px of the whole frame. Raises ValueError when the image is not (H, W, 3) uint8."""
        require_image(image)
        x1, y1, x2, y2 = region_px(self._region, (image.shape[1], image.shape[0]))
        with self._lock:
            faces = self._detector.detect(image[y1:y2, x1:x2])
        return faces.shifted((x1, y1))

    def embed(self, image: Image, faces: Faces) -> FloatArray:
        """(N, D) float32: vectors of the given faces, whatever their quality; NaN where there is none."""
        chips = cut(image, faces, self.embedder.chip)
        with self._lock:
            return self._embedder.embed(chips)

    def examine(self, image: Image, faces: Faces, rows: NDArray[np.bool_]) -> AnalysedFaces:
        """Quality of the faces in some rows, and vectors of those that are good enough. rows: (N,) bool."""
        examined = faces.take(rows)
        quality = assess(examined, align(image, examined.landmarks, CHIP)).spread(rows)
        rejections = tuple(
            rejection(quality, row, self._quality) if chosen else None for row, chosen in enumerate(rows)
        )
        usable = rows & np.array([reason is None for reason in rejections], np.bool_)
        vectors = np.zeros((len(faces), self._embedder.dimension), np.float32)
        if usable.any():
            vectors[usable] = self.embed(image, faces.take(usable))
            faulty = ~has_vector(vectors)
            vectors[faulty], usable = 0, usable & ~faulty
            rejections = tuple(_NO_VECTOR if bad else reason for bad, reason in zip(faulty, rejections, strict=True))
        return AnalysedFaces(faces=faces, quality=quality, rejections=rejections, vectors=vectors, usable=usable)

    def analyse(self, image: Image) -> AnalysedFaces:
        """All faces of an image, examined. Raises ValueError as `detect` does."""
        faces = self.detect(image)
        return self.examine(image, faces, np.ones(len(faces), np.bool_))
