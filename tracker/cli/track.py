"""What `footfall track` runs: an agent a camera, and what it prints of them."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from types import FrameType
from typing import Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from config.settings import CameraRole, CameraSettings, Settings
from tracker.agent.door import doorway_of
from tracker.agent.loop import Agent
from tracker.agent.step import Step
from tracker.agent.supervisor import run_all
from tracker.agent.zones import zones_of
from tracker.cameras.frames import FrameSource
from tracker.cameras.recording import RecordingSource
from tracker.cameras.sources import LiveSource, SystemClock, prepare_source
from tracker.cli.options import Reload, UsageError
from tracker.cli.output import console, errors, json_line, local_time
from tracker.cli.receiving import receiving
from tracker.cli.sending import sending
from tracker.cli.store import open_store
from tracker.cli.summary import Summary
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.events import EventKind
from tracker.reports.texts import printable
from tracker.store.history import site_of
from tracker.store.shared_site import rules_at_site
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine

_TELLS = {CameraRole.ENTRANCE: EventKind.ENTER, CameraRole.EXIT: EventKind.EXIT}
_PERSON_ID = re.compile(r"\b[pv]-[0-9a-f]{10,}\b")


class Telling(StrEnum):
    """How comings and goings are told while an agent runs."""

    TEXT = "text"
    """A line of text each, on stdout."""
    JSON = "json"
    """An event a line as JSON, on stdout."""
    ASIDE = "aside"
    """A line of text each, on stderr: stdout is for something else."""


def follow(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    *,
    start_at: datetime | None = None,
    fast: bool = False,
    telling: Telling = Telling.TEXT,
    explain: bool = False,
    reread: Reload | None = None,
) -> bool:
    """Run an agent for each camera until all recordings are over (True) or somebody stops it (False).

    Cameras are never over, so a service that is told to end (SIGTERM) has done all it could (True).
    reread: what the machines of a site share is taken in meanwhile, by the settings that this gives then.
    Raises what ended an agent early: ModelError, CameraError, RecordingError, StoreError.
    """
    sources = [prepare_source(each.source, start_at=start_at, realtime=not fast) for each in cameras]
    with (
        open_store(settings) as store,
        stopping() as stop,
        sending(settings, store),
        receiving(settings, store, reread),
    ):
        store.sites.save(site_of(settings, rules_at_site(settings, store)))
        known = KnownPeople(settings.match)
        agents = assemble(settings, cameras, sources, store, known)
        with _Teller(agents, sources, settings, known, telling=telling, explain=explain) as teller:
            failures = run_all(agents, stop, teller.tell)
        over = not stop.is_set()
    if over:
        teller.tell_ends()
    recordings = [source for source in sources if not isinstance(source, LiveSource)]  # others told of it as it came
    for problem in [problem for source in recordings for problem in source.state.problems]:
        errors.print(f"note: {problem}", markup=False, soft_wrap=True)
    for failure in failures[:-1]:
        errors.print(f"error: {failure.problem}; fix: {failure.fix}", markup=False, soft_wrap=True)
    if failures:
        raise failures[-1]
    return over or (not recordings and stop.by == signal.SIGTERM)


def cameras_of(settings: Settings, sources: list[str], ids: list[str]) -> list[CameraSettings]:
    """The cameras to follow: those of the flags, else those of the settings. Raises UsageError without any."""
    if not sources:
        if ids:
            raise UsageError("--camera-id without --camera", fix="give one --camera for each --camera-id")
        if not settings.camera:
            raise UsageError(
                "no camera to follow", fix="give --camera 0, a video file or an address, or [[camera]] in the settings"
            )
        return list(settings.camera)
    if ids and len(ids) != len(sources):
        raise UsageError(
            f"{len(sources)} --camera but {len(ids)} --camera-id", fix="give one --camera-id for each --camera"
        )
    names = ids or [f"camera-{number}" for number in range(1, len(sources) + 1)]
    if len(set(names)) < len(names):
        raise UsageError("two cameras have the same --camera-id", fix="give each its own")
    try:
        return [_camera(settings, name, source) for name, source in zip(names, sources, strict=True)]
    except ValueError as error:
        shown = ", ".join(repr(name[:80]) for name in names)
        fix = "ids have letters, digits, . _ - (at most 64); a source is not empty"
        raise UsageError(f"--camera-id {shown}: not a name, or no source", fix=fix) from error


def _camera(settings: Settings, name: str, source: str) -> CameraSettings:
    """A camera of the flags; one that the settings know by that name keeps region, role, line and zones."""
    known = next((each.model_dump() for each in settings.camera if each.id == name), {})
    return CameraSettings(**(known | {"id": name, "source": source}))


def assemble(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    sources: Sequence[FrameSource],
    store: Store,
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
            engine=engine.within(camera.region or settings.detect.region),
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
            evidence_days=settings.store.evidence_days,
            visitor_days=settings.store.visitor_days,
            doorway=doorway_of(camera, site_id=settings.site.id, max_gap_s=settings.track.max_gap_s),
            zones=zones_of(camera, site_id=settings.site.id),
            tells=_TELLS.get(camera.role),
        )
        for camera, source in zip(cameras, sources, strict=True)
    ]


class Stop(threading.Event):
    """Set when somebody wants an end. by: the signal that said so, 0 for none."""

    by = 0


@contextmanager
def stopping() -> Iterator[Stop]:
    """An event that Ctrl-C and SIGTERM set; a second one ends the process at once, which loses nothing stored."""
    stop = Stop()

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.by = number
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    before = {each: signal.signal(each, ask) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Teller:
    """Says who comes and goes, and on stderr how far it has got. Called from the threads of all agents."""

    def __init__(
        self,
        agents: Sequence[Agent],
        sources: Sequence[FrameSource],
        settings: Settings,
        known: KnownPeople,
        *,
        telling: Telling,
        explain: bool,
    ) -> None:
        self._zone = settings.site.zone
        self._telling = telling
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
            redirect_stdout=False,  # what is said on stdout belongs there
        )
        self._summaries = {
            agent.camera_id: Summary()
            for agent, source in zip(agents, sources, strict=True)
            if not isinstance(source, LiveSource)
        }
        self._sources = {agent.camera_id: source for agent, source in zip(agents, sources, strict=True)}
        self._bars: dict[str, TaskID] = {
            camera_id: self._progress.add_task(camera_id, total=None, note="") for camera_id in self._sources
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def tell_ends(self) -> None:
        """What came of recordings that are over, a line each on stderr."""
        for camera_id, summary in self._summaries.items():
            line = summary.line()
            if line is not None:
                hint = " (--explain says more)" if ": " in line and not self._explain else ""
                said = f"{camera_id}: {_with_names(line, self._known)}{hint}"
                errors.print(said, markup=False, soft_wrap=True, highlight=False)

    def tell(self, agent: Agent, step: Step) -> None:
        """What this frame brought."""
        if agent.camera_id in self._summaries:
            self._summaries[agent.camera_id].add(step)
        if step.frame is not None:
            source = self._sources[agent.camera_id]
            total = source.declared_frames if isinstance(source, RecordingSource) else None  # known once it is open
            note = f"{len(step.faces)} faces, {len(step.present)} in"
            self._progress.update(self._bars[agent.camera_id], advance=1, total=total, note=note)
        with self._lock:
            if self._explain:
                for match in step.matches:
                    reason = _with_names(match.reason, self._known)
                    line = self._line(match.at, match.camera_id, "track", f"{match.track_id}: {reason}")
                    self._say(line, aside=self._telling is not Telling.TEXT)
            for event in step.retracted:
                person = self._known.person(event.person_id)
                text = f"{event.kind} of {person.name if person else event.person_id} taken back: it was somebody else"
                self._say(self._line(event.at, event.camera_id, "void", text), aside=self._telling is not Telling.TEXT)
            for event in step.events:
                if self._telling is Telling.JSON:
                    self._say(json_line(event), aside=False)
                    continue
                person = self._known.person(event.person_id)
                line = self._line(event.at, event.camera_id, event.kind, person.name if person else event.person_id)
                self._say(line, aside=self._telling is Telling.ASIDE)

    def _line(self, at: datetime, camera_id: str, what: str, text: str) -> str:
        return f"{local_time(at, self._zone)}  {camera_id}  {what:<5}  {text}"

    def _say(self, line: str, *, aside: bool) -> None:
        """On stdout or stderr; where both are the terminal, above the bars, which know of stderr only."""
        if aside or (console.is_terminal and errors.is_terminal):
            errors.print(Text(line), soft_wrap=True)
        else:
            sys.stdout.write(f"{printable(line)}\n")
            sys.stdout.flush()


def _with_names(reason: str, known: KnownPeople) -> str:
    """The reason with people's names instead of their ids."""

    def named(found: re.Match[str]) -> str:
        person = known.person(found.group())
        return person.name if person else found.group()

    return _PERSON_ID.sub(named, reason)
