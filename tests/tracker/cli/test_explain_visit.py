"""`footfall report explain`: the events of a visit and the rules behind it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import load_settings
from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, NOON, AgentHarness
from tracker.presence.events import Action, Correction, Event, EventKind
from tracker.store.observation import Observation
from tracker.store.site_settings import site_of
from tracker.store.store import Store

PERSON = f"p-{ADA:012x}"


def event(kind: str, seconds: float, camera: str = "front") -> Event:
    return Event(
        kind=EventKind(kind),
        site_id="gym",
        camera_id=camera,
        person_id=PERSON,
        at=NOON + timedelta(seconds=seconds),
        track_id="t",
    )


@pytest.fixture
def harness(tmp_path: Path, run: Run) -> AgentHarness:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.record(
        Observation(
            events=[
                event("enter", 0),
                event("exit", 60),
                event("enter", 200),
                event("enter", 5000),
                event("exit", 5060),
            ]
        )
    )
    added = event("exit", 300)
    correction = Correction(action=Action.ADD, event_id=added.event_id, by="ann", at=NOON, event=added)
    harness.store.events.correct([correction])
    harness.store.close()
    return harness


def test_a_visit_is_explained_with_its_rules(run: Run, harness: AgentHarness) -> None:
    visit = event("enter", 0).event_id
    done = run("report", "explain", visit[:10])
    assert (done.code, done.err) == (0, "")
    assert f"Visit {visit} of Ada" in done.out
    assert "inside 2 min 40 s, with gaps 5 min 00 s" in done.out
    for words in ("begins", "pauses", "goes on", "ends", "came back within 5 min", "add by ann"):
        assert words in done.out


def test_as_json_for_programs(run: Run, harness: AgentHarness) -> None:
    visit = event("enter", 0).event_id
    explanation = run("report", "explain", visit, "--json").data
    assert explanation["visit"]["session_id"] == visit
    assert [(each["edge"], each["rule"]) for each in explanation["boundaries"]] == [
        ("start", "came_in"),
        ("pause", "lost"),
        ("resume", "came_back"),
        ("end", "lost"),
    ]
    assert [each["event_id"] for each in explanation["boundaries"]] == [
        each["event_id"] for each in explanation["events"]
    ]
    assert [each["by"] for each in explanation["corrections"]] == ["ann"]


def test_an_id_that_is_none_or_several_is_refused(run: Run, harness: AgentHarness) -> None:
    run("report", "explain", "zzz").refused("no visit has the id 'zzz'", code=2)
    run("report", "explain", "").refused("no visit has the id", code=2)
    run("report", "explain", event("exit", 60).event_id).refused("no visit has the id", code=2)
    starts = [each.event_id for each in (event("enter", 0), event("enter", 5000))]
    assert starts[0][0] != starts[1][0]


def test_a_report_without_visits_names_an_event_that_counts_in_none(
    run: Run, harness: AgentHarness, tmp_path: Path
) -> None:
    settings, store = tmp_path / "site.toml", f"sqlite:///{tmp_path / 'one.sqlite3'}"
    settings.write_text(
        '[site]\nid = "gym"\n[[camera]]\nid = "front"\nsource = "0"\nrole = "door"\n'
        'line = [[0.1, 0.5], [0.9, 0.5]]\ninside = "below"\n[[camera]]\nid = "hall"\nsource = "1"\n'
    )
    lone = event("enter", 90000, "hall")
    with Store(tmp_path / "one.sqlite3") as opened:
        opened.sites.save(site_of(load_settings(settings, {})))
        opened.record(Observation(events=[lone]))
    where = ("--settings", settings, "--store", store)
    done = run("report", "visits", *where)
    assert "cameras reported 1 enter or exit, which counts in none" in done.out + done.err
    assert f"footfall report explain {lone.event_id[:8]}" in done.out + done.err
    run("report", "explain", lone.event_id[:8], *where).refused("counts in no visit", code=2)


def test_an_event_in_no_visit_has_a_reason(run: Run, harness: AgentHarness, tmp_path: Path) -> None:
    settings = tmp_path / "site.toml"
    settings.write_text(
        '[site]\nid = "gym"\n[[camera]]\nid = "front"\nsource = "0"\nrole = "entrance"\n'
        '[[camera]]\nid = "back"\nsource = "1"\nrole = "exit"\n[[camera]]\nid = "hall"\nsource = "2"\n'
    )
    lone = event("enter", 90000, "hall")
    harness.store.open()
    harness.store.sites.save(site_of(load_settings(settings, {})))
    harness.store.record(Observation(events=[lone]))
    harness.store.close()
    done = run("report", "explain", lone.event_id, "--settings", settings)
    done.refused("by camera hall counts in no visit: seen inside, but neither coming in nor going out", code=2)
    assert "footfall events add" in done.err
    run("report", "explain", "zzz", "--settings", settings).refused("no visit has the id 'zzz'", code=2)
