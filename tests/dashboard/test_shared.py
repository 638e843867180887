"""The pages over a store shared through Firestore: live updates, connection failures, reads."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from google.cloud.firestore import SERVER_TIMESTAMP, Client

from tests.dashboard import gym
from tests.dashboard.conftest import Opener, announced
from tests.firestore.fixtures import Firestore
from tracker.cloud import documents, paths
from tracker.cloud.paths import Collection
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytestmark = pytest.mark.browser

SLOW_MS = 15_000
IDLE_S = 6.0


@pytest.fixture
def client(firestore_server: Firestore) -> Iterator[Client]:
    """Firestore as another machine has it."""
    client = firestore_server.client()
    yield client
    client.close()


@pytest.fixture
def address(firestore_server: Firestore, client: Client, tmp_path: Path, site_file: Path) -> Iterator[str]:
    """A dashboard on a machine that has nothing but the address of the shared store."""
    command = [sys.executable, "-m", "tracker.cli.main", "dashboard", "--settings", str(site_file)]
    command += ["--store", f"firestore://{firestore_server.project}", "--port", "0"]
    environment = firestore_server.env | {"XDG_DATA_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield announced(process)
        finally:
            process.terminate()
            _, complaints = process.communicate(timeout=20)
    assert "Traceback" not in complaints


def put(client: Client, collection: Collection, record_id: str, document: dict[str, object]) -> None:
    path = paths.path_of("gym", collection, record_id)
    client.document(path).set({**document, documents.RECEIVED_AT: SERVER_TIMESTAMP})


def send(client: Client, event: Event) -> None:
    put(client, Collection.EVENTS, event.event_id, documents.event_document(event))


def enter(client: Client, person_id: str, name: str) -> None:
    """Somebody whom another machine knows comes in there."""
    now = datetime.now(UTC)
    person = Person(person_id=person_id, name=name, created_at=now, consented_at=now)
    put(client, Collection.PEOPLE, person_id, documents.person_document(person))
    send(client, gym.event(EventKind.ENTER, person_id, now - timedelta(seconds=61)))


def test_uploads_of_another_machine_are_on_the_page(
    address: str, client: Client, firestore_server: Firestore, open_page: Opener
) -> None:
    page = open_page(address)
    page.get_by_text("Nobody has been seen yet").wait_for(timeout=SLOW_MS)
    page.evaluate("window.unchanged = true")
    enter(client, "p-ada", "Ada")
    page.locator("#now-inside").get_by_text("Ada").wait_for(timeout=SLOW_MS)
    for name in ("Bob", "Eve"):
        enter(client, f"p-{name}", name)
        page.locator("#now-inside").get_by_text(name).wait_for(timeout=SLOW_MS)
    firestore_server.control.cut()  # all listeners
    enter(client, "p-jun", "Jun")
    page.locator("#now-inside").get_by_text("Jun").wait_for(timeout=SLOW_MS)
    send(client, gym.event(EventKind.EXIT, "p-ada", datetime.now(UTC)))
    page.locator("#now-inside").get_by_text("Ada").wait_for(state="detached", timeout=SLOW_MS)
    assert page.evaluate("window.unchanged")


def test_an_idle_page_reads_nothing(
    address: str, client: Client, firestore_server: Firestore, open_page: Opener
) -> None:
    enter(client, "p-ada", "Ada")
    page = open_page(address)
    page.locator("#now-inside").get_by_text("Ada").wait_for(timeout=SLOW_MS)
    before = firestore_server.control.counts()["reads"]
    threading.Event().wait(IDLE_S)
    assert firestore_server.control.counts()["reads"] == before


def test_a_camera_of_another_machine_is_live_between_its_reports(
    address: str, client: Client, open_page: Opener
) -> None:
    now = datetime.now(UTC)
    heartbeat = {
        "camera_id": "front-door",
        "at": now - timedelta(minutes=4),
        "state": "live",
        "started_at": now - timedelta(hours=1),
        "last_frame_at": now - timedelta(minutes=4, seconds=1),
        "fps": 12.5,
        "frames": 40_000,
        "dropped": 0,
        "problem": None,
        "watch_started_at": now - timedelta(hours=1),
        "watch_ended_at": now - timedelta(minutes=4, seconds=1),
        "schema": 1,
    }
    put(client, Collection.HEARTBEATS, "h1", heartbeat)
    page = open_page(address)
    camera = page.locator("#now-cameras")
    camera.get_by_text("12.5 fps").wait_for(timeout=SLOW_MS)
    assert "live" in camera.inner_text()
    put(client, Collection.HEARTBEATS, "h2", {**heartbeat, "at": now, "state": "lost", "problem": "cable"})
    camera.get_by_text("cable").wait_for(timeout=SLOW_MS)


def test_settings_of_the_site_are_on_the_page_at_once(address: str, client: Client, open_page: Opener) -> None:
    now = datetime.now(UTC)
    for person_id, start_s in (("p-ada", 3000), ("p-jun", 2000)):
        send(client, gym.event(EventKind.ENTER, person_id, now - timedelta(seconds=start_s)))
        send(client, gym.event(EventKind.EXIT, person_id, now - timedelta(seconds=start_s - 20)))
    page = open_page(f"{address}usage")
    page.get_by_text("no minimum visit is set").wait_for(timeout=SLOW_MS)
    client.document(paths.site_path("gym")).set({"settings": {"presence": {"min_visit_s": 60}}})
    page.get_by_text("visits under 1 min").wait_for(timeout=SLOW_MS)
