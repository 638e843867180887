from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import RecordingError
from tests.files import digest
from tracker.cameras.video import Video
from tracker.demo.background import paint_background
from tracker.demo.clip import CLIP
from tracker.demo.render import frames, render_clip, stills

BLINK = replace(CLIP, length_s=0.4)
"""The first six frames of the demo."""
NUMBERS = [0, 140, 250, 540]


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    return stills(CLIP, NUMBERS)


def test_rendering_is_deterministic(pictures: list[np.ndarray]) -> None:
    for once, again in zip(pictures, reversed(stills(CLIP, NUMBERS[::-1])), strict=True):
        assert np.array_equal(once, again)


def test_frames_are_complete_and_in_order(pictures: list[np.ndarray]) -> None:
    got = list(frames(BLINK))
    assert len(got) == 6
    assert np.array_equal(got[0], pictures[0])
    assert all(frame.shape == (540, 960, 3) and frame.dtype == np.uint8 for frame in got)


def test_every_frame_has_new_noise() -> None:
    for before, after in pairwise(frames(BLINK)):
        assert 0.5 < np.abs(before.astype(int) - after).mean() < 10


def test_actors_are_at_their_positions(pictures: list[np.ndarray]) -> None:
    """At 9.33 s the astronaut is left of the middle and the stranger in the doorway; in between is the pillar."""
    changed = np.abs(pictures[1].astype(int) - pictures[0]).max(axis=2)
    assert np.median(changed[160:240, 280:340]) > 30
    assert np.median(changed[300:400, 790:870]) > 30
    assert np.median(changed[100:400, 560:640]) < 20


def test_lighting_changes_brightness(pictures: list[np.ndarray]) -> None:
    dark = stills(CLIP, [round(29.5 * CLIP.fps)])[0]
    assert dark[:, 60:300].mean() < 0.8 * pictures[0][:, 60:300].mean()


def test_painted_occluders_match_the_scene() -> None:
    """Geometry and paint must agree, or the truth would be about another room."""
    room = paint_background(CLIP.seed)
    for occluder, mask in (
        (CLIP.occluders[2], room.front),
        (CLIP.occluders[3], room.front),
        (CLIP.occluders[0], room.wall),
    ):
        left, top, right, bottom = (round(max(0.0, value)) for value in occluder.box)
        assert mask[top:bottom, left:right].min() == 1.0
    assert room.front[100:300, 200:500].max() == 0.0
    assert room.wall[100:300, 740:930].max() == 0.0
    assert room.front[:320].sum(axis=0)[:540].max() < 40, "the plant is too low to hide a face"


def test_clip_is_rendered_once_and_again_when_modified(tmp_path: Path) -> None:
    path = tmp_path / "new" / "clip.mp4"
    shares: list[float] = []
    assert render_clip(path, progress=shares.append, scene=BLINK)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    first = path.read_bytes()
    assert not render_clip(path, scene=BLINK)
    path.write_bytes(first[: len(first) // 2])
    assert render_clip(path, scene=BLINK)
    assert digest(path) == digest(first)
    assert render_clip(path, scene=replace(BLINK, seed=7))
    assert path.read_bytes() != first
    assert sorted(file.name for file in path.parent.iterdir()) == ["clip.json", "clip.mp4"]


def test_clip_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    render_clip(path, scene=BLINK)
    video = Video.open_file(path)
    shots = list(iter(video.read, None))
    assert [shot.stamp_s for shot in shots] == pytest.approx(list(BLINK.times), abs=0.001)
    for shot, drawn in zip(shots, frames(BLINK), strict=True):
        assert cv2.PSNR(shot.image, drawn) > 30


def test_interrupted_rendering_leaves_no_file(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_clip(tmp_path / "clip.mp4", progress=stop, scene=BLINK)
    assert list(tmp_path.iterdir()) == []


def test_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(RecordingError, match=r"clip\.mp4: cannot be written"):
        render_clip(tmp_path / "file" / "clip.mp4", scene=BLINK)
