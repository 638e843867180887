"""What the page People shows of a change of the network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from config.recognition import RecognitionSettings
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import people_view
from dashboard.queries import Board
from tests.dashboard import boards
from tracker.identity.gallery import NO_VECTORS
from tracker.presence.people import Person
from tracker.store.shadow import ShadowVector
from tracker.store.store import Store
from tracker.vision.embedders import DLIB


def progress(path: Path, shadow: str = DLIB.name) -> str | None:
    settings = boards.settings(path).model_copy(update={"recognition": RecognitionSettings(shadow=shadow)})
    return people_view(Board(path, settings, clock=boards.Clock()), PeopleQuery()).changing


def test_progress_of_a_shadow_period_is_of_those_who_are_recognised(path: Path, store: Store) -> None:
    store.people.add(Person(person_id="card-17", name="Grace", created_at=boards.NOW), NO_VECTORS)
    count = len(store.people.recognised())
    assert count == len(store.people.vector_counts())
    assert progress(path) == f"0 of {count} can be recognised by {DLIB.name}, the next network"


@pytest.mark.usefixtures("store")
def test_a_next_network_that_is_not_here_is_named_without_the_folder(path: Path) -> None:
    assert progress(path, "theirs") == "recognition.shadow is theirs, which is not here: run footfall doctor"


def test_who_was_seen_once_or_agrees_no_more_does_not_count(path: Path, store: Store) -> None:
    people = {}
    for axis, person_id, tracks in ((0, "p-ben", (1, 1, 1)), (1, "p-zoe", (2, 2, 2, 3, 3, 3))):
        person = Person(person_id=person_id, name=person_id, created_at=boards.NOW, consented_at=boards.NOW)
        people[person_id], face = person, np.eye(1, 128, axis, dtype=np.float32)
        store.people.add(person, face)
        store.shadow.add(DLIB.network, [ShadowVector(person_id, face[0], f"t{track}") for track in tracks])
    count = len(store.people.recognised())
    assert progress(path) == f"1 of {count} can be recognised by {DLIB.name}, the next network"
    store.people.update(replace(people["p-zoe"], consented_at=None))
    assert progress(path) == f"0 of {count - 1} can be recognised by {DLIB.name}, the next network"
