"""Fakes for agents: pictures that encode people, an engine that decodes them, a scripted camera.

In a picture each pixel of the first row is a position in the room, and its blue value encodes a person: 0 nobody,
n the person whose face vector points along axis n, or, from BLENDED on, between Ada's and Bob's; BLURRED and above
the person n - BLURRED, too poor to be named.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from config.errors import FootfallError
from config.recognition import MatchSettings
from config.settings import CameraSettings, PresenceSettings, TrackSettings
from tracker.agent.audience import Audience, Counted, Reader
from tracker.agent.loop import Agent, Step
from tracker.agent.roles.choice import role_of
from tracker.cameras.frames import Frame, NoFrameYet, SourceState
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.audience import Attribute
from tracker.presence.events import CameraRef, Event
from tracker.presence.people import Person
from tracker.store.site_settings import rules_of
from tracker.store.store import Store
from tracker.vision.engine import AnalysedFaces
from tracker.vision.faces import Faces, FloatArray, Image
from tracker.vision.quality import Quality

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA, BOB, EVE = 1, 2, 3
BLURRED = 100
BLENDED = 64
PRESENCE = PresenceSettings(exit_after_s=30.0, merge_gap_s=300.0)
PLACES = 4


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def seconds(moment: datetime) -> float:
    return (moment - NOON).total_seconds()


MATCH = MatchSettings(max_distance=0.55, stranger_distance=0.6, min_margin=0.05, clear_by=0.05)
"""Limits between the distances of the turned faces of `face_of`."""


def face_of(number: int) -> FloatArray:
    """(128,) float32, 1.41 from everybody else's; BLENDED + n is turned from Ada's to Bob's by 5 n degrees."""
    vector = np.zeros(128, np.float32)
    if BLENDED <= number <= BLENDED + 18:
        turned = np.radians(5 * (number - BLENDED))
        vector[ADA], vector[BOB] = np.cos(turned), np.sin(turned)
    else:
        vector[number] = 1
    return vector


def picture(*people: int) -> Image:
    image = np.zeros((8, PLACES, 3), np.uint8)
    image[0, : len(people), 0] = people
    return image


class FakeEngine:
    """Decodes the people of an image. examined: number of faces examined so far."""

    def __init__(self) -> None:
        self.examined = 0

    def detect(self, image: Image) -> Faces:
        return self.analyse(image).faces

    def examine(self, image: Image, faces: Faces, rows: NDArray[np.bool_]) -> AnalysedFaces:
        del faces
        self.examined += int(rows.sum())
        return examined(self.analyse(image), rows)

    def analyse(self, image: Image) -> AnalysedFaces:
        places = np.flatnonzero(image[0, :, 0])
        numbers = image[0, places, 0].astype(int)
        count, blurred = len(places), numbers >= BLURRED
        boxes = np.array([[100 * x, 0, 100 * x + 80, 90] for x in places], np.float32).reshape(count, 4)
        vectors = np.array([face_of(number) for number in numbers % BLURRED], np.float32).reshape(count, 128)
        vectors[blurred] = 0
        ones = np.ones(count, np.float32)
        return AnalysedFaces(
            faces=Faces(boxes, ones, np.zeros((count, 5, 2), np.float32)),
            quality=Quality(**{each.name: ones for each in fields(Quality)} | {"widths_px": 80 * ones}),
            rejections=tuple("too blurred" if each else None for each in blurred),
            vectors=vectors,
            usable=~blurred,
        )


def examined(seen: AnalysedFaces, rows: NDArray[np.bool_]) -> AnalysedFaces:
    """As the engine leaves the faces of which it examined only some rows."""
    return replace(
        seen,
        rejections=tuple(reason if row else None for reason, row in zip(seen.rejections, rows, strict=True)),
        vectors=np.where(rows[:, None], seen.vectors, np.float32(0)),
        usable=seen.usable & rows,
    )


