"""The entry point: exit codes, one-line errors, closed pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, AgentHarness
from tracker.cli import doctor

Start = Callable[..., subprocess.Popen[str]]
HEAVY = {"numpy", "scipy", "pandas", "plotly", "cv2", "av", "PIL", "ai_edge_litert", "firebase_admin", "grpc"}
SLOW = {"rich", "asyncio", "ssl", "filelock", "pydantic_settings", "xlsxwriter", "openpyxl", "pyarrow", "dash"}
"""Packages that a command which only reads has no use for."""
UNREAD = {"camera_rows", "event_rows", "session_rows", "cursors", "site_settings", "audit", "users", "inbox", "outbox"}
"""Modules of the store that a list of people has no use for; each defines records, or imports modules that do."""


def test_version_is_that_of_the_package(run: Run) -> None:
    done = run("--version")
    assert (done.code, done.out) == (0, f"footfall {version('footfall')}\n")


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        pytest.param("--version", set(), id="version"),
        pytest.param("--help", {"rich"}, id="help"),
        pytest.param("people --help", {"rich"}, id="help-of-a-group"),
        pytest.param("people list", {"rich"}, id="list"),
        pytest.param("people list --json", set(), id="list-as-json"),
        pytest.param("events corrections --csv", set(), id="list-as-csv"),
        pytest.param("report today", {"numpy", "pandas", "rich"}, id="report"),
        pytest.param("report today --json", {"numpy", "pandas"}, id="report-as-json"),
    ],
)
def test_only_what_a_command_needs_is_imported(line: str, needed: set[str], run: Run, tmp_path: Path) -> None:
    """A list comes in under 0.3 s and a report in under 0.7 s as long as nothing else of this is imported."""
    assert imported_by(line, HEAVY | SLOW, tmp_path) == needed


@pytest.mark.parametrize("line", ["people list", "people list --json"])
def test_a_list_of_people_imports_its_part_of_the_store_alone(line: str, run: Run, tmp_path: Path) -> None:
    parts = {f"tracker.store.{name}" for name in UNREAD}
    others = {"tracker.presence.rules", "config.shared", "rich._emoji_codes"}
    assert imported_by(line, parts | others | {"tracker.store.people"}, tmp_path) == {"tracker.store.people"}


def imported_by(line: str, names: set[str], folder: Path) -> set[str]:
    """Those of the modules that a command imports, in a process of its own, for a store with a person."""
    harness = AgentHarness(folder / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.close()
    Path("footfall.toml").write_text(f'[store]\nurl = "sqlite:///{folder / "store.sqlite3"}"\n', encoding="utf-8")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("FOOTFALL_")}
    code = (
        "import sys\nfrom tracker.cli.main import run\n"
        f"sys.argv = ['footfall', *{line.split()!r}]\n"
        "try:\n    run()\nexcept SystemExit as ended:\n"
        f"    print(ended.code or 0, *sorted({names!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    code, *imported = done.stderr.split()
    assert code == "0", done.stderr
    return set(imported)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("todday",), id="no-such-command"),
        pytest.param(("report", "today", "--stroe", "x"), id="no-such-flag"),
        pytest.param(("annotate", "x.png"), id="option-missing"),
        pytest.param(("compare", "a.png"), id="argument-missing"),
        pytest.param(("dashboard", "--port", "70000"), id="out-of-range"),
        pytest.param(("dashboard", "--port", "http"), id="no-number"),
    ],
)
def test_wrong_use_exits_with_2_and_a_reason(words: tuple[str, ...], run: Run) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert "Usage: footfall" in done.err
    assert "Error" in done.err


def test_no_command_prints_the_help(run: Run) -> None:
    done = run()
    assert done.code == 2
    assert "footfall demo" in done.out + done.err


def broken(*_any: object, **_other: object) -> None:
    raise ZeroDivisionError("ours\nand more")


def test_an_internal_error_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", broken)
    done = run("doctor")
    assert (done.code, done.out) == (1, "")
    (line,) = done.err.splitlines()
    assert line.startswith("error: internal error: ZeroDivisionError: ours and more; fix: run 'footfall -v'")


def test_fault_of_ours_with_v_shows_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "examine", broken)
    done = run("-v", "doctor")
    assert done.code == 1
    assert "Traceback" in done.err


def test_failing_command_ends_its_process_with_1_and_one_line(command: Run) -> None:
    command("report", "today").refused("no store at", "footfall track")


def test_reader_that_walks_away_is_no_error(start: Start, tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    for number in range(2, 90):
        harness.enrol(f"Somebody {number}", number)
    harness.enrol("Ada", ADA)
    harness.store.close()
    process = start("people", "list", "--json")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert err == ""
    assert process.returncode in (0, 1)


def test_undecodable_names_are_printed(command: Run) -> None:
    """A file name in another encoding than UTF-8, as file systems have them."""
    line = command("annotate", b"caf\xe9.jpg".decode("utf-8", "surrogateescape"), "--out", "out").refused(
        "no such file"
    )
    assert "caf\\udce9.jpg" in line
