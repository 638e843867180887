"""`footfall camera preview`: a frame of a camera with its region, line, direction, zones and people drawn on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import CameraError, ModelError
from tracker.cli.command import command
from tracker.cli.options import NoStoreModels, UsageError
from tracker.cli.output import note, print_line
from tracker.identity.networks import body_detector
from tracker.reports.text import count_text

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
def preview(out: OutOption, access: NoStoreModels, camera: CameraOption = None) -> None:
    """Draw a camera's line, zones and region on one of its frames.

    An arrow shows the direction inwards. What is outside the region, where nobody is looked for, is dark. At a line,
    and in a room where bodies are counted, the people are drawn who are found by their bodies (green, amber if they are
    too small), the part of the frame where they are looked for (grey), and the smallest body that will be found there
    (blue).
    """
    from tracker.agent.roles.choice import line_of
    from tracker.identity.pictures import write_picture
    from tracker.vision.overlay import draw_line, draw_region, draw_zones

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"--out {out}: not a picture format", fix="use a name that ends in .png or .jpg")
    wanted = access.load()
    chosen = chosen_camera(wanted, camera)
    frame = _first_frame(chosen)
    image = draw_region(frame, chosen.region or wanted.detect.region)
    line, found = line_of(chosen), ""
    if line is not None:
        image = draw_line(image, line)
    if line is not None or chosen.counts_bodies:
        image, found = _with_bodies(image, frame, chosen, wanted)
    write_picture(out, draw_zones(image, chosen.zones))
    print_line(f"wrote {out}: {chosen.id}, {chosen.role}{found}")


def _with_bodies(drawn: Image, frame: Image, camera: CameraSettings, settings: Settings) -> tuple[Image, str]:
    """The picture with the people who are found by their bodies, and that in words; without the network as it was."""
    from tracker.agent.counting import view_at_line, view_in_region
    from tracker.agent.roles.choice import line_of
    from tracker.vision.overlay import draw_bodies

    try:
        detector = body_detector(settings)
    except ModelError as error:
        note(f"note: people are not drawn: {error.problem}; fix: {error.fix}")
        return drawn, ""
    line, region = line_of(camera), camera.region or settings.detect.region
    if line is not None:
        view, where = view_at_line(frame, line, detector), "around the line "
        middle = (line.start[0] + line.end[0]) / 2, (line.start[1] + line.end[1]) / 2
    else:
        view, where = view_in_region(frame, region, detector), ""
        middle = (region[0] + region[2]) / 2, (region[1] + region[3]) / 2
    found = count_text(len(view.bodies), "person found", "people found")
    drawn = draw_bodies(drawn, view.bodies, part=view.part, smallest_px=view.smallest_px, foot=middle)
    return drawn, f"; {where}{found}, the smallest that will be found is {view.smallest_px:.0f} px tall"


def chosen_camera(settings: Settings, camera_id: str | None) -> CameraSettings:
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
