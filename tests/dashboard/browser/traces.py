"""Traces: what a camera saw, step by step, and what an agent made of it, for the rules of the browser's camera.

The agent is the real one; its camera, networks and store are fakes. It counts faces as the browser's camera does, which
gives no visitor ids: somebody whom a track shows to be a stranger is an unidentified person of that track.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import numpy as np

from config.errors import CameraError
from config.settings import CameraRole, CameraSettings, PresenceSettings, TrackSettings
from tests.dashboard.browser.trace_cameras import (
    CAMERA,
    MATCH,
    PEOPLE,
    PRESENCE,
    QUALITY,
    SIZE_WH,
    TRACK,
    Enrolled,
    EnrolledPeople,
    FrameClock,
    MemoryStore,
    NamingNobody,
    Script,
    ScriptedCamera,
    ScriptedEngine,
    Shot,
    UnidentifiedApart,
    WithoutVisitors,
    faces_of,
    quality_of,
)
from tracker.agent.loop import Agent, Step
from tracker.agent.roles.choice import role_of
from tracker.cameras.clock import Clock
from tracker.presence.documents import encode
from tracker.store.store import Store
from tracker.vision.embedders import SFACE
from tracker.vision.engine import FaceEngine


@dataclass(frozen=True, kw_only=True)
class Trace:
    """steps: for the browser's camera. expected: what the agent made of each, as JSON."""

    options: dict[str, Any]
    steps: list[dict[str, Any]]
    expected: list[dict[str, Any]]


def trace(
    script: Script,
    *,
    role: CameraSettings,
    people: Iterable[Enrolled] = PEOPLE,
    presence: PresenceSettings = PRESENCE,
    track: TrackSettings = TRACK,
) -> Trace:
    """What the agent makes of the script."""
    known, rest = EnrolledPeople(people), iter(script)
    options = _options(role, known.documents(), presence, track)
    store, recorder, restarts = MemoryStore(known), _Recorder(known), True
    while restarts:
        camera = ScriptedCamera(rest, known)
        recorder.run(*_agent(camera, store, role, presence, track), camera)
        restarts = camera.stop.is_set()
        recorder.add({"kind": "restart", "gallery": known.documents()} if restarts else {"kind": "end"})
    expected: list[dict[str, Any]] = json.loads(json.dumps(recorder.expected))
    return Trace(options=options, steps=recorder.steps, expected=expected)


class _Recorder:
    """Writes down the steps of agents, one after the other."""

    def __init__(self, people: EnrolledPeople) -> None:
        self.steps: list[dict[str, Any]] = []
        self.expected: list[dict[str, Any]] = []
        self._people = people
        self._changes = people.changes
        self._without_frame: Step | None = None

    def run(self, agent: Agent, engine: ScriptedEngine, camera: ScriptedCamera) -> None:
        self._agent, self._engine, self._camera = agent, engine, camera
        agent.run(camera.stop, self._note, self._note_failure)

    def add(self, step: dict[str, Any]) -> None:
        """A step without a frame, with what was reported since the last frame."""
        self.steps.append(step)
        self.expected.append(_outcome(self._without_frame, self._agent))
        self._without_frame, self._changes = None, self._people.changes

    def _note(self, step: Step) -> None:
        if step.frame is None:
            self._without_frame = step
            return
        self.steps.append({**_frame(self._camera.shot), "gallery": self._changed_gallery()})
        self.expected.append({**_outcome(step, self._agent), "due": self._engine.due})
        self._changes = self._people.changes

    def _note_failure(self, _: CameraError) -> None:
        self.add({"kind": "pause", "gallery": self._changed_gallery()})

    def _changed_gallery(self) -> list[dict[str, Any]] | None:
        return None if self._changes == self._people.changes else self._people.documents()


def _agent(
    camera: ScriptedCamera, store: MemoryStore, role: CameraSettings, presence: PresenceSettings, track: TrackSettings
) -> tuple[Agent, ScriptedEngine]:
    engine, clock, known = ScriptedEngine(camera), FrameClock(), WithoutVisitors(MATCH)
    resume_within = timedelta(seconds=presence.merge_gap_s)
    rules = role_of(role, CAMERA, presence=presence, max_gap_s=track.max_gap_s)
    if role.role is CameraRole.ROOM:
        exit_after = timedelta(seconds=presence.exit_after_s)
        rules = UnidentifiedApart(CAMERA, exit_after=exit_after, resume_within=resume_within)
    agent = Agent(
        CAMERA,
        source=camera,
        engine=cast("FaceEngine", engine),
        recognition=NamingNobody(
            site_id=CAMERA.site_id, camera_id=CAMERA.camera_id, known=known, track=track, zone=UTC
        ),
        role=rules,
        known=known,
        store=cast("Store", store),
        clock=cast("Clock", clock),
        resume_within=resume_within,
    )
    clock.agent = agent
    return agent, engine


def _options(
    role: CameraSettings, people: list[dict[str, Any]], presence: PresenceSettings, track: TrackSettings
) -> dict[str, Any]:
    """Of the browser's camera."""
    door = {} if role.role is not CameraRole.DOOR else {"line": role.line, "inside": role.inside}
    return {
        "camera": {"siteId": CAMERA.site_id, "cameraId": CAMERA.camera_id},
        "role": {"kind": role.role, "hold_frames": role.hold_frames, **door},
        "settings": {
            "presence": presence.model_dump(mode="json"),
            "track": track.model_dump(mode="json"),
            "match": {**MATCH.model_dump(mode="json"), "full_margin": SFACE.embedding.full_margin},
            "quality": QUALITY.model_dump(mode="json"),
        },
        "gallery": people,
    }


def _frame(shot: Shot) -> dict[str, Any]:
    found, quality = faces_of(shot.faces), quality_of(shot.faces, np.ones(len(shot.faces), np.bool_))
    faces = [
        {
            "box": box.tolist(),
            "quality": {_camel(each.name): float(getattr(quality, each.name)[row]) for each in fields(quality)},
            "vector": shot.faces[row].vector.tolist(),
        }
        for row, box in enumerate(found.boxes)
    ]
    at = round((shot.at - datetime.fromtimestamp(0, UTC)) / timedelta(microseconds=1))
    size = {"width": SIZE_WH[0], "height": SIZE_WH[1]}
    return {"kind": "frame", "at": at, **size, "faces": faces}


def _outcome(step: Step | None, agent: Agent) -> dict[str, Any]:
    """As JSON. step: None where nothing was reported."""
    records = {
        name: [] if step is None else [encode(each) for each in getattr(step, name)]
        for name in ("events", "matches", "corrections")
    }
    faces = () if step is None else step.faces
    tracks = [{"track_id": each.track_id, "person_id": each.person_id, "reason": each.reason} for each in faces]
    present = [encode(each) for each in agent._role.state.presences]
    return {**records, "present": present, "tracks": tracks}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(each.capitalize() for each in rest)
