"""People who walk about in each other's way have the same names as if every face were examined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, timedelta
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from config.settings import TrackSettings
from tests.tracker.fake_cameras import NOON, examined
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.people import Person
from tracker.store.store import Store
from tracker.vision.boxes import iou_matrix
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces
from tracker.vision.quality import Quality

SIZE = np.array([1280, 720])
WALKERS, ENROLLED, FPS, SECONDS = 6, 4, 25, 12
HIDDEN = 0.15
"""Overlap from which the face of the person behind is not found."""
SPREAD = 0.6
"""Of the vectors of one person: they are about 0.7 apart, those of two people 1.2."""


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


def vectors_of(bases: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    return unit(bases + draw.normal(0, SPREAD / np.sqrt(128), bases.shape))


def walk(bases: np.ndarray, draw: np.random.Generator) -> Iterator[tuple[np.ndarray, AnalysedFaces]]:
    """Frames: who is visible, in the order of the faces, and the faces; a tenth of them are blurred."""
    places, speeds = draw.uniform(80, SIZE - 80, (WALKERS, 2)), draw.normal(0, 90, (WALKERS, 2))
    sides = draw.uniform(50, 110, WALKERS)
    for _ in range(FPS * SECONDS):
        speeds = np.clip(speeds + draw.normal(0, 28, speeds.shape), -200, 200)
        speeds[draw.random(WALKERS) < 0.4 / FPS] = 0
        speeds = np.where(places < 60, abs(speeds), np.where(places > SIZE - 60, -abs(speeds), speeds))
        places = places + speeds / FPS
        corners = places - sides[:, None] / 2 + draw.normal(0, 1.5, places.shape)
        boxes = np.concatenate([corners, corners + sides[:, None]], axis=1).astype(np.float32)
        behind = (iou_matrix(boxes, boxes) > HIDDEN) & (sides[None] > sides[:, None])
        who = np.flatnonzero(~behind.any(axis=1) & (draw.random(WALKERS) > 0.03))
        sharp, ones = draw.random(len(who)) < 0.9, np.ones(len(who), np.float32)
        measures = {each.name: ones for each in fields(Quality)} | {"widths_px": sides[who].astype(np.float32)}
        yield (
            who,
            AnalysedFaces(
                faces=Faces(boxes[who], ones, np.zeros((len(who), 5, 2), np.float32)),
                quality=Quality(**measures),
                rejections=tuple(None if each else "too blurred" for each in sharp),
                vectors=vectors_of(bases[who], draw) * sharp[:, None],
                usable=sharp,
            ),
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_names_are_right_and_as_early(seed: int, tmp_path: Path) -> None:
    bases = unit(np.random.default_rng(seed).normal(0, 1, (WALKERS, 128)) + 0.35)
    known, draw = KnownPeople(MatchSettings()), np.random.default_rng(seed + 100)
    with Store(tmp_path / "store.sqlite3") as store:
        for number in range(ENROLLED):
            person = Person(person_id=f"p-{number}", name=str(number), created_at=NOON, consented_at=NOON)
            store.people.add(person, vectors_of(bases[[number, number]], draw))
        known.refresh(store.people)
    every, some = (
        Recognition(site_id="gym", camera_id=name, known=known, track=TrackSettings(), zone=UTC)
        for name in ("every", "some")
    )
    names, compared = [], []
    for index, (who, seen) in enumerate(walk(bases, draw)):
        at = NOON + timedelta(seconds=index / FPS)
        shown = examined(seen, some.due(seen.faces, at))
        both = [one.update(faces, at, size_wh=(1280, 720)) for one, faces in ((every, seen), (some, shown))]
        names += list(zip(who, *([face.person_id for face in each.faces] for each in both), strict=True))
        compared.append((seen.usable.sum(), shown.usable.sum()))
        assert not any(each.retracted for each in both)
    found = [{mine for who, _, mine in names if who == number} - {None} for number in range(WALKERS)]
    assert found[:ENROLLED] == [{f"p-{number}"} for number in range(ENROLLED)]
    assert len(set.union(*found)) == sum(map(len, found)) == WALKERS
    assert sum(mine is None for _, _, mine in names) <= sum(theirs is None for _, theirs, _ in names) + 3
    all_vectors, few_vectors = np.sum(compared, axis=0)
    assert few_vectors < 0.5 * all_vectors