class ManualClock:
    """A manual clock; a scripted camera moves it to the time of each frame."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return at(self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def wait(self, _event: threading.Event, _timeout_s: float) -> bool:
        raise AssertionError("must not wait")


ScriptStep = tuple[float, Image] | Exception | Callable[[], object]
"""A time and frame, an error to raise, or a function to call before the next frame."""


@dataclass
class ScriptedCamera:
    """Plays a script, then ends. opening: errors raised by the next calls of `open`, one each."""

    script: Sequence[ScriptStep]
    clock: ManualClock = field(default_factory=ManualClock)
    name: str = "script"
    lost: bool = False
    problems: tuple[str, ...] = ()
    opening: list[Exception] = field(default_factory=list)
    frames: int = 0
    closed: int = 0
    place: int = 0

    @property
    def state(self) -> SourceState:
        return SourceState(frames=self.frames, dropped=0, lost=self.lost, last_frame_at=None, problems=self.problems)

    def open(self) -> None:
        if self.opening:
            raise self.opening.pop(0)

    def read(self, _wait_s: float | None = None) -> Frame | None:
        while self.place < len(self.script):
            cue = self.script[self.place]
            self.place += 1
            if isinstance(cue, Exception):
                raise cue
            if not isinstance(cue, tuple):
                cue()
                continue
            moment, image = cue
            self.clock.seconds = max(self.clock.seconds, moment)
            self.frames += 1
            return Frame(image=image, at=at(moment), index=self.frames - 1)
        return None

    def close(self) -> None:
        self.closed += 1


@dataclass
class WaitingCamera(ScriptedCamera):
    """Blocks after its script until it is closed."""

    waits: threading.Event = field(default_factory=threading.Event)
    woken: threading.Event = field(default_factory=threading.Event)

    def read(self, _wait_s: float | None = None) -> Frame | None:
        frame = super().read()
        if frame is None:
            self.waits.set()
            self.woken.wait(60)
        return frame

    def close(self) -> None:
        super().close()
        self.woken.set()


def scene(start: float, end: float, *people: int, fps: float = 2.0) -> list[ScriptStep]:
    """Frames of the same people at the same positions from start to end, inclusive."""
    return [(start + index / fps, picture(*people)) for index in range(round((end - start) * fps) + 1)]


NO_FRAME = NoFrameYet("no frame", fix="wait")


@dataclass
class AgentHarness:
    """Runs agents on one store; each run is a new agent, as after a restart. readers: of the audience, if counted."""

    path: Path
    presence: PresenceSettings = PRESENCE
    match: MatchSettings = MATCH
    readers: Mapping[Attribute, Reader] = field(default_factory=dict)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.path).open()

    def enrol(self, name: str, number: int) -> str:
        person = Person(person_id=f"p-{number:012x}", name=name, created_at=NOON, consented_at=NOON)
        self.store.people.add(person, face_of(number)[None])
        return person.person_id

    def agent(
        self,
        camera: ScriptedCamera,
        *,
        camera_id: str = "front",
        known: KnownPeople | None = None,
        store: Store | None = None,
    ) -> Agent:
        known = known or KnownPeople(self.match)
        ref = CameraRef("gym", camera_id)
        return Agent(
            ref,
            source=camera,
            engine=FakeEngine(),
            recognition=Recognition(site_id="gym", camera_id=camera_id, known=known, track=TrackSettings(), zone=UTC),
            role=role_of(
                CameraSettings(id=camera_id, source="0"),
                ref,
                presence=self.presence,
                max_gap_s=TrackSettings().max_gap_s,
            ),
            known=known,
            store=store or self.store,
            clock=camera.clock,
            resume_within=timedelta(seconds=self.presence.merge_gap_s),
            audience=Audience(ref, readers=self.readers, known=known, counted=Counted(), zone=UTC)
            if self.readers
            else None,
        )

    def play(self, script: Iterable[ScriptStep], *, frames: int | None = None) -> list[Step]:
        """Run an agent over the script, stopped after so many frames if given. Returns its steps."""
        stop, steps = threading.Event(), list[Step]()

        def note(step: Step) -> None:
            steps.append(step)
            if sum(each.frame is not None for each in steps) == frames:
                stop.set()

        self.agent(ScriptedCamera(list(script))).run(stop, note)
        return steps

    def reported(self) -> list[tuple[str, str, float, bool]]:
        """(person id, kind, second, inferred) of each event stored, in order."""
        return [(each.person_id, each.kind, seconds(each.at), each.inferred) for each in self.store.events.select()]

    def visits(self, now: float) -> list[tuple[str, float, float | None]]:
        """(person id, start, end) of each visit."""
        found = self.store.sessions.select(site_id="gym", rules=rules_of(self.presence), now=at(now))
        return [
            (each.person_id, seconds(each.started_at), None if each.ended_at is None else seconds(each.ended_at))
            for each in found
        ]

    def names(self) -> dict[str, str]:
        return {person.person_id: person.name for person in self.store.people.all()}


def ids_of(events: Iterable[Event]) -> list[str]:
    return [event.event_id for event in events]


def fault(error: type[FootfallError], problem: str = "gone") -> FootfallError:
    return error(problem, fix="fix it")
