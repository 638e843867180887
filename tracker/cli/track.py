"""`footfall track`: follow cameras or recordings and store who comes and goes."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Annotated, Self

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from config.errors import SettingsError
from config.settings import CameraSettings, Settings
from models.runtime import ensure_built
from tracker.agent import Agent, Step, run_all
from tracker.camera import SystemClock, prepare_source
from tracker.cameras.frames import FrameSource
from tracker.cameras.recording import RecordingSource
from tracker.cli.door import JsonOption, ModelsOption, SettingsOption, StoreOption, open_store, settings_for
from tracker.cli.output import console, errors, local_time, print_json_line
from tracker.cli.report import parse_moment
from tracker.faces.engine import FaceEngine
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.store.local import LocalStore

CameraOption = Annotated[
    list[str] | None,
    typer.Option(
        "--camera",
        metavar="SRC",
        help="Device number, video file, folder of pictures, or rtsp/http address; may be given several times.",
    ),
]
CameraIdOption = Annotated[
    list[str] | None,
    typer.Option("--camera-id", metavar="ID", help="Name of the camera in every record, one for each --camera."),
]


def track(
    camera: CameraOption = None,
    camera_id: CameraIdOption = None,
    fast: Annotated[bool, typer.Option("--fast", help="Recordings: as fast as possible, not at their speed.")] = False,
    start: Annotated[
        str | None, typer.Option("--start", metavar="TIME", help="Recordings: when they begin, as 2026-01-31T08:00:00.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say why a track has, or has not, a name.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Follow cameras, say who comes and goes, and store it. Ctrl-C stops; whoever is in stays in until the next run.

    Without --camera the [[camera]] tables of the settings file are followed.
    """
    chosen = settings_for(settings, store=store, models=models)
    cameras = cameras_of(chosen, camera or [], camera_id or [])
    start_at = parse_moment(start, chosen.site.zone, option="--start")
    ensure_built(chosen.models.dir, chosen.models.precision)
    follow(chosen, cameras, start_at=start_at, fast=fast, as_json=as_json, explain=explain)


def follow(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    *,
    start_at: datetime | None = None,
    fast: bool = False,
    as_json: bool = False,
    explain: bool = False,
) -> bool:
    """Run an agent for each camera until all recordings are over (True) or somebody stops it (False).

    Raises what ended an agent early: ModelError, CameraError, RecordingError, StoreError.
    """
    sources = [prepare_source(each.source, start_at=start_at, realtime=not fast) for each in cameras]
    with open_store(settings) as store, stopping() as stop:
        known = KnownPeople(settings.match)
        agents = assemble(settings, cameras, sources, store, known)
        with _Teller(agents, sources, settings, known, as_json=as_json, explain=explain) as teller:
            failures = run_all(agents, stop, teller.tell)
        for source in sources:
            for problem in source.state.problems:
                errors.print(f"note: {problem}", markup=False)
        stopped = stop.is_set()
    for failure in failures[:-1]:
        errors.print(f"error: {failure}", markup=False)
    if failures:
        raise failures[-1]
    return not stopped


def cameras_of(settings: Settings, sources: list[str], ids: list[str]) -> list[CameraSettings]:
    """The cameras to follow: those of the flags, else those of the settings. Raises SettingsError without any."""
    if not sources:
        if not settings.camera:
            raise SettingsError(
                "no camera to follow", fix="give --camera 0, a video file or an address, or [[camera]] in the settings"
            )
        return list(settings.camera)
    if ids and len(ids) != len(sources):
        raise SettingsError(
            f"{len(sources)} cameras but {len(ids)} --camera-id", fix="give one --camera-id for each --camera"
        )
    names = ids or [f"camera-{number}" for number in range(1, len(sources) + 1)]
    tables = [{"id": name, "source": source} for name, source in zip(names, sources, strict=True)]
    return _checked(tables)


def _checked(tables: list[dict[str, str]]) -> list[CameraSettings]:
    ids = [table["id"] for table in tables]
    if len(set(ids)) < len(ids):
        raise SettingsError("two cameras have the same --camera-id", fix="give each its own")
    try:
        return [CameraSettings.model_validate(table) for table in tables]
    except ValueError as error:
        raise SettingsError(f"--camera-id {ids}: not a name", fix="use letters, digits, . _ - (at most 64)") from error


def assemble(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    sources: Sequence[FrameSource],
    store: LocalStore,
    known: KnownPeople,
) -> list[Agent]:
    """One agent a camera; they share engine, store and the people they know. Raises ModelError."""
    engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
    clock = SystemClock()
    return [
        Agent(
            site_id=settings.site.id,
            camera_id=camera.id,
            source=source,
            engine=engine,
            recognition=Recognition(
                site_id=settings.site.id,
                camera_id=camera.id,
                known=known,
                match=settings.match,
                track=settings.track,
            ),
            known=known,
            store=store,
            presence=settings.presence,
            clock=clock,
        )
        for camera, source in zip(cameras, sources, strict=True)
    ]


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def frames_declared(source: FrameSource) -> int | None:
    """How many frames a recording says it has, before it is opened for tracking; None where nobody knows."""
    return source.declared_frames if isinstance(source, RecordingSource) else None


class _Teller:
    """Says on stdout who comes and goes, on stderr how far it has got. Called from the threads of all agents."""

    def __init__(
        self,
        agents: Sequence[Agent],
        sources: Sequence[FrameSource],
        settings: Settings,
        known: KnownPeople,
        *,
        as_json: bool,
        explain: bool,
    ) -> None:
        self._zone = settings.site.zone
        self._as_json = as_json
        self._explain = explain
        self._known = known
        self._lock = threading.Lock()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}", markup=False),
            TimeElapsedColumn(),
            console=errors,
            disable=not errors.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}
        for agent, source in zip(agents, sources, strict=True):
            total = frames_declared(source)
            self._bars[agent.camera_id] = self._progress.add_task(agent.camera_id, total=total, note="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def tell(self, agent: Agent, step: Step) -> None:
        """What this frame brought."""
        note = f"{len(step.seen.faces)} faces, {len(step.present)} in"
        self._progress.update(self._bars[agent.camera_id], advance=1, note=note)
        with self._lock:
            if self._explain:
                for match in step.recognised.matches:
                    self._say(match.at, match.camera_id, "track", f"{match.track_id}: {match.reason}")
            for event in step.events:
                if self._as_json:
                    print_json_line(event)
                else:
                    person = self._known.person(event.person_id)
                    self._say(event.at, event.camera_id, event.kind, person.name if person else event.person_id)

    def _say(self, at: datetime, camera_id: str, what: str, text: str) -> None:
        line = Text(f"{local_time(at, self._zone)}  {camera_id}  {what:<5}  {text}")
        (errors if self._as_json else console).print(line)
