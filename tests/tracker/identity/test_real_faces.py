"""Real pictures: portraits from two wheels and, where installed, clips of four people."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.recognition import DetectSettings, MatchSettings, QualitySettings
from config.settings import ModelSettings, Precision
from tests.tracker.sources import open_source
from tracker.cameras.frames import Frame
from tracker.identity.enrolment import plan_person
from tracker.identity.gallery import Gallery
from tracker.identity.match import Verdict, classify, nearest
from tracker.identity.pictures import read_picture
from tracker.identity.visitors import Visitors
from tracker.identity.votes import Vote, VoteOutcome, VoteResult, verdict_margin, verdict_of, weight
from tracker.vision.embedders import SFACE
from tracker.vision.engine import FaceEngine

MATCH = MatchSettings()
START = datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def engine(models_folder: Path) -> FaceEngine:
    return FaceEngine.load(
        models=ModelSettings(dir=models_folder, precision=Precision.FLOAT16),
        detect=DetectSettings(),
        quality=QualitySettings(),
    )


def in_wheel(package: str, file: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None or not (Path(spec.origin).parent / file).is_file():
        pytest.skip(f"the {package} wheel with {file} is not installed")
    return Path(spec.origin).parent / file


@pytest.fixture(scope="module")
def astronaut() -> Path:
    return in_wheel("skimage", "data/astronaut.png")


@pytest.fixture(scope="module")
def admiral() -> Path:
    return in_wheel("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")


def written(path: Path, image: np.ndarray) -> Path:
    cv2.imencode(path.suffix, image)[1].tofile(path)
    return path


def darker_and_cropped(image: np.ndarray) -> np.ndarray:
    part = image[10:300, 80:380]
    return np.clip(cv2.resize(part, None, fx=0.8, fy=0.8) * 0.55 + 5, 0, 255).astype(np.uint8)


def test_portrait_is_recognised_in_other_light_and_crop_and_another_person_is_not(
    engine: FaceEngine, astronaut: Path, admiral: Path, tmp_path: Path
) -> None:
    other = written(tmp_path / "dark.jpg", darker_and_cropped(read_picture(astronaut)))
    plan = plan_person("Eileen", [other], engine)
    assert plan.problem is None
    gallery = Gallery.empty().with_person("p-1", plan.vectors)
    seen = {path: engine.analyse(read_picture(path)) for path in (astronaut, admiral)}
    verdicts = {
        path: classify(nearest(gallery, each.vectors[each.usable][:1])[0], MATCH) for path, each in seen.items()
    }
    assert verdicts == {astronaut: Verdict.MATCH, admiral: Verdict.STRANGER}


def test_pictures_without_exactly_one_face_are_rejected(
    engine: FaceEngine, astronaut: Path, admiral: Path, tmp_path: Path
) -> None:
    one = read_picture(astronaut)[:300, 80:380]
    two = cv2.resize(read_picture(admiral)[:350, 100:450], (300, 300))
    pictures = {
        "pair.png": np.hstack([one, two]),
        "small.png": cv2.resize(one, None, fx=0.28, fy=0.28, interpolation=cv2.INTER_AREA),
        "blurred.png": cv2.GaussianBlur(one, (0, 0), 6),
        "nobody.png": np.random.default_rng(1).integers(0, 255, (300, 300, 3), np.uint8),
        "black.png": np.zeros((1, 1, 3), np.uint8),
    }
    plan = plan_person("Eileen", [written(tmp_path / name, image) for name, image in pictures.items()], engine)
    reasons = {refused.path.name: refused.reason for refused in plan.rejected}
    assert plan.problem is not None
    assert reasons["pair.png"].startswith("2 faces")
    assert "too small" in reasons["small.png"]
    assert "too blurred" in reasons["blurred.png"]
    assert reasons["nobody.png"] == reasons["black.png"] == "no face found"


def test_large_photograph_is_enrolled_like_a_small_one(engine: FaceEngine, astronaut: Path, tmp_path: Path) -> None:
    image = read_picture(astronaut)
    large = written(tmp_path / "large.jpg", cv2.resize(image, None, fx=7, fy=7, interpolation=cv2.INTER_CUBIC))
    plan = plan_person("Eileen", [large, astronaut], engine)
    assert plan.rejected == ()
    assert np.linalg.norm(plan.vectors[0] - plan.vectors[1]) < 0.3


@pytest.fixture(scope="module")
def clip() -> Callable[[str], list[Frame]]:
    folder = os.environ.get("FOOTFALL_TESTDATA")
    if not folder:
        pytest.skip("FOOTFALL_TESTDATA does not name the folder with the clips")

    def frames(name: str) -> list[Frame]:
        source = open_source(str(Path(folder) / f"{name}.gif"), start_at=START, realtime=False)
        return list(iter(source.read, None))

    return frames


def votes_of(engine: FaceEngine, gallery: Gallery, frames: list[Frame]) -> Iterator[tuple[float, Verdict, str | None]]:
    """(width px, verdict, nearest person) of every face, however poor."""
    for frame in frames:
        faces = engine.detect(frame.image)
        found = nearest(gallery, engine.embed(frame.image, faces))
        for width, each in zip(faces.widths, found, strict=True):
            yield float(width), classify(each, MATCH), each.person_id if each else None


def naming_of(engine: FaceEngine, gallery: Gallery, frames: list[Frame]) -> VoteResult:
    """What a track with the only face of these frames comes to."""
    vote = Vote()
    for frame in frames:
        seen = engine.analyse(frame.image)
        for row in np.flatnonzero(seen.usable):
            found = nearest(gallery, seen.vectors[row : row + 1])[0]
            yaw = float(seen.quality.yaw[row])
            verdict = verdict_of(found, yaw, float(seen.quality.eyes[row]), MATCH)
            heavy = weight(
                float(seen.quality.widths_px[row]),
                float(seen.quality.sharpness[row]),
                yaw,
                verdict_margin(found, verdict, MATCH),
                full_margin=SFACE.embedding.full_margin,
            )
            vote = vote.add(found, verdict, weight=heavy, quality=float(seen.quality.score[row]))
    return vote.result(MATCH)


@pytest.fixture(scope="module")
def gallery_of_two(
    engine: FaceEngine, clip: Callable[[str], list[Frame]], tmp_path_factory: pytest.TempPathFactory
) -> Gallery:
    """A and D, from three frames of each clip."""
    folder, gallery = tmp_path_factory.mktemp("enrolled"), Gallery.empty()
    for name, film in (("A", "woman_a_turning"), ("D", "man_d_nodding")):
        frames = clip(film)
        pictures = [written(folder / f"{name}{index}.png", frames[index].image) for index in (2, 9, 18)]
        plan = plan_person(name, pictures, engine)
        assert plan.problem is None, plan.rejected
        gallery = gallery.with_person(name, plan.vectors)
    return gallery


@pytest.mark.parametrize(("film", "person"), [("woman_a_turning", "A"), ("man_d_nodding", "D")])
def test_enrolled_people_are_recognised_on_other_frames(
    engine: FaceEngine, gallery_of_two: Gallery, clip: Callable[[str], list[Frame]], film: str, person: str
) -> None:
    frames = [frame for frame in clip(film) if frame.index not in (2, 9, 18)]
    naming = naming_of(engine, gallery_of_two, frames)
    assert (naming.kind, naming.person_id) == (VoteOutcome.PERSON, person)
    assert naming.margin is not None
    assert naming.margin > 0.2


def test_turned_faces_alone_name_somebody_who_was_enrolled_from_the_front(
    engine: FaceEngine, clip: Callable[[str], list[Frame]], tmp_path: Path
) -> None:
    frames = clip("woman_a_turning")
    pictures = [written(tmp_path / f"{index}.png", frames[index].image) for index in (9, 18)]
    gallery = Gallery.empty().with_person("A", plan_person("A", pictures, engine).vectors)
    turned = frames[:7]
    assert all((engine.analyse(each.image).quality.yaw > 50).all() for each in turned)
    naming = naming_of(engine, gallery, turned)
    assert (naming.kind, naming.person_id) == (VoteOutcome.PERSON, "A")


def test_turned_faces_alone_neither_name_a_stranger_nor_make_a_visitor(
    engine: FaceEngine, clip: Callable[[str], list[Frame]], tmp_path: Path
) -> None:
    picture = written(tmp_path / "d.png", clip("man_d_nodding")[0].image)
    gallery = Gallery.empty().with_person("D", plan_person("D", [picture], engine).vectors)
    assert naming_of(engine, gallery, clip("woman_a_turning")[:7]).kind is VoteOutcome.UNKNOWN


def test_distant_strangers_are_never_recognised_as_enrolled_people(
    engine: FaceEngine, gallery_of_two: Gallery, clip: Callable[[str], list[Frame]]
) -> None:
    votes = list(votes_of(engine, gallery_of_two, clip("two_walking_in")))
    assert len(votes) >= 60
    assert max(width for width, _, _ in votes) < 32
    assert [each for each in votes if each[1] is Verdict.MATCH] == []
    assert naming_of(engine, gallery_of_two, clip("two_walking_in")).kind is VoteOutcome.UNKNOWN


def test_strangers_are_re_identified_and_distinguished(engine: FaceEngine, clip: Callable[[str], list[Frame]]) -> None:
    visitors = Visitors(MATCH)

    def come(film: str, first: int, last: int) -> str:
        frames = [frame for frame in clip(film) if first <= frame.index <= last]
        vectors = np.concatenate(
            [seen.vectors[seen.usable] for seen in (engine.analyse(each.image) for each in frames)]
        )
        assert len(vectors) >= MATCH.visitor_sightings
        visitor = visitors.identify(vectors, at=frames[0].at, camera_id="door", track_id=f"{film}-{first}")
        assert visitor is not None
        return visitor.person.name

    came = [
        come("woman_a_turning", 7, 10),
        come("man_d_nodding", 0, 9),
        come("woman_a_turning", 16, 22),
        come("man_d_nodding", 50, 61),
    ]
    assert came == ["Visitor 1", "Visitor 2", "Visitor 1", "Visitor 2"]
