"""Events, matches, presences and camera health: written together, and read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import numpy as np
import pytest

from tracker.presence.events import CameraRef
from tracker.presence.health import CameraState
from tracker.store.observation import Observation
from tracker.store.store import Store


def test_an_observation_is_read_back_unchanged(store: Store, records: Any, reopened: Callable[[], Store]) -> None:
    new = store.record(
        Observation(
            events=[records.event(0), records.event(9, "exit")],
            matches=[records.match(1), records.match(2, person_id=None)],
            camera=CameraRef("gym", "front"),
            presences=[records.presence()],
            visitors=[(records.visitor(), records.vectors(3))],
            health=records.health(),
        )
    )
    again = reopened()
    assert new == 2
    assert again.events.select() == [records.event(0), records.event(9, "exit")]
    assert again.matches.select() == [records.match(1), records.match(2, person_id=None)]
    assert again.cameras.presences() == [records.presence()]
    assert again.people.all() == [records.visitor()]
    assert again.cameras.health() == [records.health()]


def test_a_replay_adds_nothing(store: Store, records: Any) -> None:
    step = {"events": [records.event(0), records.event(1)], "matches": [records.match(0)]}
    assert store.record(Observation(**step)) == 2
    assert store.record(Observation(**step)) == 0
    assert store.record(Observation(events=[records.event(1), records.event(2), records.event(2)])) == 1
    assert len(store.events.select()) == 3
    assert len(store.matches.select()) == 1


def test_an_observation_is_stored_atomically(store: Store, records: Any) -> None:
    store.record(Observation(camera=CameraRef("gym", "front"), presences=[records.presence()]))
    version = store.version()
    with pytest.raises(ValueError, match="presence of gym/back given for gym/front"):
        store.record(
            Observation(
                events=[records.event(1)],
                matches=[records.match(1)],
                visitors=[(records.visitor(), records.vectors(1))],
                camera=CameraRef("gym", "front"),
                presences=[records.presence(camera_id="back")],
            )
        )
    assert store.events.select() == []
    assert store.matches.select() == []
    assert store.people.all() == []
    assert store.cameras.presences() == [records.presence()]
    assert store.version() == version


def test_presences_of_a_camera_replace_only_its_own(store: Store, records: Any) -> None:
    front = {"camera": CameraRef("gym", "front")}
    store.record(Observation(**front, presences=[records.presence("p-ada"), records.presence("p-bob", since=1)]))
    store.record(
        Observation(camera=CameraRef("gym", "back"), presences=[records.presence("p-cyd", since=2, camera_id="back")])
    )
    store.record(Observation(**front, events=[records.event(3)]))
    assert [presence.person_id for presence in store.cameras.presences()] == ["p-ada", "p-bob", "p-cyd"]
    store.record(Observation(**front, presences=[]))
    assert [presence.person_id for presence in store.cameras.presences()] == ["p-cyd"]
    assert store.cameras.presences(camera_id="front") == []
    assert store.cameras.presences(site_id="pool") == []


def test_presences_without_their_camera_are_refused(store: Store, records: Any) -> None:
    with pytest.raises(ValueError, match="expected their camera"):
        store.record(Observation(presences=[records.presence()]))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param({}, [0, 1, 2, 3], id="all-oldest-first"),
        pytest.param({"newest_first": True}, [3, 2, 1, 0], id="newest-first"),
        pytest.param({"limit": 2}, [0, 1], id="limit-oldest"),
        pytest.param({"limit": 2, "newest_first": True}, [3, 2], id="limit-newest"),
        pytest.param({"limit": 0}, [], id="limit-nothing"),
        pytest.param({"since": 1}, [1, 2, 3], id="since-is-included"),
        pytest.param({"until": 1}, [0], id="until-is-excluded"),
        pytest.param({"since": 1, "until": 3}, [1, 2], id="between"),
        pytest.param({"site_id": "pool"}, [2], id="site"),
        pytest.param({"person_id": "p-bob"}, [1], id="person"),
        pytest.param({"person_id": "nobody"}, [], id="unknown-person"),
        pytest.param({"person_id": "p-ada", "site_id": "gym", "since": 1}, [3], id="all-conditions"),
    ],
)
def test_events_are_selected_by_filters(store: Store, records: Any, asked: dict[str, Any], expected: list[int]) -> None:
    store.record(
        Observation(
            events=[
                records.event(3),
                records.event(2, site="pool"),
                records.event(1, person_id="p-bob"),
                records.event(0),
            ]
        )
    )
    asked = {key: records.at(value) if key in ("since", "until") else value for key, value in asked.items()}
    assert [event.at for event in store.events.select(**asked)] == [records.at(seconds) for seconds in expected]


def test_matches_are_selected_by_filters(store: Store, records: Any) -> None:
    store.record(
        Observation(matches=[records.match(2), records.match(1, person_id=None), records.match(0, person_id="p-bob")])
    )
    assert store.matches.select(person_id="p-bob") == [records.match(0, person_id="p-bob")]
    assert store.matches.select(since=records.at(1), limit=1) == [records.match(1, person_id=None)]
    assert store.matches.select(newest_first=True)[0] == records.match(2)
    assert store.matches.select(site_id="pool") == []


def test_a_range_in_another_zone_means_the_same_instants(store: Store, records: Any) -> None:
    store.record(Observation(events=[records.event(0), records.event(1)]))
    there = records.at(1).astimezone(timezone(timedelta(hours=-9, minutes=-30)))
    assert store.events.select(since=there) == [records.event(1)]


def test_events_without_a_position_have_none(store: Store, records: Any) -> None:
    event = replace(records.event(0), x_frac=None, y_frac=None, inferred=True, event_id="")
    store.record(Observation(events=[event]))
    assert store.events.select() == [event]


def test_a_margin_without_runner_up_is_kept(store: Store, records: Any) -> None:
    match = replace(records.match(0), margin=float("inf"), distance=float(np.float32(0.3)))
    store.record(Observation(matches=[match]))
    assert store.matches.select() == [match]


def test_health_is_the_latest_of_each_camera(store: Store, records: Any) -> None:
    store.record(Observation(health=records.health("front", frames=1)))
    store.record(Observation(health=records.health("back", frames=5)))
    store.record(Observation(health=records.health("front", frames=2, state=CameraState.LOST)))
    assert store.cameras.health() == [
        records.health("back", frames=5),
        records.health("front", frames=2, state=CameraState.LOST),
    ]
    assert store.cameras.health("pool") == []


def test_the_version_grows_with_every_change_and_only_then(store: Store, records: Any) -> None:
    versions = [store.version()]
    for change in (
        lambda: store.record(Observation(events=[records.event(0)])),
        lambda: store.record(Observation(matches=[records.match(0)])),
        lambda: store.record(Observation(camera=CameraRef("gym", "front"), presences=[records.presence()])),
        lambda: store.record(Observation(health=records.health())),
        lambda: store.people.add(records.person(), records.vectors(1)),
    ):
        change()
        versions.append(store.version())
    assert versions == sorted(set(versions))
    store.record(Observation())
    store.record(Observation(events=[records.event(0)], matches=[records.match(0)]))
    assert store.version() == versions[-1]


def test_people_and_events_have_versions_of_their_own(store: Store, records: Any) -> None:
    def moved(change: Callable[[], object]) -> tuple[bool, bool]:
        people, events = store.people.version(), store.events.version()
        change()
        return store.people.version() > people, store.events.version() > events

    assert moved(lambda: store.people.add(records.person(), records.vectors(1))) == (True, False)
    assert moved(lambda: store.record(Observation(visitors=[(records.visitor(), records.vectors(1))]))) == (True, False)
    assert moved(lambda: store.record(Observation(events=[records.event(0)]))) == (False, True)
    assert moved(lambda: store.record(Observation(events=[records.event(0)], health=records.health()))) == (
        False,
        False,
    )
    assert moved(lambda: store.people.rename("p-ada", "Ada L.")) == (True, False)
    assert moved(lambda: store.people.merge("v-1", "p-ada")) == (True, False)
    assert moved(lambda: store.people.forget("p-ada", erase_history=True)) == (True, True)
    assert store.people.version() == store.events.version() == store.version()


def test_rows_carry_the_version_that_wrote_them(store: Store, records: Any) -> None:
    """What a later upload reads: everything that was written after the version uploaded last."""
    store.record(Observation(events=[records.event(9)]))
    sent = store.version()
    store.record(Observation(events=[records.event(9), records.event(1), records.event(5)]))
    with store.database.reading() as connection:
        unsent = connection.execute(
            "SELECT event_id FROM events WHERE changed > ? ORDER BY changed, event_row", (sent,)
        )
        assert [row[0] for row in unsent] == [records.event(1).event_id, records.event(5).event_id]
