"""What is run on which picture, and what of it is timed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pytest

from config.errors import PictureError
from tests.tracker.bench.test_results import LEFT, faces
from tracker.bench.collection import Collection
from tracker.bench.contenders import Contenders
from tracker.bench.measuring import MAX_SIDE_PX, measure
from tracker.vision.faces import Faces, FloatArray, Image


@dataclass
class FakeNetwork:
    """Finds a face in every picture that is not black, embeds it by its brightness, and counts the calls."""

    calls: Counter[str] = field(default_factory=Counter)
    sizes_wh: set[tuple[int, int]] = field(default_factory=set)

    def detect(self, image: Image) -> Faces:
        self.calls["detect"] += 1
        self.sizes_wh.add((image.shape[1], image.shape[0]))
        return faces(LEFT) if image.any() else faces()

    def embed(self, image: Image, found: Faces) -> FloatArray:
        self.calls["embed"] += 1
        return np.full((len(found), 2), image.max(), np.float32)


def opened(detector: FakeNetwork, engine: FakeNetwork | None) -> Contenders:
    return Contenders(
        detectors={"fake": detector},
        embedders={} if engine is None else {"mine": engine},  # type: ignore[dict-item]
        finder=engine,
        sizes={"fake": 1, "mine": 1},
        skipped=(),
    )


def collection_of(count: int, *, black: int = 0) -> Collection:
    images = [np.full((60, 80, 3), 0 if number < black else number, np.uint8) for number in range(1, count + 1)]
    return Collection(
        title="greys", pictures={str(number): lambda image=image: image for number, image in enumerate(images)}
    )


def test_every_picture_is_searched_and_some_are_timed() -> None:
    detector, engine, seen = FakeNetwork(), FakeNetwork(), []
    found = measure(
        collection_of(50), opened(detector, engine), samples=30, on_progress=lambda *step: seen.append(step)
    )
    assert (len(found.faces["fake"]), len(found.vectors["mine"])) == (50, 50)
    assert (seen[0], seen[-1][0] == seen[-1][1]) == ((1, 70), True)
    assert found.vectors["mine"]["6"].tolist() == [7, 7]
    assert len(found.detector_ms["fake"]) == len(found.embedder_ms["mine"]) == 40  # two rounds on 20 pictures
    assert (detector.calls["detect"], engine.calls["embed"]) == (50 + 60, 50 + 60)  # the first round warms up
    assert engine.calls["detect"] == 50


def test_few_pictures_are_timed_more_often() -> None:
    detector = FakeNetwork()
    found = measure(collection_of(3), opened(detector, None), samples=10, on_progress=lambda *_: None)
    assert len(found.detector_ms["fake"]) == 12
    assert not found.vectors


def test_a_picture_without_a_face_is_not_embedded() -> None:
    engine = FakeNetwork()
    found = measure(collection_of(4, black=3), opened(FakeNetwork(), engine), samples=8, on_progress=lambda *_: None)
    assert list(found.vectors["mine"]) == ["2", "3"]
    assert len(found.embedder_ms["mine"]) == 8  # on the two with a face
    assert len(found.detector_ms["fake"]) == 8


def test_large_pictures_are_downscaled() -> None:
    detector = FakeNetwork()
    large = Collection(title="large", pictures={"one": lambda: np.ones((1000, 4 * MAX_SIDE_PX, 3), np.uint8)})
    found = measure(large, opened(detector, None), samples=1, on_progress=lambda *_: None)
    assert detector.sizes_wh == {(MAX_SIDE_PX, 250)}
    assert found.sizes_wh == {"one": (MAX_SIDE_PX, 250)}


def test_unreadable_pictures_are_kept_apart() -> None:
    def broken() -> Image:
        raise PictureError("broken.png: not a picture", fix="give another")

    pictures = {"broken.png": broken, **collection_of(2).pictures}
    found = measure(
        Collection(title="some", pictures=pictures),
        opened(FakeNetwork(), None),
        samples=4,
        on_progress=lambda *_: None,
    )
    assert len(found.detector_ms["fake"]) == 4  # not fewer because one picture cannot be read
    assert (found.unreadable, len(found.sizes_wh)) == ({"broken.png": "broken.png: not a picture"}, 2)
    with pytest.raises(PictureError, match=r"no picture of some can be read; broken\.png"):
        measure(
            Collection(title="some", pictures={"broken.png": broken}),
            opened(FakeNetwork(), None),
            samples=1,
            on_progress=lambda *_: None,
        )
