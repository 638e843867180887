"""Recordings as cameras and recorders write them: the same people at the same times as in the whole clip."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from config.errors import RecordingError
from tests.tracker.bent_clips import (
    LENGTH_S,
    STAYS,
    ffmpeg,
    overwritten,
    restamped,
    scene,
    shows,
    with_hole,
    with_zeros,
    write,
)
from tests.tracker.cameras.conftest import HandClock
from tracker.cameras.deinterlace import Deinterlacer
from tracker.cameras.frames import Frame
from tracker.cameras.recording import RecordingSource
from tracker.cameras.video import Video
from tracker.vision.faces import Image

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
INTERLACED = ("-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1")
HOUR = 3600 * 90_000
Bend = Callable[[Path, Path], Path]


def by_ffmpeg(suffix: str, *options: object) -> Bend:
    def bend(base: Path, folder: Path) -> Path:
        path = folder / f"bent{suffix}"
        ffmpeg("-i", base, *options, path)
        return path

    return bend


def read(source: RecordingSource) -> list[Frame]:
    source.open()
    return list(iter(source.read, None))


def stays(frames: list[Frame], start: datetime = START) -> list[tuple[float, float]]:
    """From when to when each of the two people is in sight."""
    found = []
    for person in (0, 1):
        seen = [(frame.at - start).total_seconds() for frame in frames if shows(frame.image, person)]
        found.append((min(seen), max(seen)))
    return found


def assert_same_stays(frames: list[Frame], start: datetime = START, tolerance_s: float = 0.21) -> None:
    assert np.abs(np.array(stays(frames, start)) - np.array(STAYS)).max() <= tolerance_s
    assert all(before.at < after.at for before, after in pairwise(frames))


# -- what the container says or does not say


def with_cover(base: Path, folder: Path) -> Path:
    cover, path = folder / "cover.png", folder / "cover.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=red:s=64x64", "-frames:v", 1, cover)
    ffmpeg("-i", cover, "-i", base, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v:0", "attached_pic", path)
    return path


def piped(base: Path, folder: Path) -> Path:
    path = folder / "piped.mkv"
    ffmpeg("-i", base, "-c", "copy", "-f", "matroska", "-seekable", 0, path)
    return path


def with_rate(period_ns: int) -> Bend:
    """A Matroska file that declares another time from frame to frame."""

    def bend(base: Path, folder: Path) -> Path:
        whole = folder / "whole.mkv"
        ffmpeg("-i", base, "-c", "copy", whole)
        declared, other = (100_000_000).to_bytes(4, "big"), period_ns.to_bytes(4, "big")
        return overwritten(whole, folder / "rate.mkv", b"\x23\xe3\x83\x84" + declared, b"\x23\xe3\x83\x84" + other)

    return bend


def without_rate(base: Path, folder: Path) -> Path:
    """As browsers record: no rate at all."""
    whole = folder / "whole.webm"
    ffmpeg("-i", base, "-c:v", "libvpx", "-b:v", "1M", "-deadline", "realtime", "-cpu-used", 8, whole)
    declared = b"\x23\xe3\x83\x84" + (100_000_000).to_bytes(4, "big")
    return overwritten(whole, folder / "browser.webm", declared, b"\xec\x86" + bytes(6))


SOUND = ("-f", "lavfi", "-i", "sine=d=20", "-c:v", "copy", "-c:a", "aac")


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(by_ffmpeg(".mp4", "-vf", "tinterlace=4,fieldorder=tff", *INTERLACED), id="interlaced-h264"),
        pytest.param(
            by_ffmpeg(".ts", "-vf", "tinterlace=4", "-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-b:v", "4M"),
            id="interlaced-mpeg2",
        ),
        pytest.param(by_ffmpeg(".dv", "-s", "720x576", "-r", 25, "-c:v", "dvvideo"), id="dv"),
        pytest.param(piped, id="no-duration"),
        pytest.param(without_rate, id="browser"),
        pytest.param(with_rate(1_000_000), id="1000-fps"),
        pytest.param(with_rate(11_111), id="90000-fps"),
        pytest.param(with_rate(4_000_000_000), id="a-frame-in-four-seconds"),
        pytest.param(by_ffmpeg(".mp4", *SOUND), id="sound-longer-mp4"),
        pytest.param(by_ffmpeg(".mkv", *SOUND), id="sound-longer-mkv"),
        pytest.param(with_cover, id="cover-art"),
        pytest.param(by_ffmpeg(".mp4", "-c", "copy", "-movflags", "frag_keyframe+empty_moov"), id="fragmented"),
        pytest.param(by_ffmpeg(".wmv"), id="wmv"),
        pytest.param(by_ffmpeg(".flv"), id="flv"),
        pytest.param(by_ffmpeg(".3gp", "-c:v", "mpeg4"), id="3gp"),
        pytest.param(by_ffmpeg(".avi", "-c", "copy"), id="avi-with-b-frames"),
    ],
)
def test_whole_recordings_of_any_kind_give_the_same_and_no_complaint(
    base: Path, tmp_path: Path, clock: HandClock, bend: Bend
) -> None:
    source = RecordingSource(bend(base, tmp_path), clock=clock)
    frames = read(source)
    assert_same_stays(frames, start=clock.now() - timedelta(seconds=LENGTH_S))
    assert source.state.problems == ()


# -- damage


def test_a_hole_costs_the_frames_in_it_and_is_reported(base: Path, tmp_path: Path) -> None:
    source = RecordingSource(with_hole(base, tmp_path / "hole.mp4"), start_at=START)
    frames = read(source)
    assert 100 < len(frames) < 120
    assert_same_stays(frames, tolerance_s=0.5)
    (problem,) = source.state.problems
    assert "hole.mp4: damaged; frames lost or shown in part: " in problem


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".flv"])
@pytest.mark.parametrize("sound", [(), SOUND], ids=["silent", "with-longer-sound"])
def test_a_file_that_is_cut_off_is_reported(base: Path, tmp_path: Path, suffix: str, sound: tuple[str, ...]) -> None:
    front = ("-movflags", "faststart") if suffix == ".mp4" else ()  # the index
    whole = by_ffmpeg(suffix, *sound, "-c:v", "flv" if suffix == ".flv" else "copy", *front)(base, tmp_path)
    source = RecordingSource(whole, start_at=START)
    assert len(read(source)) == 120
    assert source.state.problems == ()
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    source = RecordingSource(whole, start_at=START)
    assert 40 < len(read(source)) < 100
    assert "s earlier than declared; the file is cut off" in source.state.problems[-1]


def test_sound_without_video_is_refused(base: Path, tmp_path: Path) -> None:
    with_cover(base, tmp_path)
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", "-i", tmp_path / "cover.png", "-map", 0, "-map", 1, "-c:a", "aac", "-c:v",
           "mjpeg", "-disposition:v", "attached_pic", tmp_path / "music.m4a")  # fmt: skip
    with pytest.raises(RecordingError, match="no video in it"):
        RecordingSource(tmp_path / "music.m4a").open()


def test_a_decoder_that_yields_nothing_is_a_fault_and_no_dark_scene(base: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"none of its frames can be decoded \(h264\)"):
        RecordingSource(with_zeros(base, tmp_path / "zeros.mp4")).open()


# -- time stamps


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        pytest.param(20, lambda ticks: ticks + 10 * HOUR, id="ten-hours-ahead"),
        pytest.param(20, lambda ticks: ticks - 270_000, id="back"),
        pytest.param(20, lambda _: 0, id="zero"),
        pytest.param(0, lambda ticks: ticks + 10 * HOUR, id="the-first"),
        pytest.param(119, lambda ticks: ticks + 10 * HOUR, id="the-last"),
    ],
)
def test_one_wrong_stamp_concerns_its_own_frame_only(
    stream: Path, tmp_path: Path, clock: HandClock, wrong: Callable[[int], int], number: int
) -> None:
    bent = restamped(stream, tmp_path / "bent.ts", lambda count, ticks: wrong(ticks) if count == number else ticks)
    source = RecordingSource(bent, start_at=clock.now(), realtime=True, clock=clock)
    frames = read(source)
    assert len(frames) == 120
    assert stays(frames, frames[0].at) == pytest.approx(np.array(STAYS), abs=0.21)
    assert clock.seconds == pytest.approx(LENGTH_S, abs=0.3), "nothing waits for the wrong stamp"


@pytest.mark.parametrize(
    "stamp",
    [
        pytest.param(lambda count, ticks: ticks - (4 * 90_000 if count >= 60 else 0), id="second-piece-earlier"),
        pytest.param(lambda _, ticks: ticks + 2**33 - 40 * 9_000, id="counter-wraps"),
        pytest.param(lambda count, ticks: ticks if count < 60 else ticks - 60 * 9_000, id="starts-again"),
    ],
)
def test_times_go_on_where_stamps_step_back(stream: Path, tmp_path: Path, stamp: Callable[[int, int], int]) -> None:
    source = RecordingSource(restamped(stream, tmp_path / "bent.ts", stamp), start_at=START)
    frames = read(source)
    assert len(frames) == 120
    assert_same_stays(frames)
    assert source.state.problems == ()


@pytest.mark.parametrize("name", ["raw.h264", "raw.mjpeg"])
def test_recordings_without_stamps_take_the_given_rate_or_say_which_they_took(
    base: Path, tmp_path: Path, name: str
) -> None:
    ffmpeg(
        "-i", base, *(("-c", "copy", "-bsf:v", "h264_mp4toannexb") if name.endswith("h264") else ()), tmp_path / name
    )
    source = RecordingSource(tmp_path / name, start_at=START, fps=10.0)
    assert_same_stays(read(source))
    assert source.state.problems == ()
    unsaid = RecordingSource(tmp_path / name, start_at=START)
    read(unsaid)
    assert "no usable time stamps: counted at " in unsaid.state.problems[0]


def test_a_clock_written_as_the_rate_is_no_rate(base: Path, tmp_path: Path) -> None:
    """The header of an AVI file says 90,000 frames a second: nothing else in it tells the time."""
    whole = tmp_path / "whole.avi"
    ffmpeg("-i", base, "-c:v", "mjpeg", whole)
    header = b"strh" + (56).to_bytes(4, "little") + b"vidsMJPG" + bytes(12)
    one, ten, many = (number.to_bytes(4, "little") for number in (1, 10, 90_000))
    bent = overwritten(whole, tmp_path / "bent.avi", header + one + ten, header + one + many)
    source = RecordingSource(bent, start_at=START, fps=10.0)
    assert_same_stays(read(source))
    unsaid = RecordingSource(bent, start_at=START)
    read(unsaid)
    assert "counted at 25 frames a second" in unsaid.state.problems[0]


def test_variable_rates_are_kept(tmp_path: Path) -> None:
    """Every frame while somebody is in sight, one each six seconds in between."""
    path = sparse(tmp_path)
    frames = read(RecordingSource(path, start_at=START))
    offsets = [round((frame.at - START).total_seconds(), 2) for frame in frames]
    assert offsets[:3] == [0.0, 0.1, 0.2]
    assert {round(after - before, 1) for before, after in pairwise(offsets)} == {0.1, 6.0}


def sparse(folder: Path) -> Path:
    """Five seconds of frames with Ada, four frames of the empty room six seconds apart, one second of frames."""
    shots = [scene([0])] * 50 + [scene([])] * 14
    even = write(folder / "even.mkv", shots, "-c:v", "libx264", "-bf", 0)
    late = "+".join(f"gte(N\\,{number})*5.9/TB" for number in (50, 51, 52, 53))
    ffmpeg("-i", even, "-c", "copy", "-bsf:v", f"setts=ts=TS+({late})", folder / "sparse.mkv")
    return folder / "sparse.mkv"


def test_pictures_that_are_stored_turned_come_upright(base: Path, tmp_path: Path) -> None:
    bent = tmp_path / "turned.mp4"
    ffmpeg("-i", base, "-vf", "transpose=clock", tmp_path / "lying.mp4")
    with av.open(tmp_path / "lying.mp4") as source, av.open(bent, "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(90)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    frames = read(RecordingSource(bent, start_at=START))
    assert frames[0].image.shape == (270, 480, 3)
    assert_same_stays(frames)


def test_size_may_change_in_the_middle(stream: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.ts"
    ffmpeg("-i", stream, "-vf", "scale=320:180", "-c:v", "libx264", "-bf", 0, small)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(stream.read_bytes() + small.read_bytes())
    frames = read(RecordingSource(joined, start_at=START))
    assert {frame.image.shape for frame in frames} == {(270, 480, 3), (180, 320, 3)}
    assert len(frames) == 240


# -- interlaced


def comb(image: Image) -> float:
    """How much neighbouring rows differ beyond rows two apart."""
    rows = image.astype(float)
    return float(np.abs(rows[1:-1] - (rows[:-2] + rows[2:]) / 2).mean())


def test_rows_of_two_instants_are_told_apart(base: Path, tmp_path: Path) -> None:
    woven = by_ffmpeg(".mp4", "-vf", "tinterlace=4,fieldorder=tff", *INTERLACED)(base, tmp_path)
    video = Video.open_file(woven)
    clear = [picture.image for picture in iter(video.read, None)]
    raw = Video.open_file(woven)
    raw._deinterlacer = Passing()
    combed = [picture.image for picture in iter(raw.read, None)]
    assert len(clear) == len(combed) == 60
    assert max(map(comb, clear)) < 0.7 * max(map(comb, combed))


class Passing(Deinterlacer):
    def push(self, frame):
        yield frame
