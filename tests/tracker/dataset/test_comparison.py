"""Which pictures of a dataset are duplicates, outliers and mislabelled, by vectors that are chosen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from tracker.dataset.comparison import compare, distances_by_row
from tracker.dataset.examination import ExaminedPicture, Problem
from tracker.identity.limits import match_settings
from tracker.vision.embedders import SFACE

MATCH = match_settings(MatchSettings(), SFACE, people=3)


def near(person: int, view: int = 0, apart: float = 0.6) -> np.ndarray:
    """A vector of length 1; those of one person and two views are `apart`, those of two people about 1.4."""
    vector = np.zeros(128, np.float32)
    vector[person] = 1.0
    vector[64 + 8 * person + view] = 0.0 if view == 0 else apart
    return vector / np.linalg.norm(vector)


def picture(name: str, vector: np.ndarray, problem: Problem | None = None) -> ExaminedPicture:
    return ExaminedPicture(
        person=name.partition("/")[0], path=Path(name), content=f"digest of {name}", vector=vector, problem=problem
    )


def found(*pictures: ExaminedPicture) -> tuple[dict[str, Problem], list[tuple[str, str]]]:
    marked, alike = compare(pictures, SFACE, MATCH)
    assert [each.path for each in marked] == [each.path for each in pictures]
    problems = {str(each.path): each.problem for each in marked if each.problem is not None}
    return problems, [(each.first, each.second) for each in alike]


def three(name: str, person: int) -> list[ExaminedPicture]:
    return [picture(f"{name}/{view}", near(person, view)) for view in range(3)]


def test_different_views_of_different_people_are_good() -> None:
    assert found(*three("a", 0), *three("b", 1)) == ({}, [])


def test_a_picture_of_somebody_else_is_the_only_one_that_is_wrong() -> None:
    stray = picture("a/stray", near(1, 3))
    assert found(*three("a", 0), stray, *three("b", 1)) == ({"a/stray": Problem.MISLABELLED}, [])


def test_of_two_pictures_the_one_that_fits_another_person_is_wrong() -> None:
    pair = [picture("a/own", near(0)), picture("a/stray", near(1, 3))]
    assert found(*pair, *three("b", 1)) == ({"a/stray": Problem.MISLABELLED}, [])


def test_a_near_duplicate_of_somebody_else_is_wrong_where_it_fits_one_of_them() -> None:
    stray = picture("a/stray", near(1, 2) + np.float32(1e-3))
    assert found(*three("a", 0), stray, *three("b", 1)) == ({"a/stray": Problem.MISLABELLED}, [])


@pytest.mark.parametrize(
    ("apart", "problem"), [(0.45, Problem.MISLABELLED), (0.62, None), (1.04, None)], ids=["sure", "alike", "chance"]
)
def test_a_single_picture_is_of_somebody_else_only_where_that_is_sure(apart: float, problem: Problem | None) -> None:
    """Among thousands of people with one picture each, everybody resembles somebody."""
    vector = near(1)
    angle = 2 * np.arcsin(apart / 2)
    single = picture("a/1", (np.cos(angle) * vector + np.sin(angle) * near(7)).astype(np.float32))
    problems, _ = found(single, picture("b/1", vector), picture("b/2", near(1, 1, apart=0.05)))
    assert problems.get("a/1") == problem


def test_one_person_under_two_names_is_named_and_its_near_duplicates_belong_to_neither() -> None:
    twins = [picture(f"b/{view}", near(0, view, apart=0.61)) for view in range(3)]
    problems, alike = found(*three("a", 0), *twins)
    assert alike == [("a", "b")]
    assert problems.keys() == {f"{name}/{view}" for name in "ab" for view in range(3)}
    assert problems["a/0"] is problems["b/0"] is Problem.SHARED


def test_a_picture_of_nobody_known_is_an_outlier_and_pictures_that_all_differ_are_all() -> None:
    assert found(*three("a", 0), picture("a/who", near(5)))[0] == {"a/who": Problem.OUTLIER}
    every = {"a/1": Problem.OUTLIER, "a/2": Problem.OUTLIER}
    assert found(picture("a/1", near(0)), picture("a/2", near(5)))[0] == every


def test_the_first_of_near_duplicates_stays_and_a_chain_of_views_is_kept_where_it_moved_on() -> None:
    angles = [0.0, 0.3, 0.6, 0.9]
    views = [np.cos(angle) * near(0) + np.sin(angle) * near(7) for angle in angles]
    series = [picture(f"a/{row}", view.astype(np.float32)) for row, view in enumerate(views)]
    assert found(*series)[0] == {"a/1": Problem.NEAR_DUPLICATE, "a/3": Problem.NEAR_DUPLICATE}


def test_pictures_that_are_not_good_are_compared_with_nothing() -> None:
    bad = picture("a/bad", near(0), Problem.SEVERAL_FACES)
    assert found(bad, *three("a", 0))[0] == {"a/bad": Problem.SEVERAL_FACES}
    assert found(bad) == ({"a/bad": Problem.SEVERAL_FACES}, [])
    assert compare([], SFACE, MATCH) == ([], [])


def test_distances_are_those_of_the_vectors_even_where_they_are_not_of_length_one() -> None:
    vectors = np.random.default_rng(7).normal(size=(9, 128)).astype(np.float32)
    expected = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    assert np.abs(np.stack(list(distances_by_row(vectors))) - expected).max() < 1e-2
