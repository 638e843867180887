from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import RecordingError
from tests.files import digest
from tracker.cameras.capture import open_file
from tracker.demo.render import frames, render_clip, stills
from tracker.demo.room import painted
from tracker.demo.script import SCRIPT

BLINK = replace(SCRIPT, length_s=0.4)
"""The first six frames of the demo."""
NUMBERS = [0, 140, 250, 540]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return stills(SCRIPT, NUMBERS)


def test_the_same_script_gives_the_same_pixels(pictures: list[np.ndarray]) -> None:
    for once, again in zip(pictures, reversed(stills(SCRIPT, NUMBERS[::-1])), strict=True):
        assert np.array_equal(once, again)


def test_frames_come_in_order_and_in_full(pictures: list[np.ndarray]) -> None:
    got = list(frames(BLINK))
    assert len(got) == 6
    assert np.array_equal(got[0], pictures[0])
    assert all(frame.shape == (540, 960, 3) and frame.dtype == np.uint8 for frame in got)


def test_the_sensor_is_never_still() -> None:
    for before, after in pairwise(frames(BLINK)):
        assert 0.5 < np.abs(before.astype(int) - after).mean() < 10


def test_people_stand_where_the_script_has_them(pictures: list[np.ndarray]) -> None:
    """At 9.33 s the astronaut is left of the middle and the stranger in the doorway; in between is the pillar."""
    changed = np.abs(pictures[1].astype(int) - pictures[0]).max(axis=2)
    assert np.median(changed[160:240, 280:340]) > 30
    assert np.median(changed[300:400, 790:870]) > 30
    assert np.median(changed[100:400, 560:640]) < 20


def test_clouds_darken_the_room(pictures: list[np.ndarray]) -> None:
    dark = stills(SCRIPT, [round(29.5 * SCRIPT.fps)])[0]
    assert dark[:, 60:300].mean() < 0.8 * pictures[0][:, 60:300].mean()


def test_what_stands_in_front_is_where_the_truth_has_it() -> None:
    """Geometry and paint must agree, or the truth would be about another room."""
    room = painted(SCRIPT.seed)
    for cover, mask in ((SCRIPT.covers[2], room.front), (SCRIPT.covers[3], room.front), (SCRIPT.covers[0], room.wall)):
        left, top, right, bottom = (round(max(0.0, value)) for value in cover.box)
        assert mask[top:bottom, left:right].min() == 1.0
    assert room.front[100:300, 200:500].max() == 0.0
    assert room.wall[100:300, 740:930].max() == 0.0
    assert room.front[:320].sum(axis=0)[:540].max() < 40, "the plant is too low to hide a face"


def test_a_clip_is_rendered_once_and_again_when_it_was_touched(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    shares: list[float] = []
    assert render_clip(path, progress=shares.append, script=BLINK)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    first = path.read_bytes()
    assert not render_clip(path, script=BLINK)
    path.write_bytes(first[: len(first) // 2])
    assert render_clip(path, script=BLINK)
    assert digest(path) == digest(first)
    assert render_clip(path, script=replace(BLINK, seed=7))
    assert path.read_bytes() != first
    assert sorted(file.name for file in path.parent.iterdir()) == ["clip.json", "clip.mp4"]


def test_opencv_reads_the_clip_back(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render_clip(path, script=BLINK)
    reader = open_file(str(path))
    assert reader is not None
    times, shots = [], []
    while (read := reader.read())[0]:
        shots.append(read[1])
        times.append(reader.get(cv2.CAP_PROP_POS_MSEC))
    reader.release()
    assert len(shots) == 6
    assert times == pytest.approx([1000 * t for t in BLINK.times], abs=1)
    for shot, drawn in zip(shots, frames(BLINK), strict=True):
        assert cv2.PSNR(shot, drawn) > 30


def test_a_clip_that_was_stopped_half_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_clip(tmp_path / "clip.mp4", progress=stop, script=BLINK)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"clip\.mp4: cannot be written"):
        render_clip(tmp_path / "file" / "clip.mp4", script=BLINK)
