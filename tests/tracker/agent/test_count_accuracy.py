"""Counting on a real recording is not worse than measured."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from benchmarks.counting import VTEST, VTEST_FPS, annotated, counted
from config.settings import Precision
from tracker.agent.looks import LOOKS_PER_S
from tracker.vision.bodies import BodyDetector


@pytest.fixture
def vtest_truth() -> Path:
    """The annotation of vtest.avi, beside the folder with the clips."""
    truth = Path(os.environ.get("FOOTFALL_TESTDATA", "")).parent / "cases" / "vtest_crossings.json"
    if not truth.is_file():
        pytest.skip("FOOTFALL_TESTDATA has no cases/vtest_crossings.json beside it")
    if not VTEST.is_file():
        pytest.skip("vtest.avi of Debian's opencv-doc is not installed, nor named by FOOTFALL_VTEST")
    return truth


@pytest.mark.slow
def test_a_busy_place_is_counted_as_well_as_measured(models_folder: Path, vtest_truth: Path) -> None:
    """62 people cross two lines at a crossroads. Measured: 58 right, none false."""
    detector = BodyDetector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    runs = counted(VTEST, annotated(vtest_truth), detector, looks_per_s=LOOKS_PER_S, fps=VTEST_FPS)
    scores = [score for run in runs for score in run.scores(VTEST_FPS)]
    assert sum(len(run.line.crossings) for run in runs) == 62
    assert sum(score.right for score in scores) >= 58
    assert sum(len(score.false_at_s) for score in scores) <= 2
