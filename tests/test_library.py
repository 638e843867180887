"""The examples of docs/library.md and the notebook docs/threshold.ipynb run from top to bottom."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.cli.conftest import clip, pictures, two_people  # noqa: F401

DOCS = Path(__file__).parents[1] / "docs"
PAGE, NOTEBOOK = DOCS / "library.md", DOCS / "threshold.ipynb"
EXAMPLE = re.compile(r"## (.+?)\n\n```python\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall(PAGE.read_text(encoding="utf-8"))


def test_the_page_has_its_examples() -> None:
    assert [title for title, _, _ in EXAMPLES] == [
        "Detect", "Embed", "Compare", "Track a clip", "Visits from events",
    ]  # fmt: skip
    assert PAGE.read_text(encoding="utf-8").count("```python") == len(EXAMPLES)


@pytest.fixture
def place(models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the examples, where the networks are in the user's cache."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models").symlink_to(models_folder)
    monkeypatch.setattr("platformdirs.user_cache_dir", lambda *_names: str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(title: str, code: str, names: dict[str, Any]) -> str:
    """What the code prints. names: of the code that ran before."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, title, "exec"), names)  # noqa: S102
    return printed.getvalue()


def test_examples_print_what_the_page_says(pictures: Path, clip: Path, place: Path) -> None:  # noqa: F811
    for name, source in {
        "ada.png": pictures / "ada.png", "ada-dark.png": pictures / "ada-dark.png", "grace.png": pictures / "bob.jpg",
        "hall.avi": clip,
    }.items():  # fmt: skip
        shutil.copy(source, place / name)
    names: dict[str, Any] = {}
    for title, code, expected in EXAMPLES:
        assert run(f"{PAGE.name}: {title}", code, names) == expected, title


def test_the_notebook_runs(two_people: Path, place: Path) -> None:  # noqa: F811
    shutil.copytree(two_people, place / "people")
    (place / "people" / "Ada" / "again.png").write_bytes((two_people / "Ada" / "front.png").read_bytes())
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")  # nobody's pictures
    names: dict[str, Any] = {}
    printed = [
        run(f"{NOTEBOOK.name}: {cell['id']}", "".join(cell["source"]), names)
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    text = "".join(printed)
    assert "7 of 7 pictures of 2 people have a face" in text
    assert "9 pairs of one person, 12 of two people" in text
    assert "threshold 1.05: 8.33% false accepts" in text
    assert "FAR 0.001: TAR" in text
    assert "too few pairs to measure this rate" in text
    assert printed[-1] == "[match]\nmax_distance = 1.05\n"
    assert [trace.name for trace in names["figure"].data] == ["one person", "two people"]
    names["vectors"] = replace(
        names["vectors"], by_file={name: each for name, each in names["vectors"].by_file.items() if "Ada" in name}
    )
    pairs = next("".join(cell["source"]) for cell in cells if "combinations" in "".join(cell["source"]))
    with pytest.raises(ValueError, match="two people or more"):
        run("pairs of one person alone", pairs, names)
