"""Agents from the settings: which cameras count bodies, and what happens without the network for them."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import numpy as np
import pytest

from config.errors import ModelError
from config.settings import CameraRole, CameraSettings, Counting, Settings
from tests.tracker.fake_cameras import ADA, NOON, ScriptedCamera, face_of
from tracker.agent.assembly import assemble
from tracker.identity.known import KnownPeople
from tracker.identity.networks import embedder_of
from tracker.presence.people import Person
from tracker.store.shadow import ShadowVector
from tracker.store.store import Store
from tracker.vision.embedders import DLIB

FRAME = np.zeros((120, 160, 3), np.uint8)
CAMERAS = [
    CameraSettings(id="hall", source="0"),
    CameraSettings(id="door", source="0", role=CameraRole.DOOR, line=((0.1, 0.5), (0.9, 0.5)), inside="below"),
    CameraSettings(id="desk", source="0", count=Counting.FACES),
    CameraSettings(id="gate", source="0", role=CameraRole.ENTRANCE),
]


def warnings_of(
    cameras: list[CameraSettings], models: Path, tmp_path: Path, log: pytest.LogCaptureFixture
) -> list[str]:
    """What the agents of these cameras log while they run over a frame."""
    settings = Settings(models={"dir": models})
    with log.at_level(logging.WARNING, "footfall.agent"), Store(tmp_path / "footfall.sqlite3") as store:
        known = KnownPeople(settings.match, embedder_of(settings, store))
        sources = [ScriptedCamera([(0.0, FRAME)]) for _ in cameras]
        for agent in assemble(settings, cameras, sources, store, known):
            agent.run(threading.Event())
    return [record.getMessage() for record in log.records]


@pytest.fixture
def without_bodies(models_folder: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in models_folder.iterdir():
        if not path.name.startswith("bodies-"):
            (folder / path.name).symlink_to(path)
    return folder


def test_faces_are_counted_where_the_network_for_bodies_is_missing(
    without_bodies: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_of(CAMERAS, without_bodies, tmp_path, caplog) == [
        "hall, door: only faces are counted: the network for bodies is not there; run 'footfall models build'"
    ]


def test_nothing_is_missed_where_no_bodies_are_counted(
    without_bodies: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_of(CAMERAS[2:], without_bodies, tmp_path, caplog) == []


def test_all_cameras_run_with_the_network(
    models_folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert warnings_of(CAMERAS, models_folder, tmp_path, caplog) == []


@pytest.mark.parametrize(("shadow", "kept"), [(None, 0), ("sface", 0), ("dlib_resnet", 1)])
def test_faces_of_a_shadow_period_are_deleted_when_the_settings_have_none(
    shadow: str | None, kept: int, models_folder: Path, tmp_path: Path
) -> None:
    settings = Settings(models={"dir": models_folder}, recognition={"shadow": shadow})
    with Store(tmp_path / "footfall.sqlite3") as store:
        store.people.add(Person(person_id="p-ada", name="Ada", created_at=NOON, consented_at=NOON), face_of(ADA)[None])
        store.shadow.add(DLIB.network, [ShadowVector("p-ada", face_of(ADA), "t")])
        known = KnownPeople(settings.match, embedder_of(settings, store))
        assemble(settings, CAMERAS[2:3], [ScriptedCamera([])], store, known)
        assert len(store.shadow.vectors(DLIB.network)[0]) == kept


def test_an_audience_needs_its_networks(models_folder: Path, tmp_path: Path) -> None:
    settings = Settings(models={"dir": models_folder}, audience={"age": True})
    with Store(tmp_path / "footfall.sqlite3") as store:
        known = KnownPeople(settings.match, embedder_of(settings, store))
        with pytest.raises(ModelError, match=r"age-float16\.tflite: not built") as caught:
            assemble(settings, CAMERAS[:1], [ScriptedCamera([])], store, known)
    assert "footfall models build --audience" in caught.value.fix
