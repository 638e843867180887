"""Commands that change what machines share: they know what the others know, and the others hear of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cli.conftest import Run
from tests.tracker.cloud.shared_stores import TwoMachines, event, person, vectors, visit


@pytest.fixture
def site(firestore_server: Firestore, tmp_path: Path) -> Iterator[TwoMachines]:
    """A site with two machines; commands run on a third one."""
    with TwoMachines(tmp_path, firestore_server) as machines:
        machines.a.add_person(person(), vectors(2))
        machines.a.add_person(person("p-bob", "Bob"), vectors(1))
        machines.a.record(events=[*visit(0, 60), *visit(100, 160, "p-bob")])
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
        assert [each.name for each in store.people()] == ["Countess"]
        assert {each.person_id[:2] for each in store.events()} == {"p-", "x-"}
        assert len(store.events()) == 4
    assert site.a.vector_counts() == {"p-ada": 2}


def test_an_event_is_corrected_for_all_machines(site: TwoMachines, footfall: Run) -> None:
    done = footfall("events", "void", event(0).event_id, "--by", "Ann")
    assert done.code == 0, done.err
    site.sync()
    assert [len(store.events()) for store in (site.a, site.b)] == [3, 3]
    assert [each.by for each in site.a.corrections()] == ["Ann"]


def test_without_network_it_is_done_here_and_sent_later(
    site: TwoMachines, footfall: Run, firestore_server: Firestore, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert footfall("people", "list").code == 0
    monkeypatch.setattr("tracker.cli.in_step.PATIENCE_S", 0.3)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:9")
    done = footfall("people", "rename", "Ada", "Countess")
    assert done.code == 0
    assert "what is here is of" in done.err
    assert "done here, not sent yet" in done.err
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_server.host)
    assert footfall("sync").code == 0
    site.sync()
    assert [each.name for each in site.b.people()] == ["Bob", "Countess"]
