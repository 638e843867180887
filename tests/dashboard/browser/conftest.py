"""The agent's detector, with which the browser camera's is compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.recognition import QualitySettings
from config.settings import Precision
from tracker.vision.detector import Detector

MIN_FACE = round(1.25 * QualitySettings().min_width)
"""A face is higher than wide; see dashboard/browser/src/vision/engine.js."""


@pytest.fixture(scope="session")
def detector(models_folder: Path) -> Detector:
    """The exact cascade, for faces that are large enough for recognition."""
    return Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2, min_face=MIN_FACE, exhaustive=True)
