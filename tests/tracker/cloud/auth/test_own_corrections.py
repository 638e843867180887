"""Corrections by an agent are uploaded with a device key, under the deployed rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.rules.guard import plain
from tests.tracker.cloud.auth.conftest import CAMERA, SITE, Project
from tests.tracker.cloud.auth.stores import LATER, START, event
from tests.tracker.fake_cameras import ADA as ADA_S
from tests.tracker.fake_cameras import AgentHarness, scene
from tests.tracker.reassignment_kill_harness import TURNS
from tests.tracker.reassignment_kill_harness import ZOE as ZOES
from tracker.cloud.upload import Terms
from tracker.cloud.uploader import Uploader
from tracker.presence.events import ITSELF, Action, CameraRef, Correction, Event, EventKind
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store

ADA, ZOE = "p-aaaaaaaaaaaa", "p-bbbbbbbbbbbb"


def correction_of(of: Event, action: Action = Action.VOID, *, by: str = ITSELF, minute: int = 0) -> Correction:
    at = LATER + timedelta(minutes=minute)
    added = of if action is Action.ADD else None
    return Correction(action=action, event_id=of.event_id, by=by, at=at, reason="not theirs", event=added)


class Agent:
    """The store of a camera, uploaded with its device key."""

    def __init__(self, project: Project, store: Store, camera: str = CAMERA) -> None:
        self.key = project.registered(camera=camera)
        self.store = store
        self._project = project

    def drain(self, now: datetime = LATER) -> None:
        terms = Terms(site_id=SITE, version="0.1.0", timeout_s=10.0)
        uplink = Uploader(self.store, lambda: self._project.connect(self.key), terms, now=lambda: now)
        uplink.drain(threading.Event(), patience_s=20.0)

    def there(self, collection: str) -> dict[str, dict[str, Any]]:
        archive = self._project.server.engine.archive
        database = archive.database(f"projects/{self._project.name}/databases/(default)")
        found = {
            name: each.document() for name, each in database.collections.get(("sites", SITE, collection), {}).items()
        }
        return {name: plain(document.fields) for name, document in found.items() if document is not None}


@pytest.fixture
def agent(project: Project, tmp_path: Path) -> Iterator[Agent]:
    with Store(tmp_path / "store.sqlite3") as store:
        yield Agent(project, store)


def test_a_reassigned_track_is_uploaded_as_void_and_new_event(project: Project, tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA_S)
    harness.enrol("Zoe", ZOES)
    harness.play([*TURNS, *scene(20.5, 60)])
    agent = Agent(project, harness.store, camera="front")
    agent.drain()
    voided = {each["event_id"] for each in agent.there("corrections").values() if each["action"] == "void"}
    held = {each["person_id"] for name, each in agent.there("events").items() if name not in voided}
    assert {each["person_id"] for each in agent.there("events").values()} == {f"p-{ADA_S:012x}", f"p-{ZOES:012x}"}
    assert held == {f"p-{ZOES:012x}"}
    assert harness.store.outbox.rejected() == []
    harness.store.close()


def test_an_uploaded_event_is_voided(agent: Agent) -> None:
    wrong = event(EventKind.ENTER, ADA, 0)
    agent.store.record(Observation(events=[wrong]))
    agent.drain()
    assert agent.there("corrections") == {}
    agent.store.record(
        Observation(events=[replace(wrong, person_id=ZOE, event_id="")], corrections=[correction_of(wrong)])
    )
    agent.drain()
    (correction,) = agent.there("corrections").values()
    assert (correction["action"], correction["event_id"], correction["by"]) == ("void", wrong.event_id, ITSELF)
    assert correction["person_id"] == ADA
    assert {each["person_id"] for each in agent.there("events").values()} == {ADA, ZOE}
    assert agent.store.outbox.rejected() == []


def test_a_name_reassigned_twice_while_offline(agent: Agent) -> None:
    first = event(EventKind.ENTER, ADA, 0)
    agent.store.record(Observation(events=[first], corrections=[correction_of(first)]))
    agent.store.record(Observation(corrections=[correction_of(first, Action.ADD, minute=1)]))
    agent.drain()
    found = sorted(agent.there("corrections").values(), key=lambda each: each["at"])
    assert [each["action"] for each in found] == ["void", "add"]
    assert found[1]["event"]["camera_id"] == CAMERA


def test_corrections_by_others_or_of_other_cameras_are_not_uploaded(agent: Agent) -> None:
    own, other = event(EventKind.ENTER, ADA, 0), event(EventKind.ENTER, ADA, 5, "back")
    agent.store.record(Observation(events=[own, other], corrections=[correction_of(own), correction_of(other)]))
    agent.store.events.correct([correction_of(own, by="Ann")])
    scope = CameraRef(SITE, CAMERA)
    assert agent.store.outbox.backlog(people=False, scope=scope).counts == {"events": 1, "corrections": 1}
    agent.drain()
    assert [each["event_id"] for each in agent.there("corrections").values()] == [own.event_id]
    assert agent.store.outbox.backlog(people=False, scope=scope).total == 0
    assert agent.store.outbox.rejected() == []


def test_batches_stay_within_the_lookups_of_the_rules(agent: Agent, project: Project) -> None:
    wrong = [event(EventKind.ENTER, ADA, minute) for minute in range(90)]
    agent.store.record(Observation(events=wrong, corrections=[correction_of(each) for each in wrong]))
    project.server.engine.reset_counts(project.name)
    agent.drain()
    assert len(agent.there("corrections")) == 90
    assert agent.store.outbox.rejected() == []
    calls = project.server.engine.counts(project.name).calls
    assert calls["Commit"] + calls["Write"] == 5


def test_a_correction_of_an_old_event_is_rejected_and_blocks_nothing(agent: Agent, project: Project) -> None:
    old, new = event(EventKind.ENTER, ADA, 0), event(EventKind.ENTER, ADA, 5)
    agent.store.record(Observation(events=[old]))
    agent.drain()
    project.connect().client.document(f"sites/{SITE}/events/{old.event_id}").update({"received_at": START})
    agent.store.record(Observation(corrections=[correction_of(old)]))
    agent.drain()
    assert [each.collection for each in agent.store.outbox.rejected()] == ["corrections"]
    agent.store.record(Observation(events=[new], corrections=[correction_of(new)]))
    agent.drain()
    assert [each["event_id"] for each in agent.there("corrections").values()] == [new.event_id]


def test_a_machine_with_lost_cursors_uploads_old_corrections_again(agent: Agent, project: Project) -> None:
    wrong = event(EventKind.ENTER, ADA, 0)
    agent.store.record(Observation(events=[wrong], corrections=[correction_of(wrong)]))
    agent.drain()
    project.connect().client.document(f"sites/{SITE}/events/{wrong.event_id}").update({"received_at": START})
    with Store(agent.store.path.with_name("put-back.sqlite3")) as again:
        again.record(Observation(events=[wrong], corrections=[correction_of(wrong)]))
        agent.store = again
        agent.drain()
        assert again.outbox.rejected() == []
    assert len(agent.there("corrections")) == 1


# -- zone stays, which a device cannot delete


def stay(person_id: str, minute: int, zone: str = "rack") -> ZoneStay:
    started_at = START + timedelta(minutes=minute)
    return ZoneStay(
        site_id=SITE,
        camera_id=CAMERA,
        zone=zone,
        person_id=person_id,
        started_at=started_at,
        seen_at=started_at + timedelta(seconds=40),
        over=True,
    )


def in_sight(person_id: str) -> dict[str, Any]:
    seen = Presence(
        site_id=SITE, camera_id=CAMERA, person_id=person_id, track_id="t-1", entered_at=START, seen_at=START,
        x_frac=0.5, y_frac=0.5,
    )  # fmt: skip
    return {"camera": CameraRef(SITE, CAMERA), "presences": [seen]}


GONE: dict[str, Any] = {"camera": CameraRef(SITE, CAMERA), "presences": []}
SOON = START + timedelta(minutes=5)


def zones(agent: Agent) -> list[tuple[str, str]]:
    return sorted((each["person_id"], each["zone"]) for each in agent.there("zone_stays").values())


def test_zone_stays_are_held_back_while_their_name_may_change(agent: Agent) -> None:
    agent.store.record(Observation(zone_stays=[stay(ZOE, 0)]))
    agent.store.record(Observation(zone_stays=[stay(ADA, 0)], **in_sight(ADA)))
    agent.store.record(Observation(zone_stays=[stay(ZOE, 1)]))
    agent.drain(SOON)
    assert zones(agent) == [(ZOE, "rack")]
    agent.store.record(Observation(dropped_stays=[stay(ADA, 0).stay_id], zone_stays=[stay(ZOE, 2)], **GONE))
    agent.drain(SOON)
    assert zones(agent) == [(ZOE, "rack")] * 3
    assert agent.store.outbox.rejected() == []


def test_a_zone_stay_is_held_back_for_at_most_an_hour(agent: Agent) -> None:
    agent.store.record(Observation(zone_stays=[stay(ADA, 0), stay(ZOE, 0)], **in_sight(ADA)))
    agent.drain(SOON)
    assert zones(agent) == []
    agent.drain(START + timedelta(hours=2))
    assert zones(agent) == [(ADA, "rack"), (ZOE, "rack")]


def test_an_uploaded_zone_stay_of_a_reassigned_person_stays_and_blocks_nothing(agent: Agent) -> None:
    agent.store.record(Observation(zone_stays=[stay(ADA, 0)]))
    agent.drain(SOON)
    agent.store.record(Observation(dropped_stays=[stay(ADA, 0).stay_id]))
    agent.drain(SOON)
    agent.store.record(Observation(zone_stays=[stay(ZOE, 1)]))
    agent.drain(SOON)
    assert zones(agent) == [(ADA, "rack"), (ZOE, "rack")]
    assert agent.store.outbox.rejected() == []
