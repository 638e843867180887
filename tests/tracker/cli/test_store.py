"""Reading and writing a shared store: both download first, only writing uploads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cli.conftest import Run
from tests.tracker.cloud.machines import Cloud
from tests.tracker.cloud.shared_stores import TwoMachines, event, person, vectors, visit
from tracker.store.observation import Observation


@pytest.fixture
def site(firestore_server: Firestore, tmp_path: Path) -> Iterator[TwoMachines]:
    """A site with two machines; commands run on a third one."""
    with TwoMachines(tmp_path, firestore_server) as machines:
        machines.a.people.add(person(), vectors(2))
        machines.a.people.add(person("p-bob", "Bob"), vectors(1))
        machines.a.record(Observation(events=[*visit(0, 60), *visit(100, 160, "p-bob")]))
        machines.sync()
        yield machines


@pytest.fixture
def footfall(site: TwoMachines, firestore_server: Firestore, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    return lambda *words: run(*words, "--store", f"firestore://{firestore_server.project}")


def test_people_are_renamed_and_forgotten_for_all_machines(site: TwoMachines, footfall: Run) -> None:
    listed: Any = footfall("people", "list", "--json").data
    assert {each["name"] for each in listed} == {"Ada", "Bob"}
    done = footfall("people", "rename", "Ada", "Countess")
    assert (done.code, done.err) == (0, "")
    assert footfall("people", "forget", "Bob", "--yes").code == 0
    site.sync()
    for store in (site.a, site.b):
        assert [each.name for each in store.people.all()] == ["Countess"]
        assert {each.person_id[:2] for each in store.events.select()} == {"p-", "x-"}
        assert len(store.events.select()) == 4
    assert site.a.people.vector_counts() == {"p-ada": 2}


@pytest.mark.parametrize("visits", ["edge", "functions"])
def test_forgetting_with_history_leaves_nothing(
    site: TwoMachines, footfall: Run, firestore_server: Firestore, monkeypatch: pytest.MonkeyPatch, visits: str
) -> None:
    """The rows that would wait to be sent are gone with her; her erasure waits all the same."""
    monkeypatch.setenv("FOOTFALL_CLOUD__VISITS", visits)
    assert footfall("people", "list").code == 0
    done = footfall("people", "forget", "Ada", "--yes", "--history")
    assert (done.code, done.err) == (0, "")
    status: Any = footfall("status", "--json").data
    assert status["backlog"] == {}
    site.sync()
    for store in (site.a, site.b):
        assert [each.name for each in store.people.all()] == ["Bob"]
        assert {each.person_id for each in store.events.select()} == {"p-bob"}
    assert site.a.people.vector_counts() == {"p-bob": 1}
    cloud = Cloud(firestore_server)
    left = {name: cloud.documents(name) for name in ("people", "events", "sessions", "usage", "matches")}
    assert len(cloud.documents("forgotten")) == 1
    cloud.close()
    assert "p-ada" not in str(left)


def test_a_pending_erasure_is_shown(site: TwoMachines, footfall: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert footfall("people", "list").code == 0
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    done = footfall("people", "forget", "Ada", "--yes", "--history")
    assert (done.code, "done here, not uploaded yet" in done.err) == (0, True)
    status: Any = footfall("status", "--json").data
    assert status["backlog"] == {"forgotten": 1}
    assert "1 forgotten" in footfall("status").out


def test_an_event_is_corrected_for_all_machines(site: TwoMachines, footfall: Run) -> None:
    done = footfall("events", "void", event(0).event_id, "--by", "Ann")
    assert done.code == 0, done.err
    site.sync()
    assert [len(store.events.select()) for store in (site.a, site.b)] == [3, 3]
    assert [each.by for each in site.a.events.corrections()] == ["Ann"]


def test_without_network_it_is_done_here_and_sent_later(
    site: TwoMachines, footfall: Run, firestore_server: Firestore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert footfall("people", "list").code == 0
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    done = footfall("people", "rename", "Ada", "Countess")
    assert done.code == 0
    assert "the local copy is of" in done.err
    assert "done here, not uploaded yet" in done.err
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    assert footfall("sync").code == 0
    site.sync()
    assert [each.name for each in site.b.people.all()] == ["Bob", "Countess"]


READING = [
    ("people", "list"), ("people", "show", "Ada"), ("people", "visitors"), ("report", "today"), ("report", "visits"),
]  # fmt: skip


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_a_command_that_reads_downloads_and_never_uploads(
    words: tuple[str, ...],
    site: TwoMachines,
    footfall: Run,
    firestore_server: Firestore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert footfall("people", "list").code == 0
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    assert "not uploaded yet" in footfall("people", "rename", "Bob", "Robert").err
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    monkeypatch.setattr("tracker.cli.replica.PATIENCE_S", 8.0)
    site.a.people.add(person("p-eve", "Eve"), vectors(1))
    site.sync()
    before = firestore_server.control.counts()["writes_by_collection"]
    monkeypatch.setattr("tracker.cli.replica._BAR_AFTER_S", -1)  # stderr is no terminal: no bar, however long it takes
    done = footfall(*words)
    assert (done.code, done.err) == (0, "")
    assert firestore_server.control.counts()["writes_by_collection"] == before
    listed: Any = footfall("people", "list", "--offline", "--json").data
    assert {each["name"] for each in listed} == {"Ada", "Robert", "Eve"}


@pytest.mark.parametrize("words", READING, ids=" ".join)
def test_offline_sends_no_request(words: tuple[str, ...], footfall: Run, firestore_server: Firestore) -> None:
    assert footfall("people", "list").code == 0
    before = firestore_server.control.counts()["calls"]
    done = footfall(*words, "--offline")
    assert done.code == 0
    assert done.err.startswith("offline: the local copy is of")
    assert firestore_server.control.counts()["calls"] == before
