"""Enrolment: accepted people and pictures, and the reasons for rejections."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from config.errors import PeopleError
from tracker.identity.enrolment import EnrolmentPlan, new_person_id, plan_enrolment, plan_person
from tracker.identity.enrolment_faces import single_face
from tracker.identity.enrolment_requests import EnrolmentRequest, requests_in
from tracker.identity.pictures import read_picture
from tracker.vision.embedders import DLIB_CHIP
from tracker.vision.faces import Faces


class FakeEngine:
    """Finds the faces encoded in the top left corner: blue is the number, green the width (px), red the person.

    The first face has the given width; the others are a fifth narrower, or a tenth as wide when there are more than 9.
    Faces after the first have the given score.
    """

    def __init__(self, score: float = 1.0) -> None:
        self.score = score

    def detect(self, image: np.ndarray) -> Faces:
        count, width, _ = (int(value) for value in image[0, 0])
        few = count < 10
        widths = np.array([width] + [width * (0.8 if few else 0.1)] * ((count if few else count - 9) - 1))[:count]
        left = np.full(len(widths), 20.0)
        boxes = np.stack([left, left, left + widths, left + widths], axis=1).astype(np.float32)
        points = left[:, None, None] + DLIB_CHIP.template[None] * (widths / 150)[:, None, None]
        scores = np.array([1.0, *[self.score] * 99][: len(widths)], np.float32)
        return Faces(boxes, scores, points.astype(np.float32))

    def embed(self, image: np.ndarray, faces: Faces) -> np.ndarray:
        return np.full((len(faces), 128), image[0, 0, 2], np.float32)


ENGINE = FakeEngine()
Draw = Callable[..., Path]


@pytest.fixture
def draw(tmp_path: Path) -> Draw:
    """draw("ada/1.png", faces=1, width=100, who=7): a noisy picture that encodes what FakeEngine finds."""

    def make(
        name: str, *, faces: int = 1, width: int = 100, who: int = 7, side: int = 200, blurred: bool = False
    ) -> Path:
        seed = zlib.crc32(f"{name} {who}".encode())
        image = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
        if blurred:
            image[:] = np.linspace(60, 180, side).astype(np.uint8)[:, None, None]
        image[:16, :16] = (faces, width, who)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.fromarray(image[:, :, ::-1]).save(path)
        return path

    return make


def plan(name: str, *pictures: Path, existing: tuple[str, ...] = ()) -> EnrolmentPlan:
    return plan_person(name, pictures, ENGINE, existing=existing)


def reasons(made: EnrolmentPlan) -> dict[str, str]:
    return {refused.path.name: refused.reason for refused in made.rejected}


def test_accepted_pictures_give_vectors_in_order(draw: Draw) -> None:
    made = plan("  Ada  Lovelace", draw("b.png", who=3), draw("a.png", who=4))
    assert made.name == "Ada Lovelace"
    assert made.problem is None
    assert made.rejected == ()
    assert made.vectors.shape == (2, 128)
    assert made.vectors[:, 0].tolist() == [3, 4]
    assert made.sources == ("b.png", "a.png")


def test_each_rejected_picture_has_its_own_reason(draw: Draw, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.png").touch()
    made = plan(
        "Ada",
        draw("none.png", faces=0),
        draw("two.png", faces=2),
        draw("small.png", width=30),
        draw("blurred.png", blurred=True),
        tmp_path / "text.jpg",
        tmp_path / "empty.png",
        tmp_path / "missing.png",
        draw("good.png"),
    )
    assert made.problem is None
    assert made.sources == ("good.png",)
    assert reasons(made) == {
        "none.png": "no face found",
        "two.png": "2 faces found, exactly one is needed",
        "small.png": "the face is too small: 30 px wide, at least 40 needed",
        "blurred.png": "the face is too blurred: sharpness 0.0, at least 1.5 needed",
        "text.jpg": "not a picture",
        "empty.png": "the file is empty",
        "missing.png": "no such file",
    }


def test_a_picture_without_a_finite_vector_is_rejected(draw: Draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeEngine, "embed", lambda *_: np.full((1, 128), np.nan, np.float32))
    made = plan("Ada", draw("a.png"))
    assert reasons(made) == {"a.png": "the network gives no finite vector"}
    assert made.problem == "no usable picture of Ada"


def test_small_background_faces_are_ignored(draw: Draw) -> None:
    assert plan("Ada", draw("crowd.png", faces=12, who=5)).problem is None


def test_low_score_beside_a_high_score_is_ignored(draw: Draw) -> None:
    pair = draw("pair.png", faces=2)
    assert plan_person("Ada", [pair], FakeEngine(score=0.9)).problem is None
    assert plan_person("Ada", [pair], FakeEngine(score=0.96)).problem is not None


def test_person_without_a_usable_picture_is_not_saved(draw: Draw) -> None:
    for made in (plan("Ada", draw("none.png", faces=0)), plan("Ada")):
        assert made.problem is not None
        assert "Ada" in made.problem
        assert made.vectors.shape == (0, 0)


def test_face_width_is_in_px_of_the_original_picture(draw: Draw) -> None:
    face = single_face(read_picture(draw("huge.png", side=2560, width=100)), ENGINE, name="huge.png")
    assert face.faces.widths == pytest.approx([200])  # found 100 wide in the picture shrunken by half


def test_duplicate_picture_counts_once(draw: Draw, tmp_path: Path) -> None:
    first = draw("a.png")
    copy = tmp_path / "copy.png"
    copy.write_bytes(first.read_bytes())
    made = plan("Ada", first, copy, first)
    assert made.sources == ("a.png",)
    assert [refused.reason for refused in made.rejected] == ["the same picture as a.png"] * 2


@pytest.mark.parametrize("taken", ["Ada Lovelace", "ADA LOVELACE", "ada  lovelace"])
def test_existing_name_is_rejected(draw: Draw, taken: str) -> None:
    made = plan("Ada Lovelace", draw("a.png"), existing=(" ".join(taken.split()),))
    assert made.problem == "a person named Ada Lovelace already exists"
    assert made.accepted == ()


def test_invalid_name_is_rejected_before_reading_pictures(tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match="slash"):
        plan("a/b", tmp_path / "missing.png")


def test_failures_do_not_affect_other_people(draw: Draw, tmp_path: Path) -> None:
    for name, faces in (("Ada/1.png", 1), ("Ada/2.png", 0), ("Ben.png", 2), ("Cy.png", 1), ("Dan.png", 1)):
        draw(name, faces=faces)
    (tmp_path / "Eve.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(40))
    plans = {made.name: made for made in plan_enrolment(requests_in(tmp_path), ENGINE, existing=["cy"])}
    assert {name for name, made in plans.items() if made.problem is None} == {"Ada", "Dan"}
    assert reasons(plans["Ada"]) == {"2.png": "no face found"}
    assert plans["Cy"].problem == "a person named Cy already exists"
    assert reasons(plans["Eve"]) == {"Eve.heic": "HEIC pictures cannot be read"}


def test_duplicate_name_is_rejected_for_both(draw: Draw, tmp_path: Path) -> None:
    for name in ("Zoë/1.png", "Zoë.jpg", "Ben.png"):
        draw(name)
    found = requests_in(tmp_path)
    decomposed = EnrolmentRequest(name=unicodedata.normalize("NFD", "ZOË"), pictures=(draw("x.png"),))
    plans = list(plan_enrolment([*found, decomposed], ENGINE))
    problems = {made.name: made.problem for made in plans}
    assert problems["Ben"] is None
    assert problems["Zoë"] == "3 people here are named Zoë"
    assert sum(made.problem is not None for made in plans) == 3


def test_picture_of_two_people_is_rejected_for_both(draw: Draw, tmp_path: Path) -> None:
    ada, other = draw("Ada/1.png"), draw("Ada/2.png")
    (tmp_path / "Ben.png").write_bytes(ada.read_bytes())
    plans = {made.name: made for made in plan_enrolment(requests_in(tmp_path), ENGINE)}
    assert plans["Ada"].sources == (other.name,)
    assert reasons(plans["Ada"]) == {"1.png": "the same picture is given for 2 people"}
    assert plans["Ben"].problem is not None


def test_invalid_names_do_not_affect_other_people(draw: Draw) -> None:
    good, bad = draw("a.png"), draw("b.png")
    candidates = [EnrolmentRequest(name="\u202egnp", pictures=(bad,)), EnrolmentRequest(name="Ada", pictures=(good,))]
    refused, made = plan_enrolment(candidates, ENGINE)
    assert refused.problem is not None
    assert refused.name.isprintable()
    assert made.problem is None


def test_plans_are_yielded_one_at_a_time(draw: Draw, tmp_path: Path) -> None:
    later = draw("later.png")
    plans = plan_enrolment(
        [EnrolmentRequest(name="Ada", pictures=(draw("a.png"),)), EnrolmentRequest(name="Ben", pictures=(later,))],
        ENGINE,
    )
    assert next(plans).problem is None
    later.unlink()
    assert reasons(next(plans)) == {"later.png": "no such file"}


def test_ids_are_random_and_unique() -> None:
    ids = {new_person_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(person_id.startswith("p-") and len(person_id) == 14 for person_id in ids)
