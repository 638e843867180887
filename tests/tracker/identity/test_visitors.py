"""Visitors: re-identification and merging."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.visitors import MAX_VECTORS, Visitor, Visitors
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.vision.embedders import DLIB

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6, clear_by=0.05)
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def faces(place: int, *, away: float = 0.0, count: int = 4, spread: float = 0.02, seed: int = 1) -> np.ndarray:
    """Faces at distance `away` from person `place`; people are 1.4 apart."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(0, 1, (count, 128))
    vectors = spread * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors[:, place] += 1.0
    vectors[:, 127] += away
    return vectors.astype(np.float32)


def seen(visitors: Visitors, vectors: np.ndarray, *, minute: int = 0, track: str | None = None) -> Visitor | None:
    at = AT + timedelta(minutes=minute)
    return visitors.identify(vectors, at=at, camera_id="door", track_id=track or f"door-{minute}")


def id_of(visitor: Visitor | None) -> str:
    assert visitor is not None
    return visitor.person.person_id


def test_returning_stranger_keeps_id_and_label() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    first = seen(visitors, faces(0))
    other = seen(visitors, faces(1), minute=1)
    again = seen(visitors, faces(0, away=0.3, seed=2), minute=2)
    assert first is not None
    assert (first.person.kind, first.person.name, first.person.created_at) == (PersonKind.VISITOR, "Visitor 1", AT)
    assert first.changed
    assert id_of(first).startswith("v-")
    assert len(id_of(first)) == 12
    assert id_of(again) == id_of(first)
    assert id_of(other) != id_of(first)
    assert len(visitors) == 2


def test_undecided_distance_returns_none() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    seen(visitors, faces(0))
    assert seen(visitors, faces(0, away=0.58), minute=1) is None
    assert len(visitors) == 1


def test_outlier_face_does_not_decide() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    first = seen(visitors, faces(0))
    seen(visitors, faces(1), minute=1)
    mixed = np.concatenate([faces(0, count=3, seed=3), faces(1, count=1)])
    assert id_of(seen(visitors, mixed, minute=2)) == id_of(first)


def test_replay_gives_the_same_ids() -> None:
    runs = []
    for _ in range(2):
        visitors = Visitors(SETTINGS, DLIB)
        runs.append([id_of(seen(visitors, faces(place), minute=place)) for place in (0, 1, 0, 2)])
    assert runs[0] == runs[1]


def test_one_track_can_show_two_people_in_sequence() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    ids = {id_of(seen(visitors, faces(place), track="door-7")) for place in (0, 1)}
    assert len(ids) == 2


def test_state_round_trips_through_the_store() -> None:
    before = Visitors(SETTINGS, DLIB)
    saved = [seen(before, faces(place), minute=place) for place in (0, 1)]
    people = [visitor.person for visitor in saved if visitor is not None]
    rows = np.concatenate([visitor.vectors for visitor in saved if visitor is not None])
    owners = [visitor.person.person_id for visitor in saved if visitor is not None for _ in visitor.vectors]
    after = Visitors(SETTINGS, DLIB, people=people, vectors=rows, person_ids=owners)
    again = seen(after, faces(1, seed=5), minute=9)
    new = seen(after, faces(2), minute=10)
    assert id_of(again) == people[1].person_id
    assert new is not None
    assert new.person.name == "Visitor 3"


def test_enrolled_people_and_unknown_rows_are_ignored() -> None:
    enrolled = Person(person_id="p-1", name="Ada", created_at=AT)
    visitors = Visitors(
        SETTINGS,
        people=[enrolled],
        vectors=np.concatenate([faces(0), faces(1)]),
        person_ids=["p-1"] * 4 + ["v-gone"] * 4,
    )
    assert len(visitors) == 0
    assert id_of(seen(visitors, faces(0))) != "p-1"
    assert id_of(seen(visitors, faces(1), minute=1)) != "v-gone"


def test_named_visitor_keeps_the_name() -> None:
    people = [
        Person(person_id="v-1", name="Visitor 41", created_at=AT, kind=PersonKind.VISITOR),
        Person(person_id="v-2", name="the plumber", created_at=AT, kind=PersonKind.VISITOR),
    ]
    visitors = Visitors(SETTINGS, DLIB, people=people, vectors=faces(0, count=1), person_ids=["v-2"])
    known = seen(visitors, faces(0, seed=4))
    new = seen(visitors, faces(3), minute=1)
    assert known is not None
    assert new is not None
    assert known.person.name == "the plumber"
    assert new.person.name == "Visitor 42"


def test_kept_vectors_are_bounded_and_distinct() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    first = seen(visitors, faces(0))
    assert first is not None
    assert len(first.vectors) == 1  # four faces alike
    same = seen(visitors, faces(0, seed=9), minute=1)
    assert same is not None
    assert not same.changed
    for minute in range(2, 40):
        seen(visitors, faces(0, spread=0.3, seed=minute), minute=minute)
    last = seen(visitors, faces(0), minute=99)
    assert last is not None
    assert 1 < len(last.vectors) <= MAX_VECTORS


def test_visitor_does_not_drift() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    first = id_of(seen(visitors, faces(0)))
    found = [seen(visitors, faces(0, away=0.05 * step, seed=step), minute=step) for step in range(1, 40)]
    known = [step for step, visitor in enumerate(found, 1) if visitor is not None and id_of(visitor) == first]
    assert max(known) * 0.05 < 0.55 + 0.55


