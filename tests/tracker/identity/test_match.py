"""The nearest person, and the verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import Nearest, Verdict, classify, distances, nearest

SETTINGS = MatchSettings(max_distance=0.55, min_margin=0.05, stranger_distance=0.6)


def axis(place: int, length: float = 1.0) -> np.ndarray:
    vector = np.zeros((1, 128), np.float32)
    vector[0, place] = length
    return vector


def random_gallery(rows: int, people: int, seed: int = 7) -> Gallery:
    rng = np.random.default_rng(seed)
    owners = [f"p{number}" for number in rng.integers(0, people, rows)]
    return Gallery.of(rng.normal(0, 0.1, (rows, 128)).astype(np.float32), owners)


def test_nearest_and_margin_match_brute_force() -> None:
    gallery = random_gallery(500, 20)
    queries = np.random.default_rng(8).normal(0, 0.1, (40, 128)).astype(np.float32)
    for query, found in zip(queries, nearest(gallery, queries), strict=True):
        apart = np.linalg.norm(gallery.vectors.astype(np.float64) - query, axis=1)
        by_person = dict.fromkeys(gallery.people, math.inf)
        for owner, distance in zip(gallery.person_ids, apart, strict=True):
            by_person[owner] = min(by_person[owner], distance)
        best, second = sorted(by_person.values())[:2]
        assert found is not None
        assert by_person[found.person_id] == best
        assert found.distance == pytest.approx(best, abs=1e-9)
        assert found.margin == pytest.approx(second - best, abs=1e-9)


def test_rows_of_one_person_need_not_be_adjacent() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1), axis(2)]), ("a", "b", "a"))
    found = nearest(gallery, axis(2, 0.9))[0]
    assert found is not None
    assert found.person_id == "a"
    assert found.distance == pytest.approx(0.1)
    assert found.margin == pytest.approx(math.hypot(0.9, 1) - 0.1)


def test_margin_is_to_another_person_not_to_another_picture() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(0, 1.01), axis(1)]), ("a", "a", "b"))
    found = nearest(gallery, axis(0))[0]
    assert found is not None
    assert found.distance == 0.0
    assert found.margin == pytest.approx(math.sqrt(2))


def test_margin_is_infinite_with_one_person() -> None:
    found = nearest(Gallery.empty().with_person("a", axis(0)), axis(0, 0.8))
    assert found == [Nearest(person_id="a", distance=pytest.approx(0.2), margin=math.inf)]


def test_empty_gallery_and_no_query() -> None:
    assert nearest(Gallery.empty(), np.concatenate([axis(0), axis(1)])) == [None, None]
    assert nearest(random_gallery(5, 2), np.empty((0, 128), np.float32)) == []
    assert distances(Gallery.empty(), axis(0)).shape == (1, 0)


def test_large_gallery_is_searched_in_chunks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    gallery, queries = random_gallery(300, 9), random_gallery(20, 3, seed=9).vectors
    whole = distances(gallery, queries)
    monkeypatch.setattr("tracker.identity.match._MAX_PRODUCTS", 700)
    assert np.abs(distances(gallery, queries) - whole).max() < 1e-5


def test_changes_return_a_new_gallery() -> None:
    first = Gallery.empty().with_person("a", axis(0))
    both = first.with_person("b", axis(1)).with_person("a", axis(2))
    assert (first.people, both.people, both.person_ids) == (("a",), ("a", "b"), ("a", "a", "b"))
    assert both.without("a").people == ("b",)
    assert both.without("nobody").person_ids == both.person_ids
    assert len(both.without("a").without("b")) == 0


@pytest.mark.parametrize(
    ("vectors", "ids"),
    [
        pytest.param(np.zeros((2, 128), np.float32), ("a",), id="ids-missing"),
        pytest.param(np.zeros(128, np.float32), ("a",), id="flat"),
        pytest.param(np.full((1, 128), np.nan, np.float32), ("a",), id="nan"),
    ],
)
def test_invalid_galleries_are_rejected(vectors: np.ndarray, ids: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="vectors"):
        Gallery.of(vectors, ids)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(np.full((1, 128), np.nan, np.float32), id="nan"),
        pytest.param(np.full((1, 128), np.inf, np.float32), id="infinite"),
        pytest.param(np.where(np.eye(3, 128) > 0, np.nan, 0).astype(np.float32), id="one-nan-each-of-three"),
        pytest.param(np.array([[0.0] * 128, [-np.inf] + [0.0] * 127], np.float32), id="the-second-infinite"),
        pytest.param(np.zeros((1, 64), np.float32), id="another-dimension"),
        pytest.param(np.zeros(128, np.float32), id="flat"),
    ],
)
@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")  # infinity times zero
def test_invalid_queries_are_rejected(query: np.ndarray, rows: int) -> None:
    for find in (nearest, distances):
        with pytest.raises(ValueError, match="vectors"):
            find(random_gallery(rows, 5), query)
    if query.shape[-1] == 128 and query.ndim == 2:
        with pytest.raises(ValueError, match="vectors"):
            nearest(Gallery.empty(), query)


@pytest.mark.parametrize("people", [1, 2, 30])
@pytest.mark.parametrize("denied", [0, 1, 10])
def test_single_and_batched_queries_agree_with_negatives(people: int, denied: int) -> None:
    gallery, rng = random_gallery(120, people), np.random.default_rng(people + 100 * denied)
    negatives = rng.normal(0, 0.1, (denied, 128)).astype(np.float32)
    owners = [f"p{number % (people + 1)}" for number in range(denied)]
    gallery = gallery.with_exceptions({"p0": 0.3}, negatives, owners)
    queries = np.concatenate([rng.normal(0, 0.1, (20, 128)), negatives * 0.9]).astype(np.float32)
    together = nearest(gallery, queries)
    for query, found in zip(queries, together, strict=True):
        own, theirs = (
            {person: min(apart) for person in gallery.people if (apart := apart_of(vectors, ids, person, query))}
            for vectors, ids in ((gallery.vectors, gallery.person_ids), (negatives, owners))
        )
        allowed = {person for person in own if theirs.get(person, math.inf) >= own[person]} or set(own)
        best, *others = sorted(allowed, key=own.__getitem__)
        assert found is not None
        assert (found.person_id, found.limit) == (best, 0.3 if best == "p0" else None)
        assert found.distance == pytest.approx(own[best], abs=1e-9)
        rivals = [own[other] for other in others[:1]] + [theirs.get(best, math.inf)]
        assert found.margin == pytest.approx(min(rivals) - own[best], abs=1e-5)
        assert found.excluded is all(theirs.get(person, math.inf) < own[person] for person in own)
        assert nearest(gallery, query[None]) == [
            Nearest(
                person_id=best,
                distance=pytest.approx(found.distance, abs=1e-9),
                margin=pytest.approx(found.margin, abs=1e-5),
                limit=found.limit,
                excluded=found.excluded,
            )
        ]


def apart_of(vectors: np.ndarray, ids: Sequence[str], person_id: str, query: np.ndarray) -> list[float]:
    rows = [row for row, owner in enumerate(ids) if owner == person_id]
    found: list[float] = np.linalg.norm(vectors[rows].astype(np.float64) - query, axis=1).tolist()
    return found


@pytest.mark.parametrize(
    ("distance", "margin", "verdict"),
    [
        pytest.param(0.3, 0.4, Verdict.MATCH, id="near-and-clear"),
        pytest.param(0.55, 0.05, Verdict.MATCH, id="both-limits-count"),
        pytest.param(0.3, 0.04, Verdict.UNSURE, id="torn-between-two"),
        pytest.param(0.56, 0.4, Verdict.UNSURE, id="dead-zone"),
        pytest.param(0.6, 0.4, Verdict.UNSURE, id="end-of-the-dead-zone"),
        pytest.param(0.61, 0.4, Verdict.STRANGER, id="far"),
        pytest.param(0.61, 0.0, Verdict.STRANGER, id="far-from-all"),
    ],
)
def test_verdict(distance: float, margin: float, verdict: Verdict) -> None:
    assert classify(Nearest(person_id="a", distance=distance, margin=margin), SETTINGS) is verdict


@pytest.mark.parametrize(
    ("distance", "limit", "verdict"),
    [
        pytest.param(0.45, 0.4, Verdict.UNSURE, id="stricter-than-the-setting"),
        pytest.param(0.39, 0.4, Verdict.MATCH, id="within-the-stricter-limit"),
        pytest.param(0.61, 0.4, Verdict.STRANGER, id="strangers-begin-where-they-did"),
        pytest.param(0.58, 0.59, Verdict.MATCH, id="wider-than-the-setting"),
        pytest.param(0.63, 0.65, Verdict.MATCH, id="no-stranger-within-the-limit"),
    ],
)
def test_verdict_by_the_persons_own_limit(distance: float, limit: float, verdict: Verdict) -> None:
    found = nearest(
        Gallery.empty().with_person("a", axis(0)).with_exceptions({"a": limit, "gone": 0.1}, np.empty((0, 128)), ()),
        axis(0, 1 + distance),
    )[0]
    assert found is not None
    assert (found.limit, found.margin) == (limit, math.inf)
    assert classify(found, SETTINGS) is verdict


def between(place: int, other: int, share: float) -> np.ndarray:
    """A point on the way from one axis to another."""
    return (1 - share) * axis(place, 0.6) + share * axis(other, 0.6)


def with_negative(gallery: Gallery, person_id: str, vectors: np.ndarray) -> Gallery:
    return gallery.with_exceptions({}, vectors, (person_id,) * len(vectors))


@pytest.mark.parametrize(
    ("share", "verdict"),
    [
        pytest.param(0.1, Verdict.MATCH, id="the-person"),
        pytest.param(0.48, Verdict.UNSURE, id="torn-between-the-person-and-the-negative"),
        pytest.param(0.6, Verdict.STRANGER, id="nearer-to-the-negative"),
        pytest.param(1.0, Verdict.STRANGER, id="the-negative-itself"),
    ],
)
def test_negative_excludes_its_person(share: float, verdict: Verdict) -> None:
    plain = Gallery.empty().with_person("a", axis(0, 0.6))
    marked = with_negative(plain, "a", between(0, 1, 1.0) * 0.6 + between(0, 1, 0.0) * 0.4)
    face = between(0, 1, share * 0.6)
    before, after = nearest(plain, face)[0], nearest(marked, face)[0]
    assert classify(before, SETTINGS) is Verdict.MATCH
    assert classify(after, SETTINGS) is verdict
    assert after is not None
    assert after.excluded is (verdict is Verdict.STRANGER)
    assert after.distance == before.distance if before else False


def test_negative_does_not_affect_other_people() -> None:
    both = Gallery.empty().with_person("a", axis(0, 0.5)).with_person("b", axis(1, 0.5))
    face = between(0, 1, 0.4)
    before = nearest(both, face)[0]
    after = nearest(with_negative(both, "a", face), face)[0]
    assert before is not None
    assert after is not None
    assert (before.person_id, after.person_id) == ("a", "b")
    assert (after.margin, after.excluded) == (math.inf, False)
    assert nearest(with_negative(both, "b", face), face)[0] == Nearest(
        person_id="a", distance=before.distance, margin=math.inf
    )


def test_exceptions_of_unknown_people_are_ignored_and_kept() -> None:
    marked = with_negative(Gallery.empty().with_person("a", axis(0)), "gone", axis(1))
    assert nearest(marked, axis(1, 0.9))[0] == nearest(marked.without("a").with_person("a", axis(0)), axis(1, 0.9))[0]
    assert marked.with_person("b", axis(2)).without("b").negatives is marked.negatives


def test_without_enrolled_people_everybody_is_a_stranger() -> None:
    assert classify(None, SETTINGS) is Verdict.STRANGER
