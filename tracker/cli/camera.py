"""`footfall camera preview`: a frame of a camera with its region, line, direction and zones drawn on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import CameraError
from tracker.cli.command import command
from tracker.cli.options import NoStore, UsageError
from tracker.cli.output import print_line

if TYPE_CHECKING:
    from config.settings import CameraSettings, Settings
    from tracker.vision.faces import Image

PATIENCE_S = 10.0

OutOption = Annotated[Path, typer.Option("--out", metavar="FILE", help="Picture to write, such as door.png.")]
CameraOption = Annotated[
    str | None,
    typer.Option("--camera", metavar="ID", help="Which camera of the settings; not needed for a single one."),
]


@command("footfall camera preview --camera door --out door.png")
def preview(out: OutOption, access: NoStore, camera: CameraOption = None) -> None:
    """Draw a camera's line, zones and region on one of its frames.

    An arrow shows the direction inwards. What is outside the region, where no faces are detected, is dark.
    """
    from tracker.identity.pictures import write_picture
    from tracker.presence.line import Inside, Line
    from tracker.vision.overlay import draw_line, draw_region, draw_zones

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out {out}: not a picture format", fix="use a name that ends in .png or .jpg")
    wanted = access.load()
    chosen = _chosen(wanted, camera)
    image = draw_region(_first_frame(chosen), chosen.region or wanted.detect.region)
    if chosen.line is not None and chosen.inside is not None:
        image = draw_line(image, Line(start=chosen.line[0], end=chosen.line[1], inside=Inside(chosen.inside)))
    write_picture(out, draw_zones(image, chosen.zones))
    print_line(f"wrote {out}: {chosen.id}, {chosen.role}")


def _chosen(settings: Settings, camera_id: str | None) -> CameraSettings:
    """The camera of that id, or the only one. Raises UsageError."""
    ids = [each.id for each in settings.camera]
    if not ids:
        raise UsageError("no camera in the settings", fix="add a [[camera]] to the settings file; docs/settings.md")
    if camera_id is None and len(ids) > 1:
        raise UsageError(f"{len(ids)} cameras in the settings", fix=f"name one: --camera {ids[0]}")
    wanted = camera_id if camera_id is not None else ids[0]
    if wanted not in ids:
        raise UsageError(f"no camera named {wanted[:64]!r}", fix=f"the settings have {', '.join(ids)}")
    return next(each for each in settings.camera if each.id == wanted)


def _first_frame(camera: CameraSettings) -> Image:
    """A frame of the camera. Raises CameraError or RecordingError when none comes."""
    from tracker.cameras.frames import NoFrameYet
    from tracker.cameras.sources import prepare_source

    source = prepare_source(camera.source, realtime=False, rotate=camera.rotate)
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
