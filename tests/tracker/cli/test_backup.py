"""`footfall backup` and `footfall restore`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, NOON, AgentHarness
from tracker.presence.events import Event, EventKind
from tracker.store.observation import Observation


@pytest.fixture
def harness(tmp_path: Path, run: Run) -> AgentHarness:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.record(Observation(events=[_event(0), _event(600, "exit")]))
    return harness


def _event(seconds: float, kind: str = "enter") -> Event:
    return Event(
        kind=EventKind(kind),
        site_id="gym",
        camera_id="front",
        person_id=f"p-{ADA:012x}",
        at=NOON + timedelta(seconds=seconds),
        track_id="t",
    )


def test_a_backup_is_restored(run: Run, harness: AgentHarness, tmp_path: Path) -> None:
    file = tmp_path / "monday.sqlite3"
    done = run("backup", file)  # the store is open meanwhile
    assert (done.code, done.err) == (0, "")
    assert f"backed up to {file}: " in done.out
    assert "1 person, 2 events, the newest of 2026-03-02 12:10 UTC" in done.out
    assert "it holds face vectors" in done.out
    run("backup", file).refused("the file exists", "--force")
    assert run("backup", file, "--force", "--json").data["contents"]["events"] == 2
    run("restore", file).refused("another program has the store open", "stop agents")
    harness.store.record(Observation(events=[_event(1200)]))
    harness.store.people.forget(f"p-{ADA:012x}", erase_history=False)
    harness.store.close()
    back = run("restore", file)
    assert (back.code, back.err) == (0, "")
    assert "1 person was forgotten again" in back.out
    assert "store.sqlite3.replaced-" in back.out
    assert len(run("events", "export").out.splitlines()) == 2
    assert run("people", "list", "--json").data == []


def test_a_backup_without_a_store_is_refused(run: Run, tmp_path: Path) -> None:
    run("backup", tmp_path / "b.sqlite3").refused("no store at")
    run("restore", tmp_path / "b.sqlite3").refused("no store at")
    assert list(tmp_path.glob("*.sqlite3")) == []


def test_doctor_reports_overwritten_pages_with_a_fix(run: Run, harness: AgentHarness) -> None:
    harness.store.record(Observation(events=[_event(5000 + number) for number in range(400)]))
    harness.store.close()
    with harness.store.path.open("r+b") as file:
        file.seek(-4096 * 20, 2)
        file.write(b"\xa5" * 4096 * 10)
    (found,) = [row for row in run("doctor", "--json").data if row["check"] == "store"]
    assert found["outcome"] == "failed"
    assert "the file is damaged" in found["detail"]
    for words in ("stop agents", "footfall restore", ".recover"):
        assert words in found["fix"]


def test_doctor_full_finds_an_index_that_differs_from_its_table(run: Run, harness: AgentHarness) -> None:
    harness.store.close()
    _spoil_index(harness.store.path)
    quick, full = (
        next(row["outcome"] for row in run("doctor", "--json", *flags).data if row["check"] == "store")
        for flags in ((), ("--full",))
    )
    assert (quick, full) == ("ok", "failed")


def test_a_report_on_a_damaged_index_fails(run: Run, harness: AgentHarness) -> None:
    harness.store.record(Observation(events=[_event(5000 + number) for number in range(4000)]))
    harness.store.close()
    path = harness.store.path
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_at'").fetchone()
    with path.open("r+b") as file:
        file.seek(4096 * (root - 1))
        file.write(b"\xa5" * 4096)
    run("events", "export").refused("the file is damaged", "footfall doctor --full")


def _spoil_index(path: Path) -> None:
    """Make an index hold other values than its table, as a faulty disk does."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX events_at ON events (at, track_id)' WHERE name = 'events_at'"
        )
        connection.commit()
