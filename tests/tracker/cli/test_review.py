"""`footfall people review`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.review.places import Place, face
from tracker.store.store import Store


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with Store(tmp_path / "store.sqlite3") as store:
        yield Place(store, now=datetime.now(UTC))


def test_strangers_and_doubtful_visits_are_listed(run: Run, place: Place) -> None:
    ada, ben = place.enrol("Ada", face(1)), place.enrol("Ben", face(2))
    for number, vector in ((1, face(2, 0.9, towards=3)), (2, face(2, 0.8, towards=3))):
        place.visit(place.visitor(number, vector), 30 * number, 30 * number - 1)
    match = place.doubtful_visit(ada, 5, face(1, 0.97, towards=2))
    stranger, visit = run("people", "review", "--json").data
    assert (stranger["kind"], stranger["name"], stranger["visits"]) == ("stranger", "Visitor 1, Visitor 2", 2)
    assert (stranger["like"], stranger["distance"]) == ("Ben", pytest.approx(0.8, abs=1e-3))
    assert set(stranger["person_ids"].split()) == {"v-0000000001", "v-0000000002"}
    assert (visit["kind"], visit["name"], visit["like"], visit["track_id"]) == ("visit", "Ada", "Ben", match.track_id)
    assert (visit["distance"], visit["doubt"]) == (0.97, pytest.approx(2 / 3, abs=0.01))
    assert ben not in visit["person_ids"]
    out = run("people", "review").out
    assert "67%" in out.replace(" ", "")
    assert "Visitor 2" in out
    assert [row["kind"] for row in run("people", "review", "--limit", "1", "--json").data] == ["stranger", "visit"]


def test_nothing_to_review(run: Run, place: Place) -> None:
    place.enrol("Ada", face(1))
    assert run("people", "review").out.strip() == "Nothing to review."
    assert run("people", "review", "--json").data == []
