"""What turned and covered faces are evidence of."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from config.recognition import MatchSettings
from config.settings import TrackSettings
from tests.tracker.fake_cameras import ADA, EVE, AgentHarness, at, face_of
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import FaceName, Recognition
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces
from tracker.vision.quality import Quality


@pytest.fixture
def known(tmp_path: Path) -> KnownPeople:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    people = KnownPeople(MatchSettings())
    people.refresh(harness.store.people)
    return people


def names_of(known: KnownPeople, person: int, *, times: int, **quality: float) -> list[FaceName]:
    """What a track of one person comes to, face by face."""
    ones = np.ones(1, np.float32)
    values = {each.name: ones for each in fields(Quality)} | {"widths_px": 80 * ones, "yaw": 0 * ones}
    face = AnalysedFaces(
        faces=Faces(np.array([[0, 0, 80, 90]], np.float32), ones, np.zeros((1, 5, 2), np.float32)),
        quality=Quality(**values | {name: value * ones for name, value in quality.items()}),
        rejections=(None,),
        vectors=face_of(person)[None],
        usable=np.ones(1, np.bool_),
    )
    recognition = Recognition(site_id="gym", camera_id="front", known=known, track=TrackSettings(), zone=UTC)
    return [recognition.update(face, at(number / 2), size_wh=(400, 100)).faces[0] for number in range(times)]


@pytest.mark.parametrize("quality", [{}, {"yaw": 70.0}, {"eyes": 0.0}], ids=["open", "turned", "covered"])
def test_faces_that_match_name_somebody(known: KnownPeople, quality: dict[str, float]) -> None:
    first, *later = [each.person_id for each in names_of(known, ADA, times=4, **quality)]
    assert first is None
    assert None not in later


@pytest.mark.parametrize(
    ("quality", "visitor"),
    [
        pytest.param({}, True, id="frontal"),
        pytest.param({"yaw": 40.0}, True, id="turned-a-little"),
        pytest.param({"yaw": 70.0}, False, id="turned"),
        pytest.param({"eyes": 0.1}, False, id="covered"),
    ],
)
def test_only_open_faces_make_a_visitor(known: KnownPeople, quality: dict[str, float], visitor: bool) -> None:
    last = names_of(known, EVE, times=20, **quality)[-1]
    assert (last.person_id is not None) is visitor
