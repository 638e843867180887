"""Heartbeats: sent when due or when a camera's state changes, with coverage, without addresses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.cloud.machines import SITE, START
from tracker.cloud.documents import heartbeat_of
from tracker.cloud.heartbeats import Heartbeats, Load, machine_name, without_addresses
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.observation import Observation
from tracker.store.outbox import Acknowledgement
from tracker.store.store import Store


class Camera:
    """A tracked camera and its heartbeats; the clocks are manual."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.seconds = 0.0
        self.heartbeats = self.started()
        store.outbox.begin()

    def started(self, scope: CameraRef | None = None) -> Heartbeats:
        """Heartbeats of another process."""
        return Heartbeats(self.store, "m-1", every_s=300.0, version="1", scope=scope, monotonic=lambda: self.seconds)

    def at(self, seconds: float) -> datetime:
        return START + timedelta(seconds=seconds)

    def is_(self, state: CameraState = CameraState.LIVE, problem: str | None = None, watch: float | None = 0.0) -> None:
        """Record the current state of the camera. watch: start of its coverage span."""
        now = self.at(self.seconds)
        health = CameraHealth(
            site_id=SITE,
            camera_id="front",
            source="rtsp://10.0.0.7/live",
            state=state,
            started_at=START,
            updated_at=now,
            last_frame_at=now,
            problem=problem,
        )
        seen = None
        if watch is not None:
            seen = CoverageSpan(site_id=SITE, camera_id="front", started_at=self.at(watch), ended_at=now)
        self.store.record(Observation(health=health, coverage=[seen]))

    def given(self) -> list[dict[str, Any]]:
        """The heartbeats that are due now, sent."""
        due = self.heartbeats.due(self.at(self.seconds), lambda: Load(backlog=7, rejected=1))
        self.store.outbox.acknowledge(Acknowledgement(state=self.heartbeats.delivered(due)))
        return [dict(each.write.document or {}) for each in due]


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera]:
    with Store(tmp_path / "store.sqlite3") as store:
        yield Camera(store)


def test_a_heartbeat_is_sent_at_once_and_then_at_the_interval(camera: Camera) -> None:
    camera.is_()
    (first,) = camera.given()
    assert (first["state"], first["backlog"], first["rejected"], first["version"]) == ("live", 7, 1, "1")
    assert first["machine_id"] == "m-1"
    assert "source" not in first
    given = 0
    for _ in range(601):
        camera.seconds += 1
        camera.is_()
        given += len(camera.given())
    assert given == 2


def test_a_lost_camera_sends_a_heartbeat_at_once(camera: Camera) -> None:
    camera.is_()
    camera.given()
    camera.seconds = 20
    camera.is_(CameraState.LOST, "no frame for 10 s")
    (heartbeat,) = camera.given()
    assert (heartbeat["state"], heartbeat["problem"]) == ("lost", "no frame for 10 s")
    assert camera.given() == []


def test_a_flickering_camera_sends_a_limited_number_of_heartbeats(camera: Camera) -> None:
    given = 0
    for second in range(60):
        camera.seconds = second
        camera.is_(CameraState.LOST if second % 2 else CameraState.LIVE)
        given += len(camera.given())
    assert given <= 60 / 5 + 1


def test_a_heartbeat_has_outages_since_the_previous_one(camera: Camera) -> None:
    camera.is_()
    camera.given()
    for began, ended in ((0, 100), (200, 290), (400, 450)):
        camera.seconds = ended
        camera.is_(watch=began)
    camera.seconds = 451
    camera.is_(watch=400)
    found = [heartbeat_of(SITE, each)[1] for each in camera.given()]
    assert found == camera.store.cameras.coverage(SITE)


def test_a_new_process_continues_the_heartbeats_of_the_previous_one(camera: Camera) -> None:
    camera.is_()
    camera.given()
    camera.heartbeats = camera.started()
    camera.seconds = 100
    camera.is_()
    assert camera.given() == []
    camera.seconds = 301
    camera.is_()
    assert len(camera.given()) == 1


def test_a_device_key_sends_heartbeats_of_its_camera_only(camera: Camera) -> None:
    camera.is_()
    camera.heartbeats = camera.started(CameraRef(SITE, "door"))
    assert camera.given() == []


@pytest.mark.parametrize(
    "problem",
    [
        "rtsp://10.0.0.7/live does not answer",
        "cannot reach 192.168.1.20:554 (timed out)",
        "http://ann:secret@cam.lan/stream: 401",
        "/srv/clips/monday.mp4: the file ends early",
    ],
)
def test_addresses_and_paths_are_redacted(problem: str) -> None:
    found = without_addresses(problem, "rtsp://10.0.0.7/live")
    assert not [each for each in ("10.0.0.7", "192.168", "cam.lan", "secret", "/srv", "monday") if each in found]
    assert found.strip("… ")


def test_a_copied_store_on_another_machine_has_another_machine_id(monkeypatch: pytest.MonkeyPatch) -> None:
    names = set()
    for address in (0x001122334455, 0x66778899AABB):
        monkeypatch.setattr("uuid.getnode", lambda address=address: address)
        names.add(machine_name("m-1"))
    assert len(names) == 2
    monkeypatch.setattr("uuid.getnode", lambda: 0x010000000000)  # the library found no address and made one up
    assert machine_name("m-1") == "m-1"
