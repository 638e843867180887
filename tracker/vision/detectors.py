"""The face detectors by name: what each reads, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from config.recognition import DetectorName, DetectSettings
from config.settings import ModelSettings
from models.cascades import frontal_face
from models.runtime import has_network
from tracker.vision.detector import Detector
from tracker.vision.faces import Faces, Image
from tracker.vision.haar import HaarDetector
from tracker.vision.yunet import YuNetDetector


class FaceDetector(Protocol):
    """Finds the faces of an image, by descending score."""

    def detect(self, image: Image) -> Faces: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSpec:
    """A detector. networks: those in the model catalog that it runs. open: raises ModelError where one is missing."""

    networks: tuple[str, ...]
    open: Callable[[ModelSettings, DetectSettings], FaceDetector]


def _mtcnn(models: ModelSettings, detect: DetectSettings) -> FaceDetector:
    return Detector(
        folder=models.dir,
        precision=models.precision,
        threads=models.threads,
        min_face=detect.min_face,
        scale_factor=detect.scale_factor,
        thresholds=(detect.proposal_threshold, detect.refine_threshold, detect.output_threshold),
        max_faces=detect.max_faces,
    )


def _yunet(models: ModelSettings, detect: DetectSettings) -> FaceDetector:
    return YuNetDetector(
        folder=models.dir,
        precision=models.precision,
        threads=models.threads,
        min_face=detect.min_face,
        max_faces=detect.max_faces,
    )


def haar_cascade(models: ModelSettings, detect: DetectSettings) -> Path:
    """The file of the cascade. Raises ModelError where the settings name none and there is none in the folder."""
    return frontal_face(models.dir) if detect.haar_cascade is None else detect.haar_cascade.expanduser()


def _haar(models: ModelSettings, detect: DetectSettings) -> FaceDetector:
    return HaarDetector(
        cascade=haar_cascade(models, detect),
        folder=models.dir,
        precision=models.precision,
        threads=models.threads,
        min_face=detect.min_face,
        threshold=detect.output_threshold,
        max_faces=detect.max_faces,
    )


DETECTORS: Mapping[DetectorName, DetectorSpec] = MappingProxyType(
    {
        DetectorName.MTCNN: DetectorSpec(
            networks=("pnet", "rnet", "onet", "pnet_stem", "pnet_coarse", "rnet_coarse", "onet_coarse"), open=_mtcnn
        ),
        DetectorName.YUNET: DetectorSpec(networks=("yunet", "onet"), open=_yunet),
        DetectorName.HAAR: DetectorSpec(networks=("onet",), open=_haar),
    }
)
_FALLBACKS = (DetectorName.MTCNN, DetectorName.YUNET)
"""Those that find faces which another one misses; a cascade finds none that MTCNN does not."""


def open_detector(name: DetectorName, models: ModelSettings, detect: DetectSettings) -> FaceDetector:
    """A detector by the settings. Raises ModelError when a network or the cascade is missing or damaged."""
    return DETECTORS[name].open(models, detect)


def open_thorough(models: ModelSettings, detect: DetectSettings) -> FaceDetector:
    """The detector of the settings, for single pictures: where it finds no face, MTCNN and YuNet search, if built.

    Raises ModelError as `open_detector` does.
    """
    detector = open_detector(detect.detector, models, detect)
    for name in _FALLBACKS:
        if name is not detect.detector and (name is DetectorName.MTCNN or is_built(name, models)):
            detector = _FirstThatFinds(detector, open_detector(name, models, detect))
    return detector


def is_built(name: DetectorName, models: ModelSettings) -> bool:
    """Whether all networks of a detector are in the folder, intact. Raises ModelError when there is no such folder."""
    return all(
        has_network(network, folder=models.dir, precision=models.precision) for network in DETECTORS[name].networks
    )


@dataclass(frozen=True, slots=True)
class _FirstThatFinds:
    """Two detectors, of which the second searches where the first finds nothing."""

    first: FaceDetector
    second: FaceDetector

    def detect(self, image: Image) -> Faces:
        faces = self.first.detect(image)
        return faces if len(faces) else self.second.detect(image)
