"""A folder of pictures as a recording."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from config.errors import RecordingError
from tests.tracker.cameras.conftest import HandClock
from tests.tracker.sources import open_source
from tracker.cameras.folder import natural_key
from tracker.cameras.sources import FolderSource

START = datetime(2026, 3, 1, 9, tzinfo=UTC)


def picture(path: Path, grey: int) -> None:
    PIL.Image.fromarray(np.full((8, 8), grey, np.uint8)).save(path)


def test_pictures_are_read_by_number_one_a_second(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        picture(tmp_path / f"shot{number}.png", number)
    source = open_source(str(tmp_path), start_at=START, realtime=False)
    frames = list(iter(source.read, None))
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.at - START for frame in frames] == [timedelta(seconds=i) for i in range(3)]
    assert [frame.index for frame in frames] == [0, 1, 2]


def test_damaged_picture_is_named_and_leaves_its_second_empty(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    (tmp_path / "b.jpg").write_text("not a picture at all")
    picture(tmp_path / "c.png", 3)
    (tmp_path / "notes.txt").write_text("no picture, and nobody says it is")
    source = open_source(str(tmp_path), start_at=START, realtime=False)
    frames = list(iter(source.read, None))
    assert [frame.at - START for frame in frames] == [timedelta(0), timedelta(seconds=2)]
    (problem,) = source.state.problems
    assert "b.jpg" in problem


def test_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(RecordingError, match="no picture"):
        open_source(str(tmp_path))


def test_a_folder_of_damaged_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    source = open_source(str(tmp_path), realtime=False)
    with pytest.raises(RecordingError, match=r"a\.jpg"):
        source.read()


def test_folder_that_would_end_in_the_future_is_refused(tmp_path: Path, clock: HandClock) -> None:
    for number in range(70):
        picture(tmp_path / f"{number}.png", 1)
    with pytest.raises(RecordingError, match="it would end in the future"):
        FolderSource(tmp_path, start_at=clock.now(), clock=clock).open()


def test_real_time_gives_one_a_second(tmp_path: Path, clock: object) -> None:
    for number in range(4):
        picture(tmp_path / f"{number}.png", number)
    source = FolderSource(tmp_path, start_at=START, realtime=True, clock=clock)
    source.open()
    assert len(list(iter(source.read, None))) == 4
    assert clock.seconds == pytest.approx(3.0)


def test_closed_folder_gives_no_more(tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 1)
    source = open_source(str(tmp_path), realtime=False)
    source.close()
    source.close()
    assert source.read() is None


def test_numbers_count_as_numbers_and_names_break_ties() -> None:
    names = ["b", "a10", "A2", "a2", "2", "10", "a", "a2b", "٣", "²"]
    ordered = sorted(names, key=natural_key)
    assert ordered[:7] == ["2", "10", "a", "A2", "a2", "a2b", "a10"]
    names.reverse()
    assert sorted(names, key=natural_key) == ordered
