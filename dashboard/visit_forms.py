"""The forms of the dialog in which a visit is corrected."""

from __future__ import annotations

from datetime import datetime

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import VisitQuery
from dashboard.people_address import profile_link
from dashboard.person_picker import person_picker
from dashboard.queries import Board
from dashboard.time_field import field_text, time_field
from dashboard.views import Days
from dashboard.visit_detail import VisitDetail
from dashboard.wording import moment

NOW, SEEN, OTHER = "now", "seen", "other"
"""When somebody left: now, when a camera had them last, or at the time in the field."""
PICKER = "visit-to"


def body(board: Board, detail: VisitDetail) -> Component:
    """All forms for a visit; the likeliest is open."""
    visit, zone, now = detail.visit, board.zone, board.now()
    since = f"Entered {moment(visit.started_at, zone, now)}"
    until = "still in" if visit.ended_at is None else f"left {moment(visit.ended_at, zone, now)}"
    seen = "" if detail.seen_at is None else f"last seen {moment(detail.seen_at, zone, now)}"
    items = [
        *([_item("left", "Has left", _left_form(board, detail))] if visit.ended_at is None else []),
        _item("reassign", f"Was not {detail.name}", _reassign_form(board)),
        _item("move", "The times are wrong", _move_form(board, detail)),
        _item("void", "Did not happen", _void_form()),
    ]
    day = visit.started_at.astimezone(zone).date()
    opened = VisitQuery(days=Days(day, day), moving=None, visit=visit.session_id).link()
    return html.Div(
        [
            html.P(" · ".join(filter(None, (since, until, seen))), className="visit-dialog-when"),
            dmc.Accordion(items, value="left" if visit.ended_at is None else "reassign", variant="separated"),
            dmc.TextInput(
                id="visit-reason", label="Reason, kept with the change (optional)", inputProps={"maxLength": 200}
            ),
            html.P(
                [
                    shell.link("Open the profile", profile_link(visit.person_id)),
                    shell.link("Open the visit", opened),
                ],
                className="visit-dialog-links",
            ),
        ],
        className="visit-dialog",
    )


def _item(value: str, title: str, form: list[Component]) -> Component:
    panel = dmc.AccordionPanel(html.Div(form, className=f"visit-form visit-form-{value}"))
    item: Component = dmc.AccordionItem([dmc.AccordionControl(title), panel], value=value)
    return item


def _left_form(board: Board, detail: VisitDetail) -> list[Component]:
    seen = [] if detail.seen_at is None else [(SEEN, f"When last seen, {_clock(detail.seen_at, board)}")]
    choices = [(NOW, "Just now"), *seen, (OTHER, "At another time")]
    return [
        dmc.RadioGroup(
            html.Div([dmc.Radio(label=label, value=value) for value, label in choices], className="visit-choices"),
            id="visit-left-when",
            value=NOW,
            label="When?",
        ),
        html.Div(_time_field("visit-left-at", "Left at", board.now(), board), className="visit-other-time"),
        _button("left", "Mark as left", "button button-main"),
    ]


def _reassign_form(board: Board) -> list[Component]:
    return [
        person_picker(board, PICKER, label="Who was it?", nobody=True),
        _button("reassign", "Give the visit to them", "button button-main"),
    ]


def _move_form(board: Board, detail: VisitDetail) -> list[Component]:
    return [
        html.Div(
            [
                _time_field("visit-entered", "Entered", detail.visit.started_at, board),
                _time_field("visit-left", "Left", detail.visit.ended_at, board),
            ],
            className="visit-times",
        ),
        _button("move", "Correct the times", "button button-main"),
    ]


def _void_form() -> list[Component]:
    text = "Nobody was there: a reflection, a picture, a mistake. The visit counts no more; it can be restored."
    return [html.P(text, className="quiet-text"), _button("void", "Void the visit", "button button-danger")]


def _time_field(field_id: str, label: str, at: datetime | None, board: Board) -> Component:
    return time_field(field_id, label, field_text(at, board.zone), latest=field_text(board.now(), board.zone))


def _button(name: str, label: str, class_name: str) -> Component:
    return html.Button(label, id=f"visit-do-{name}", type="button", className=class_name, n_clicks=0)


def _clock(at: datetime, board: Board) -> str:
    return moment(at, board.zone, board.now())
