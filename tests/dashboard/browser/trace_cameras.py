"""What an agent runs on for a trace: a camera with a script, an engine that knows its faces, a store in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from config.errors import CameraError
from config.recognition import MatchSettings, QualitySettings
from config.settings import PresenceSettings, TrackSettings
from tracker.agent.loop import Agent
from tracker.agent.roles.role import Changes, RoleState, View
from tracker.agent.roles.room import Room
from tracker.cameras.frames import Frame, SourceState
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.identity.track_identity import TrackIdentity
from tracker.identity.visitors import Visitor
from tracker.presence.events import CameraRef, Event, Match, is_unidentified, unidentified_id
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, FloatArray
from tracker.vision.quality import Quality, rejection

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAMERA = CameraRef("gym", "tür")
SIZE_WH = (640, 480)
DIMENSION = 8
MATCH = MatchSettings(max_distance=0.55, stranger_distance=0.6, min_margin=0.05, clear_by=0.05)
PRESENCE = PresenceSettings(exit_after_s=3.0, merge_gap_s=20.0)
TRACK, QUALITY = TrackSettings(), QualitySettings()
_GOOD = {"sharpness": 6.0, "yaw": 0.0, "pitch": 0.0, "eyes": 1.0, "brightness": 0.5, "contrast": 0.1, "clipped": 0.0}
_AXES = {"ada": 0, "bob": 1, "eve": 2, "dan": 3, "zoe": 4}


@dataclass(frozen=True, kw_only=True)
class Face:
    """A face of a frame. who: a name, or `ada+35` for a face turned by so many degrees from Ada's to Bob's.

    x, y: its middle, px. quality: what differs from a good face.
    """

    who: str
    x: float
    y: float = 240.0
    width: float = 80.0
    quality: Mapping[str, float] = field(default_factory=dict)

    @property
    def vector(self) -> FloatArray:
        name, _, degrees = self.who.partition("+")
        turned = np.radians(float(degrees or 0))
        vector = np.zeros(DIMENSION, np.float32)
        vector[_AXES[name]] = np.cos(turned)
        vector[_AXES["bob"]] += np.sin(turned)
        return vector

    @property
    def box(self) -> tuple[float, float, float, float]:
        half = self.width / 2
        return self.x - half, self.y - half * 1.2, self.x + half, self.y + half * 1.2


@dataclass(frozen=True)
class Shot:
    """A frame, so many seconds after START."""

    at_s: float
    faces: tuple[Face, ...] = ()

    @property
    def at(self) -> datetime:
        return START + timedelta(microseconds=round(self.at_s * 1e6))


@dataclass(frozen=True)
class Forget:
    """Somebody is forgotten before the next frame."""

    who: str


class Pause:
    """The camera is lost, and found again."""


class Restart:
    """The agent is stopped, and started again."""


Script: TypeAlias = Sequence[Shot | Forget | Pause | Restart]
"""After it the recording is over."""


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """Somebody in the gallery.

    faces: further ones. limit: the person's own maximum distance. negatives: faces known to be somebody else's.
    """

    who: str
    person_id: str
    access: bool = True
    faces: tuple[str, ...] = ()
    negatives: tuple[str, ...] = ()
    limit: float | None = None

    @property
    def vectors(self) -> list[FloatArray]:
        return [Face(who=who, x=0).vector for who in (self.who, *self.faces)]

    def document(self) -> dict[str, Any]:
        """As in the browser's gallery."""
        return {
            "person_id": self.person_id,
            "name": self.who,
            "authorised": self.access,
            "vectors": [vector.tolist() for vector in self.vectors],
            "limit": self.limit,
            "negatives": [Face(who=who, x=0).vector.tolist() for who in self.negatives],
        }


PEOPLE = (Enrolled(who="ada", person_id="p-ada"), Enrolled(who="bob", person_id="p-böb", access=False))


# -- what the agent runs on


