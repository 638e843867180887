"""What `footfall track` runs: an agent for each camera."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from types import FrameType

from config.settings import CameraSettings, Settings
from tracker.agent.loop import Agent
from tracker.agent.roles.choice import role_of
from tracker.agent.supervisor import run_all
from tracker.cameras.frames import FrameSource
from tracker.cameras.sources import LiveSource, SystemClock, prepare_source
from tracker.cli.options import Reload, UsageError
from tracker.cli.output import note
from tracker.cli.replica import receiving, uploading
from tracker.cli.step_output import EventOutput, StepPrinter
from tracker.cli.store import open_store
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition
from tracker.presence.events import CameraRef
from tracker.store.history import site_of
from tracker.store.shared_site import rules_at_site
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine


def follow(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    *,
    start_at: datetime | None = None,
    fast: bool = False,
    output: EventOutput = EventOutput.TEXT,
    explain: bool = False,
    reread: Reload | None = None,
) -> bool:
    """Run an agent for each camera until all recordings are over (True) or somebody stops it (False).

    Cameras are never over, so a service that SIGTERM ends has finished, too (True).
    reread: reads the settings again when what the machines of a site share changes meanwhile.
    Raises what ended an agent early: ModelError, CameraError, RecordingError, StoreError.
    """
    sources = [prepare_source(each.source, start_at=start_at, realtime=not fast) for each in cameras]
    with (
        open_store(settings) as store,
        stopping() as stop,
        uploading(settings, store),
        receiving(settings, store, reread),
    ):
        store.sites.save(site_of(settings, rules_at_site(settings, store)))
        known = KnownPeople(settings.match)
        agents = assemble(settings, cameras, sources, store, known)
        with StepPrinter(agents, sources, known, zone=settings.site.zone, output=output, explain=explain) as printer:
            failures = run_all(agents, stop, printer.print_step)
        over = not stop.is_set()
    if over:
        printer.print_summaries()
    recordings = [source for source in sources if not isinstance(source, LiveSource)]  # problems of others were logged
    for problem in [problem for source in recordings for problem in source.state.problems]:
        note(f"note: {problem}")
    for failure in failures[:-1]:
        note(f"error: {failure.problem}; fix: {failure.fix}")
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
    agents = []
    for each, source in zip(cameras, sources, strict=True):
        camera = CameraRef(settings.site.id, each.id)
        recognition = Recognition(
            site_id=settings.site.id, camera_id=each.id, known=known, match=settings.match, track=settings.track
        )
        agent = Agent(
            camera,
            source=source,
            engine=engine.within(each.region or settings.detect.region),
            recognition=recognition,
            role=role_of(each, camera, presence=settings.presence, max_gap_s=settings.track.max_gap_s),
            known=known,
            store=store,
            clock=clock,
            resume_within=timedelta(seconds=settings.presence.merge_gap_s),
            evidence_days=settings.store.evidence_days,
            visitor_days=settings.store.visitor_days,
        )
        agents.append(agent)
    return agents


class Stop(threading.Event):
    """Set to end a run. by: the signal that set it, 0 for none."""

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
