"""Files are written atomically."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from config.errors import ReportError
from tracker.reports.files import replacing


def test_an_existing_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o640)
    with replacing(path) as file:
        file.write_text("new", encoding="utf-8")
        assert path.read_text(encoding="utf-8") == "old"
    assert path.read_text(encoding="utf-8") == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    with replacing(tmp_path / "link.csv") as file:
        file.write_text("new", encoding="utf-8")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text(encoding="utf-8") == "new"


def test_a_new_file_has_the_rights_that_the_user_gives(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    before = os.umask(0o027)
    try:
        with replacing(path) as file:
            file.write_text("new", encoding="utf-8")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old", encoding="utf-8")

    def fail() -> None:
        with replacing(path) as file:
            file.write_text("half", encoding="utf-8")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_error_with_a_fix(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="No space left") as refusal, replacing(tmp_path / "report.csv"):
        raise OSError(28, "No space left on device")
    assert refusal.value.fix
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("none/report.csv", "there is no folder", id="no-folder"),
        pytest.param(".", "is a folder", id="folder"),
        pytest.param("x" * 300, "cannot be written", id="long-name"),
        pytest.param("file/report.csv", "there is no folder", id="file-as-folder"),
    ],
)
def test_unwritable_paths_are_refused(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ReportError, match=words), replacing(tmp_path / name):
        pytest.fail("nothing to write to")
