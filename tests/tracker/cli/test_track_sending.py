"""Tracking into a store that is synchronised with Firestore: events are uploaded, recording never waits."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import free_port
from tests.tracker.cli.conftest import Run
from tests.tracker.cloud.machines import Cloud
from tracker.store.store import Store

BEGINS = ("--start", "2026-03-02T09:00:00")


@pytest.fixture
def footfall(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pictures: Path) -> Run:
    monkeypatch.setenv("FOOTFALL_STORE__FILE", str(tmp_path / "copy.sqlite3"))
    monkeypatch.setenv("FOOTFALL_STORE__URL", "firestore://footfall-tests")
    return run


def test_a_recording_is_uploaded_before_the_command_ends(
    footfall: Run, clip: Path, firestore_server: Firestore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_STORE__URL", f"firestore://{firestore_server.project}")
    assert footfall("track", "--camera", clip, "--camera-id", "hall", "--fast", *BEGINS).code == 0
    cloud = Cloud(firestore_server)
    with Store(tmp_path / "copy.sqlite3") as store:
        assert store.events.select()
        assert cloud.events() == store.events.select()
    assert {each["camera_id"] for each in cloud.documents("heartbeats").values()} == {"hall"}
    assert [each for each in cloud.documents("heartbeats").values() if "clip" in str(each)] == []
    cloud.close()


def test_without_network_everything_is_recorded_and_pending(
    footfall: Run, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{free_port()}")
    began_s = time.monotonic()
    assert footfall("track", "--camera", clip, "--fast", *BEGINS).code == 0
    assert time.monotonic() - began_s < 30
    with Store(tmp_path / "copy.sqlite3") as store:
        assert store.outbox.backlog(people=False).counts["events"] == len(store.events.select()) > 0
        assert "trouble" in store.outbox.state("upload ")
