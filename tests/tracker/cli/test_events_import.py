"""`footfall events import`: repeated imports, interrupts, other sites and control characters."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.tracker.cli.conftest import Run
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store

ENTER = {"kind": "enter", "camera_id": "gate", "person_id": "ada", "at": "2026-11-02T07:00:00Z"}
EXIT = {**ENTER, "kind": "exit", "at": "2026-11-02T16:00:00Z"}


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(*documents: object) -> Path:
        path = tmp_path / "events.jsonl"
        path.write_text("".join(f"{json.dumps(document)}\n" for document in documents), encoding="utf-8")
        return path

    return write


def _counts(done: object) -> tuple[int, int]:
    assert isinstance(done, dict)
    return done["new"], done["known"]


@pytest.mark.parametrize("ids", [{}, {"event_id": "T-"}, {"track_id": "turn-"}], ids=["no-ids", "event-ids", "tracks"])
def test_the_same_instants_are_the_same_events(ids: dict[str, str], run: Run, file: Callable[..., Path]) -> None:
    def imported(enter: str, leave: str) -> tuple[int, int]:
        both = zip((ENTER, EXIT), (enter, leave), strict=True)
        given = [
            {**document, **{key: f"{value}{number}" for key, value in ids.items()}, "at": at}
            for number, (document, at) in enumerate(both)
        ]
        return _counts(run("events", "import", file(*given), "--json").data)

    assert imported("2026-11-02T07:00:00Z", "2026-11-02T16:00:00Z") == (2, 0)
    (first, second) = [json.loads(line) for line in run("events", "export").out.splitlines()]
    assert first["track_id"] != second["track_id"]
    assert run("events", "void", first["event_id"], second["event_id"], "--by", "Ann").code == 0
    assert imported("2026-11-02T08:00:00+01:00", "2026-11-02T17:00:00+01:00") == (0, 2)
    assert imported("2026-11-02T07:00:00.000Z", "2026-11-02T16:00:00.000000+00:00") == (0, 2)
    assert run("events", "export").out == ""


def test_other_sites_are_reported_with_the_command_that_shows_them(run: Run, file: Callable[..., Path]) -> None:
    there = [{**each, "site_id": "ny"} for each in (ENTER, EXIT)]
    done = run("events", "import", file(ENTER, *there))
    assert "2 events are of site ny, not the one in the settings: 'footfall report today --site ny'" in done.out
    assert run("events", "import", file(*there), "--json").data["other_sites"] == {"ny": 2}
    assert "not the one" not in run("events", "import", file(ENTER, EXIT)).out


def test_imported_people_are_shown_renamed_and_forgotten(run: Run, file: Callable[..., Path]) -> None:
    done = run("events", "import", file(ENTER, {**EXIT, "person_id": "card 7", "name": "Böhm"}))
    assert "2 people are new: 'footfall people list'" in done.out
    assert [(row["name"], row["vectors"]) for row in run("people", "list", "--json").data] == [("ada", 0), ("Böhm", 0)]
    assert run("people", "show", "card 7", "--json").data["consented_at"] is None
    assert run("people", "rename", "ada", "Ada Lovelace").code == 0
    assert "Ada Lovelace" in run("events", "add", "exit", "Ada Lovelace", "--at", "2026-11-02T17:00:00Z").out
    assert run("people", "merge", "Böhm", "Ada Lovelace").code == 0
    assert run("people", "forget", "Ada Lovelace", "--yes").code == 0
    assert run("people", "list", "--json").data == []
    assert _counts(run("events", "import", file(ENTER, EXIT), "--json").data) == (0, 2)


def test_faces_of_a_stranger_go_to_an_imported_person_only_with_consent(
    run: Run, file: Callable[..., Path], environment: dict[str, str]
) -> None:
    run("events", "import", file(ENTER, EXIT))
    visitor = Person(
        person_id="v-0123456789",
        name="Visitor 1",
        created_at=datetime(2026, 11, 2, tzinfo=UTC),
        kind=PersonKind.VISITOR,
    )
    with Store(Path(environment["FOOTFALL_STORE__URL"].removeprefix("sqlite:///"))) as store:
        store.record(Observation(visitors=[(visitor, np.eye(2, 128, dtype=np.float32))]))
    for words in (("merge", "Visitor 1", "ada"), ("name", "Visitor 1", "--as", "ada")):
        run("people", *words).refused("ada did not agree to be recognised", "--consent")
    assert run("people", "name", "Visitor 1", "--as", "ada", "--consent").code == 0
    (row,) = run("people", "list", "--json").data
    assert (row["name"], row["vectors"], row["consented_at"] is not None) == ("ada", 2, True)


CONTROLS = {
    "escape": "\x1b[2J",
    "return": "a\rb",
    "nul": "\x00",
    "c1": "\x9b31m",
    "override": "a\u202eb",
    "isolate": "\u2066",
}


@pytest.mark.parametrize("field", ["person_id", "camera_id", "site_id", "track_id", "event_id", "name"])
@pytest.mark.parametrize("text", CONTROLS.values(), ids=CONTROLS)
def test_control_characters_are_refused_with_their_line(
    text: str, field: str, run: Run, file: Callable[..., Path]
) -> None:
    done = run("events", "import", file(ENTER, {**EXIT, field: f"a{text}b"}))
    done.refused("1 of 2 lines refused", "nothing was imported")
    (line,) = [line for line in done.err.splitlines() if line.startswith("line 2:")]
    assert f"{field}: " in line
    assert "U+" in line
    assert text not in done.err


def test_an_interrupt_reports_the_lines_read_and_keeps_nothing(
    start: Callable[..., subprocess.Popen[str]], environment: dict[str, str]
) -> None:
    begun = start("events", "import", "-", stdin=subprocess.PIPE)
    assert begun.stdin is not None
    for number in range(12_000):
        begun.stdin.write(json.dumps({**ENTER, "person_id": f"card-{number}"}) + "\n")
    begun.stdin.flush()  # the pipe holds less than that: most of it has been read
    os.kill(begun.pid, signal.SIGINT)
    _, stderr = begun.communicate(timeout=60)
    assert begun.returncode == 130, stderr
    assert "good lines; nothing was imported" in stderr
    path = Path(environment["FOOTFALL_STORE__URL"].removeprefix("sqlite:///"))
    assert not path.exists() or Store(path).open(create=False).events.select(limit=1) == []


def test_an_export_that_fails_leaves_the_file_of_before(
    run: Run, file: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("events", "import", file(ENTER, EXIT)).code == 0
    out = tmp_path / "out.jsonl"
    out.write_text("before\n", encoding="utf-8")

    def fail(*_: object, **__: object) -> object:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("tracker.cli.lines.json.dumps", fail)
        run("events", "export", "--out", out).refused("cannot be written", "No space left")
    assert out.read_text(encoding="utf-8") == "before\n"
    assert [path.name for path in tmp_path.glob(".*")] == []
    assert run("events", "export", "--out", out).code == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 2