def test_track_without_a_face_is_rejected() -> None:
    with pytest.raises(ValueError, match="at least one"):
        seen(Visitors(SETTINGS, DLIB), np.empty((0, 128), np.float32))


def person_of(visitor: Visitor | None) -> Person:
    assert visitor is not None
    return visitor.person


def two_sides(visitors: Visitors) -> tuple[Person, Person]:
    """One person as two visitors, because the first visits showed two sides that are 0.8 apart."""
    frontal = seen(visitors, faces(0))
    profile = seen(visitors, faces(0, away=0.8), minute=1)
    return person_of(frontal), person_of(profile)


LINK = {"away": 0.4, "seed": 3}


def test_visitors_are_merged_into_the_older() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    frontal, profile = two_sides(visitors)
    assert frontal != profile
    linked = seen(visitors, faces(0, **LINK), minute=2)
    assert linked is not None
    assert (linked.person, linked.merged, linked.changed) == (frontal, (profile.person_id,), True)
    assert len(visitors) == 1
    for away in (0.0, 0.4, 0.8):
        again = seen(visitors, faces(0, away=away, seed=8), minute=3)
        assert (id_of(again), again.merged if again else None) == (frontal.person_id, ())


def test_merged_visitor_keeps_vectors_of_both_after_a_restart() -> None:
    before = Visitors(SETTINGS, DLIB)
    two_sides(before)
    linked = seen(before, faces(0, **LINK), minute=2)
    assert linked is not None
    owners = [linked.person.person_id] * len(linked.vectors)
    after = Visitors(SETTINGS, DLIB, people=[linked.person], vectors=linked.vectors, person_ids=owners)
    assert {id_of(seen(after, faces(0, away=away, seed=9), minute=5)) for away in (0.0, 0.8)} == {owners[0]}


@pytest.mark.parametrize(
    ("away", "count"),
    [
        pytest.param(0.25, 4, id="clearly-one-but-not-clearly-the-other"),
        pytest.param(0.4, 3, id="too-few-faces"),
    ],
)
def test_weak_evidence_does_not_merge(away: float, count: int) -> None:
    visitors = Visitors(SETTINGS, DLIB)
    two_sides(visitors)
    found = seen(visitors, faces(0, away=away, count=count, seed=3), minute=2)
    assert found is not None
    assert found.merged == ()
    assert len(visitors) == 2


def test_visitors_seen_together_are_never_merged() -> None:
    visitors = Visitors(SETTINGS, DLIB)
    frontal, profile = two_sides(visitors)
    visitors.seen_together([profile.person_id, "p-ada", frontal.person_id])
    later = Visitors(
        SETTINGS,
        people=[frontal, profile],
        vectors=np.concatenate([faces(0, count=1), faces(0, away=0.8, count=1)]),
        person_ids=[frontal.person_id, profile.person_id],
    )
    later.copy_seen_together(visitors)
    for known in (visitors, later):
        found = seen(known, faces(0, **LINK), minute=2)
        assert found is not None
        assert found.merged == ()
        assert len(known) == 2


def test_label_with_an_appended_number_is_not_a_name(tmp_path: Path) -> None:
    """Two programs on one store met strangers at the same moment and called them alike."""
    sides = [faces(0, count=1), faces(0, away=0.8, count=1)]
    with Store(tmp_path / "footfall.sqlite3") as store:
        for number, side in enumerate(sides):
            met = Person(
                person_id=f"v-{number}", name="Visitor 1", created_at=AT + timedelta(number), kind=PersonKind.VISITOR
            )
            store.record(Observation(visitors=[(met, side)]))
        people = store.people.all()
    assert [each.name for each in people] == ["Visitor 1", "Visitor 1 (2)"]
    visitors = Visitors(SETTINGS, DLIB, people=people, vectors=np.concatenate(sides), person_ids=["v-0", "v-1"])
    found = seen(visitors, faces(0, **LINK), minute=2)
    assert found is not None
    assert (found.person.person_id, found.merged) == ("v-0", ("v-1",))
    assert person_of(seen(visitors, faces(7), minute=3)).name == "Visitor 2"


def test_named_visitor_is_kept_and_two_named_ones_are_not_merged() -> None:
    people = [
        Person(person_id="v-1", name="Visitor 1", created_at=AT, kind=PersonKind.VISITOR),
        Person(person_id="v-2", name="the plumber", created_at=AT + timedelta(1), kind=PersonKind.VISITOR),
        Person(person_id="v-3", name="the postman", created_at=AT + timedelta(2), kind=PersonKind.VISITOR),
    ]
    sides = [faces(0, count=1), faces(0, away=0.8, count=1)]
    for pair, merged in (([0, 1], "v-2"), ([1, 2], None)):
        two = [people[place] for place in pair]
        visitors = Visitors(
            SETTINGS, people=two, vectors=np.concatenate(sides), person_ids=[each.person_id for each in two]
        )
        found = seen(visitors, faces(0, **LINK), minute=2)
        assert found is not None
        assert bool(found.merged) is (merged is not None)
        assert merged in (None, found.person.person_id)


def test_pairs_seen_together_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.identity.visitors._MAX_PAIRS", 10)
    visitors = Visitors(SETTINGS, DLIB)
    ids = [id_of(seen(visitors, faces(place), minute=place)) for place in range(20)]
    visitors.seen_together(ids)
    assert len(visitors._together) == 10
