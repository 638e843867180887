"""`footfall audit | undo`: who changed what, and undoing it."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, BOB, AgentHarness


@pytest.fixture
def harness(tmp_path: Path, run: Run) -> AgentHarness:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    return harness


def names(harness: AgentHarness) -> list[str]:
    return [person.name for person in harness.store.people.all()]


def test_changes_are_listed_and_undone(run: Run, harness: AgentHarness) -> None:
    assert "Nothing was changed yet" in run("audit").out
    run("people", "rename", "Ada", "Ada Lovelace", "--by", "Ann")
    run("people", "rename", "Bob", "Robert")
    printed = run("audit").out.splitlines()
    assert [line.split()[0] for line in printed if "renamed" in line] == ["2", "1"]
    assert "Ada Lovelace" in printed[-1]
    assert run("undo", "1").out == "change 1 is undone: renamed\n"
    assert names(harness) == ["Ada", "Robert"]
    run("undo", "1").refused("changed since by", "nothing is undone")
    run("undo", "7").refused("there is no change 7", "footfall audit")
    listed = run("audit", "--json").data
    assert [(each["audit_id"], each["action"], each["undone_by"]) for each in listed] == [
        (3, "undo", None),
        (2, "people.rename", None),
        (1, "people.rename", 3),
    ]
    assert listed[2]["before"]["person"]["name"] == "Ada"
    assert [each["audit_id"] for each in run("audit", "--actor", "Ann", "--json").data] == [1]
    assert {each["actor"] for each in run("audit", "--limit", "2", "--json").data} == {getpass.getuser()}
    assert run("audit", "--since", "1999-01-01", "--csv").out.count("\n") == 4
    run("audit", "--since", "2999-01-01").refused("in the future", code=2)


def test_a_forgotten_person_is_in_no_entry(run: Run, harness: AgentHarness) -> None:
    run("people", "rename", "Ada", "Ada Lovelace")
    run("people", "forget", "Ada Lovelace", "--yes")
    printed = run("audit", "--json").out
    assert "Lovelace" not in printed
    assert f"p-{ADA:012x}" not in printed
    run("undo", "1").refused("cannot be undone")


def test_an_author_is_somebody(run: Run, harness: AgentHarness) -> None:
    run("people", "rename", "Ada", "Zoe", "--by", "footfall").refused("has no author", code=2)
    assert names(harness) == ["Ada", "Bob"]
