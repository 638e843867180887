"""The clips: one track for one person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.recognition import QualitySettings
from config.settings import Precision
from tests.tracker.vision.scenes import TESTDATA, clip_frames
from tracker.vision.align import align
from tracker.vision.detector import Detector
from tracker.vision.embed import Embedder
from tracker.vision.embedders import SFACE
from tracker.vision.face_tracks import Tracks
from tracker.vision.quality import CHIP, assess, rejection

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.skipif(not TESTDATA, reason="FOOTFALL_TESTDATA is not set: no test clips")
@pytest.mark.parametrize(
    ("name", "people", "frames"),
    [("woman_a_turning.gif", 1, 23), ("man_d_nodding.gif", 1, 62), ("two_walking_in.gif", 2, 35)],
)
def test_each_person_of_a_clip_is_one_track(name: str, people: int, frames: int, models_folder: Path) -> None:
    detector = Detector(folder=models_folder, precision=Precision.FLOAT16, threads=2)
    embedder = Embedder(SFACE, folder=models_folder, precision=Precision.FLOAT16, threads=2)
    tracks = Tracks(camera_id="clip", max_gap_s=1.5, min_iou=0.3, max_vector_distance=1.13)
    started = []
    for index, frame in clip_frames(Path(TESTDATA or ""), name):
        faces = detector.detect(frame)
        chips = align(frame, faces.landmarks, SFACE.chip)
        quality = assess(faces, align(frame, faces.landmarks, CHIP))
        usable = np.array([rejection(quality, row, QualitySettings()) is None for row in range(len(faces))], np.bool_)
        update = tracks.update(faces, embedder.embed(chips), START + timedelta(seconds=index / 12.5), usable)
        started += update.started
        assert not update.ended
    assert len(started) == people
    assert max(track.hits for track in tracks.active) == frames
