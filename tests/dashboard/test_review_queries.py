"""How much waits for a review: counted once, and again when somebody answers, is forgotten, or minutes go by."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from dashboard import review_queries
from dashboard.queries import Board
from tests.dashboard import boards
from tests.tracker.review.places import Place, face
from tracker.store.store import Store


@pytest.fixture
def place(path: Path) -> Iterator[Place]:
    with Store(path, clock=lambda: boards.NOW) as store:
        yield Place(store, now=boards.NOW)


@pytest.fixture
def board(path: Path, place: Place, clock: boards.Clock) -> Board:
    place.visit(place.visitor(1, face(1)), 5, 4)
    return Board(path, boards.settings(path), clock=clock)


def test_count_is_kept_for_minutes(place: Place, board: Board, clock: boards.Clock) -> None:
    assert review_queries.waiting(board) == 1
    found = review_queries.items(board)
    place.visit(place.visitor(2, face(2)), 3, 2)
    assert review_queries.items(board) is found
    clock.now += timedelta(minutes=6)
    assert review_queries.waiting(board) == 2


def test_count_follows_answers_and_forgetting_at_once(place: Place, board: Board) -> None:
    place.visit(place.visitor(2, face(2)), 3, 2)
    assert review_queries.waiting(board) == 2
    place.store.reviews.mark(person_ids=["v-0000000001"])
    assert review_queries.waiting(board) == 1
    place.store.reviews.unmark(person_ids=["v-0000000001"])
    assert review_queries.waiting(board) == 2
    place.store.people.forget("v-0000000002", erase_history=True)
    assert review_queries.waiting(board) == 1
