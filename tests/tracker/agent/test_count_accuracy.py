"""Counting on a real recording is not worse than measured."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.counting import VTEST, VTEST_FPS, annotated, counted
from config.settings import Precision
from tests.tracker.vtest_doors import passings, watch
from tracker.agent.count_score import scored
from tracker.agent.looks import LOOKS_PER_S
from tracker.presence.events import is_unidentified
from tracker.store.store import Store
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


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="needs kill -9")
def test_agents_count_as_well_and_once_after_a_kill(models_folder: Path, vtest_truth: Path, tmp_path: Path) -> None:
    """By bodies alone: nobody is near enough to be recognised. Measured: 58 right, none false."""
    line_a, line_b = annotated(vtest_truth)
    path = tmp_path / "b.sqlite3"
    doomed = [sys.executable, "-m", "tests.tracker.vtest_doors", path, models_folder, vtest_truth, line_b.name, "200"]
    done = subprocess.run(doomed, cwd=Path(__file__).parents[3], timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    with Store(path) as store:
        before = {each.event_id for each in store.events.select()}
    assert 5 < len(before) < len(line_b.crossings)
    by_line = {
        line_a: watch(tmp_path / "a.sqlite3", models_folder, line_a),
        line_b: watch(path, models_folder, line_b),
    }
    assert before <= {each.event_id for each in by_line[line_b]}
    assert all(is_unidentified(event.person_id) for events in by_line.values() for event in events)
    scores = [score for line, events in by_line.items() for score in scored(passings(events), line.passings(VTEST_FPS))]
    assert sum(score.right for score in scores) >= 58
    assert sum(len(score.false_at_s) for score in scores) <= 2
