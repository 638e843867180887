"""Fitting of softmax and SVM, and what makes a stored rule stale."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from config.errors import ModelError
from config.recognition import MatchSettings, RuleName
from tests.tracker.identity.galleries import faces, gallery_of, shuffled
from tracker.identity.fitting import FITTED, fingerprint, fit, rule_of
from tracker.identity.gallery import Gallery
from tracker.identity.rules import Neighbours
from tracker.vision.faces import FloatArray

every_fitted = pytest.mark.parametrize("name", FITTED)


class Shelf:
    """A store of one fitted rule."""

    def __init__(self) -> None:
        self.rules: dict[str, tuple[tuple[str, ...], FloatArray]] = {}

    def fitted_rule(self, fingerprint: str) -> tuple[tuple[str, ...], FloatArray] | None:
        return self.rules.get(fingerprint)

    def save_fitted_rule(self, fingerprint: str, person_ids: tuple[str, ...], weights: FloatArray) -> bool:
        self.rules = {fingerprint: (person_ids, weights)}
        return True


def allowed(gallery: Gallery, vectors: FloatArray) -> np.ndarray:
    return np.ones((len(vectors), len(gallery.people)), np.bool_)


@pytest.mark.parametrize("counts", [(3, 2), (3, 1, 4, 2)], ids=["two-people", "four-people"])
def test_scores_are_those_of_scikit_learn(counts: tuple[int, ...]) -> None:
    gallery, probes = gallery_of(*counts), np.concatenate([faces(0, 3, seed=1), faces(9, 3)])
    vectors, owners = gallery.vectors.astype(np.float64), gallery.owners
    centre = vectors.mean(axis=0)
    spread = np.sqrt(np.square(vectors - centre).sum(axis=1).mean())
    softmax = LogisticRegression(C=10, class_weight="balanced", max_iter=10_000)
    softmax.fit((vectors - centre) / spread, owners)
    scores = fit(RuleName.SOFTMAX, gallery).scores(probes, allowed(gallery, probes))
    shares = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert np.abs(shares - softmax.predict_proba((probes - centre) / spread)).max() < 1e-3
    svm = LinearSVC(C=10, class_weight="balanced", max_iter=10_000, random_state=0)
    svm.fit((vectors - centre) / spread, owners)
    wanted = svm.decision_function((probes - centre) / spread)
    scores = fit(RuleName.SVM, gallery).scores(probes, allowed(gallery, probes))
    if len(counts) == 2:
        assert np.abs(scores[:, 0] + scores[:, 1]).max() < 1e-5
        scores = scores[:, 1]
    assert np.abs(scores - wanted).max() < 1e-2


@every_fitted
def test_everybody_counts_alike_however_many_vectors_there_are(name: RuleName) -> None:
    gallery = Gallery.empty().with_person("few", faces(0, 2)).with_person("many", np.repeat(faces(1, 2), 20, axis=0))
    middle = (faces(0, 2).sum(axis=0) + faces(1, 2).sum(axis=0))[None] / 4
    scores = fit(name, gallery).scores(middle, allowed(gallery, middle))[0]
    assert abs(scores[0] - scores[1]) < 0.3


@every_fitted
def test_scale_of_a_networks_distances_does_not_matter(name: RuleName) -> None:
    gallery, probes = gallery_of(3, 2, 4), faces(1, 4, seed=2)
    small = Gallery.of(gallery.vectors * np.float32(0.5) + np.float32(0.1), gallery.person_ids)
    wanted = fit(name, gallery).scores(probes, allowed(gallery, probes))
    found = fit(name, small).scores(probes * np.float32(0.5) + np.float32(0.1), allowed(gallery, probes))
    assert np.abs(found - wanted).max() < 0.02


@every_fitted
def test_people_of_the_same_single_vector_are_as_likely(name: RuleName) -> None:
    twins = Gallery.of(np.repeat(faces(0, 1), 2, axis=0), ("a", "b"))
    scores = fit(name, twins).scores(faces(0, 1), allowed(twins, faces(0, 1)))[0]
    assert abs(scores[0] - scores[1]) < 0.01


@every_fitted
def test_same_numbers_for_any_order_and_in_the_order_of_the_gallery(name: RuleName) -> None:
    gallery = gallery_of(3, 2, 4)
    other = shuffled(gallery, (8, 3, 0, 5, 1, 7, 2, 4, 6))
    first, second = fit(name, gallery), fit(name, other)
    assert second.people == other.people != gallery.people
    assert np.array_equal(second.in_order(gallery.people).weights, first.weights)


@every_fitted
def test_fingerprint_differs_with_what_was_fitted_and_not_with_the_order(name: RuleName) -> None:
    gallery = gallery_of(3, 2)
    nudged = gallery.vectors.copy()
    nudged[0, 0] += np.float32(1e-6)
    others = [
        Gallery.of(nudged, gallery.person_ids),
        gallery.with_person("p0", faces(0, 1, seed=8)),
        Gallery.of(gallery.vectors, ["p9" if each == "p1" else each for each in gallery.person_ids]),
        Gallery.of(gallery.vectors, ["p0", "p0", "p1", "p1", "p1"]),
    ]
    own = fingerprint(name, gallery)
    assert fingerprint(name, shuffled(gallery, (4, 0, 3, 1, 2))) == own
    assert fingerprint(name, gallery.with_exceptions({"p0": 0.5}, faces(5, 1), ["p1"])) == own
    assert len({own, *(fingerprint(name, each) for each in others)}) == 5
    assert len({fingerprint(each, gallery) for each in FITTED}) == 2


@every_fitted
def test_stored_rule_is_used_for_the_same_gallery_only(name: RuleName) -> None:
    gallery, shelf = gallery_of(3, 2), Shelf()
    weights = np.full((2, 129), 7, np.float32)
    shelf.save_fitted_rule(fingerprint(name, gallery), ("p1", "p0"), weights)
    settings, probe = MatchSettings(rule=name), faces(0, 1)
    stored = rule_of(shelf, settings, gallery)
    assert stored is not None
    assert np.array_equal(
        stored.scores(probe, allowed(gallery, probe))[0], [7 * (probe[0].astype(float).sum() + 1)] * 2
    )
    anew = rule_of(shelf, settings, gallery.with_person("p0", faces(0, 1, seed=3)))
    assert anew is not None
    scores = anew.scores(probe, allowed(gallery, probe))[0]
    assert scores[0] > scores[1]


@pytest.mark.parametrize(
    ("people", "columns"),
    [
        pytest.param(("p0", "p9"), 129, id="somebody-else"),
        pytest.param(("p0", "p1", "p2"), 129, id="more-people"),
        pytest.param(("p0", "p1"), 65, id="another-dimension"),
    ],
)
def test_stored_rule_that_does_not_fit_the_gallery_is_fitted_again(people: tuple[str, ...], columns: int) -> None:
    gallery, shelf = gallery_of(3, 2), Shelf()
    key = fingerprint(RuleName.SVM, gallery)
    shelf.save_fitted_rule(key, people, np.ones((len(people), columns), np.float32))
    found = rule_of(shelf, MatchSettings(rule=RuleName.SVM), gallery)
    assert found is not None
    probes = faces(0, 1, seed=2)
    assert np.array_equal(
        found.scores(probes, allowed(gallery, probes)),
        fit(RuleName.SVM, gallery).scores(probes, allowed(gallery, probes)),
    )


def test_rules_without_a_fit() -> None:
    gallery, shelf = gallery_of(3, 2), Shelf()
    assert rule_of(shelf, MatchSettings(), gallery) is None
    assert isinstance(rule_of(shelf, MatchSettings(rule=RuleName.KNN), gallery), Neighbours)
    for rule in RuleName:
        assert rule_of(shelf, MatchSettings(rule=rule), gallery_of(3)) is None
    for name, people in ((RuleName.KNN, 2), (RuleName.SVM, 1)):
        with pytest.raises(ValueError, match="expected softmax or svm and two people"):
            fit(name, gallery_of(*[2] * people))


@every_fitted
def test_missing_scikit_learn_is_an_error_with_the_extra(name: RuleName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.identity.fitting.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match="needs scikit-learn") as caught:
        rule_of(Shelf(), MatchSettings(rule=name), gallery_of(2, 2))
    assert caught.value.fix == "pip install 'footfall[rules]'"
    assert rule_of(Shelf(), MatchSettings(rule=RuleName.KNN), gallery_of(2, 2)) is not None


@every_fitted
def test_a_gallery_that_would_take_too_much_memory_is_refused(name: RuleName) -> None:
    people = [f"p{number}" for number in range(10_001)]
    gallery = Gallery.of(np.ones((len(people), 2), np.float32), people)
    with pytest.raises(ModelError, match="cannot be fitted to 10,001 vectors of 10,001 people") as caught:
        fit(name, gallery)
    assert "nearest or knn" in caught.value.fix
