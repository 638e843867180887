"""Calibration of thresholds for the enrolled people."""

from __future__ import annotations

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.calibration import calibrate
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.vision.embedders import DLIB

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6)


def person(place: int, *, count: int = 3, spread: float = 0.3, length: float = 0.6) -> np.ndarray:
    """Vectors with pairwise distance `spread` around a point on a separate axis; people are about 0.85 apart."""
    vectors = np.zeros((count, 128), np.float32)
    vectors[:, place] = length
    vectors[np.arange(count), 100 + np.arange(count)] = spread / np.sqrt(2)
    return vectors


def gallery_of(**people: np.ndarray) -> Gallery:
    gallery = Gallery.empty()
    for person_id, vectors in people.items():
        gallery = gallery.with_person(person_id, vectors)
    return gallery


def toward(place: int, other: int, distance: float) -> np.ndarray:
    """One vector that far from person(place, spread=0), in the direction of another."""
    vector = np.zeros((1, 128), np.float32)
    vector[0, place] = 0.6
    direction = np.zeros(128, np.float32)
    direction[[place, other]] = (-1, 1)
    return vector + distance * direction / np.linalg.norm(direction)


def test_each_vector_is_compared_with_own_and_other_vectors() -> None:
    gallery = gallery_of(a=person(0), b=person(1, count=2), c=person(2, count=1))
    found = calibrate(gallery, SETTINGS, DLIB, rate=0.01)
    apart = distances(gallery, gallery.vectors)
    by_id = {each.person_id: each for each in found.people}
    assert by_id["a"].same == pytest.approx([0.3] * 3, abs=1e-5)
    assert len(by_id["c"].same) == 0
    assert sorted(by_id["b"].different) == pytest.approx(sorted(apart[[0, 1, 2, 5], 1]))
    assert (len(found.same), len(found.different)) == (5, 3 + 4 + 5)
    assert [each.vectors for each in found.people] == [3, 2, 1]


def test_few_dissimilar_people_keep_the_setting_unconfirmed() -> None:
    found = calibrate(gallery_of(a=person(0), b=person(1)), SETTINGS, DLIB, rate=0.01)
    assert found.threshold == 0.55
    assert [each.limit for each in found.people] == [0.55, 0.55]
    assert not found.confirmed
    assert found.needed == 300


def test_lookalikes_get_lower_limits() -> None:
    gallery = gallery_of(a=person(0, spread=0), b=toward(0, 1, 0.5), c=person(3))
    found = calibrate(gallery, SETTINGS, DLIB, rate=0.01)
    limits = {each.person_id: each.limit for each in found.people}
    assert limits["a"] == limits["b"] == pytest.approx(0.5 - DLIB.embedding.safety, abs=1e-3)
    assert limits["c"] == 0.55
    assert found.threshold == pytest.approx(0.5 - DLIB.embedding.safety, abs=1e-3)
    assert {each.person_id: each.lookalike for each in found.people} == {"a": "b", "b": "a", "c": "b"}


def test_person_enrolled_twice_is_reported_and_limits_stay_usable() -> None:
    found = calibrate(gallery_of(a=person(0, spread=0), b=toward(0, 1, 0.1), c=person(3)), SETTINGS, DLIB, rate=0.01)
    assert [each.person_id for each in found.lookalikes] == ["a", "b"]
    assert min(each.limit for each in found.people) == DLIB.embedding.min_limit


def test_many_people_can_raise_the_threshold_up_to_stranger_distance() -> None:
    rng = np.random.default_rng(5)
    centres = rng.normal(0, 1, (40, 128))
    centres *= 0.55 / np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = np.repeat(centres, 3, axis=0) + rng.normal(0, 0.01, (120, 128))
    gallery = Gallery.of(vectors.astype(np.float32), [f"p{row // 3}" for row in range(120)])
    found = calibrate(gallery, SETTINGS, DLIB, rate=0.01)
    assert found.confirmed
    assert SETTINGS.max_distance < found.threshold <= SETTINGS.stranger_distance
    assert float(np.mean(found.different <= found.threshold)) <= 0.01
    assert all(each.limit <= found.threshold for each in found.people)


def test_missed_vectors_are_counted() -> None:
    far = np.concatenate([person(0, count=2, spread=0.2), toward(0, 5, 0.58)])
    found = calibrate(gallery_of(a=far, b=person(1)), SETTINGS, DLIB, rate=0.01)
    assert found.people[0].missed == 1
    assert found.missed_at(0.55) == pytest.approx(1 / 6)
    assert found.missed_at(2.0) == 0


@pytest.mark.parametrize("rate", [0.0, 1.0, -1, float("nan")])
def test_invalid_rates_are_rejected(rate: float) -> None:
    with pytest.raises(ValueError, match="rate"):
        calibrate(gallery_of(a=person(0)), SETTINGS, DLIB, rate=rate)


@pytest.mark.parametrize("gallery", [Gallery.empty(), gallery_of(a=person(0)), gallery_of(a=person(0, count=1))])
def test_none_and_one_person_keep_the_setting(gallery: Gallery) -> None:
    found = calibrate(gallery, SETTINGS, DLIB, rate=0.01)
    assert found.threshold == 0.55
    assert found.missed_at(0.1) in (0.0, 1.0)
    assert not found.lookalikes


def test_strangers_lower_limits_and_confirm_none() -> None:
    strangers = gallery_of(v=toward(0, 1, 0.5), w=person(5))
    found = calibrate(gallery_of(a=person(0, spread=0)), SETTINGS, DLIB, rate=0.01, strangers=strangers)
    (only,) = found.people
    assert only.limit == pytest.approx(0.5 - DLIB.embedding.safety, abs=1e-3)
    assert (only.lookalike, only.nearest_other) == ("v", pytest.approx(0.5, abs=1e-3))
    assert (len(found.strangers), len(found.different), found.confirmed) == (4, 0, False)
    assert found.threshold == 0.55


def test_large_galleries_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tracker.identity.calibration._MAX_COMPARED", 10)
    people = {f"p{place}": person(place, count=5) for place in range(8)}
    found = calibrate(gallery_of(**people), SETTINGS, DLIB, rate=0.01)
    assert len(found.different) == 10 * 7
    assert len(found.same) == 40
