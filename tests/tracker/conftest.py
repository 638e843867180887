"""A disk that can be filled, a limit on file sizes, and the clip that tests of recordings bend."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tracker.bent_clips import base_clip, ffmpeg


@dataclass(frozen=True)
class SmallDisk:
    """A file system of two megabytes at `path`."""

    path: Path

    def fill(self) -> None:
        """Fill the disk completely."""
        with (self.path / "ballast").open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(4096))
            except OSError:
                pass

    def free(self) -> None:
        (self.path / "ballast").unlink()

    def make_read_only(self) -> None:
        subprocess.run(["mount", "-o", "remount,ro", self.path], check=True)


@contextmanager
def no_file_above(size_bytes: int) -> Iterator[None]:
    """Inside, the kernel lets this process make no file larger: SQLite's own error where there is no room."""
    import resource  # not on Windows

    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def compact(path: Path) -> None:
    """Make the file of a closed store as small as its rows allow, so that scrubbing it does not shrink it."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    yield SmallDisk(place)
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve seconds in which two people are in sight, one after the other, as MP4."""
    return base_clip(tmp_path_factory.mktemp("base") / "base.mp4")


@pytest.fixture(scope="session")
def stream(base: Path) -> Path:
    """The same as an MPEG transport stream without B-frames."""
    path = base.with_name("base.ts")
    ffmpeg("-i", base, "-c:v", "libx264", "-preset", "veryfast", "-g", 10, "-bf", 0, path)
    return path
