"""`footfall track`: an agent for each camera, and what it finds on the terminal."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import CameraOption, FpsOption, Models, Reload, UsageError
from tracker.cli.output import note
from tracker.cli.store import open_store
from tracker.cli.times import parse_past
from tracker.identity.networks import embedder_of

if TYPE_CHECKING:
    from config.settings import CameraSettings, Settings
    from tracker.cli.step_output import EventOutput

CameraIdOption = Annotated[
    list[str] | None,
    typer.Option("--camera-id", metavar="ID", help="Id of the camera in every record, one for each --camera."),
]


@command(
    "footfall track --camera 0",
    "footfall track --camera rtsp://10.0.0.7/live --camera-id entrance",
    "footfall track --camera monday.mp4 --start 2026-01-31T08:00:00 --fast",
)
def track(
    access: Models,
    camera: CameraOption = None,
    camera_id: CameraIdOption = None,
    fast: Annotated[bool, typer.Option("--fast", help="Recordings: as fast as possible, not at their speed.")] = False,
    start: Annotated[
        str | None, typer.Option("--start", metavar="TIME", help="Recordings: when they begin, as 2026-01-31T08:00:00.")
    ] = None,
    fps: FpsOption = None,
    explain: Annotated[bool, typer.Option("--explain", help="Print why a track has, or has not, a name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events and corrections as JSON lines.")] = False,
) -> None:
    """Follow cameras or recordings and record who comes and goes.

    Without --camera the cameras of the settings file are followed. Without --start a recording begins now, or with
    --fast ends now. Ctrl-C stops with exit code 130; visits of people in sight remain open until the next run, which
    continues them or closes them at the last sighting. With --json each line is an event, or a correction of an earlier
    one: "action" is "void" for an event that did not happen (the track shows somebody else), and "add" for one that did
    after all.
    """
    from tracker.cli.step_output import EventOutput

    settings = access.load()
    cameras = _cameras_of(settings, camera or [], camera_id or [])
    start_at = parse_past(start, settings.site.zone, now=datetime.now(UTC), option="--start")
    output = EventOutput.JSON if as_json else EventOutput.TEXT
    over = follow(
        settings, cameras, start_at=start_at, fast=fast, fps=fps, output=output, explain=explain, reread=access.reload
    )
    if not over:
        raise typer.Exit(130)


def follow(
    settings: Settings,
    cameras: Sequence[CameraSettings],
    *,
    start_at: datetime | None = None,
    fast: bool = False,
    fps: float | None = None,
    output: EventOutput,
    explain: bool = False,
    reread: Reload | None = None,
) -> bool:
    """Run an agent for each camera until all recordings are over (True) or somebody stops it (False).

    Cameras are never over, so a service that SIGTERM ends has finished, too (True).
    reread: reads the settings again when what the machines of a site share changes meanwhile.
    Raises what ended an agent early: ModelError, CameraError, RecordingError, StoreError.
    """
    from models.catalog import required
    from models.runtime import ensure_built
    from tracker.agent.assembly import assemble
    from tracker.agent.supervisor import run_all
    from tracker.cameras.sources import LiveSource, prepare_source
    from tracker.cli.replica import replicating
    from tracker.cli.step_output import StepPrinter
    from tracker.identity.known import KnownPeople
    from tracker.store.site_settings import rules_at_site, site_of

    sources = [
        prepare_source(each.source, start_at=start_at, realtime=not fast, fps=fps, rotate=each.rotate)
        for each in cameras
    ]
    with (
        open_store(settings) as store,
        stopping() as stop,
        replicating(settings, store, reread),
    ):
        store.sites.save(site_of(settings, rules_at_site(settings, store)))
        embedder = embedder_of(settings, store)
        ensure_built(
            settings.models.dir, settings.models.precision, (*required(embedder.network), *settings.audience.networks)
        )
        known = KnownPeople(settings.match, embedder)
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


def _cameras_of(settings: Settings, sources: list[str], ids: list[str]) -> list[CameraSettings]:
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
    from config.settings import CameraSettings

    known = next((each.model_dump() for each in settings.camera if each.id == name), {})
    return CameraSettings(**(known | {"id": name, "source": source}))


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
