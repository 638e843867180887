"""CSV lists of labelled pairs."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest

from config.errors import RecordError
from tracker.identity.evaluation import Pair, read_pairs

EXPECTED = [Pair("a.jpg", "b.jpg", True), Pair("a.jpg", "c.jpg", False)]


def listed(folder: Path, text: str | bytes) -> Path:
    path = folder / "pairs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("file_x,file_y,same\na.jpg,b.jpg,yes\na.jpg,c.jpg,no\n", id="yes-no"),
        pytest.param("file_x,file_y,same\na.jpg,b.jpg,TRUE\na.jpg,c.jpg,False", id="true-false-no-last-newline"),
        pytest.param("file_x,file_y,same\r\na.jpg,b.jpg,1\r\n\r\na.jpg,c.jpg,0\r\n,,\r\n", id="windows-blank-lines"),
        pytest.param("file_x;file_y;same\na.jpg;b.jpg;y\na.jpg;c.jpg;n\n", id="semicolons"),
        pytest.param("file_x\tfile_y\tsame\na.jpg\tb.jpg\tt\na.jpg\tc.jpg\tf\n", id="tabs"),
        pytest.param("same,id,File_Y, FILE_X\nsame,7,b.jpg,a.jpg\ndifferent,8,c.jpg,a.jpg\n", id="other-order"),
        pytest.param('"file_x","file_y","same"\n"a.jpg","b.jpg","1.0"\n" a.jpg ",c.jpg,0.0\n', id="quotes-floats"),
        pytest.param("\ufefffile_x,file_y,same\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n", id="byte-order-mark"),
        pytest.param(
            codecs.BOM_UTF16_LE + "file_x,file_y,same\na.jpg,b.jpg,1\na.jpg,c.jpg,0\n".encode("utf-16-le"), id="utf-16"
        ),
    ],
)
def test_spellings(tmp_path: Path, text: str | bytes) -> None:
    assert read_pairs(listed(tmp_path, text)) == EXPECTED


def test_file_names_can_contain_commas_and_any_letters(tmp_path: Path) -> None:
    path = listed(tmp_path, 'file_x,file_y,same\n"Ada, 1.jpg",Zoë/ö.png,yes\n')
    assert read_pairs(path) == [Pair("Ada, 1.jpg", "Zoë/ö.png", True)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("", "no column file_x or file_y or same, found nothing", id="empty"),
        pytest.param("a.jpg,b.jpg,yes\n", "found a.jpg, b.jpg, yes", id="no-header"),
        pytest.param("file_x,file_y,label\na,b,1\n", "no column same, found file_x, file_y, label", id="no-truth"),
        pytest.param("file_x,file_y,same\n", "no pairs found", id="header-only"),
        pytest.param("file_x,file_y,same\na,b,1\na,c,maybe\n", "line 3: same is 'maybe'", id="odd-truth"),
        pytest.param("file_x,file_y,same\na,b,\n", "line 2: same is ''", id="no-truth-in-line"),
        pytest.param("file_x,file_y,same\na,b\n", "line 2: 2 columns", id="short-line"),
        pytest.param("file_x,file_y,same\na,,1\n", "line 2: a file name is missing", id="no-file"),
        pytest.param('file_x,file_y,same\n"a,b,1\n', "not a CSV file", id="open-quote"),
        pytest.param(b"file_x,file_y,same\n\xe9.jpg,b,1\n", "not text in UTF-8", id="latin-1"),
        pytest.param(b"\xff\xfef", "not text in UTF-8", id="half-utf-16"),
        pytest.param(b"\x89PNG\r\n\x1a\n\x00\x00", "not text in UTF-8", id="picture"),
    ],
)
def test_invalid_lists_are_rejected_with_the_line(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(RecordError) as refusal:
        read_pairs(listed(tmp_path, text))
    assert problem in refusal.value.problem
    assert refusal.value.fix


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_unreadable_files_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordError, match="cannot be read"):
        read_pairs(tmp_path / name)
