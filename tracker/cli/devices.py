"""`footfall camera devices add | list | revoke`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated

import typer

from config.settings import CameraRole
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.dashboard_address import base_of, is_only_here
from tracker.cli.extras import require
from tracker.cli.options import Acting, Options
from tracker.cli.output import Result, Table
from tracker.cli.store import open_store
from tracker.reports.sheets import Column, Kind

if TYPE_CHECKING:
    from rich.text import Text

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the device.")]
_COLUMNS = (
    Column("name", "name"),
    Column("camera_id", "camera"),
    Column("role", "role", Kind.WORD),
    Column("site_id", "site"),
    Column("created_at", "since", Kind.MOMENT),
    Column("seen_at", "last seen", Kind.MOMENT),
)


@command("footfall camera devices add 'Old phone'", "footfall camera devices add Entrance --role entrance --json")
def add(
    name: NameArgument,
    access: Acting,
    role: Annotated[
        CameraRole, typer.Option("--role", help="What a sighting means, until another role is chosen on the device.")
    ] = CameraRole.ROOM,
    camera: Annotated[
        str | None, typer.Option("--camera-id", metavar="ID", help="Id of the camera. Default: from the name.")
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Address of the dashboard for the device. Default: that of the settings."),
    ] = None,
) -> Result:
    """Add a device as a camera, and print the link that pairs it.

    Open the link on the device, or scan its QR code. Whoever has it can act as this camera, and sees the names of those
    whom it recognises.
    """
    from tracker.actions import devices

    require("the QR code", "dashboard", "segno")
    settings = access.load()
    base = base_of(address, settings.dashboard)
    with open_store(settings, create=True) as store:
        device, key = devices.add(store, settings, actor_of(access), name, role=role, camera_id=camera)
    url = f"{base}/camera/#pair={key}"
    notes = ["The link is not shown again. Whoever has it can act as this camera."]
    if address is None and is_only_here(settings.dashboard):
        notes.append("note: only this machine opens it; 'footfall dashboard --host 0.0.0.0' serves other devices too")
    if not url.startswith(("https:", "http://127.0.0.1:", "http://localhost:")):
        notes.append("note: browsers give their camera to https pages only; see 'footfall dashboard --tls self-signed'")
    if settings.match.rule != "nearest":
        notes.append(f"note: match.rule is {settings.match.rule}; devices always use nearest, with the same distances")
    document = {"name": device.name, "camera_id": device.camera_id, "role": role, "url": url}
    return Result(document=document, parts=[_qr_code(url), url], notes=notes)


@command("footfall camera devices list", "footfall camera devices list --json")
def list_devices(access: Options) -> Table:
    """List the devices that are cameras."""
    settings = access.load()
    with open_store(settings, create=False) as store:
        found = store.devices.all()
    return Table(
        columns=_COLUMNS,
        rows=[{column.key: getattr(each, column.key) for column in _COLUMNS} for each in found],
        empty="There are no devices yet. Try: footfall camera devices add 'Old phone'",
        zone=settings.site.zone,
    )


@command("footfall camera devices revoke 'Old phone'")
def revoke(name: NameArgument, access: Acting) -> Result:
    """Revoke the key of a device, which records nothing any more.

    Its events stay; visits follow the cameras that are left. Its page deletes the key and the people whom it knew once
    it reaches the dashboard.
    """
    from tracker.actions import devices

    settings = access.load()
    with open_store(settings, create=False) as store:
        found = devices.require_named(store, name)
        devices.revoke(store, settings, actor_of(access), found.device_id)
    return Result(document={"name": found.name}, parts=[f"The device {found.name} is revoked"])


def _qr_code(url: str) -> Text:
    """The QR code of a link in characters; full blocks are its light parts, whatever the colours of the terminal."""
    import segno
    from rich.text import Text

    drawn = io.StringIO()
    segno.make(url, error="l", micro=False).terminal(out=drawn, compact=True)
    return Text(drawn.getvalue().rstrip("\n"), style="bright_white on black", no_wrap=True)