class EnrolledPeople:
    """People and gallery of a store."""

    def __init__(self, people: Iterable[Enrolled]) -> None:
        self.enrolled = {each.who: each for each in people}
        self.changes = 0

    def forget(self, who: str) -> None:
        if self.enrolled.pop(who, None) is not None:
            self.changes += 1

    def documents(self) -> list[dict[str, Any]]:
        return [each.document() for each in self.enrolled.values()]

    def all(self) -> list[Person]:
        return [
            Person(person_id=each.person_id, name=each.who, created_at=START, consented_at=START, access=each.access)
            for each in self.enrolled.values()
        ]

    def get(self, person_id: str) -> Person | None:
        return next((each for each in self.all() if each.person_id == person_id), None)

    def network(self) -> None:
        return None

    def vectors(self, kind: PersonKind) -> tuple[FloatArray, tuple[str, ...]]:
        enrolled = list(self.enrolled.values()) if kind is PersonKind.ENROLLED else []
        rows = [(vector, each.person_id) for each in enrolled for vector in each.vectors]
        return _stacked([vector for vector, _ in rows]), tuple(person_id for _, person_id in rows)

    def limits(self) -> dict[str, float]:
        return {each.person_id: each.limit for each in self.enrolled.values() if each.limit is not None}

    def negatives(self) -> tuple[FloatArray, tuple[str, ...]]:
        rows = [(who, each.person_id) for each in self.enrolled.values() for who in each.negatives]
        return _stacked([Face(who=who, x=0).vector for who, _ in rows]), tuple(person_id for _, person_id in rows)

    def version(self) -> int:
        return self.changes

    def expire_visitors(self, before: datetime) -> None:
        del before


class MemoryStore:
    """The part of a store that an agent uses."""

    def __init__(self, people: EnrolledPeople) -> None:
        self.people = people
        self.cameras = self.events = self
        self.matches = SimpleNamespace(drop_evidence=lambda _before: None)
        self.audit = SimpleNamespace(drop=lambda _before: None)
        self.audience = SimpleNamespace(seal=lambda _now: None)
        self._state = RoleState()
        self._events: dict[str, Event] = {}

    def record(self, found: Observation) -> None:
        self._state = RoleState(presences=tuple(found.presences or ()), line_states=tuple(found.line_states or ()))
        for event in found.events:
            self._events.setdefault(event.event_id, event)
        for each in found.corrections:
            self._events.pop(each.event_id, None)
            if each.event is not None:
                self._events[each.event_id] = each.event

    def select(self, *, site_id: str, since: datetime) -> list[Event]:
        found = [each for each in self._events.values() if each.site_id == site_id and each.at >= since]
        return sorted(found, key=lambda each: (each.at, each.event_id))

    def presences(self, **_: object) -> list[Any]:
        return list(self._state.presences)

    def line_states(self, **_: object) -> list[Any]:
        return list(self._state.line_states)

    def zone_stays(self, **_: object) -> list[Any]:
        return []

    def camera_lease(self, _camera_id: str) -> AbstractContextManager[None]:
        return nullcontext()

    def patience(self, _wait_s: float) -> AbstractContextManager[None]:
        return nullcontext()


class ScriptedEngine:
    """Finds the faces of the shot that the camera played last. due: which of them were examined."""

    def __init__(self, camera: ScriptedCamera) -> None:
        self._camera = camera
        self.due: list[bool] = []

    def detect(self, _image: object) -> Faces:
        return faces_of(self._camera.shot.faces)

    def examine(self, _image: object, faces: Faces, rows: NDArray[np.bool_]) -> AnalysedFaces:
        self.due = rows.tolist()
        quality = quality_of(self._camera.shot.faces, rows)
        rejections = tuple(rejection(quality, row, QUALITY) if due else None for row, due in enumerate(rows))
        usable = rows & np.array([each is None for each in rejections], np.bool_)
        vectors = _stacked([face.vector for face in self._camera.shot.faces])
        vectors[~usable] = 0
        return AnalysedFaces(faces=faces, quality=quality, rejections=rejections, vectors=vectors, usable=usable)


