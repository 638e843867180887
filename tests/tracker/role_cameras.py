"""Cameras with a role, for tests: the blue value of a pixel encodes the face that is centred there.

Ten pixels are a tenth of the frame. A green pixel is where a body of 80 pixels stands; `people` draws faces in heads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, timedelta

import numpy as np
from numpy.typing import NDArray

from config.settings import CameraRole, CameraSettings, TrackSettings
from tests.tracker.fake_cameras import (
    ADA,
    BLENDED,
    BOB,
    PRESENCE,
    AgentHarness,
    ScriptedCamera,
    ScriptStep,
    examined,
    face_of,
    seconds,
)
from tracker.agent.looks import BodyWatch, Part
from tracker.agent.loop import Agent
from tracker.agent.roles.choice import line_of, role_of
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.events import CameraRef
from tracker.vision.bodies import Bodies
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, Image
from tracker.vision.quality import Quality

DOOR = CameraSettings(
    id="door", source="0", role=CameraRole.DOOR, line=((0.1, 0.5), (0.9, 0.5)), inside="below", hold_frames=2
)
HALL = CameraSettings(
    id="hall",
    source="0",
    zones={"left": ((0, 0), (0.5, 0), (0.5, 1), (0, 1)), "right": ((0.5, 0), (1, 0), (1, 1), (0.5, 1))},
)
WAY = CameraSettings(id="way", source="0", role=CameraRole.DOOR, line=((0.5, 0.0), (0.5, 1.0)), inside="right")
"""A door that people cross from left to right, seen from the side."""
_HEAD_Y, _FOOT_Y = 23, 95
_FACES = {"ada": ADA, "bob": BOB, "like_ada": BLENDED + 4, "like_zoe": BLENDED + 9}


class FakePositionEngine:
    """Decodes faces and their positions of an image."""

    def detect(self, image: Image) -> Faces:
        return self.analyse(image).faces

    def examine(self, image: Image, faces: Faces, rows: NDArray[np.bool_]) -> AnalysedFaces:
        del faces
        return examined(self.analyse(image), rows)

    def analyse(self, image: Image) -> AnalysedFaces:
        ys, xs = np.nonzero(image[:, :, 0])
        numbers, count = image[ys, xs, 0].astype(int), len(xs)
        boxes = np.stack([xs - 15, ys - 15, xs + 15, ys + 15], axis=1).astype(np.float32).reshape(count, 4)
        ones = np.ones(count, np.float32)
        return AnalysedFaces(
            faces=Faces(boxes, ones, np.zeros((count, 5, 2), np.float32)),
            quality=Quality(**{each.name: ones for each in fields(Quality)} | {"widths_px": 80 * ones}),
            rejections=(None,) * count,
            vectors=np.array([face_of(number) for number in numbers], np.float32).reshape(count, 128),
            usable=np.ones(count, np.bool_),
        )


class FakeBodies:
    """Decodes the bodies of an image."""

    def detect(self, image: Image, part_xyxy: Part | None = None) -> Bodies:
        del part_xyxy
        ys, xs = np.nonzero(image[:, :, 1])
        boxes = np.stack([xs - 20, ys - 80, xs + 20, ys], axis=1).astype(np.float32).reshape(-1, 4)
        return Bodies(boxes, np.full(len(xs), 0.9, np.float32))


def people(*places: tuple[str, float]) -> Image:
    """Bodies side by side, each with the name of its face and x; "" for somebody who is turned away."""
    image = picture(**{name: (x, _HEAD_Y) for name, x in places if name})
    for _, x in places:
        image[_FOOT_Y, round(x), 1] = 255
    return image


def passing(start: float, xs: Sequence[float], name: str = "") -> list[ScriptStep]:
    """Somebody goes from x to x, half a second each."""
    return [(start + index / 2, people((name, x))) for index, x in enumerate(xs)]


def standing(start: float, end: float, *places: tuple[str, float]) -> list[ScriptStep]:
    """The same people from start to end, two frames a second."""
    return [(start + index / 2, people(*places)) for index in range(round((end - start) * 2) + 1)]


def picture(**people: tuple[float, float]) -> Image:
    image = np.zeros((100, 100, 3), np.uint8)
    for name, (x, y) in people.items():
        image[round(y), round(x), 0] = _FACES[name]
    return image


def walk(
    start: float, ys: Sequence[float], *, x: float = 50, name: str = "ada", step_s: float = 0.5
) -> list[ScriptStep]:
    return [(start + index * step_s, picture(**{name: (x, y)})) for index, y in enumerate(ys)]


def empty(start: float, end: float) -> list[ScriptStep]:
    return [(start + index, picture()) for index in range(int(end - start) + 1)]


@dataclass
class RoleCamera(AgentHarness):
    """Runs an agent for one camera with a role. bodies: everybody counts, not only people with a face."""

    camera: CameraSettings = DOOR
    bodies: bool = False

    def watch(self, script: Sequence[ScriptStep], *, stopped: bool = False) -> None:
        """Run an agent over the script to its end, or as if stopped there."""
        stop = threading.Event()
        source = ScriptedCamera([*script, stop.set] if stopped else script)
        known = KnownPeople(self.match)
        recognition = Recognition(site_id="gym", camera_id=self.camera.id, known=known, track=TrackSettings(), zone=UTC)
        ref = CameraRef("gym", self.camera.id)
        Agent(
            ref,
            source=source,
            engine=FakePositionEngine(),
            recognition=recognition,
            role=role_of(self.camera, ref, presence=PRESENCE, max_gap_s=1.5),
            known=known,
            store=self.store,
            clock=source.clock,
            resume_within=timedelta(seconds=PRESENCE.merge_gap_s),
            watch=BodyWatch(FakeBodies(), self.camera.id, line=line_of(self.camera)) if self.bodies else None,
        ).run(stop)

    def stays(self) -> list[tuple[str, float, float, bool]]:
        found = self.store.cameras.zone_stays(site_id="gym")
        return [(each.zone, seconds(each.started_at), seconds(each.seen_at), each.over) for each in found]
