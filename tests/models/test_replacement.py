"""Folders are replaced as a whole, and nothing is lost where that fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ModelError
from models import replacement


def folder(path: Path, content: str) -> Path:
    path.mkdir()
    (path / "card.json").write_text(content, encoding="utf-8")
    return path


def test_what_was_there_is_back_where_the_new_folder_cannot_be_moved(tmp_path: Path) -> None:
    there = folder(tmp_path / "ours", "old")
    with pytest.raises(FileNotFoundError):
        replacement.replace(there, tmp_path / "missing", old=tmp_path / "before")
    assert (there / "card.json").read_text(encoding="utf-8") == "old"
    replacement.replace(there, folder(tmp_path / "new", "new"), old=tmp_path / "before")
    assert (there / "card.json").read_text(encoding="utf-8") == "new"


def test_a_file_or_a_folder_with_files_is_not_free(tmp_path: Path) -> None:
    full, file, empty = folder(tmp_path / "full", ""), tmp_path / "full" / "card.json", tmp_path / "empty"
    empty.mkdir()
    for path in (empty, tmp_path / "missing"):
        replacement.require_free(path, force=False, option="--out DIR")
    for path in (full, file):
        with pytest.raises(ModelError, match="is not empty") as caught:
            replacement.require_free(path, force=False, option="--out DIR")
        assert "--force" in caught.value.fix
        replacement.require_free(path, force=True, option="--out DIR")
