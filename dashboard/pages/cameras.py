"""Cameras: the state of each, and for admins the devices that are cameras: to add, rename and revoke."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ALL, Input, Output, State, ctx, dcc, html, no_update
from dash.development.base_component import Component

from config.errors import FootfallError
from config.settings import CameraRole
from dashboard import camera_pairing, feedback, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import current_actor, may
from dashboard.camera_queries import CameraEntry, camera_entries
from dashboard.queries import Board
from dashboard.wording import capital, count, moment, sentence, stamp
from tracker.actions import devices
from tracker.actions.actor import Actor
from tracker.store.devices import Device
from tracker.store.store import Store
from tracker.store.users import UserRole

TITLE = "Cameras"
LEAST = UserRole.DESK
_REVOKE, _RENAME = "camera-revoke", "camera-rename"
_COLUMNS = (
    ("Camera", "cell-name"),
    ("Last frame", "detail cell-plain"),
    ("Role", "detail cell-plain"),
    ("Watching since", "detail cell-plain"),
    ("Entries today", "number"),
)


def layout(_board: Board, _search: object) -> Component:
    """The list, filled by `register`, beside the form of a new device for admins."""
    admin = may(UserRole.ADMIN)
    title = html.Div(
        [html.H1(TITLE, className="page-title"), html.P(id="cameras-summary", className="page-subtitle")], role="status"
    )
    listed = html.Div(id="cameras-list", className="column span-8" if admin else "column span-12", **shell.LOADING)
    aside = [html.Div(camera_pairing.form(), className="column span-4")] if admin else []
    return html.Div(
        [
            html.Div(title, className="page-head"),
            html.Div([listed, *aside], className="grid cameras-grid"),
            *(_dialogs() if admin else ()),
        ]
    )


def _dialogs() -> list[Component]:
    return [
        dcc.Store(id="camera-renamed"),
        dmc.Modal(
            html.Div(
                [
                    dmc.TextInput(id="camera-new-name", label="Name", value="", **{"data-autofocus": True}),
                    html.Div(
                        html.Button("Save", id="camera-save-name", type="button", className="button button-main"),
                        className="confirm-buttons",
                    ),
                ],
                className="form",
            ),
            id="camera-rename-modal",
            title="Rename a device",
            centered=True,
            closeButtonProps=shell.aria(label="Close"),
        ),
    ]


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the list whenever something changed, and let admins manage devices."""

    @app.callback(
        Output("cameras-list", "children"),
        Output("cameras-list", "data-state"),
        Output("cameras-summary", "children"),
        Input("pulse", "data"),
        shared=True,
    )
    def rows(_pulse: object) -> tuple[Any, ...]:
        entries = camera_entries(board)
        admin = may(UserRole.ADMIN)
        return _table(entries, board, admin=admin) if entries else _nothing(board, admin=admin), "", _summary(entries)

    admins = RoleCallbacks(app, UserRole.ADMIN)
    _register_adding(admins, board)
    _register_renaming(admins, board)
    _register_revoking(admins, board)


def _register_adding(admins: RoleCallbacks, board: Board) -> None:
    @admins.callback(
        Output("camera-paired", "children"),
        Output("camera-name", "value"),
        Output("camera-name", "error"),
        Input("camera-add", "n_clicks"),
        Input("camera-name", "n_submit"),
        State("camera-name", "value"),
        State("camera-role", "value"),
        State("url", "href"),
        prevent_initial_call=True,
    )
    def add(clicks: object, enters: object, name: object, role: object, address: object) -> tuple[Any, ...]:
        if not (clicks or enters) or not isinstance(name, str) or role not in list(CameraRole):
            return (no_update,) * 3
        try:
            device, key = devices.add(board.store(), board.settings, current_actor(), name, role=CameraRole(str(role)))
        except FootfallError as error:
            return None, no_update, sentence(error.problem)
        return camera_pairing.paired(device, camera_pairing.link(key, address), board), "", None


