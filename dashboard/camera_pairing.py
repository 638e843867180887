"""Using a phone, tablet or laptop as a camera: the form, and the link that pairs the device, as a QR code and text."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from config.settings import CameraRole
from dashboard import shell
from dashboard.access.guard import CAMERA
from dashboard.access.hosts import is_loopback
from dashboard.address import place
from dashboard.elements import Element
from dashboard.queries import Board
from dashboard.wording import capital
from tracker.identity.names import MAX_NAME
from tracker.store.devices import Device, DeviceKey

ROLES = {
    CameraRole.ROOM: "Room: who is in view is in",
    CameraRole.ENTRANCE: "Entrance: who is seen came in",
    CameraRole.EXIT: "Exit: who is seen left",
    CameraRole.DOOR: "Door: who crosses a line",
}
_HTTPS = re.compile("https?")


def form() -> Element:
    """The fields of a new device, and where its link is shown."""
    fields = [
        html.P(
            "Any device with a browser can be a camera. Pictures stay on it; it sends who came and left.",
            className="quiet-text",
        ),
        dmc.TextInput(
            id="camera-name",
            label="Name",
            value="",
            placeholder="Such as Old phone",
            autoComplete="off",
            inputProps={"maxLength": MAX_NAME},
        ),
        dmc.Select(
            id="camera-role",
            label="It watches",
            value=CameraRole.ROOM.value,
            data=[{"value": role.value, "label": words} for role, words in ROLES.items()],
            allowDeselect=False,
            checkIconPosition="right",
        ),
        html.Div(
            html.Button("Make its link", id="camera-add", type="button", className="button button-main", n_clicks=0)
        ),
    ]
    body = [html.Div(fields, className="form"), html.Div(id="camera-paired", role="status")]
    return shell.card("Use a phone as a camera", body, heading_id="camera-add-title")


def link(key: DeviceKey, address: object) -> str:
    """The link that pairs a device. address: of the page, as the browser of who asks has it."""
    parts = urlsplit(address if isinstance(address, str) else "")
    if not _HTTPS.fullmatch(parts.scheme) or not parts.netloc:
        return f"{place(CAMERA)}#pair={key}"
    return f"{parts.scheme}://{parts.netloc}{place(CAMERA)}#pair={key}"


def paired(device: Device, url: str, board: Board) -> Component:
    """The link of a new device, which is shown this once."""
    import segno  # here, because no other page draws a QR code

    code = segno.make(url, error="l", micro=False).svg_data_uri(scale=4, border=3, light="#fff")
    return html.Div(
        [
            html.H3(f"Open this link on {device.name}", className="card-title"),
            html.Img(src=code, alt=f"QR code of the link for {device.name}", className="camera-code"),
            html.Code(url, className="command", id="camera-link"),
            html.Div(
                dmc.CopyButton(
                    value=url, children="Copy the link", copiedChildren="Copied", color="teal", variant="default"
                )
            ),
            html.P("It is not shown again. Whoever has it can act as this camera.", className="quiet-text"),
            *_note(url, board),
        ],
        className="camera-paired",
    )


def _note(url: str, board: Board) -> list[Component]:
    """What the device lacks to open the link, and to use its camera there, and the command that gives it."""
    parts = urlsplit(url)
    here, safe = is_loopback(parts.hostname or ""), parts.scheme == "https"
    if safe and not here:
        return []
    lacks = [
        *(["only this machine opens the link"] if here else []),
        *([] if safe else ["browsers give their camera to https pages only"]),
    ]
    host = ("--host", "0.0.0.0") if here else ()  # noqa: S104 - to be shown
    tls = () if safe else ("--tls", "self-signed")
    return [
        html.P(f"{capital(', and '.join(lacks))}. For other devices run:", className="camera-note"),
        html.Code(board.command("dashboard", *host, *tls), className="command"),
    ]
