"""`footfall track`: the command. What it runs is in `track.py`, which is imported when it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from tracker.cli.command import command
from tracker.cli.options import CameraOption, Models
from tracker.cli.times import parse_past

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
    explain: Annotated[bool, typer.Option("--explain", help="Print why a track has, or has not, a name.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print events and corrections as JSON lines.")] = False,
) -> None:
    """Follow cameras or recordings and record who comes and goes.

    Ctrl-C stops, with exit code 130; people in sight stay in until the next run, which continues the visit or closes it
    at the last sighting. Without --camera the cameras of the settings file are followed. Without --start a recording
    begins now, or with --fast ends now. With --json a line is an event, or a correction of an earlier event: "action"
    is "void" for an event that did not happen, such as one of a person whom a track turned out not to show, and "add"
    for one that did after all.
    """
    from models.runtime import ensure_built
    from tracker.cli.step_output import EventOutput
    from tracker.cli.track import cameras_of, follow

    settings = access.load()
    cameras = cameras_of(settings, camera or [], camera_id or [])
    start_at = parse_past(start, settings.site.zone, now=datetime.now(UTC), option="--start")
    ensure_built(settings.models.dir, settings.models.precision)
    output = EventOutput.JSON if as_json else EventOutput.TEXT
    over = follow(settings, cameras, start_at=start_at, fast=fast, output=output, explain=explain, reread=access.reload)
    if not over:
        raise typer.Exit(130)