class ScriptedCamera:
    """Plays the script up to the next restart."""

    def __init__(self, script: Iterator[Shot | Forget | Pause | Restart], people: EnrolledPeople) -> None:
        self._script = script
        self._people = people
        self.stop = threading.Event()
        self.shot = Shot(0)
        self.name = "script"
        self.state = SourceState(frames=0, dropped=0, lost=False, last_frame_at=None, problems=())

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, _wait_s: float | None = None) -> Frame | None:
        for step in self._script:
            match step:
                case Shot():
                    self.shot = step
                    return Frame(image=np.broadcast_to(np.uint8(0), (SIZE_WH[1], SIZE_WH[0], 3)), at=step.at, index=0)
                case Forget():
                    self._people.forget(step.who)
                case Pause():
                    raise CameraError("gone", fix="plug it in")
                case Restart():
                    self.stop.set()
                    return None
        return None


class FrameClock:
    """Shows the time of the last frame; every look is a minute after the one before."""

    def __init__(self) -> None:
        self.agent: Agent | None = None
        self._looks = 0

    def now(self) -> datetime:
        at = None if self.agent is None else self.agent._at
        return at or START

    def monotonic(self) -> float:
        self._looks += 1
        return 60.0 * self._looks

    def wait(self, _event: threading.Event, _timeout_s: float) -> bool:
        raise AssertionError("must not wait")


# -- without visitor ids


class WithoutVisitors(KnownPeople):
    """A stranger is somebody unidentified, on each track anew."""

    def visitor_for(self, vectors: FloatArray, *, at: datetime, camera_id: str, track_id: str) -> Visitor | None:
        del at
        person_id = unidentified_id(CameraRef(CAMERA.site_id, camera_id), track_id)
        return Visitor(person=_somebody(person_id), vectors=vectors, changed=False)

    def person(self, person_id: str) -> Person | None:
        return _somebody(person_id) if is_unidentified(person_id) else super().person(person_id)

    def seen_together(self, person_ids: Iterable[str]) -> None: ...


class NamingNobody(Recognition):
    """A match never names somebody unidentified."""

    def _match(self, identity: TrackIdentity, track_id: str, at: datetime, person_id: str | None, reason: str) -> Match:
        named = person_id is not None and not is_unidentified(person_id)
        return super()._match(identity, track_id, at, person_id if named else None, reason)


class UnidentifiedApart(Room):
    """A room that is told of unidentified people apart, as where bodies are counted."""

    def __init__(self, camera: CameraRef, *, exit_after: timedelta, resume_within: timedelta) -> None:
        super().__init__(camera, exit_after=exit_after, resume_within=resume_within)
        self._since: dict[str, datetime] = {}

    def observe(self, view: View) -> Changes:
        named = tuple(each for each in view.sightings if not is_unidentified(each.person_id))
        unnamed = tuple(
            replace(each, since=self._since.setdefault(each.track_id, each.since))
            for each in view.sightings
            if is_unidentified(each.person_id)
        )
        changes = super().observe(replace(view, sightings=named, unnamed=unnamed))
        for track_id in view.ended_tracks:
            self._since.pop(track_id, None)
        return changes

    def set_back(self, at: datetime) -> Changes:
        self._since.clear()
        return super().set_back(at)


def faces_of(faces: Sequence[Face]) -> Faces:
    count = len(faces)
    boxes = np.array([face.box for face in faces], np.float32).reshape(count, 4)
    return Faces(boxes, np.ones(count, np.float32), np.zeros((count, 5, 2), np.float32))


def quality_of(faces: Sequence[Face], rows: NDArray[np.bool_]) -> Quality:
    columns = {name: np.array([{**_GOOD, **face.quality}[name] for face in faces], np.float32) for name in _GOOD}
    widths = faces_of(faces).widths
    every = Quality(**columns, widths_px=widths, score=np.clip(widths / np.float32(80), 0, 1))
    return Quality(**{each.name: getattr(every, each.name)[rows] for each in fields(every)}).spread(rows)


def _stacked(vectors: Sequence[FloatArray]) -> FloatArray:
    return np.stack(vectors) if vectors else np.empty((0, DIMENSION), np.float32)


def _somebody(person_id: str) -> Person:
    return Person(person_id=person_id, name="?", created_at=START, kind=PersonKind.VISITOR)
