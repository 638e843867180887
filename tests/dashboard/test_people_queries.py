"""What the page People shows of a change of the network."""

from __future__ import annotations

from pathlib import Path

from config.recognition import RecognitionSettings
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import people_view
from dashboard.queries import Board
from tests.dashboard import boards
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.people import Person
from tracker.store.store import Store


def test_progress_of_a_shadow_period_is_of_those_who_are_recognised(path: Path, store: Store) -> None:
    store.people.add(Person(person_id="card-17", name="Grace", created_at=boards.NOW), NO_VECTORS)
    settings = boards.settings(path).model_copy(update={"recognition": RecognitionSettings(shadow="dlib")})
    view = people_view(Board(path, settings, clock=lambda: boards.NOW), PeopleQuery())
    count = len(store.people.recognised())
    assert count == len(store.people.vector_counts())
    assert view.changing == f"0 of {count} can be recognised by dlib, the next network"
