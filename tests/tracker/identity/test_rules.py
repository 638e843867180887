"""Rules that rank people: whom they name, whom they leave unknown, and what does not change under them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st

from config.recognition import MatchSettings, RuleName
from tests.tracker.identity.galleries import compared, faces, gallery_of, shuffled
from tracker.identity.gallery import Gallery
from tracker.identity.match import Nearest, Verdict, classify, nearest
from tracker.identity.rules import Comparison, LinearRule
from tracker.identity.votes import Vote, VoteOutcome
from tracker.vision.faces import FloatArray

RULES = (RuleName.KNN, RuleName.SOFTMAX, RuleName.SVM)
every_rule = pytest.mark.parametrize("rule", RULES)


class Fixed:
    """A rule with given scores, for one face."""

    def __init__(self, *scores: float) -> None:
        self._scores = np.array([scores])

    def scores(self, vectors: FloatArray, allowed: np.ndarray) -> np.ndarray:
        return np.where(allowed, np.repeat(self._scores, len(vectors), axis=0), -np.inf)


def axis(place: int, length: float = 1.0) -> FloatArray:
    vector = np.zeros((1, 128), np.float32)
    vector[0, place] = length
    return vector


def named(compared: Comparison, vectors: FloatArray) -> list[str | None]:
    found = compared.closest(vectors)
    return [
        each.person_id if each is not None and classify(each, compared.settings) is Verdict.MATCH else None
        for each in found
    ]


def only(found: list[Nearest | None]) -> Nearest:
    (each,) = found
    assert each is not None
    return each


@every_rule
def test_faces_of_everybody_are_named_also_of_people_with_one_vector(rule: RuleName) -> None:
    gallery = gallery_of(4, 1, 6, 1, 3, 2)
    probes = np.concatenate([faces(person, 5, seed=1) for person in range(6)])
    assert named(compared(gallery, rule), probes) == [f"p{person}" for person in range(6) for _ in range(5)]


@every_rule
def test_face_far_from_everybody_is_a_stranger_as_without_a_rule(rule: RuleName) -> None:
    gallery, strangers = gallery_of(4, 1, 3), np.concatenate([faces(person, 3) for person in range(20, 30)])
    found = compared(gallery, rule).closest(strangers)
    assert found == nearest(gallery, strangers)
    assert {classify(each, MatchSettings(rule=rule)) for each in found} == {Verdict.STRANGER}


@pytest.mark.parametrize("rule", list(RuleName))
def test_one_enrolled_person_or_none_is_compared_by_distance(rule: RuleName) -> None:
    one, probes = gallery_of(3), np.concatenate([faces(0, 2, seed=1), faces(7, 2)])
    assert compared(one, rule).closest(probes) == nearest(one, probes)
    assert compared(Gallery.empty(), rule).closest(probes) == [None] * 4


def test_nearest_is_what_it_was_to_the_last_bit() -> None:
    gallery = gallery_of(4, 1, 6).with_exceptions({"p1": 0.4}, faces(2, 1, seed=5), ["p2"])
    probes = np.concatenate([faces(person, 4, seed=3) for person in range(5)])
    assert compared(gallery, RuleName.NEAREST).closest(probes) == nearest(gallery, probes)


@every_rule
def test_empty_gallery_dimension_and_nan_are_as_without_a_rule(rule: RuleName) -> None:
    under = compared(gallery_of(3, 3), rule)
    assert under.closest(np.empty((0, 128), np.float32)) == []
    for query in (np.zeros((1, 64), np.float32), np.full((1, 128), np.nan, np.float32)):
        with pytest.raises(ValueError, match="vectors"):
            under.closest(query)


# -- what a rule may change


def test_rule_names_another_than_the_nearest_with_that_ones_distance() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1), axis(2)]), ("a", "b", "c"))
    probe = axis(0, 0.8) + axis(1, 0.6)
    found = only(Comparison(gallery, MatchSettings(), Fixed(0.0, 3.0, 1.0)).closest(probe))
    apart = [math.hypot(0.2, 0.6), math.hypot(0.8, 0.4)]
    assert (found.person_id, found.limit) == ("b", None)
    assert found.distance == pytest.approx(apart[1], abs=1e-6)
    assert found.margin == pytest.approx(apart[0] - apart[1], abs=1e-6)
    assert found.confidence == pytest.approx(1 / (1 + math.exp(-2)))
    assert classify(found, MatchSettings()) is Verdict.MATCH


def test_rule_agreeing_with_the_nearest_keeps_distance_and_margin() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b")).with_exceptions({"a": 0.9}, axis(5), ["x"])
    probe = axis(0, 0.8) + axis(1, 0.6)
    plain, found = only(nearest(gallery, probe)), only(Comparison(gallery, MatchSettings(), Fixed(1, 0)).closest(probe))
    assert (found.person_id, found.distance, found.margin, found.limit) == ("a", plain.distance, plain.margin, 0.9)
    assert plain.confidence is None
    assert found.confidence is not None


@pytest.mark.parametrize(
    ("score", "verdict"),
    [
        pytest.param(math.log(0.61 / 0.39), Verdict.MATCH, id="above-the-minimum"),
        pytest.param(math.log(0.59 / 0.41), Verdict.UNSURE, id="below-the-minimum"),
        pytest.param(0.0, Verdict.UNSURE, id="tie"),
        pytest.param(-math.inf, Verdict.UNSURE, id="nothing-speaks-for-it"),
    ],
)
def test_confidence_decides_between_people_instead_of_the_margin(score: float, verdict: Verdict) -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b")).with_exceptions({"b": 0.1}, axis(5), ["x"])
    found = only(Comparison(gallery, MatchSettings(), Fixed(score, 0.0)).closest(axis(0, 0.8) + axis(1, 0.79)))
    assert found.person_id == "a"
    assert found.margin < MatchSettings().min_margin
    assert classify(found, MatchSettings()) is verdict


def test_nobody_beyond_the_own_limit_is_chosen_however_sure_the_rule_is() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b")).with_exceptions({"b": 0.5}, axis(5), ["x"])
    found = only(Comparison(gallery, MatchSettings(), Fixed(0.0, 9.0)).closest(axis(0, 0.8) + axis(1, 0.6)))
    assert found.person_id == "a"
    assert found.confidence == pytest.approx(1 / (1 + math.exp(9)))
    assert classify(found, MatchSettings()) is Verdict.UNSURE


def test_nearest_person_beyond_the_limit_stays_as_without_a_rule() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b"))
    probe = axis(0, 0.25) + axis(5, 0.75)
    found = Comparison(gallery, MatchSettings(), Fixed(9.0, 0.0)).closest(probe)
    assert found == nearest(gallery, probe)
    assert classify(only(found), MatchSettings()) is Verdict.UNSURE


def test_negative_excludes_a_person_whatever_the_rule_says() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b"))
    probe = axis(0, 0.8) + axis(1, 0.7)
    gallery = gallery.with_exceptions({}, probe, ["a"])
    found = only(Comparison(gallery, MatchSettings(), Fixed(9.0, 0.0)).closest(probe))
    assert found.person_id == "b"
    assert classify(found, MatchSettings()) is Verdict.MATCH


def test_negative_about_as_near_as_the_person_leaves_the_face_unsure() -> None:
    gallery = Gallery.of(np.concatenate([axis(0), axis(1)]), ("a", "b"))
    probe = axis(0, 0.8)
    negative = axis(0, 0.8) + axis(7, 0.23)  # 0.03 farther than the person
    found = only(
        Comparison(gallery.with_exceptions({}, negative, ["a"]), MatchSettings(), Fixed(9.0, 0.0)).closest(probe)
    )
    assert found.confidence is None
    assert classify(found, MatchSettings()) is Verdict.UNSURE


@every_rule
def test_everybody_excluded_is_a_stranger(rule: RuleName) -> None:
    probe = faces(0, 1, seed=4)
    gallery = gallery_of(2, 2).with_exceptions({}, np.concatenate([probe, probe]), ["p0", "p1"])
    found = only(compared(gallery, rule).closest(probe))
    assert found.excluded
    assert classify(found, MatchSettings(rule=rule)) is Verdict.STRANGER


# -- k nearest neighbours


def knn(gallery: Gallery, probe: FloatArray, neighbours: int) -> Nearest:
    return only(compared(gallery, RuleName.KNN, neighbours=neighbours).closest(probe))


def test_majority_of_neighbours_outvotes_a_single_nearer_vector() -> None:
    probe = axis(0)
    vectors = np.concatenate([axis(0) + axis(1, 0.50), *(axis(0) + axis(place, 0.55) for place in (2, 3, 4))])
    gallery = Gallery.of(vectors, ("stray", "ada", "ada", "ada"))
    assert [knn(gallery, probe, count).person_id for count in (1, 3, 4)] == ["stray", "ada", "ada"]
    weights = [1.13 - 0.5, 3 * (1.13 - 0.55)]
    assert knn(gallery, probe, 4).confidence == pytest.approx(weights[1] / sum(weights), abs=1e-5)


def test_vectors_at_the_distance_of_strangers_do_not_vote() -> None:
    vectors = np.concatenate([axis(0) + axis(1, 0.9), *(axis(0) + axis(place, 1.2) for place in (2, 3, 4, 5))])
    found = knn(Gallery.of(vectors, ("ada", "bob", "bob", "bob", "bob")), axis(0), 5)
    assert (found.person_id, found.confidence) == ("ada", 1.0)


def test_person_with_a_limit_beyond_strangers_can_be_voted_for() -> None:
    gallery = Gallery.of(np.concatenate([axis(0) + axis(1, 1.2), axis(0) + axis(2, 1.6)]), ("ada", "bob"))
    found = knn(gallery.with_exceptions({"ada": 1.3}, axis(9), ["x"]), axis(0), 2)
    assert (found.person_id, found.confidence) == ("ada", 1.0)


def test_equally_far_vectors_all_vote() -> None:
    probe = axis(0)
    vectors = np.concatenate([axis(0) + axis(place, 0.5) for place in (1, 2, 3)])
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        gallery = shuffled(Gallery.of(vectors, ("ada", "ada", "bob")), order)
        assert knn(gallery, probe, 1).person_id == "ada"


# -- properties


@st.composite
def crowds(draw: st.DrawFn) -> tuple[Gallery, Sequence[int], FloatArray]:
    """A gallery, another order of its rows, and probes: faces of its people, between two of them, and of strangers."""
    counts = draw(st.lists(st.integers(1, 4), min_size=2, max_size=6))
    gallery = gallery_of(*counts, spread=draw(st.sampled_from([0.1, 0.4, 0.8])))
    order = draw(st.permutations(range(len(gallery))))
    seed = draw(st.integers(0, 5))
    probes = [faces(person, 2, seed=seed + 1, spread=0.6) for person in range(len(counts) + 2)]
    return gallery, order, np.concatenate([*probes, faces(0, 2, seed=seed, resembles=1)])


@every_rule
@trials(max_examples=12, deadline=None, derandomize=True)
@given(crowd=crowds())
def test_order_of_people_and_vectors_does_not_matter(
    rule: RuleName, crowd: tuple[Gallery, Sequence[int], FloatArray]
) -> None:
    gallery, order, probes = crowd
    one, other = (compared(each, rule).closest(probes) for each in (gallery, shuffled(gallery, order)))
    for first, second in zip(one, other, strict=True):
        assert first is not None
        assert second is not None
        assert first.person_id == second.person_id
        assert (first.distance, first.margin) == pytest.approx((second.distance, second.margin), abs=1e-6)
        assert (first.confidence is None) == (second.confidence is None)
        assert first.confidence == pytest.approx(second.confidence, abs=1e-4)


@every_rule
@trials(max_examples=12, deadline=None, derandomize=True)
@given(crowd=crowds())
def test_strangers_are_the_same_under_every_rule_and_names_are_within_the_limit(
    rule: RuleName, crowd: tuple[Gallery, Sequence[int], FloatArray]
) -> None:
    gallery, _, probes = crowd
    match = MatchSettings(rule=rule)
    results = zip(probes, nearest(gallery, probes), compared(gallery, rule).closest(probes), strict=True)
    for probe, plain, found in results:
        assert (classify(plain, match) is Verdict.STRANGER) == (classify(found, match) is Verdict.STRANGER)
        assert found is not None
        own = gallery.vectors[gallery.rows_of(gallery.people.index(found.person_id))].astype(np.float64)
        assert found.distance == pytest.approx(np.linalg.norm(own - probe, axis=1).min(), abs=1e-6)
        assert (classify(found, match) is not Verdict.MATCH) or found.distance <= match.max_distance


# -- votes and numbers that are no rule


def test_vote_states_the_confidence() -> None:
    match = MatchSettings()
    unsure = Nearest(person_id="ada", distance=0.8, margin=0.2, confidence=0.55)
    vote = Vote().add(unsure, classify(unsure, match), weight=1.0, quality=1.0)
    assert vote.result(match).reason == "ada at 0.80, but with a confidence of only 0.55"
    sure = Nearest(person_id="ada", distance=0.8, margin=-0.05, confidence=0.9)
    for _ in range(2):
        vote = vote.add(sure, classify(sure, match), weight=1.0, quality=1.0)
    result = vote.result(match)
    assert (result.kind, result.person_id, result.margin) == (VoteOutcome.PERSON, "ada", -0.05)
    assert result.reason == "ada by 2 sightings, nearest 0.80, another 0.05 nearer, confidence 0.90"


@pytest.mark.parametrize(
    "weights",
    [
        pytest.param(np.zeros((1, 129), np.float32), id="a-person-missing"),
        pytest.param(np.zeros((2, 1), np.float32), id="offset-only"),
        pytest.param(np.full((2, 129), np.nan, np.float32), id="nan"),
    ],
)
def test_invalid_weights_are_rejected(weights: FloatArray) -> None:
    with pytest.raises(ValueError, match="weights"):
        LinearRule(("a", "b"), weights)
