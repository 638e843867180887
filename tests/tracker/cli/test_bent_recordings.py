"""`footfall track` and `footfall annotate` on recordings as cameras and recorders write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.tracker.bent_clips import LENGTH_S, STAYS, ffmpeg, scene, with_hole, with_zeros, write
from tests.tracker.cli.conftest import Run
from tracker.cameras.video import Video

SETTINGS = "[site]\ntime_zone = 'UTC'\n"
BEGINS = ("--start", "2026-03-02T12:00:00")
START = datetime.fromisoformat("2026-03-02T12:00:00Z")


@pytest.fixture(autouse=True)
def settings(run: Run, tmp_path: Path) -> None:
    Path("footfall.toml").write_text(SETTINGS, encoding="utf-8")


def visits(run: Run) -> list[tuple[str, float, float]]:
    """(name, start, end) of each visit, in seconds since the start of the recording."""
    rows = run("report", "visits", "--from", "2026-03-01", "--to", "2026-03-03", "--json").data["visits"]
    found = [
        (
            row["name"],
            *((datetime.fromisoformat(row[key]) - START).total_seconds() for key in ("started_at", "ended_at")),
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: each[1])


def assert_visits(
    found: list[tuple[str, float, float]], expected: list[tuple[str, float, float]], within_s: float
) -> None:
    assert [name for name, *_ in found] == [name for name, *_ in expected]
    for (_, *times), (_, *right) in zip(found, expected, strict=True):
        assert times == pytest.approx(right, abs=within_s)


def interlaced(base: Path, folder: Path) -> Path:
    path = folder / "interlaced.mp4"
    woven = ("-vf", "tinterlace=4,fieldorder=tff", "-c:v", "libx264", "-flags", "+ilme+ildct", "-x264opts", "tff=1")
    ffmpeg("-i", base, *woven, path)
    return path


@pytest.mark.parametrize(
    "bend",
    [
        pytest.param(interlaced, id="interlaced"),
        pytest.param(lambda base, folder: with_hole(base, folder / "hole.mp4"), id="hole"),
    ],
)
def test_the_same_two_visits(run: Run, base: Path, tmp_path: Path, bend: Callable[[Path, Path], Path]) -> None:
    done = run("track", "--camera", bend(base, tmp_path), "--fast", *BEGINS)
    assert done.code == 0
    assert ("hole.mp4: damaged; frames lost" in done.err) == (bend is not interlaced)
    (first, second) = STAYS
    assert_visits(visits(run), [("Visitor 1", *first), ("Visitor 2", *second)], within_s=0.6)


def test_two_visits_twenty_minutes_apart_with_a_frame_in_six_seconds_between(run: Run, tmp_path: Path) -> None:
    """A camera that records when something moves."""
    shots = [scene([0])] * 50 + [scene([])] * 200 + [scene([0])] * 50
    even, path = write(tmp_path / "even.mkv", shots, "-c:v", "libx264", "-bf", 0, "-g", 50), tmp_path / "sparse.mkv"
    late_s = "min(max(N-49\\,0)\\,201)*5.9"
    ffmpeg("-i", even, "-c", "copy", "-bsf:v", f"setts=ts=TS+{late_s}/TB", path)
    done = run("track", "--camera", path, "--fast", *BEGINS)
    assert done.code == 0
    assert done.err.count("no frame for") == 1
    apart_s = 25 + 201 * 5.9
    assert_visits(visits(run), [("Visitor 1", 0, 4.9), ("Visitor 1", apart_s, apart_s + 4.9)], within_s=0.3)


def test_a_frame_in_two_seconds_shows_who_is_there_for_two_minutes(run: Run, tmp_path: Path) -> None:
    shots = [scene([])] * 10 + [scene([0], shift_px=shift % 5) for shift in range(60)] + [scene([])] * 20
    even, path = write(tmp_path / "even.mkv", shots, "-c:v", "libx264", "-bf", 0), tmp_path / "slow.mkv"
    ffmpeg("-i", even, "-c", "copy", "-bsf:v", "setts=ts=TS*20", path)
    assert run("track", "--camera", path, "--fast", *BEGINS).code == 0
    assert_visits(visits(run), [("Visitor 1", 20, 138)], within_s=2.1)


def test_rate_of_a_raw_recording_is_given_or_said(run: Run, base: Path, tmp_path: Path) -> None:
    raw = tmp_path / "raw.h264"
    ffmpeg("-i", base, "-c", "copy", "-bsf:v", "h264_mp4toannexb", raw)
    done = run("track", "--camera", raw, "--fast", "--fps", 5, *BEGINS)
    assert (done.code, "note:" in done.err) == (0, False)
    assert_visits(visits(run), [("Visitor 1", 2, 8), ("Visitor 2", 14, 20)], within_s=0.6)
    assert run("annotate", raw, "--out", "drawn", "--fps", 5).err == ""
    video = Video.open_file(Path("drawn/raw.h264.mp4"))
    assert [picture.stamp_s for picture in iter(video.read, None)][:3] == pytest.approx([0, 0.2, 0.4], abs=0.001)
    said = run("track", "--camera", raw, "--camera-id", "other", "--fast", *BEGINS)
    assert "note: " in said.err
    assert "counted at 10 frames a second (--fps gives another rate)" in said.err


def test_frames_that_cannot_be_decoded_are_no_dark_scene(run: Run, base: Path, tmp_path: Path) -> None:
    path = with_zeros(base, tmp_path / "zeros.mp4")
    words = "zeros.mp4: no frame can be read from it: none of its frames can be decoded (h264)"
    run("track", "--camera", path, "--fast").refused(words)
    run("annotate", path, "--out", "drawn").refused(words)
    assert words in run("doctor", "--camera", path).out


def test_an_annotated_recording_keeps_its_times_and_tells_of_damage(run: Run, base: Path, tmp_path: Path) -> None:
    hole = with_hole(base, tmp_path / "hole.mp4")
    done = run("annotate", hole, "--out", "drawn")
    assert "note: " in done.err
    assert "hole.mp4: damaged; frames lost or shown in part: " in done.err
    slow = tmp_path / "slow.ts"
    ffmpeg("-i", base, "-vf", "select='lt(t,1)+gte(t,11)'", "-fps_mode", "passthrough", "-c:v", "mpeg4", slow)
    assert run("annotate", slow, "--out", "drawn").code == 0
    video = Video.open_file(Path("drawn/slow.ts.mp4"))
    times = [picture.stamp_s for picture in iter(video.read, None)]
    assert times[-1] - times[0] == pytest.approx(LENGTH_S - 0.1, abs=0.01)
    assert sum(after - before > 5 for before, after in pairwise(times)) == 1


def test_without_a_start_a_fast_recording_of_unknown_length_ends_now(run: Run, base: Path, tmp_path: Path) -> None:
    piped = tmp_path / "piped.mkv"
    ffmpeg("-i", base, "-c", "copy", "-f", "matroska", "-seekable", 0, piped)
    before = datetime.now(START.tzinfo)
    done = run("track", "--camera", piped, "--fast", "--json")
    entered = datetime.fromisoformat(done.out.splitlines()[0].partition('"at": "')[2].partition('"')[0])
    ends = entered + timedelta(seconds=LENGTH_S - STAYS[0][0])
    assert before - timedelta(seconds=0.5) <= ends <= datetime.now(START.tzinfo) + timedelta(seconds=0.5)
