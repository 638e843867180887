"""Reports over a shared store equal those of the camera machine, or print the age of the local copy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cli.conftest import Run
from tests.tracker.cloud.machines import Machine
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Event, EventKind
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person
from tracker.presence.rules import Rules, encode_rules
from tracker.store.observation import Observation

RECENT = timedelta(minutes=20)
"""Nothing happened in the time before now but the asking."""
RULES = Rules(entrances=frozenset({"in"}), exits=frozenset({"out"}), min_visit=timedelta(seconds=90))
REPORTS = (
    ("today",),
    ("visits",),
    ("usage", "--by", "day"),
    ("dwell",),
    ("attendance",),
    ("occupancy",),
    ("people",),
    ("people", "Ada"),
    ("visits", "--camera", "in"),
    ("visits", "--camera", "out"),
)


def passing(now: datetime, person_id: str, minutes_ago: float, camera: str) -> Event:
    return Event(
        kind=EventKind.EXIT if camera == "out" else EventKind.ENTER,
        site_id="gym",
        camera_id=camera,
        person_id=person_id,
        at=now - timedelta(minutes=minutes_ago),
        track_id=f"{camera}-{minutes_ago:g}",
    )


@pytest.fixture
def shared(firestore_server: Firestore, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of what a machine with an entrance and an exit sent; `run` is on another machine."""
    site = {"name": "The gym", "time_zone": "Asia/Tokyo", "rules": encode_rules(RULES)}
    machine = Machine(tmp_path / "edge.sqlite3", firestore_server, site=site)
    now = machine.now = datetime.now(UTC)
    for person_id, name in (("p-ada", "Ada"), ("p-bob", "Bob")):
        person = Person(person_id=person_id, name=name, created_at=now - timedelta(days=9), consented_at=now)
        machine.store.people.add(person, np.zeros((1, 128), np.float32))
    machine.store.sites.use_default_rules(RULES)
    passings = [("p-ada", 300, "in"), ("p-ada", 200, "out"), ("p-bob", 100, "in"), ("p-bob", 99, "out")]
    began_at = now - timedelta(hours=6)
    health = CameraHealth(
        site_id="gym", camera_id="in", source="0", state=CameraState.LIVE, started_at=began_at, updated_at=now
    )
    machine.store.record(
        Observation(
            events=[passing(now, *each) for each in (*passings, ("p-ada", 30, "in"))],
            health=health,
            coverage=[CoverageSpan(site_id="gym", camera_id="in", started_at=began_at, ended_at=now)],
        )
    )
    machine.drain()
    machine.close()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    return f"firestore://{firestore_server.project}"


@pytest.fixture
def at_the_edge(tmp_path: Path, shared: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[], tuple[str, ...]]:
    """The flags by which a command runs on the machine that sent it all."""
    settings = tmp_path / "edge.toml"
    settings.write_text(
        '[site]\nid = "gym"\nname = "The gym"\ntime_zone = "Asia/Tokyo"\n[presence]\nmin_visit_s = 90\n'
        '[[camera]]\nid = "in"\nsource = "0"\nrole = "entrance"\n[[camera]]\nid = "out"\nsource = "1"\nrole = "exit"\n'
    )
    return lambda: ("--store", f"sqlite:///{tmp_path / 'edge.sqlite3'}", "--settings", str(settings))


def without_now(value: Any) -> Any:
    """A report without what grows by the second."""
    if isinstance(value, dict):
        growing = {"now", "until", "to", "dwell_s", "gross_s", "inside_s", "person_hours", "watched", "mean"}
        return {key: without_now(each) for key, each in value.items() if key not in growing}
    if isinstance(value, list):
        return [without_now(each) for each in value]
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", value):
        return "now" if datetime.now(UTC) - datetime.fromisoformat(value) < RECENT else value
    return value


@pytest.mark.parametrize("words", REPORTS, ids=" ".join)
def test_a_shared_report_equals_that_of_the_camera_machine(
    words: tuple[str, ...], run: Run, shared: str, at_the_edge: Callable[[], tuple[str, ...]]
) -> None:
    here = run("report", *words, "--store", shared, "--json")
    there = run("report", *words, *at_the_edge(), "--json")
    assert (here.code, there.code) == (0, 0), here.err + there.err
    assert without_now(here.data) == without_now(there.data)
    assert here.err == ""


def test_a_shared_explanation_equals_that_of_the_camera_machine(
    run: Run, shared: str, at_the_edge: Callable[[], tuple[str, ...]]
) -> None:
    visits: Any = run("report", "visits", "--store", shared, "--json").data
    text = str(visits)
    ids = re.findall(r"[0-9a-f]{32}", text)
    assert ids
    here = run("report", "explain", ids[0], "--store", shared, "--json")
    there = run("report", "explain", ids[0], *at_the_edge(), "--json")
    assert here.code == 0, here.err
    assert without_now(here.data) == without_now(there.data)


def test_offline_reads_the_local_copy_and_prints_its_age(
    run: Run, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = run("report", "visits", "--store", shared, "--json")
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    offline = run("report", "visits", "--store", shared, "--offline", "--json")
    assert offline.code == 0
    assert without_now(offline.data) == without_now(online.data)
    assert re.search(r"offline: the local copy is of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, [\d.]+ s ago", offline.err)


def test_without_network_the_error_has_the_age_of_the_local_copy(
    run: Run, shared: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 0.3)
    assert run("report", "today", "--store", shared).code == 0
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    run("report", "today", "--store", shared).refused("does not answer", "the local copy is of", "--offline")


def test_without_network_and_local_copy_the_error_reports_both(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    run("report", "today", "--store", "firestore://nobody-here").refused(
        "nothing was downloaded yet", "check the network"
    )
    assert run("report", "today", "--store", "firestore://nobody-else", "--offline").refused("no store at")


def test_shared_settings_are_between_defaults_and_file(
    run: Run, shared: str, firestore_server: Firestore, tmp_path: Path
) -> None:
    client = firestore_server.client()
    site = client.document("sites/gym")
    site.set({"settings": {"presence": {"min_visit_s": 3600}, "match": {"max_distance": 7}, "detect": {}}}, merge=True)
    client.close()
    settings = tmp_path / "here" / "footfall.toml"

    def bounces() -> str:
        return run("report", "visits", "--store", shared).out

    first = bounces()
    settings.write_text("[presence]\nmin_visit_s = 0\n")
    assert first != bounces()
    status = run("status", "--store", shared)
    assert "match.max_distance" in status.out
    assert "detect" in status.out
    client = firestore_server.client()
    client.document("sites/gym").set({"settings": {}}, merge=True)
    client.close()
    bounces()
    assert "cannot be read" not in run("status", "--store", shared).out
