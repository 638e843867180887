"""The hourly job: sessions that are due are closed, days are written, old records and late ones are deleted."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import requests
from google.cloud import firestore

from functions.schedule import run_all
from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function
from tests.functions.gym import SITE, Gym, assert_as_on_the_edge, at, event, on_the_edge, visit
from tracker.cloud import documents
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import Match, content_id
from tracker.presence.rules import Rules
from tracker.presence.zones import ZoneStay

HOUR, DAY = 60, 24 * 60


def test_a_visit_is_closed_when_the_place_closes_and_not_before(gym: Gym, tmp_path: Path) -> None:
    gym.now = at(10)
    gym.send([event("enter", 0)])
    gym.now = at(10 * HOUR)
    assert run_all(gym.client, now=gym.now).closed == 0
    assert gym.visits() == [(0, None, "ada")]
    gym.now = at(13 * HOUR)  # it closes at 21:00 UTC
    assert run_all(gym.client, now=gym.now).closed == 1
    assert gym.visits() == [(0, 0, "ada")]
    with on_the_edge([event("enter", 0)], tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)
    assert run_all(gym.client, now=gym.now).closed == 0


def test_a_visit_without_events_is_closed_after_the_longest_visit(gym: Gym) -> None:
    gym.rules = replace(gym.rules, closes_at=None)
    gym.open()
    gym.now = at(10)
    gym.send([event("enter", 0), event("enter", 5, "bob")])
    assert run_all(gym.client, now=at(16 * HOUR + 1)).closed == 1
    assert gym.visits() == [(0, 0, "ada"), (5, None, "bob")]


def test_a_visit_with_a_later_event_is_due_later(gym: Gym) -> None:
    gym.rules = Rules(max_visit=timedelta(hours=1))
    gym.open()
    gym.now = at(5)
    gym.send([event("enter", 0, camera="a")])
    gym.now = at(45)
    gym.send([event("enter", 40, camera="b")])
    assert [run_all(gym.client, now=at(minutes)).closed for minutes in (59, 70, 80)] == [0, 1, 0]
    assert gym.visits() == [(0, None, "ada")]
    assert run_all(gym.client, now=at(101)).closed == 1
    assert gym.visits() == [(0, 40, "ada")]


def test_a_visit_that_was_never_proven_vanishes(gym: Gym, tmp_path: Path) -> None:
    gym.rules = replace(gym.rules, rooms=frozenset({"room-1"}))
    gym.open()
    gym.now = at(10)
    gym.send([event("enter", 0)])
    assert len(gym.visits()) == 1
    gym.now = at(3 * HOUR)
    run_all(gym.client, now=gym.now)
    assert gym.visits() == []
    with on_the_edge([event("enter", 0)], tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)


def test_a_late_event_opens_a_closed_session_again(gym: Gym) -> None:
    gym.now = at(10)
    gym.send([event("enter", 0)])
    gym.now = at(13 * HOUR)
    run_all(gym.client, now=gym.now)
    gym.send([event("exit", 90)])
    assert gym.visits() == [(0, 90, "ada")]


def test_sessions_of_a_site_without_a_document_are_closed(gym: Gym) -> None:
    gym.client.document(site_path(SITE)).delete()
    gym.now = at(10)
    gym.send([event("enter", 0)])
    assert run_all(gym.client, now=at(2 * DAY)).closed == 1


def _match(minutes: float, who: str = "ada") -> Match:
    return Match(
        site_id=SITE, camera_id="door-1", track_id=f"t{minutes}", at=at(minutes), person_id=who, distance=0.3,
        margin=0.2, quality=0.9, authorised=True, reason="",
    )  # fmt: skip


def _put_old_and_new(gym: Gym) -> None:
    batch = gym.client.batch()
    for days in (0, 300, 395):
        match = _match(days * DAY)
        stay = ZoneStay(
            site_id=SITE, camera_id="c", zone="bar", person_id="ada", started_at=match.at, seen_at=match.at, over=True
        )
        heartbeat = {"camera_id": "door-1", "at": match.at}
        for collection, name, document in (
            (Collection.MATCHES, match.match_id, documents.match_document(match)),
            (Collection.ZONE_STAYS, stay.stay_id, documents.zone_stay_document(stay)),
            (Collection.HEARTBEATS, f"h{days}", heartbeat),
        ):
            batch.set(gym.client.document(path_of(SITE, collection, name)), document)
    batch.commit()


@pytest.mark.parametrize(
    ("retention", "left"),
    [
        pytest.param({}, (1, 2, 2), id="defaults"),
        pytest.param(
            {"retention": {"matches_days": None, "zone_stays_days": 1, "heartbeats_days": 50}}, (3, 0, 1), id="own"
        ),
    ],
)
def test_expired_records_are_deleted(gym: Gym, retention: dict[str, object], left: tuple[int, int, int]) -> None:
    gym.open(**retention)
    _put_old_and_new(gym)
    gym.send(visit(0, 20))
    done = run_all(gym.client, now=at(401 * DAY) if not retention else at(400 * DAY))
    collections = (Collection.MATCHES, Collection.ZONE_STAYS, Collection.HEARTBEATS)
    assert tuple(len(gym.documents(each)) for each in collections) == left
    assert done.expired == 9 - sum(left)
    assert len(gym.documents(Collection.EVENTS)) == 2
    assert len(gym.visits()) == 1


def test_more_than_one_page_of_records_expires(gym: Gym) -> None:
    for start in (0, 400):
        batch = gym.client.batch()
        for number in range(start, start + 400):
            batch.set(gym.client.document(path_of(SITE, Collection.HEARTBEATS, f"h{number}")), {"at": at(number)})
        batch.commit()
    assert run_all(gym.client, now=at(500 * DAY)).expired == 800


def test_late_records_of_forgotten_people_are_deleted(gym: Gym, firestore_server: Firestore) -> None:
    now = datetime.now(tz=gym.now.tzinfo)
    for who in ("ada", "bob"):
        match = _match(0, who)
        received = {documents.RECEIVED_AT: firestore.SERVER_TIMESTAMP}
        place = path_of(SITE, Collection.MATCHES, match.match_id)
        gym.client.document(place).set({**documents.match_document(replace(match, at=now)), **received})
    tombstone = gym.client.document(path_of(SITE, Collection.FORGOTTEN, content_id("forgotten", "ada")))
    tombstone.set({"at": now, "erase_history": True})
    assert run_all(gym.client, now=now + timedelta(minutes=1)).erased == 1
    assert [each["person_id"] for each in gym.documents(Collection.MATCHES).values()] == ["bob"]
    firestore_server.control.reset()
    run_all(gym.client, now=now + timedelta(days=40))
    assert firestore_server.control.counts()["reads_by_collection"].get("zone_stays", 0) <= 1


def test_a_failure_at_one_site_does_not_affect_another(gym: Gym, firestore_server: Firestore) -> None:
    gym.client.document(site_path("aaa")).set({"derived_by": FUNCTIONS})
    gym.now = at(10)
    gym.send([event("enter", 0)])
    firestore_server.control.fail("RunQuery", "PERMISSION_DENIED")
    done = run_all(gym.client, now=at(2 * DAY))
    assert (done.failed, done.closed) == (1, 1)


def test_the_schedule_calls_it(gym: Gym, firestore_server: Firestore, tmp_path: Path) -> None:
    gym.now = at(10)
    gym.send([event("enter", 0)])
    with Function("every_hour", firestore_server.env, tmp_path / "hour.log", kind="http") as function:
        headers = {"X-CloudScheduler-JobName": "every_hour", "X-CloudScheduler-ScheduleTime": "2026-03-04T09:00:00Z"}
        assert requests.post(function.url, headers=headers, timeout=60).status_code == 200
        assert gym.visits() == [(0, 0, "ada")]
    lines = [line for line in (tmp_path / "hour.log").read_text(encoding="utf-8").splitlines() if "hourly job" in line]
    [found] = [json.loads(line) for line in lines]
    assert (found["severity"], found["closed"], found["failed"]) == ("INFO", 1, 0)
