"""Fitting of the rules softmax and SVM to a gallery, by scikit-learn, and what tells one gallery from another.

The result is numbers: weights for each person. It is the same for any order of people and vectors.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError
from config.recognition import MatchSettings, RuleName
from tracker.identity.gallery import Gallery
from tracker.identity.rules import LinearRule, Neighbours, Rule
from tracker.vision.faces import FloatArray

if TYPE_CHECKING:
    from collections.abc import Sequence

FITTED = (RuleName.SOFTMAX, RuleName.SVM)
_VERSION = 1
"""Of the way in which rules are fitted; another one makes those that are stored stale."""
_INVERSE_PENALTY = 10.0
"""C of scikit-learn: with 1, few vectors a person make everybody about as likely."""
_MAX_ITERATIONS = 10_000
_MOST_SCORES = 100_000_000
"""Vectors times people: a fit holds so many numbers of 8 bytes in memory, some of them twice."""


class RuleStore(Protocol):
    """Where fitted rules are kept."""

    def fitted_rule(self, fingerprint: str) -> tuple[tuple[str, ...], FloatArray] | None: ...
    def save_fitted_rule(self, fingerprint: str, person_ids: Sequence[str], weights: FloatArray) -> bool: ...


def is_fitted(settings: MatchSettings, gallery: Gallery) -> bool:
    """Whether the rule of the settings must be fitted to the gallery; never to a single person."""
    return settings.rule in FITTED and len(gallery.people) > 1


def unfitted_rule(settings: MatchSettings, gallery: Gallery) -> Rule | None:
    """The rule of the settings where it needs no fitting; None for the nearest, and for rules that are fitted."""
    return Neighbours(gallery, settings) if settings.rule is RuleName.KNN and len(gallery.people) > 1 else None


def stored_rule(store: RuleStore, name: RuleName, gallery: Gallery) -> LinearRule | None:
    """The rule as it was fitted to the same gallery before; None where there is none. Raises StoreError."""
    found = store.fitted_rule(fingerprint(name, gallery))
    if found is None or set(found[0]) != set(gallery.people) or found[1].shape[1] != gallery.vectors.shape[1] + 1:
        return None
    return LinearRule(*found).in_order(gallery.people)


def rule_of(store: RuleStore, settings: MatchSettings, gallery: Gallery) -> Rule | None:
    """The rule of the settings for a gallery; None for the nearest. Fitted where the store has none of this gallery.

    Raises ModelError as `fit`, StoreError.
    """
    if not is_fitted(settings, gallery):
        return unfitted_rule(settings, gallery)
    return stored_rule(store, settings.rule, gallery) or fit(settings.rule, gallery)


def fingerprint(name: RuleName, gallery: Gallery) -> str:
    """Differs for another rule, other people or other vectors, and not for another order of them."""
    people, owners, vectors = _sorted(gallery)
    digest = hashlib.sha256(json.dumps([_VERSION, name, people, owners.tolist(), vectors.shape]).encode())
    digest.update(vectors.astype("<f4").tobytes())
    return digest.hexdigest()


def fit(name: RuleName, gallery: Gallery) -> LinearRule:
    """Fit softmax (multinomial logistic regression) or a linear SVM, one person against the rest.

    All people count alike, however many vectors they have. Raises ModelError where scikit-learn is missing or the
    gallery is too large, ValueError for another rule or fewer than two people.
    """
    if name not in FITTED or len(gallery.people) < 2:
        raise ValueError(f"expected softmax or svm and two people, got {name} and {len(gallery.people)}")
    if len(gallery) * len(gallery.people) > _MOST_SCORES:
        size = f"{len(gallery):,} vectors of {len(gallery.people):,} people"
        raise ModelError(f"the rule {name} cannot be fitted to {size}", fix="set match.rule to nearest or knn")
    people, owners, vectors = _sorted(gallery)
    centre = vectors.mean(axis=0)
    spread = float(np.sqrt(np.mean(np.square(vectors - centre).sum(axis=1)))) or 1.0
    model = _model(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a fit that ends before it is exact, which is good enough
        model.fit((vectors - centre) / spread, owners)
    weights, offsets = _of_everybody(name, model.coef_, model.intercept_)
    weights = weights / spread
    offsets = offsets - weights @ centre
    return LinearRule(people, np.column_stack([weights, offsets]).astype(np.float32)).in_order(gallery.people)


def _model(name: RuleName) -> Any:
    """The estimator of scikit-learn, which is imported here: nearest and k-NN need none."""
    if find_spec("sklearn") is None:
        raise ModelError(f"the rule {name} needs scikit-learn", fix="pip install 'footfall[rules]'")
    if name is RuleName.SOFTMAX:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=_INVERSE_PENALTY, class_weight="balanced", max_iter=_MAX_ITERATIONS)
    from sklearn.svm import LinearSVC

    return LinearSVC(C=_INVERSE_PENALTY, class_weight="balanced", max_iter=_MAX_ITERATIONS, random_state=0)


def _of_everybody(
    name: RuleName, weights: NDArray[np.float64], offsets: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights (P, D) and offsets (P,), where scikit-learn gives those of the second of two people only.

    The log odds of two people are the difference of their scores; the decision values of an SVM are one for each.
    """
    if len(weights) > 1:
        return weights, offsets
    half = 0.5 if name is RuleName.SOFTMAX else 1.0
    return np.concatenate([-weights, weights]) * half, np.concatenate([-offsets, offsets]) * half


def _sorted(gallery: Gallery) -> tuple[tuple[str, ...], NDArray[np.intp], NDArray[np.float64]]:
    """People, index of the person of each row and vectors (N, D), in an order that follows from their values."""
    people = tuple(sorted(gallery.people))
    index_of = {person_id: index for index, person_id in enumerate(people)}
    keys = [
        (index_of[owner], vector.tobytes()) for owner, vector in zip(gallery.person_ids, gallery.vectors, strict=True)
    ]
    rows = sorted(range(len(gallery)), key=keys.__getitem__)
    owners = np.array([keys[row][0] for row in rows], np.intp)
    return people, owners, gallery.vectors[rows].astype(np.float64)
