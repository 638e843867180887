"""The functions and a machine's store derive the same sessions from the same events, in any order of delivery."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest

from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function, cloud_event
from tests.functions.gym import SITE, Gym, assert_as_on_the_edge, on_the_edge
from tests.functions.memory_firestore import MemoryFirestore
from tests.functions.months import as_it_happens, deliver, in_any_order, month
from tracker.cloud import documents
from tracker.cloud.paths import Collection, path_of
from tracker.presence.events import Event
from tracker.presence.sessions import SessionState
from tracker.simulation.profiles import ProfileName

Order = Callable[[list[Event]], Iterator[tuple[datetime, Event]]]
PLACES = [
    pytest.param(ProfileName.GYM, 12, 0, 1, id="gym-doors"),
    pytest.param(ProfileName.GYM, 4, 1, 4, id="gym-doors-and-a-room"),
    pytest.param(ProfileName.OFFICE, 8, 0, 1, id="office-doors"),
    pytest.param(ProfileName.OFFICE, 3, 2, 3, id="office-doors-and-rooms"),
    pytest.param(ProfileName.SHOP, 60, 0, 1, id="shop-doors"),
    pytest.param(ProfileName.SHOP, 6, 1, 1, id="shop-doors-and-a-room"),
]
ORDERS = [pytest.param(in_any_order, id="in-any-order"), pytest.param(as_it_happens, id="as-it-happens")]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("profile", "people", "rooms", "seed"), PLACES)
def test_sessions_of_a_month(
    tmp_path: Path, profile: ProfileName, people: int, rooms: int, seed: int, order: Order
) -> None:
    """The handlers, over a Firestore in memory."""
    events, rules = month(profile, people=people, rooms=rooms, seed=seed)
    gym = Gym(cast("Any", MemoryFirestore()), rules)
    gym.open()
    deliver(gym, order(events))
    assert len(gym.sessions()) > 30
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=rules) as store:
        assert_as_on_the_edge(gym, store)


@pytest.mark.parametrize(
    ("profile", "people", "rooms", "days", "order"),
    [
        pytest.param(ProfileName.OFFICE, 3, 0, 31, as_it_happens, id="office-doors-a-month"),
        pytest.param(ProfileName.SHOP, 30, 0, 31, in_any_order, id="shop-doors-a-month"),
        pytest.param(ProfileName.OFFICE, 2, 1, 3, in_any_order, id="office-doors-and-a-room-three-days"),
    ],
)
def test_sessions_through_the_server(
    gym: Gym, tmp_path: Path, profile: ProfileName, people: int, rooms: int, days: int, order: Order
) -> None:
    """The same through Google's client, transactions and indexes; the documents are those of the one in memory."""
    events, gym.rules = month(profile, people=people, rooms=rooms, days=days, seed=2)
    in_memory = Gym(cast("Any", MemoryFirestore()), gym.rules)
    for each in (gym, in_memory):
        each.open()
        deliver(each, order(events))
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)
    assert gym.documents(Collection.SESSIONS) == in_memory.documents(Collection.SESSIONS)


def test_sessions_of_a_month_delivered_over_http(gym: Gym, firestore_server: Firestore, tmp_path: Path) -> None:
    """Each event as the CloudEvent of Firestore's trigger, to the function as the cloud runs it."""
    events, gym.rules = month(ProfileName.GYM, people=7)
    gym.open()
    gym.put(events)
    with Function("on_event_created", firestore_server.env, tmp_path / "function.log") as function:
        for _, each in in_any_order(events):
            document = path_of(SITE, Collection.EVENTS, each.event_id)
            sent = cloud_event(firestore_server.project, document, after=documents.event_document(each))
            assert function.post(*sent).status_code == 200
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)


def test_at_noon_of_the_last_day_the_same_people_are_in(gym: Gym, tmp_path: Path) -> None:
    events, gym.rules = month(ProfileName.OFFICE, people=6, days=3, seed=5)
    noon = max(event.at for event in events).replace(hour=11)
    events = [event for event in events if event.at <= noon]
    gym.now = noon
    gym.open()
    gym.send([each for _, each in in_any_order(events, seed=5)])
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules, now=noon) as store:
        assert_as_on_the_edge(gym, store)
    assert {each["state"] for each in gym.sessions().values()} == set(SessionState)
