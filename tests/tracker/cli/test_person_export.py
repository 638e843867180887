"""`footfall people export`: a zip file with everything about one person and nothing about others."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, BOB, AgentHarness, scene
from tracker.actions import people
from tracker.actions.actor import Actor
from tracker.presence.events import Action, Correction
from tracker.presence.people import Person
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.users import UserRole

ANN = Actor("Ann", UserRole.ADMIN)


@pytest.fixture
def gym(tmp_path: Path) -> Person:
    """Ada and Bob were here; one enter of Ada's is voided."""
    harness = AgentHarness(tmp_path / "store.sqlite3")
    ada = harness.enrol("Ada <b>Lovelace", ADA)
    harness.enrol("Bob", BOB)
    harness.play([*scene(0, 60, ADA, fps=1), *scene(62, 300, fps=0.25), *scene(301, 310, ADA, BOB), *scene(311, 400)])
    event = harness.store.events.select(person_id=ada)[0]
    harness.store.events.correct([Correction(action=Action.VOID, event_id=event.event_id, by="Ann", at=event.at)])
    stay = ZoneStay(
        site_id="gym", camera_id="front", zone="rack", person_id=ada, started_at=event.at, seen_at=event.at, over=True
    )
    harness.store.record(Observation(zone_stays=[stay]))
    harness.store.people.add_negatives(ada, np.ones((2, 128), np.float32))
    people.edit_profile(harness.store, ANN, ada, name="Ada <b>Lovelace", groups=["Yoga"])
    people.edit(harness.store, ANN, ada, validity=(None, date(2026, 12, 31)))
    person = people.require(harness.store, ada)
    harness.store.close()
    return person


def test_the_file_has_everything_about_the_person_as_json_and_html(run: Run, gym: Person, tmp_path: Path) -> None:
    done = run("people", "export", gym.person_id, "--out", tmp_path / "ada.zip", "--json")
    assert done.code == 0
    with zipfile.ZipFile(tmp_path / "ada.zip") as files:
        page, text = sorted(files.namelist())
        assert (page, text) == ("ada-b-lovelace.html", "ada-b-lovelace.json")
        data = json.loads(files.read(text))
        shown = files.read(page).decode()
    assert data["person"]["name"] == gym.name
    assert (data["person"]["groups"], data["person"]["valid_until"]) == (["Yoga"], "2026-12-31")
    assert data["ids"] == [gym.person_id]
    assert data["faces"] == {"sface": 1}
    kept = {name: len(data[name]) for name in ("sessions", "voided", "corrections", "zone_stays")}
    assert kept == {"sessions": len(data["sessions"]), "voided": 1, "corrections": 1, "zone_stays": 1}
    assert data["sessions"]
    assert data["events"]
    assert data["matches"]
    assert data["counts"] == done.data["counts"]
    assert data["counts"]["faces marked as not theirs"] == 2
    assert {each["person_id"] for name in ("sessions", "events", "matches") for each in data[name]} == {gym.person_id}
    assert "What is kept about Ada &lt;b&gt;Lovelace" in shown
    assert "<script" not in shown
    for words in ("Yoga", "Visits", "Enters and exits", "Matches", "Corrections", "Stays in zones", "people.profile"):
        assert words in shown
    assert "Bob" not in shown + json.dumps(data)


def test_the_file_is_named_after_the_person_and_only_for_the_user(run: Run, gym: Person, tmp_path: Path) -> None:
    done = run("people", "export", gym.name)
    assert done.code == 0
    assert done.out.startswith("wrote ada-b-lovelace.zip: 1 face vectors")
    path = tmp_path / "here" / "ada-b-lovelace.zip"
    assert path.stat().st_mode & 0o077 == 0


def test_nobody_and_no_place_are_refused(run: Run, gym: Person, tmp_path: Path) -> None:
    run("people", "export", "Eve").refused("no person named 'Eve'")
    run("people", "export", "Bob", "--out", tmp_path / "nowhere" / "bob.zip").refused("cannot be written")


def test_somebody_of_whom_only_the_name_is_known(run: Run, tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    eve = Person(person_id="p-eve", name="李", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    harness.store.people.add(eve, np.empty((0, 128), np.float32))
    harness.store.close()
    assert run("people", "export", "李").out == "wrote p-eve.zip: a name\n"
