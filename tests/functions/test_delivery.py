"""Events as Firestore's triggers send them, to processes as the cloud runs them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import pytest
import requests

from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function, cloud_event
from tests.functions.gym import SITE, Gym, assert_as_on_the_edge, event, on_the_edge, visit
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import Event

WAIT_S = 30
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


@pytest.fixture
def function(gym: Gym, firestore_server: Firestore, tmp_path: Path) -> Iterator[Function]:
    """The function that events are delivered to."""
    with Function("on_event_created", firestore_server.env, tmp_path / "function.log") as found:
        yield found


def deliver(function: Function, project: str, each: Event) -> requests.Response:
    document = path_of(SITE, Collection.EVENTS, each.event_id)
    return function.post(*cloud_event(project, document, after=documents.event_document(each)))


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def test_duplicates_in_any_order(gym: Gym, function: Function, firestore_server: Firestore, tmp_path: Path) -> None:
    events = [each for number in range(5) for each in visit(40 * number, 40 * number + 20)]
    deliveries = [*events, *events, *events[:3]]
    Random(4).shuffle(deliveries)
    gym.put(events)
    answers = [deliver(function, firestore_server.project, each).status_code for each in deliveries]
    assert set(answers) == {200}
    with on_the_edge(events, tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


def test_events_of_one_person_delivered_at_once_to_two_processes(
    gym: Gym, function: Function, firestore_server: Firestore, tmp_path: Path
) -> None:
    events = [each for number in range(6) for each in visit(40 * number, 40 * number + 20)]
    gym.put(events)
    firestore_server.control.delay("Commit", 0.2, count=8)
    second = Function("on_event_created", firestore_server.env, tmp_path / "second.log")
    with second, ThreadPoolExecutor(len(events)) as pool:
        places = [function, second] * len(events)
        project = [firestore_server.project] * len(events)
        answers = list(pool.map(deliver, places, project, events))
    failed = [each for each, answer in zip(events, answers, strict=True) if answer.status_code != 200]
    for each in failed:  # as the trigger does
        assert deliver(function, firestore_server.project, each).status_code == 200
    assert firestore_server.control.counts()["answers"]["Commit ABORTED"] > 0
    with on_the_edge(events, tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


@pytest.mark.parametrize("reads", [0, 1, 2, 3], ids=lambda reads: f"after-{reads}-queries")
def test_a_process_killed_between_reading_and_writing_changes_nothing(
    gym: Gym, function: Function, firestore_server: Firestore, tmp_path: Path, reads: int
) -> None:
    first, last = visit(0, 20)
    gym.send([first])
    before = gym.sessions()
    gym.put([last])
    control = firestore_server.control
    control.reset()
    control.delay("RunQuery", 60, skip=reads)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(deliver, function, firestore_server.project, last)
        wait_until(lambda: control.faults() == [])  # it is waiting in that query
        function.kill()
        with pytest.raises(requests.ConnectionError):
            answer.result()
    assert gym.sessions() == before
    assert control.counts()["calls"].get("Commit", 0) == 0
    function.start()
    assert deliver(function, firestore_server.project, last).status_code == 200
    with on_the_edge([first, last], tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


def test_a_commit_with_a_lost_answer_is_applied_once(
    gym: Gym, function: Function, firestore_server: Firestore, tmp_path: Path
) -> None:
    first, last = visit(0, 20)
    gym.put([first, last])
    firestore_server.control.fail("Commit", "ABORTED", applied=True)
    assert deliver(function, firestore_server.project, last).status_code == 200
    assert deliver(function, firestore_server.project, first).status_code == 200
    with on_the_edge([first, last], tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


def test_an_aborted_transaction_is_retried(
    gym: Gym, function: Function, firestore_server: Firestore, tmp_path: Path
) -> None:
    events = visit(0, 20)
    gym.put(events)
    firestore_server.control.fail("Commit", "ABORTED", count=7)
    firestore_server.control.fail("RunQuery", "ABORTED", count=1, skip=2)
    assert deliver(function, firestore_server.project, events[1]).status_code == 200
    assert firestore_server.control.faults() == []
    assert gym.visits() == [(0, 20, "ada")]


@pytest.mark.parametrize("status", ["ABORTED", "PERMISSION_DENIED"])
def test_a_failure_that_may_pass_is_retried(
    gym: Gym, function: Function, firestore_server: Firestore, status: str
) -> None:
    events = visit(0, 20)
    gym.put(events)
    firestore_server.control.fail("Commit", status, count=-1)
    assert deliver(function, firestore_server.project, events[0]).status_code == 500
    assert gym.visits() == []
    firestore_server.control.heal()
    assert deliver(function, firestore_server.project, events[0]).status_code == 200
    assert gym.visits() == [(0, 20, "ada")]


def test_a_write_that_firestore_rejects_is_not_retried(
    gym: Gym, function: Function, firestore_server: Firestore
) -> None:
    events = visit(0, 20)
    gym.put(events)
    firestore_server.control.fail("Commit", "INVALID_ARGUMENT", count=-1)
    assert deliver(function, firestore_server.project, events[0]).status_code == 200
    assert "Firestore rejects" in function.output


def test_malformed_events_are_logged_and_acknowledged(
    gym: Gym, function: Function, firestore_server: Firestore
) -> None:
    project = firestore_server.project
    place = path_of(SITE, Collection.EVENTS, "e")
    whole = documents.event_document(event("enter", 0))
    headers, body = cloud_event(project, place, after=whole)
    bad = {
        "kind: expected enter or exit": cloud_event(project, place, after={**whole, "kind": "jump"}),
        "schema: expected version 1": cloud_event(project, place, after={**whole, "schema": 2}),
        "unknown field 'colour'": cloud_event(project, place, after={**whole, "colour": "red"}),
        "person_id is missing": cloud_event(project, place, after={k: v for k, v in whole.items() if k != "person_id"}),
        "event: at: expected a time from 1970": cloud_event(project, place, after={**whole, "at": END_OF_TIME}),
        "data: expected a document": (headers, b"\xff\xfe no protobuf"),
        "document: expected an attribute": ({k: v for k, v in headers.items() if k != "ce-document"}, body),
        "database: expected an attribute": ({k: v for k, v in headers.items() if k != "ce-database"}, body),
        "time: expected an ISO 8601 time, got 'soon'": ({**headers, "ce-time": "soon"}, body),
        "document: expected sites/": cloud_event(project, "elsewhere/e", after=whole),
    }
    answers = {why: function.post(*each).status_code for why, each in bad.items()}
    assert answers == dict.fromkeys(bad, 200)
    assert [why for why in bad if why not in function.output] == []
    assert function.post(*cloud_event(project, place, kind="deleted", before=whole)).status_code == 200
    assert gym.visits() == []


def test_merges_corrections_and_rules_are_delivered_too(gym: Gym, firestore_server: Firestore, tmp_path: Path) -> None:
    project = firestore_server.project
    gym.send([*visit(0, 20, "bob"), *visit(22, 50, "ada")])
    before, after = gym.put_person("bob"), gym.put_person("bob", "ada")
    place = path_of(SITE, Collection.PEOPLE, "bob")
    with Function("on_person_written", firestore_server.env, tmp_path / "people.log") as people:
        sent = cloud_event(project, place, after=after, before=before, kind="updated")
        assert people.post(*sent).status_code == 200
    assert gym.visits() == [(0, 50, "ada")]
    old = gym.client.document(site_path(SITE)).get().to_dict()
    gym.open(rules="")
    new = gym.client.document(site_path(SITE)).get().to_dict()
    with Function("on_site_written", firestore_server.env, tmp_path / "site.log") as site:
        sent = cloud_event(project, site_path(SITE), after=new, before=old, kind="updated")
        assert site.post(*sent).status_code == 200
    assert len({each["rules"] for each in gym.documents(Collection.SESSIONS).values()}) == 1
