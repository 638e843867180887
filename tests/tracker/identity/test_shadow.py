"""A shadow period: which faces are taken for the next network, and which of them people are enrolled with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from config.errors import StoreError
from config.settings import Precision
from tests.tracker.vision.scenes import astronaut
from tracker.identity.recognition import FaceName
from tracker.identity.shadow import Shadow, consistent
from tracker.store.shadow import ENOUGH, MOST, ShadowVector
from tracker.vision.embed import Embedder
from tracker.vision.embedders import SFACE
from tracker.vision.faces import Faces

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ASTRONAUT = np.array([(204, 100), (245, 102), (224, 126), (202, 139), (244, 140)], np.float32)


class Kept:
    """A store that keeps what it gets, or fails."""

    def __init__(self) -> None:
        self.faces: list[ShadowVector] = []
        self.fails = False

    def add(self, model: str, faces: Sequence[ShadowVector]) -> int:
        if self.fails:
            raise StoreError("the disk is full", fix="free some space")
        assert model == SFACE.network
        self.faces += faces
        return len(faces)

    def counts(self, model: str) -> dict[str, int]:
        assert model == SFACE.network
        owners = [face.person_id for face in self.faces]
        return {owner: owners.count(owner) for owner in owners}


@pytest.fixture
def kept() -> Kept:
    return Kept()


@pytest.fixture
def shadow(kept: Kept, models_folder: object) -> Shadow:
    embedder = Embedder(SFACE, folder=models_folder, precision=Precision.FLOAT16, threads=1)  # type: ignore[arg-type]
    return Shadow(embedder, kept)


def name(track: str = "t1", person_id: str | None = "p-ada", *, clear: bool = True) -> FaceName:
    return FaceName(track_id=track, person_id=person_id, reason="", clear=clear)


def look(shadow: Shadow, names: Sequence[FaceName], second: float) -> int:
    points = np.stack([ASTRONAUT] * len(names)).astype(np.float32)
    boxes = np.concatenate([points.min(axis=1), points.max(axis=1)], axis=1)
    faces = Faces(boxes=boxes, scores=np.ones(len(names), np.float32), landmarks=points)
    return shadow.observe(astronaut(), faces, names, NOON + timedelta(seconds=second))


def test_only_faces_that_are_clear_by_themselves(shadow: Shadow, kept: Kept) -> None:
    assert look(shadow, [name(clear=False), name("t2", None), name("t3", "p-bob")], 0) == 1
    (face,) = kept.faces
    assert (face.person_id, face.track_id, face.vector.shape) == ("p-bob", "t3", (128,))
    assert np.linalg.norm(face.vector) == pytest.approx(1, abs=1e-3)


def test_a_track_gives_a_few_with_pauses(shadow: Shadow, kept: Kept) -> None:
    taken = [look(shadow, [name()], second) for second in (0, 1, 2, 3, 4, 5, 6, 7, 8)]
    assert taken == [1, 0, 1, 0, 1, 0, 0, 0, 0]
    assert look(shadow, [name("t2")], 8) == 1


def test_nobody_gives_more_than_enough(shadow: Shadow, kept: Kept) -> None:
    for track in range(20):
        look(shadow, [name(f"t{track}")], track)
    assert len(kept.faces) == MOST


def test_a_store_that_fails_gets_other_faces_later(
    shadow: Shadow, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    kept.fails = True
    assert look(shadow, [name()], 0) == 0
    assert "the disk is full" in caplog.text
    kept.fails = False
    assert look(shadow, [name()], 0) == 1


def cluster(centre: float, count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(0, 0.02, (count, 8)).astype(np.float32)
    rows[:, 0] += centre
    return rows


def test_faces_of_somebody_else_are_dropped() -> None:
    ada, bob = cluster(0, ENOUGH + 1, 1), cluster(1, ENOUGH, 2)
    stray = cluster(1, 1, 3)  # Bob's face that was taken for Ada's
    owners = ["p-ada"] * (ENOUGH + 2) + ["p-bob"] * ENOUGH
    found = consistent(np.concatenate([ada, stray, bob]), owners)
    assert np.array_equal(found["p-ada"], ada)
    assert len(found["p-bob"]) >= ENOUGH


def test_people_without_enough_faces_are_left_out() -> None:
    rows, owners = np.concatenate([cluster(0, ENOUGH, 1), cluster(1, ENOUGH - 1, 2)]), ["a"] * ENOUGH + ["b"] * 4
    assert list(consistent(rows, owners)) == ["a"]
    assert consistent(np.empty((0, 0), np.float32), ()) == {}


def test_one_person_alone_keeps_all() -> None:
    rows = cluster(0, ENOUGH, 1)
    assert np.array_equal(consistent(rows, ["a"] * ENOUGH)["a"], rows)
