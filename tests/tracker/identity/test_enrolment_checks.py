"""Enrolment checks: outliers and duplicates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from config.recognition import MatchSettings
from tracker.identity.enrolment import EnrolmentPlan, plan_enrolment
from tracker.identity.enrolment_checks import EnrolmentChecks, Review, duplicates, outliers, review
from tracker.identity.enrolment_requests import EnrolmentRequest
from tracker.identity.gallery import Gallery
from tracker.vision.embedders import DLIB_CHIP
from tracker.vision.faces import Faces

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6)


def line(*positions: float) -> np.ndarray:
    """(N, 128): faces on a line, so that distances are differences."""
    vectors = np.zeros((len(positions), 128), np.float32)
    vectors[:, 0] = positions
    return vectors


NO_VECTORS = line()


@pytest.mark.parametrize(
    ("positions", "anchors", "expected"),
    [
        pytest.param((), (), {}, id="no-picture"),
        pytest.param((0.0,), (), {}, id="one-picture"),
        pytest.param((0.0, 0.3, 0.5), (), {}, id="all-alike"),
        pytest.param((0.0, 0.5, 1.0, 1.5), (), {}, id="linked-by-those-between"),
        pytest.param((0.0, 2.0, 0.3), (), {1: 1.7}, id="one-of-somebody-else"),
        pytest.param((0.0, 0.3, 2.0, 5.0), (), {2: 1.7, 3: 4.7}, id="two-of-others"),
        pytest.param((0.0, 2.0), (), None, id="two-that-differ"),
        pytest.param((0.0, 0.3, 2.0, 2.3), (), None, id="two-and-two"),
        pytest.param((2.0,), (0.0,), {0: 2.0}, id="unlike-those-who-are-certain"),
        pytest.param((2.0, 2.1, 0.3), (0.0, 0.2), {0: 1.7, 1: 1.8}, id="the-certain-count-more-than-many"),
        pytest.param((0.5, 0.9), (0.0, 1.4), {}, id="certain-ones-far-apart"),
        pytest.param((0.7,), (0.0, 5.0), {0: 0.7}, id="between-certain-ones"),
    ],
)
def test_outliers(positions: tuple[float, ...], anchors: tuple[float, ...], expected: dict[int, float] | None) -> None:
    found = outliers(line(*positions), line(*anchors), max_distance=0.6)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-5))


def test_duplicates_are_matches_in_the_gallery() -> None:
    gallery = Gallery.of(line(0.0, 3.0, 9.0), ("a", "b", "c")).with_exceptions({"b": 0.3}, line(9.1), ("c",))
    found = duplicates(gallery, line(0.5, 0.58, 3.2, 3.4, 9.2), SETTINGS)
    assert {row: one.person_id for row, one in found.items()} == {0: "a", 2: "b"}


@pytest.mark.parametrize(
    ("positions", "own_id", "expected"),
    [
        pytest.param((4.0, 4.2, 4.4), "", Review(), id="somebody-new"),
        pytest.param((4.0, 6.0, 4.4), "", Review(others=(1,)), id="one-of-somebody-else"),
        pytest.param((4.0, 6.0), "", Review(others=(0, 1)), id="two-that-differ"),
        pytest.param((0.1, 0.3, 0.5), "", Review(lookalike="ben"), id="somebody-who-is-known"),
        pytest.param((0.5, 0.9, 1.3), "", Review(others=(0,)), id="one-that-matches-somebody"),
        pytest.param((0.1, 0.3, 9.0), "ben", Review(others=(2,)), id="added-and-one-of-somebody-else"),
        pytest.param((8.2, 8.7), "", Review(visitors=("v-2", "v-1")), id="visitors-nearest-first"),
    ],
)
def test_review(positions: tuple[float, ...], own_id: str, expected: Review) -> None:
    checks = EnrolmentChecks(
        settings=SETTINGS, gallery=Gallery.of(line(0.0), ("ben",)), visitors=Gallery.of(line(8.0, 8.8), ("v-1", "v-2"))
    )
    assert review(line(*positions), checks, own_id=own_id) == expected


class FakeEngine:
    """One face per picture; its vector is green / 50 on a line."""

    def detect(self, image: np.ndarray) -> Faces:
        assert image.shape == (150, 150, 3)
        box = np.array([[20, 20, 120, 120]], np.float32)
        points = 20 + DLIB_CHIP.template[None].astype(np.float32) * 100 / 150
        return Faces(box, np.ones(1, np.float32), points)

    def embed(self, image: np.ndarray, faces: Faces) -> np.ndarray:
        return line(*[image[0, 0, 1] / 50] * len(faces))


Draw = Callable[[str, float], Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    def make(name: str, position: float) -> Path:
        image = np.random.default_rng(len(name)).integers(0, 255, (150, 150, 3), np.uint8)
        image[0, 0] = (len(name), round(50 * position), 0)
        PIL.Image.fromarray(image).save(tmp_path / name)
        return tmp_path / name

    return make


def plans(
    checks: EnrolmentChecks, people: dict[str, list[Path]], ids_by_name: dict[str, str] | None = None
) -> list[EnrolmentPlan]:
    requests = [EnrolmentRequest(name=name, pictures=tuple(pictures)) for name, pictures in people.items()]
    return list(plan_enrolment(requests, FakeEngine(), checks=checks, ids_by_name=ids_by_name))


def checks_with(*, force: bool = False, **people: float) -> EnrolmentChecks:
    gallery = Gallery.of(line(*people.values()), tuple(people))
    names = {person_id: person_id.title() for person_id in people}
    return EnrolmentChecks(settings=SETTINGS, gallery=gallery, names=names, force=force)


def test_picture_of_somebody_else_is_rejected(draw: Draw) -> None:
    pictures = [draw("1.png", 0.0), draw("02.png", 2.0), draw("003.png", 0.2)]
    (made,) = plans(checks_with(), {"Ada": pictures})
    assert made.sources == ("1.png", "003.png")
    assert [(refused.path.name, refused.reason) for refused in made.rejected] == [
        ("02.png", "does not match the other pictures of Ada (distance 1.80)")
    ]


def test_pictures_of_two_people_are_rejected_unless_forced(draw: Draw) -> None:
    pictures = [draw("1.png", 0.0), draw("02.png", 2.0)]
    (made,) = plans(checks_with(), {"Ada": pictures})
    assert made.problem is not None
    assert "show different people" in made.problem
    assert made.vectors.shape == (0, 0)
    (forced,) = plans(checks_with(force=True), {"Ada": pictures})
    assert (forced.problem, len(forced.accepted)) == (None, 2)


def test_duplicate_person_is_rejected_unless_forced(draw: Draw) -> None:
    pictures = [draw("1.png", 0.4), draw("02.png", 0.6)]
    (made,) = plans(checks_with(bob=0.0, cy=3.0), {"Robert": pictures})
    assert made.problem is not None
    assert made.problem.startswith("matches Bob, who is already enrolled (distance 0.40)")
    assert "--add" in made.problem
    assert "--force" in made.problem
    (forced,) = plans(checks_with(bob=0.0, force=True), {"Robert": pictures})
    assert forced.problem is None


def test_single_duplicate_picture_is_rejected(draw: Draw) -> None:
    linked = [draw("1.png", 1.5), draw("02.png", 1.3), draw("003.png", 0.8), draw("0004.png", 0.3)]
    (made,) = plans(checks_with(bob=0.0), {"Ada": linked})
    assert made.problem is None
    assert {refused.path.name: refused.reason for refused in made.rejected} == {
        "0004.png": "matches Bob, who is already enrolled (distance 0.30)"
    }


def test_duplicates_within_one_batch_are_found(draw: Draw) -> None:
    made = plans(
        checks_with(), {"Ada": [draw("1.png", 0.0)], "Ada L": [draw("02.png", 0.1)], "Bob": [draw("003.png", 2)]}
    )
    assert [plan.name for plan in made if plan.problem is None] == ["Ada", "Bob"]
    assert made[1].problem is not None
    assert made[1].problem.startswith("matches Ada,")


def test_added_pictures_must_match_the_person(draw: Draw) -> None:
    people = {"Bob": [draw("1.png", 0.3), draw("02.png", 2.0)]}
    (made,) = plans(checks_with(bob=0.0, cy=2.2), people, ids_by_name={"Bob": "bob"})
    assert made.sources == ("1.png",)
    assert [refused.reason for refused in made.rejected] == [
        "does not match the enrolled pictures of Bob (distance 1.70)"
    ]
    (nothing,) = plans(checks_with(bob=5.0), people, ids_by_name={"Bob": "bob"})
    assert nothing.problem is not None
    assert nothing.problem.startswith("no picture matches the enrolled pictures of Bob")


def test_matching_visitors_are_listed_nearest_first(draw: Draw) -> None:
    strangers = Gallery.of(line(0.5, 0.2, 3.0), ("v-far", "v-near", "v-other"))
    around = EnrolmentChecks(settings=SETTINGS, visitors=strangers)
    (made,) = plans(around, {"Ada": [draw("1.png", 0.16), draw("02.png", 0.6)]})
    assert made.problem is None
    assert made.visitors == ("v-near", "v-far")


def test_without_checks_nothing_is_compared(draw: Draw) -> None:
    pictures = (draw("1.png", 0.0), draw("02.png", 2.0))
    (made,) = plan_enrolment([EnrolmentRequest(name="Ada", pictures=pictures)], FakeEngine())
    assert len(made.accepted) == 2
