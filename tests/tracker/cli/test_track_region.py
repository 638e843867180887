"""`footfall track` with a region: faces outside it are ignored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run

BEGINS = ("--start", "2026-03-02T12:00:00")
LEFT, RIGHT = "[0, 0, 0.5, 1]", "[0.5, 0, 1, 1]"


@pytest.mark.parametrize(
    ("everywhere", "here", "named"),
    [
        pytest.param(None, LEFT, "Ada", id="of-the-camera"),
        pytest.param(RIGHT, None, "Visitor 1", id="of-all-cameras"),
        pytest.param(RIGHT, LEFT, "Ada", id="the-cameras-own-wins"),
        pytest.param(None, "[0, 0, 1, 0.01]", None, id="nobody-in-a-strip"),
    ],
)
def test_only_faces_in_the_region_are_tracked(
    everywhere: str | None, here: str | None, named: str | None, run: Run, clip: Path, pictures: Path
) -> None:
    wide = f"[detect]\nregion = {everywhere}\n" if everywhere else ""
    own = f"region = {here}\n" if here else ""
    text = f"{wide}[presence]\nexit_after_s = 2.0\n[[camera]]\nid = 'hall'\nsource = '{clip}'\n{own}"
    Path("footfall.toml").write_text(text, encoding="utf-8")
    assert run("enroll", pictures / "ada-dark.png", pictures / "ada.png", "--name", "Ada").code == 0
    done = run("track", "--fast", *BEGINS)
    came = "1 track, it has a name" if named else "no face found"
    assert (done.code, done.err) == (0, f"hall: 45 frames, {came}\n")
    assert {line.rpartition("  ")[2] for line in done.out.splitlines()} == ({named} - {None})
