"""Keeping other people out of somebody's vectors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from config.settings import MatchSettings
from tracker.identity.checks import Company, doubles, strays
from tracker.identity.enrolment import Candidate, Plan, plan_people
from tracker.identity.gallery import Gallery
from tracker.vision.align import TEMPLATE_150
from tracker.vision.faces import Faces

SETTINGS = MatchSettings(max_distance=0.55, stranger_distance=0.6)


def line(*places: float) -> np.ndarray:
    """(N, 128): faces on a line, so that distances are differences."""
    vectors = np.zeros((len(places), 128), np.float32)
    vectors[:, 0] = places
    return vectors


NOBODY = line()


@pytest.mark.parametrize(
    ("places", "anchors", "expected"),
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
def test_strays(places: tuple[float, ...], anchors: tuple[float, ...], expected: dict[int, float] | None) -> None:
    found = strays(line(*places), line(*anchors), reach=0.6)
    assert found == (None if expected is None else pytest.approx(expected, abs=1e-5))


def test_doubles_are_those_who_would_be_taken_for_somebody() -> None:
    gallery = Gallery.of(line(0.0, 3.0, 9.0), ("a", "b", "c")).with_exceptions({"b": 0.3}, line(9.1), ("c",))
    found = doubles(gallery, line(0.5, 0.58, 3.2, 3.4, 9.2), SETTINGS)
    assert {row: one.person_id for row, one in found.items()} == {0: "a", 2: "b"}


class Slate:
    """One face a picture; green says where it stands on the line, in fiftieths."""

    def detect(self, image: np.ndarray) -> Faces:
        assert image.shape == (150, 150, 3)
        box = np.array([[20, 20, 120, 120]], np.float32)
        points = 20 + TEMPLATE_150[None].astype(np.float32) * 100 / 150
        return Faces(box, np.ones(1, np.float32), points)

    def embed(self, image: np.ndarray, faces: Faces) -> np.ndarray:
        return line(*[image[0, 0, 1] / 50] * len(faces))


Draw = Callable[[str, float], Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    def make(name: str, place: float) -> Path:
        image = np.random.default_rng(len(name)).integers(0, 255, (150, 150, 3), np.uint8)
        image[0, 0] = (len(name), round(50 * place), 0)
        PIL.Image.fromarray(image).save(tmp_path / name)
        return tmp_path / name

    return make


def plans(company: Company, people: dict[str, list[Path]], known_as: dict[str, str] | None = None) -> list[Plan]:
    candidates = [Candidate(name=name, pictures=tuple(pictures)) for name, pictures in people.items()]
    return list(plan_people(candidates, Slate(), company=company, known_as=known_as))


def company(*, force: bool = False, **people: float) -> Company:
    gallery = Gallery.of(line(*people.values()), tuple(people))
    names = {person_id: person_id.title() for person_id in people}
    return Company(settings=SETTINGS, gallery=gallery, names=names, force=force)


def test_a_picture_of_somebody_else_is_left_out_with_the_reason(draw: Draw) -> None:
    pictures = [draw("1.png", 0.0), draw("02.png", 2.0), draw("003.png", 0.2)]
    (made,) = plans(company(), {"Ada": pictures})
    assert made.sources == ("1.png", "003.png")
    assert [(refused.path.name, refused.reason) for refused in made.refused] == [
        ("02.png", "not like the other pictures of Ada, 1.80 apart")
    ]


def test_pictures_of_two_people_are_nobodys_until_forced(draw: Draw) -> None:
    pictures = [draw("1.png", 0.0), draw("02.png", 2.0)]
    (made,) = plans(company(), {"Ada": pictures})
    assert made.problem is not None
    assert "show different people" in made.problem
    assert made.vectors.shape == (0, 128)
    (forced,) = plans(company(force=True), {"Ada": pictures})
    assert (forced.problem, len(forced.accepted)) == (None, 2)


def test_somebody_who_is_enrolled_already_is_refused_under_another_name_until_forced(draw: Draw) -> None:
    pictures = [draw("1.png", 0.4), draw("02.png", 0.6)]
    (made,) = plans(company(bob=0.0, cy=3.0), {"Robert": pictures})
    assert made.problem is not None
    assert made.problem.startswith("looks like Bob, who is enrolled already (0.40 apart)")
    assert "--add" in made.problem
    assert "--force" in made.problem
    (forced,) = plans(company(bob=0.0, force=True), {"Robert": pictures})
    assert forced.problem is None


def test_one_picture_of_somebody_enrolled_is_left_out_and_the_person_saved(draw: Draw) -> None:
    linked = [draw("1.png", 1.5), draw("02.png", 1.3), draw("003.png", 0.8), draw("0004.png", 0.3)]
    (made,) = plans(company(bob=0.0), {"Ada": linked})
    assert made.problem is None
    assert {refused.path.name: refused.reason for refused in made.refused} == {
        "0004.png": "shows Bob, who is enrolled already (0.30 apart)"
    }


def test_two_candidates_who_are_one_are_found_in_one_go(draw: Draw) -> None:
    made = plans(company(), {"Ada": [draw("1.png", 0.0)], "Ada L": [draw("02.png", 0.1)], "Bob": [draw("003.png", 2)]})
    assert [plan.name for plan in made if plan.problem is None] == ["Ada", "Bob"]
    assert made[1].problem is not None
    assert made[1].problem.startswith("looks like Ada,")


def test_more_pictures_of_somebody_must_show_that_person(draw: Draw) -> None:
    people = {"Bob": [draw("1.png", 0.3), draw("02.png", 2.0)]}
    (made,) = plans(company(bob=0.0, cy=2.2), people, known_as={"Bob": "bob"})
    assert made.sources == ("1.png",)
    assert [refused.reason for refused in made.refused] == ["not like the enrolled pictures of Bob, 1.70 apart"]
    (nothing,) = plans(company(bob=5.0), people, known_as={"Bob": "bob"})
    assert nothing.problem is not None
    assert nothing.problem.startswith("no picture is like the enrolled pictures of Bob")


def test_strangers_who_look_like_a_new_person_are_named_nearest_first(draw: Draw) -> None:
    strangers = Gallery.of(line(0.5, 0.2, 3.0), ("v-far", "v-near", "v-other"))
    around = Company(settings=SETTINGS, visitors=strangers)
    (made,) = plans(around, {"Ada": [draw("1.png", 0.16), draw("02.png", 0.6)]})
    assert made.problem is None
    assert made.visitors == ("v-near", "v-far")


def test_without_company_nothing_is_compared(draw: Draw) -> None:
    pictures = (draw("1.png", 0.0), draw("02.png", 2.0))
    (made,) = plan_people([Candidate(name="Ada", pictures=pictures)], Slate())
    assert len(made.accepted) == 2
