"""Which visitors are probably one person, which matches are doubtful, and what a confirmed one teaches."""

from __future__ import annotations

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.review import (
    MAX_CONFIRMED,
    MAX_VECTORS,
    Likeness,
    Resemblance,
    RunnerUp,
    clusters,
    doubt,
    learnable,
    likeness,
    runner_up,
)
from tracker.vision.faces import FloatArray

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6, min_margin=0.05, clear_by=0.05)
NOBODY = Gallery.empty()


def faces(*places: float) -> FloatArray:
    """Faces on a line, so that distances are differences."""
    vectors = np.zeros((len(places), 128), np.float32)
    vectors[:, 0] = places
    return vectors


def gallery(**people: tuple[float, ...]) -> Gallery:
    found = NOBODY
    for person_id, places in people.items():
        found = found.with_person(person_id.replace("_", "-"), faces(*places))
    return found


@pytest.mark.parametrize(
    ("visitors", "expected"),
    [
        pytest.param(NOBODY, [], id="nobody"),
        pytest.param(gallery(v_1=(0.0,)), [("v-1",)], id="one"),
        pytest.param(gallery(v_1=(0.0,), v_2=(9.0,), v_3=(0.3,)), [("v-1", "v-3"), ("v-2",)], id="two-are-one"),
        pytest.param(gallery(v_1=(0.0,), v_2=(0.4,), v_3=(0.8,)), [("v-1", "v-2"), ("v-3",)], id="no-chain"),
        pytest.param(gallery(v_1=(0.0, 2.0, 3.0), v_2=(0.1,)), [("v-1",), ("v-2",)], id="one-face-of-three"),
    ],
)
def test_visitors_who_all_resemble_one_another_are_one_cluster(
    visitors: Gallery, expected: list[tuple[str, ...]]
) -> None:
    assert clusters(visitors, SETTINGS) == expected


def test_visitors_who_were_here_together_are_two_people() -> None:
    visitors = gallery(v_1=(0.0,), v_2=(0.1,), v_3=(0.2,))
    apart = {frozenset(("v-1", "v-2")), frozenset(("v-1", "v-9"))}
    found = clusters(visitors, SETTINGS, apart=apart)
    assert sorted(map(len, found)) == [1, 2]
    assert ("v-1", "v-2") not in found


@pytest.mark.parametrize(
    ("places", "resemblance"),
    [
        pytest.param((0.4, 0.45), Resemblance.STRONG, id="most-faces"),
        pytest.param((0.4, 2.0, 3.0), Resemblance.NEAR, id="one-face"),
        pytest.param((0.58,), Resemblance.SLIGHT, id="between-match-and-stranger"),
        pytest.param((0.7,), None, id="a-stranger"),
    ],
)
def test_stranger_resembles_the_nearest_person(places: tuple[float, ...], resemblance: Resemblance | None) -> None:
    people = gallery(p_ada=(0.0,), p_ben=(-4.0,))
    found = likeness(distances(people, faces(*places)), people, SETTINGS)
    expected = None
    if resemblance is not None:
        expected = Likeness(person_id="p-ada", distance=pytest.approx(min(places), abs=1e-3), resemblance=resemblance)
    assert found == expected


def test_nobody_resembles_nobody() -> None:
    assert likeness(distances(NOBODY, faces(0.0)), NOBODY, SETTINGS) is None


@pytest.mark.parametrize(
    ("distance", "margin", "expected"),
    [
        pytest.param(0.3, 0.3, 0.0, id="clear"),
        pytest.param(0.3, None, 0.0, id="nobody-else"),
        pytest.param(0.475, None, 0.5, id="near-the-limit"),
        pytest.param(0.5, 0.3, 1.0, id="at-the-limit"),
        pytest.param(0.3, 0.075, 0.5, id="small-margin"),
        pytest.param(0.3, 0.05, 1.0, id="least-margin"),
        pytest.param(0.54, 0.01, 1.0, id="beyond-both"),
        pytest.param(None, None, 0.0, id="no-figures"),
    ],
)
def test_doubt_grows_towards_the_limits(distance: float | None, margin: float | None, expected: float) -> None:
    assert doubt(distance, margin, 0.55, SETTINGS) == pytest.approx(expected)


def test_matches_are_never_doubtful_without_a_safety_distance() -> None:
    settings = MatchSettings(max_distance=0.55, stranger_distance=0.6, min_margin=0.0, clear_by=0.0)
    assert doubt(0.549, 0.001, 0.55, settings) == 0.0


def test_runner_up_is_the_next_person() -> None:
    people = gallery(p_ada=(0.0,), p_ben=(1.0,), p_eve=(3.0,))
    assert runner_up(faces(0.2, 0.4), "p-ada", people) == RunnerUp(
        person_id="p-ben", distance=pytest.approx(0.6, abs=1e-3)
    )
    assert runner_up(faces(0.2), "p-ada", gallery(p_ada=(0.0,))) is None
    assert runner_up(faces(), "p-ada", people) is None


@pytest.mark.parametrize(
    ("places", "rows"),
    [
        pytest.param((0.5, 0.4), [1], id="nearest-first-and-no-twin"),
        pytest.param((0.05,), [], id="known-already"),
        pytest.param((0.5, -0.5, 0.3, -0.3), [2, 3], id="two-at-most"),
        pytest.param((0.6,), [], id="does-not-match"),
        pytest.param((2.6,), [], id="is-somebody-else"),
        pytest.param((), [], id="no-faces"),
    ],
)
def test_confirmed_match_adds_new_views(places: tuple[float, ...], rows: list[int]) -> None:
    people = gallery(p_ada=(0.0,), p_ben=(2.5,))
    found = learnable(faces(*places), "p-ada", people, SETTINGS, new_view=0.2)
    assert found == rows
    assert len(found) <= MAX_CONFIRMED


def test_face_that_also_matches_somebody_else_is_not_learned() -> None:
    people = gallery(p_ada=(0.0,), p_ben=(0.9,))
    assert learnable(faces(0.4), "p-ada", people, SETTINGS, new_view=0.2) == []


def test_person_has_no_more_than_so_many_vectors() -> None:
    known = tuple(-0.001 * place for place in range(MAX_VECTORS - 1))
    assert len(learnable(faces(0.4, -0.4), "p-ada", gallery(p_ada=known), SETTINGS, new_view=0.2)) == 1
    assert learnable(faces(0.4), "p-ada", gallery(p_ada=(*known, 0.01)), SETTINGS, new_view=0.2) == []


def test_nothing_is_learned_of_somebody_without_vectors() -> None:
    assert learnable(faces(0.4), "p-eve", gallery(p_ada=(0.0,)), SETTINGS, new_view=0.2) == []
