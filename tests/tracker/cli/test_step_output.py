"""What `track` prints while agents run."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.fake_cameras import ADA, AgentHarness, ScriptedCamera, ScriptStep, scene
from tests.tracker.reassignment_kill_harness import LIKE_ADA, TURNS, ZOE
from tracker.agent.supervisor import run_all
from tracker.cli.step_output import EventOutput, StepPrinter
from tracker.identity.known import KnownPeople

Printed = Callable[[list[ScriptStep], EventOutput], list[str]]


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    harness = AgentHarness(tmp_path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Zoe", ZOE)
    return harness


@pytest.fixture
def printed(harness: AgentHarness, capsys: pytest.CaptureFixture[str]) -> Printed:
    """The lines on stdout of a run over a script."""

    def play(script: list[ScriptStep], output: EventOutput) -> list[str]:
        known, camera = KnownPeople(harness.match), ScriptedCamera(script)
        agents = [harness.agent(camera, known=known)]
        with StepPrinter(agents, [camera], known, zone=ZoneInfo("UTC"), output=output, explain=False) as printer:
            assert run_all(agents, threading.Event(), printer.print_step) == []
        return capsys.readouterr().out.splitlines()

    return play


def about(record: dict[str, Any]) -> tuple[str, str]:
    """What a line of JSON is: an event's kind or a correction's action, and the event that it is about."""
    return record.get("action") or record["kind"], record["event_id"]


TURNED_BACK = [*TURNS, *scene(20.5, 40, LIKE_ADA), *scene(40.5, 90)]


def test_json_has_a_line_for_every_event_and_every_correction(harness: AgentHarness, printed: Printed) -> None:
    lines = [about(json.loads(line)) for line in printed(TURNED_BACK, EventOutput.JSON)]
    ids = {
        (each.person_id, each.kind): each.event_id
        for correction in harness.store.events.corrections()
        for each, _ in harness.store.events.find(correction.event_id)
    }
    ada, zoe = ids[f"p-{ADA:012x}", "enter"], ids[f"p-{ZOE:012x}", "enter"]
    (ada_left,) = [each.event_id for each in harness.store.events.select() if each.kind == "exit"]
    assert lines == [
        ("enter", ada), ("void", ada), ("enter", zoe), ("void", zoe), ("add", ada), ("enter", ada), ("exit", ada_left),
    ]  # fmt: skip


def test_text_has_a_line_for_every_event_that_did_not_happen(printed: Printed) -> None:
    assert printed([*TURNS, *scene(20.5, 60)], EventOutput.TEXT) == [
        "2026-03-02 12:00:10  front  enter  Ada",
        "2026-03-02 12:00:10  front  void   enter of Ada did not happen",
        "2026-03-02 12:00:10  front  enter  Zoe",
        "2026-03-02 12:00:20  front  exit   Zoe",
    ]
