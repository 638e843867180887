"""`footfall sync` and `footfall status`: uploaded, pending and rejected records, as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cli.conftest import Run
from tests.tracker.cloud.machines import LATER, Cloud, assert_same, visits
from tracker.presence.events import Action, Correction
from tracker.store.observation import Observation
from tracker.store.store import Store

Footfall = Callable[..., Any]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "copy.sqlite3"
    events, matches = visits(10)
    with Store(path) as made:
        made.record(Observation(events=events, matches=matches))
    return path


@pytest.fixture
def footfall(run: Run, store: Path, firestore_server: Firestore, monkeypatch: pytest.MonkeyPatch) -> Footfall:
    """A command over the store, which is synchronised with the test's project."""
    monkeypatch.setenv("FOOTFALL_STORE__FILE", str(store))
    monkeypatch.setenv("FOOTFALL_SITE__ID", "gym")

    def call(*words: str) -> Any:
        return run(*words, "--store", f"firestore://{firestore_server.project}")

    return call


def test_sync_uploads_and_status_reports(footfall: Footfall, firestore_server: Firestore, store: Path) -> None:
    before: Any = footfall("status", "--json").data
    assert before["backlog"]["events"] == 20
    assert (before["sent_at"], before["sender"], before["parked"]) == (None, None, [])
    assert before["oldest_at"] == "2026-01-05T08:00:00.000000Z"
    done: Any = footfall("sync", "--json").data
    assert done["writes"] >= 20 + 10 + 10
    after: Any = footfall("status", "--json").data
    assert (after["backlog"], after["oldest_at"], after["trouble"]) == ({}, None, None)
    assert after["sent_at"] is not None
    cloud = Cloud(firestore_server)
    with Store(store) as opened:
        assert_same(cloud, [opened])
    cloud.close()


def test_backlog_and_uploads_are_printed_as_text(footfall: Footfall) -> None:
    assert "20 events" in footfall("status").out
    assert "documents written" in footfall("sync", "--once").out
    status = footfall("status").out
    assert "backlog    nothing" in status
    assert "uploading  no: run" in status


def test_rejected_records_are_shown_with_reasons_and_retried_on_request(footfall: Footfall, store: Path) -> None:
    with Store(store) as opened:
        event = opened.events.select()[0]
        reason = "x" * 2**20
        opened.events.correct(
            [Correction(action=Action.VOID, event_id=event.event_id, by="ann", at=LATER, reason=reason)]
        )
    done = footfall("sync")
    assert (done.code, "Firestore rejected 1 records" in done.err) == (0, True)
    found: Any = footfall("status", "--json").data
    assert [each["collection"] for each in found["parked"]] == ["corrections"]
    assert "INVALID_ARGUMENT" in footfall("status").out
    retried: Any = footfall("status", "--retry", "--json").data
    assert retried["backlog"] == {"corrections": 1}


def test_an_outage_is_reported_with_a_fix(footfall: Footfall, firestore_server: Firestore) -> None:
    firestore_server.control.fail("", "PERMISSION_DENIED", count=-1)
    footfall("sync").refused("PERMISSION_DENIED", "events")
    found: Any = footfall("status", "--json").data
    assert "PERMISSION_DENIED" in found["trouble"]["problem"]
    assert "docs/firebase.md" in found["trouble"]["fix"]
    assert found["parked"] == []
    firestore_server.control.heal()
    footfall("sync")
    assert footfall("status", "--json").data["trouble"] is None


def test_a_store_of_this_machine_alone_has_nothing_to_send(run: Run, store: Path) -> None:
    for command in ("sync", "status"):
        run(command, "--store", f"sqlite:///{store}").refused("is on this machine only", code=2)


def test_once_and_follow_exclude_each_other(footfall: Footfall) -> None:
    footfall("sync", "--once", "--follow").refused("--once and --follow", code=2)


def test_missing_credentials_are_reported(footfall: Footfall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "key.json"
    bad.write_text("no key")
    monkeypatch.setenv("FOOTFALL_CLOUD__CREDENTIALS", str(bad))
    footfall("sync").refused("cloud.credentials")


def test_doctor_reports_rejected_records_with_reasons(
    footfall: Footfall, firestore_server: Firestore, store: Path
) -> None:
    def finding() -> dict[str, str]:
        findings: Any = footfall("doctor", "--json").data
        return next(each for each in findings if each["check"] == "firestore")

    assert (finding()["outcome"], "nothing uploads" in finding()["detail"]) == ("warning", True)
    firestore_server.control.fail("", "PERMISSION_DENIED", count=-1)
    footfall("sync")
    assert (finding()["outcome"], "PERMISSION_DENIED" in finding()["detail"]) == ("failed", True)
    firestore_server.control.heal()
    footfall("sync")
    assert (finding()["outcome"], "0 records to upload" in finding()["detail"]) == ("ok", True)


def test_doctor_warns_of_cameras_that_the_key_does_not_cover(
    footfall: Footfall, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"type": "footfall_device", "site_id": "gym", "camera_id": "door"}))
    monkeypatch.setenv("FOOTFALL_CLOUD__CREDENTIALS", str(key))
    monkeypatch.setenv("FOOTFALL_CAMERA", json.dumps([{"id": "hall", "source": "0"}]))
    findings: Any = footfall("doctor", "--json").data
    (found,) = [each for each in findings if each["check"] == "firestore"]
    assert (found["outcome"], "camera door of gym" in found["detail"]) == ("warning", True)
