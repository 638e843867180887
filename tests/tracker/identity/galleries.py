"""Galleries of made-up people for tests of rules: unit vectors around a centre of each person."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from config.recognition import MatchSettings, RuleName
from tracker.identity.fitting import fit, is_fitted, unfitted_rule
from tracker.identity.gallery import Gallery
from tracker.identity.rules import Comparison
from tracker.vision.faces import FloatArray


def faces(person: int, count: int, *, spread: float = 0.3, seed: int = 0, resembles: int | None = None) -> FloatArray:
    """(count, 128) unit vectors of a person. resembles: another person, whose centre is the half of this one's."""
    centre = _centre(person) if resembles is None else _centre(person) + _centre(resembles)
    rng = np.random.default_rng((seed, person))
    noise = rng.standard_normal((count, 128))
    noise *= spread / np.linalg.norm(noise, axis=1, keepdims=True)
    vectors = centre / np.linalg.norm(centre) + noise
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def gallery_of(*counts: int, spread: float = 0.3) -> Gallery:
    """People p0, p1 and so on, with so many vectors each."""
    gallery = Gallery.empty()
    for person, count in enumerate(counts):
        gallery = gallery.with_person(f"p{person}", faces(person, count, spread=spread))
    return gallery


def compared(gallery: Gallery, rule: RuleName, **settings: float) -> Comparison:
    """A gallery under a rule, with the distances of SFace."""
    match = MatchSettings(rule=rule, **settings)
    fitted = fit(rule, gallery) if is_fitted(match, gallery) else unfitted_rule(match, gallery)
    return Comparison(gallery, match, fitted)


def shuffled(gallery: Gallery, order: Sequence[int]) -> Gallery:
    """The same rows in another order."""
    return Gallery.of(gallery.vectors[list(order)], [gallery.person_ids[row] for row in order])


def _centre(person: int) -> FloatArray:
    centre = np.random.default_rng((99, person)).standard_normal(128)
    return (centre / np.linalg.norm(centre)).astype(np.float32)
