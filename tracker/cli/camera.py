"""`footfall camera preview`: what a camera sees, with its region, its line, the way in and its zones drawn on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from config.errors import CameraError
from config.settings import CameraSettings, Settings
from tracker.cameras.frames import NoFrameYet
from tracker.cameras.sources import prepare_source
from tracker.cli.door import SettingsOption, UnusedStoreOption, UsageError, example, settings_for
from tracker.cli.output import console
from tracker.cli.pictures import write_picture
from tracker.presence.line import Inside, Line
from tracker.vision.faces import Image
from tracker.vision.overlay import draw_line, draw_region, draw_zones

PATIENCE_S = 10.0

app = typer.Typer(name="camera", no_args_is_help=True, help="What cameras see.")

OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="Picture to write, such as door.png.")]
CameraOption = Annotated[
    str | None,
    typer.Option("--camera", metavar="ID", help="Which camera of the settings; not needed for a single one."),
]


@app.command("preview", epilog=example("footfall camera preview --camera door --out door.png"))
def preview(
    out: OutOption, camera: CameraOption = None, store: UnusedStoreOption = None, settings: SettingsOption = None
) -> None:
    """Draw the line of a door with an arrow inwards, or the zones of a room, on a frame of the camera.

    What lies outside its region, where no faces are looked for, is dark.
    """
    del store
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out {out}: not a kind of picture", fix="let the name end in .png or .jpg")
    wanted = settings_for(settings)
    chosen = _chosen(wanted, camera)
    image = draw_region(_first_frame(chosen), chosen.region or wanted.detect.region)
    if chosen.line is not None and chosen.inside is not None:
        image = draw_line(image, Line(start=chosen.line[0], end=chosen.line[1], inside=Inside(chosen.inside)))
    write_picture(out, draw_zones(image, chosen.zones))
    console.print(f"wrote {out}: {chosen.id}, {chosen.role}", markup=False, soft_wrap=True)


def _chosen(settings: Settings, camera_id: str | None) -> CameraSettings:
    """The camera of that id, or the only one. Raises UsageError."""
    ids = [each.id for each in settings.camera]
    if not ids:
        raise UsageError("no camera in the settings", fix="add a [[camera]] to the settings file; docs/settings.md")
    if camera_id is None and len(ids) > 1:
        raise UsageError(f"{len(ids)} cameras in the settings", fix=f"say which: --camera {ids[0]}")
    wanted = camera_id if camera_id is not None else ids[0]
    if wanted not in ids:
        raise UsageError(f"no camera is called {wanted[:64]!r}", fix=f"the settings have {', '.join(ids)}")
    return next(each for each in settings.camera if each.id == wanted)


def _first_frame(camera: CameraSettings) -> Image:
    """A frame of the camera. Raises CameraError or RecordingError when none comes."""
    source = prepare_source(camera.source, realtime=False)
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        source.open()
        while time.monotonic() < deadline_s:
            try:
                frame = source.read(0.5)
            except NoFrameYet:
                continue
            if frame is None:
                break
            return frame.image
    finally:
        source.close()
    raise CameraError(f"{camera.id}: no frame came", fix="check the source of this camera in the settings")
