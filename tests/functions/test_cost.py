"""What a visit costs: reads and writes as Google bills them, as in docs/functions.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from functions import handlers
from tests.firestore.fixtures import Firestore
from tests.functions.gym import Gym, event, visit
from tracker.cloud.paths import Collection
from tracker.presence.events import Event

DOCUMENT = Path(__file__).parents[2] / "docs" / "functions.md"
DAY = 24 * 60


def through_rooms(begin: float, sights: int) -> list[Event]:
    """A visit in which rooms see somebody so many times."""
    seen = []
    for number in range(sights):
        start = begin + 5 + 10 * number
        seen += [event("enter", start, camera="room-1", track=f"r{start}")]
        seen += [event("exit", start + 8, camera="room-1", track=f"r{start}")]
    return [event("enter", begin), *seen, event("exit", begin + 10 * sights + 10)]


@pytest.mark.parametrize(
    ("events", "reads", "writes"),
    [
        pytest.param(visit(5 * DAY, 5 * DAY + 60), 17, 2, id="door alone"),
        pytest.param(through_rooms(5 * DAY, 5), 152, 2, id="door and five sights in rooms"),
    ],
)
def test_a_visit_of_somebody_who_was_here_before(
    gym: Gym, firestore_server: Firestore, events: list[Event], reads: int, writes: int
) -> None:
    gym.rules = replace(gym.rules, rooms=frozenset({"room-1"}) if len(events) > 2 else frozenset())
    gym.open()
    gym.put_person("ada")
    gym.send([each for number in range(4) for each in visit(number * DAY, number * DAY + 60)])
    counts = {"reads": 0, "writes": 0}
    for each in events:
        gym.put([each])
        firestore_server.control.reset()
        gym.now = each.at
        gym.deliver([each])
        found = firestore_server.control.counts()
        counts = {name: counts[name] + found[name] for name in counts}
    assert counts == {"reads": reads, "writes": writes}
    assert f"{reads} reads, {writes} writes" in DOCUMENT.read_text(encoding="utf-8")


def test_a_backlog_costs_hardly_more_an_event_than_events_that_come_one_by_one(
    gym: Gym, firestore_server: Firestore
) -> None:
    events = [each for number in range(60) for each in visit(number * DAY, number * DAY + 60)]
    gym.put(events)
    gym.deliver(events[:1])  # finds them all
    assert len(gym.visits()) == 60
    firestore_server.control.reset()
    gym.deliver(events[1:])
    counts = firestore_server.control.counts()
    assert counts["reads"] / len(events[1:]) < 15
    assert counts["writes"] == 0


def test_a_delivery_without_an_effect_writes_nothing(gym: Gym, firestore_server: Firestore) -> None:
    gym.send(visit(0, 60))
    before = gym.put_person("bob")
    firestore_server.control.reset()
    gym.deliver(visit(0, 60))
    handlers.person_written(gym.change("bob", {**before, "name": "Bobby"}, before))
    counts = firestore_server.control.counts()
    assert (counts["writes"], counts["deletes"]) == (0, 0)
    assert Collection.PEOPLE not in {name for name, each in counts["reads_by_collection"].items() if each > 4}


def test_the_length_of_a_history_costs_nothing(gym: Gym, firestore_server: Firestore) -> None:
    gym.put([each for number in range(100) for each in visit(number * DAY, number * DAY + 60)])
    gym.deliver([event("enter", 0)])
    assert len(gym.visits()) == 100
    latest = visit(100 * DAY, 100 * DAY + 60)
    firestore_server.control.reset()
    gym.send(latest)
    assert firestore_server.control.counts()["reads"] < 25
