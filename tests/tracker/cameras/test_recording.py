"""Recordings: every frame with its own time, and a definite end."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from config.errors import CameraError, RecordingError
from tests.tracker.cameras.conftest import HandClock
from tests.tracker.sources import open_source
from tracker.cameras.frames import Frame
from tracker.cameras.sources import FrameSource, RecordingSource

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def frames_of(source: FrameSource) -> list[Frame]:
    return list(iter(source.read, None))


def test_every_frame_is_read_once_in_order_with_its_time(clip: Callable[..., Path]) -> None:
    source = open_source(str(clip()), start_at=START, realtime=False)
    frames = frames_of(source)
    assert [frame.index for frame in frames] == list(range(30))
    assert [frame.at for frame in frames] == [START + timedelta(seconds=i / 10) for i in range(30)]
    assert max(abs(int(frame.image.mean()) - 4 * frame.index) for frame in frames) <= 2
    assert source.state.problems == ()
    assert source.state.last_frame_at == frames[-1].at
    assert source.read() is None


def test_animated_gif_is_a_recording(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (32, 32), (9 * i, 0, 0)) for i in range(10)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=80)
    source = open_source(str(tmp_path / "a.gif"), start_at=START, realtime=False)
    read = frames_of(source)
    assert len(read) == 10
    assert read[-1].at - START == timedelta(seconds=0.72)
    assert source.state.problems == ()


def test_times_are_kept_in_utc(clip: Callable[..., Path]) -> None:
    east = datetime(2026, 3, 1, 10, tzinfo=timezone(timedelta(hours=1)))
    frame = open_source(str(clip()), start_at=east, realtime=False).read()
    assert frame is not None
    assert frame.at == START
    assert frame.at.tzinfo is UTC


def test_start_without_a_zone_is_refused(clip: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="zone"):
        open_source(str(clip()), start_at=START.replace(tzinfo=None))


@pytest.mark.parametrize("begins_s", [-179, 3600], ids=["its-end-is-to-come", "all-of-it-is-to-come"])
def test_recording_of_the_future_is_refused(clip: Callable[..., Path], clock: HandClock, begins_s: float) -> None:
    source = RecordingSource(clip(frames=60, fps=0.2), start_at=clock.now() + timedelta(seconds=begins_s), clock=clock)
    for _ in range(2):
        with pytest.raises(RecordingError, match=r"lasts 0:05:00, with this start it would end in the future"):
            source.open()


def test_recording_may_end_later_than_now_by_a_minute_for_clocks_differ(
    clip: Callable[..., Path], clock: HandClock
) -> None:
    start = clock.now() - timedelta(seconds=240)
    RecordingSource(clip(frames=60, fps=0.2), start_at=start, clock=clock).open()


def test_recording_played_at_its_own_speed_ends_when_it_has_been_played(
    clip: Callable[..., Path], clock: HandClock
) -> None:
    RecordingSource(clip(frames=60, fps=0.2), start_at=clock.now(), realtime=True, clock=clock).open()


@pytest.fixture
def undeclared(tmp_path: Path) -> Path:
    """60 JPEGs one after the other, 25 a second: a recording that does not declare how long it lasts."""
    path = tmp_path / "film.mjpeg"
    pictures = [cv2.imencode(".jpg", np.full((48, 64, 3), 4 * index, np.uint8))[1].tobytes() for index in range(60)]
    path.write_bytes(b"".join(pictures))
    return path


def test_recording_that_declares_no_length_ends_now_and_not_in_the_future(undeclared: Path, clock: HandClock) -> None:
    source = RecordingSource(undeclared, clock=clock)
    source.open()
    frames = frames_of(source)
    assert source.expected_frames == 60
    assert [frame.at - clock.now() for frame in (frames[0], frames[-1])] == [
        timedelta(seconds=-2.4), timedelta(seconds=-0.04),
    ]  # fmt: skip
    assert "counted at 25 frames a second" in source.state.problems[0]


def test_rate_of_a_recording_without_stamps_can_be_given(undeclared: Path, clock: HandClock) -> None:
    source = RecordingSource(undeclared, fps=10.0, clock=clock)
    source.open()
    frames = frames_of(source)
    assert [frame.at - clock.now() for frame in (frames[0], frames[-1])] == [
        timedelta(seconds=-6.0), timedelta(seconds=-0.1),
    ]  # fmt: skip
    assert source.state.problems == ()


def test_recording_that_declares_no_length_is_refused_where_it_would_end_in_the_future(
    undeclared: Path, clock: HandClock
) -> None:
    source = RecordingSource(undeclared, start_at=clock.now() + timedelta(seconds=59), clock=clock)
    with pytest.raises(RecordingError, match="it would end in the future"):
        source.open()
    RecordingSource(undeclared, start_at=clock.now() + timedelta(seconds=57), clock=clock).open()


def test_recording_that_is_longer_than_it_declares_ends_before_the_future(
    clip: Callable[..., Path], clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cameras.recording.CLOCKS_APART", timedelta(seconds=10))
    source = RecordingSource(clip(frames=60, fps=1.0), start_at=clock.now() - timedelta(seconds=60), clock=clock)
    source.open()
    clock.seconds -= 30  # as if the file had declared half of its length
    assert [frame.at <= clock.now() + timedelta(seconds=10) for frame in frames_of(source)] == [True] * 41
    assert "longer than it declares" in source.state.problems[0]


def test_real_time_delays_frames_and_drops_none(clip: Callable[..., Path], clock: object) -> None:
    source = RecordingSource(clip(frames=20), start_at=START, realtime=True, clock=clock)
    source.open()
    assert len(frames_of(source)) == 20
    assert clock.seconds == pytest.approx(1.9)


def test_a_late_reader_in_real_time_misses_nothing(clip: Callable[..., Path], clock: object) -> None:
    source = RecordingSource(clip(frames=20), start_at=START, realtime=True, clock=clock)
    source.open()
    indices = []
    while (frame := source.read()) is not None:
        indices.append(frame.index)
        clock.seconds += 1.0
    assert indices == list(range(20))
    assert clock.waits == []


def test_without_a_start_real_time_begins_now_and_fast_ends_now(clip: Callable[..., Path], clock: object) -> None:
    now = clock.now()
    for realtime, start in ((True, now), (False, now - timedelta(seconds=3))):
        source = RecordingSource(clip(), realtime=realtime, clock=clock)
        source.open()
        frame = source.read()
        assert frame is not None
        assert frame.at == start


def test_a_truncated_recording_gives_its_frames_and_is_reported(clip: Callable[..., Path]) -> None:
    path = clip(frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(str(path), start_at=START, realtime=False)
    assert 10 < len(frames_of(source)) < 40
    assert "s earlier than declared; the file is cut off" in source.state.problems[-1]


def test_a_truncated_gif_gives_its_frames_and_is_reported(tmp_path: Path) -> None:
    frames = [PIL.Image.effect_noise((64, 64), 90 + i) for i in range(10)]
    path = tmp_path / "a.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=80)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_source(str(path), start_at=START, realtime=False)
    assert 2 < len(frames_of(source)) < 8
    assert "cut off" in source.state.problems[0]


def make_text(path: Path) -> None:
    path.write_text("this is not a film\n" * 50)


def make_empty(path: Path) -> None:
    path.touch()


def make_pipe(path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        pytest.param(lambda _: None, "no such file", id="missing"),
        pytest.param(make_empty, "empty", id="zero-bytes"),
        pytest.param(make_text, "no frame", id="text-called-mp4"),
        pytest.param(make_pipe, "not a file", id="pipe-does-not-hang"),
    ],
)
def test_an_invalid_recording_is_refused_at_once(
    tmp_path: Path, make: Callable[[Path], None], problem: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "a.mp4")
    with pytest.raises(RecordingError, match=problem) as caught:
        open_source(str(tmp_path / "a.mp4"))
    assert "a.mp4" in caught.value.problem
    assert not caught.value.retryable
    assert capfd.readouterr().err == ""


def test_percent_in_a_name_is_a_name(clip: Callable[..., Path]) -> None:
    assert open_source(str(clip("100%02d.avi")), start_at=START, realtime=False).read() is not None


def test_open_and_close_are_idempotent_and_reopening_restarts(clip: Callable[..., Path]) -> None:
    source = RecordingSource(clip(), start_at=START)
    source.open()
    source.read()
    source.open()
    second = source.read()
    assert second is not None
    assert second.index == 1
    source.close()
    source.close()
    assert source.read() is None
    source.open()
    first = source.read()
    assert first is not None
    assert (first.index, first.at) == (0, START)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param("", CameraError, id="nothing"),
        pytest.param("   ", CameraError, id="spaces"),
        pytest.param("gopher://host/film", CameraError, id="unknown-scheme"),
        pytest.param("4711", CameraError, id="absurd-device"),
        pytest.param("x" * 10_000, RecordingError, id="absurd-path"),
    ],
)
def test_senseless_sources_are_refused(source: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        open_source(source)


@pytest.mark.parametrize("device", ["97", "/dev/video97"])
def test_a_missing_device_is_reported_at_once(device: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CameraError, match="no such camera"):
        open_source(device)
    assert capfd.readouterr().err == ""


def test_frames_of_a_camera_mounted_askew_are_rotated(clip: Callable[..., Path], tmp_path: Path) -> None:
    tmp_path = tmp_path / "pictures"
    tmp_path.mkdir()
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32] = 255
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    bright = {0: (0, 0), 90: (0, -1), 180: (-1, -1), 270: (-1, 0)}
    for degrees, corner in bright.items():
        frame = open_source(str(tmp_path), realtime=False, rotate=degrees).read()
        assert frame is not None
        assert frame.image[corner].tolist() == [255, 255, 255]
        assert frame.image.shape == ((48, 64, 3) if degrees % 180 == 0 else (64, 48, 3))
    film = open_source(str(clip()), realtime=False, rotate=90).read()
    assert film is not None
    assert film.image.shape == (64, 48, 3)
