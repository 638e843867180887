"""Stores of before: ids of which only events are known become people."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from tracker.presence.people import PersonKind
from tracker.store.observation import Observation
from tracker.store.schema import MIGRATIONS
from tracker.store.schema_people import KNOWN_BY_EVENTS
from tracker.store.store import Store


def test_people_of_earlier_imports_are_there_after_the_update(tmp_path: Path, records: Any) -> None:
    path = tmp_path / "footfall.sqlite3"
    with Store(path) as store:
        store.people.add(records.person("p-ada", "Ada"), records.vectors(1))
        store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
        store.people.merge("p-bob", "p-ada")
        ids = ("p-ada", "p-bob", "ada", "card-17", "CARD-17", "v-0123456789", "x-0123456789", "from-the-cloud")
        store.record(Observation(events=[replace(records.event(0), person_id=each, event_id="") for each in ids]))
        store.record(Observation(events=[records.event(60, person_id="card-17")]))
        before = store.version()
    _as_before(path)
    with Store(path) as store:
        people = {each.person_id: each for each in store.people.all()}
        assert {one_id: each.name for one_id, each in people.items()} == {
            "p-ada": "Ada",
            "ada": "ada (2)",
            "CARD-17": "CARD-17",
            "card-17": "card-17 (2)",
            "v-0123456789": "v-0123456789",
        }
        assert [each for each in people if people[each].kind is PersonKind.VISITOR] == ["v-0123456789"]
        assert (people["card-17"].created_at, people["card-17"].consented_at) == (records.at(0), None)
        assert store.version() > before
        assert store.people.version() == store.version()
        store.people.rename("card-17", "Grace")


def _as_before(path: Path) -> None:
    """Bring the file back to the version before, with one event that came from the cloud."""
    assert MIGRATIONS[-1] is KNOWN_BY_EVENTS
    connection = sqlite3.connect(path)
    connection.execute("UPDATE events SET came_down = 1 WHERE person_id = 'from-the-cloud'")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) - 1}")
    connection.commit()
    connection.close()