def _register_renaming(admins: RoleCallbacks, board: Board) -> None:
    @admins.callback(
        Output("camera-rename-modal", "opened"),
        Output("camera-new-name", "value"),
        Output("camera-renamed", "data"),
        Input({"type": _RENAME, "device": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def ask(_clicks: object) -> tuple[Any, ...]:
        device = board.store().devices.get(_clicked())
        return (True, device.name, device.device_id) if device is not None else (no_update,) * 3

    @admins.callback(
        feedback.NOTIFY,
        Output("camera-rename-modal", "opened", allow_duplicate=True),
        Input("camera-save-name", "n_clicks"),
        Input("camera-new-name", "n_submit"),
        State("camera-new-name", "value"),
        State("camera-renamed", "data"),
        prevent_initial_call=True,
    )
    def save(clicks: object, enters: object, name: object, device_id: object) -> tuple[Any, Any]:
        if not (clicks or enters) or not isinstance(name, str) or not isinstance(device_id, str):
            return no_update, no_update

        def run(store: Store, actor: Actor) -> int:
            return devices.rename(store, actor, device_id, name)

        found = feedback.outcome_of(board, "The device is renamed", run)
        return found.notifications, not found.done


def _register_revoking(admins: RoleCallbacks, board: Board) -> None:
    @admins.callback(feedback.ASK, Input({"type": _REVOKE, "device": ALL}, "n_clicks"), prevent_initial_call=True)
    def ask(_clicks: object) -> Any:
        device = board.store().devices.get(_clicked())
        if device is None:
            return no_update
        return feedback.question(
            _REVOKE,
            {"device_id": device.device_id},
            title=f"Revoke {device.name}?",
            text="It records nothing any more and deletes the people whom it knows. Its events stay; visits follow the"
            " cameras that are left.",
            yes="Revoke",
        )

    @admins.callback(feedback.NOTIFY, feedback.CONFIRMED, prevent_initial_call=True)
    def revoke(confirmed: object) -> Any:
        key = feedback.answer(confirmed, _REVOKE)
        if key is None:
            return no_update

        def run(store: Store, actor: Actor) -> int:
            return devices.revoke(store, board.settings, actor, str(key.get("device_id")))

        return feedback.attempt(board, "The device is revoked", run)


def _clicked() -> str:
    """The device whose button was clicked; empty where the buttons were only drawn again."""
    clicked = ctx.triggered_id
    is_click = any(each["value"] for each in ctx.triggered)
    return str(clicked["device"]) if is_click and isinstance(clicked, dict) else ""


def _summary(entries: tuple[CameraEntry, ...]) -> str:
    watching = sum(each.row.watching for each in entries)
    return f"{watching} of {count(len(entries), 'camera')} watching" if entries else ""


def _nothing(board: Board, *, admin: bool) -> Component:
    steps = [("Watch by a camera of this machine", board.command("track", "--camera", "0"))]
    text = "No camera has reported yet."
    return html.Section(
        shell.empty("No cameras yet", f"{text} A phone with a browser can be one." if admin else text, steps),
        className="card",
    )


def _table(entries: tuple[CameraEntry, ...], board: Board, *, admin: bool) -> Component:
    heads = [html.Th(title, scope="col", className=style) for title, style in _COLUMNS]
    body = html.Tbody([_row(each, board, admin=admin) for each in entries])
    table = html.Table([html.Thead(html.Tr(heads)), body], className="visit-table cameras", **shell.aria(label=TITLE))
    return html.Section(table, className="card table-card", **shell.aria(label=TITLE))


def _row(entry: CameraEntry, board: Board, *, admin: bool) -> Component:
    row, zone, now = entry.row, board.zone, board.now()
    last = "–" if row.last_frame_at is None else moment(row.last_frame_at, zone, now)
    since = "–" if entry.since is None else stamp(entry.since, zone)
    return html.Tr(
        [
            html.Th(_name(entry, admin=admin), scope="row", className="cell-name"),
            html.Td(last, className="detail cell-plain"),
            html.Td(capital(entry.role) or "–", className="detail cell-plain"),
            html.Td(since, className="detail cell-plain"),
            html.Td(f"{entry.entries:,}", className="number"),
        ],
        key=row.camera_id,
    )


def _name(entry: CameraEntry, *, admin: bool) -> Component:
    """What the camera is called, its state, on a phone its role, and for admins what they may do with a device."""
    row, device = entry.row, entry.device
    known_as = "" if device is None or device.name == row.camera_id else row.camera_id
    words = " · ".join(filter(None, (known_as, row.words, row.rate)))
    role = html.Div(capital(entry.role), className="row-detail narrow-only")
    text = [
        html.Div(row.camera_id if device is None else device.name),
        html.Div(words, className="row-detail"),
        *([role] if entry.role else []),
        *([_buttons(device)] if admin and device is not None else []),
    ]
    return html.Div(
        [
            html.Span(className=f"dot dot-{row.condition}", **shell.aria(hidden="true")),
            html.Div(text, className="row-text", title=row.source),
        ],
        className=f"camera-name health-{row.condition}",
    )


def _buttons(device: Device) -> Component:
    buttons = [
        html.Button(
            words,
            id={"type": kind, "device": device.device_id},
            type="button",
            className=f"button {style}".strip(),
            **shell.aria(label=f"{words} {device.name}"),
        )
        for kind, words, style in ((_RENAME, "Rename", ""), (_REVOKE, "Revoke", "button-quiet-danger"))
    ]
    return html.Div(buttons, className="camera-buttons")
