"""A shadow period: which faces are taken for the next network, and which of them people are enrolled with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.errors import StoreError
from config.settings import Precision
from models.embedding import Limits
from tests.faulty_network import faulty_embedder
from tests.tracker.vision.scenes import astronaut
from tracker.identity.recognition import FaceName
from tracker.identity.shadow import Shadow, confirmed
from tracker.store.shadow import MOST, ShadowVector
from tracker.store.store import Store
from tracker.vision.embed import Embedder
from tracker.vision.embedders import SFACE
from tracker.vision.faces import Faces

EMBEDDING = SFACE.embedding.model_copy(
    update={"limits": (Limits(people=None, max_distance=0.4, stranger_distance=0.5),), "min_margin": 0.05}
)
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

    def vectors(self, model: str) -> tuple[np.ndarray, tuple[str, ...], tuple[str, ...]]:
        assert model == SFACE.network
        return (
            np.stack([face.vector for face in self.faces]),
            tuple(face.person_id for face in self.faces),
            tuple(face.track_id for face in self.faces),
        )

    def remove(self, model: str, faces: Sequence[ShadowVector]) -> None:
        assert model == SFACE.network
        gone = {(face.track_id, face.vector.tobytes()) for face in faces}
        self.faces = [face for face in self.faces if (face.track_id, face.vector.tobytes()) not in gone]


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


def test_a_network_that_gives_no_finite_vector_has_no_faces(
    models_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    embedder = faulty_embedder(models_folder, tmp_path / "pack")
    with Store(tmp_path / "footfall.sqlite3") as store:
        shadow = Shadow(Embedder(embedder, folder=models_folder, precision=Precision.FLOAT16, threads=1), store.shadow)
        assert [look(shadow, [name()], second) for second in range(5)] == [0] * 5
        assert store.shadow.counts(embedder.network) == {}
    assert caplog.text.count("faulty gives no finite vector") == 1


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


def tracks(*counts: int, of: str = "t") -> list[str]:
    """A track for each number, of so many faces."""
    return [f"{of}{number}" for number, count in enumerate(counts) for _ in range(count)]


def test_a_track_that_was_taken_for_somebody_else_is_not_confirmed() -> None:
    """Its faces are nearer to each other than to anybody, and the real person's faces are not to suffer from it."""
    ada, bob, wrong = cluster(0, 6, 1), cluster(1, 6, 2), cluster(1, 1, 3).repeat(3, axis=0) + np.float32(0.001)
    owners = ["p-ada"] * 9 + ["p-bob"] * 6
    found = confirmed(np.concatenate([ada, wrong, bob]), owners, tracks(3, 3, 3) + tracks(3, 3, of="b"), EMBEDDING)
    assert found.tolist() == [True] * 6 + [False] * 3 + [True] * 6


def test_two_tracks_that_contradict_each_other_confirm_nothing() -> None:
    ada, wrong, bob = cluster(0, 3, 1), cluster(1, 3, 3), cluster(1, 6, 2)
    owners = ["p-ada"] * 6 + ["p-bob"] * 6
    found = confirmed(np.concatenate([ada, wrong, bob]), owners, tracks(3, 3) + tracks(3, 3, of="b"), EMBEDDING)
    assert found.tolist() == [False] * 6 + [True] * 6


def test_of_people_who_cannot_be_told_apart_nobody_is_confirmed() -> None:
    """Two tracks of Bob were taken for Ada; nothing says whose faces they are."""
    ada, wrong, bob = cluster(0, 4, 1), cluster(1, 6, 3), cluster(1, 6, 2)
    owners = ["p-ada"] * 10 + ["p-bob"] * 6
    found = confirmed(np.concatenate([ada, wrong, bob]), owners, tracks(3, 1, 3, 3) + tracks(3, 3, of="b"), EMBEDDING)
    assert found.tolist() == [True] * 4 + [False] * 12


def test_a_track_of_a_stranger_is_not_confirmed() -> None:
    ada, stranger = cluster(0, 6, 1), cluster(5, 3, 3)
    found = confirmed(np.concatenate([ada, stranger]), ["p-ada"] * 9, tracks(3, 3, 3), EMBEDDING)
    assert found.tolist() == [True] * 6 + [False] * 3


def test_faces_of_one_track_confirm_nothing() -> None:
    assert not confirmed(cluster(0, 3, 1), ["p-ada"] * 3, tracks(3), EMBEDDING).any()
    assert confirmed(cluster(0, 6, 1), ["p-ada"] * 6, tracks(3, 3), EMBEDDING).all()
    assert confirmed(np.empty((0, 0), np.float32), (), (), EMBEDDING).tolist() == []


def test_many_people_are_compared_in_parts() -> None:
    rows = np.concatenate([cluster(person, 6, person) for person in range(100)])
    owners = [f"p-{person}" for person in range(100) for _ in range(6)]
    all_tracks = [f"{person}-{track}" for person in range(100) for track in (0, 0, 0, 1, 1, 1)]
    assert confirmed(rows, owners, all_tracks, EMBEDDING).all()


def test_who_has_no_room_for_more_gets_some_when_too_few_are_confirmed(shadow: Shadow, kept: Kept) -> None:
    rows = np.eye(MOST, 128, dtype=np.float32)
    kept.faces += [ShadowVector("p-ada", row, f"old{number}") for number, row in enumerate(rows[1:])]
    assert look(shadow, [name()], 0) == 1
    assert look(shadow, [name("t2")], 4) == 0
    assert look(shadow, [name("t2")], 700) == 1
    assert look(shadow, [name("t3")], 702) == 1
    assert [face.track_id for face in kept.faces] == ["t2", "t3"]


def test_faces_deleted_by_others_make_room_after_a_while(shadow: Shadow, kept: Kept) -> None:
    for track in range(MOST):
        look(shadow, [name(f"t{track}")], track)
    kept.faces.clear()
    assert look(shadow, [name("t20")], 30) == 0
    assert look(shadow, [name("t20")], 700) == 1


def test_a_track_that_gets_another_name_gives_faces_of_that_person_too(shadow: Shadow, kept: Kept) -> None:
    for second in (0, 2, 4):
        look(shadow, [name()], second)
    assert look(shadow, [name(person_id="p-bob")], 6) == 1
