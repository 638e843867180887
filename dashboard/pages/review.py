"""Review: strangers who wait for a name, and visits that may be somebody else's."""

from __future__ import annotations

from typing import Any

from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component
from dash.exceptions import PreventUpdate

from dashboard import review_form, review_queries, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.address import parsed, place
from dashboard.feedback import NOTIFY
from dashboard.person_picker import value_of
from dashboard.queries import Board
from dashboard.review_answers import Asked, answered
from dashboard.review_cards import answer_button, stranger_card, visit_card
from dashboard.review_form import KNOWN, NEW, PICKER, Filled
from dashboard.wording import count
from tracker.review.waiting import Waiting
from tracker.store.users import UserRole

TITLE = "Review"
LEAST = UserRole.DESK
PATH = "/people/review"
STRANGERS, VISITS = "strangers", "visits"
SHOWN = 40
"""Cards at a time; others follow as these are answered."""
_SEVERAL = {
    STRANGERS: (("name", "One person: name…"), ("merge", "Merge"), ("ignore", "Ignore"), ("clear", "Clear")),
    VISITS: (("yes", "Yes"), ("no", "No"), ("ignore", "Ignore"), ("clear", "Clear")),
}
"""Answers for all cards that are selected."""
_KEYS = (("J", "next"), ("K", "previous"), ("Y", "yes"), ("N", "no, or name"), ("I", "ignore"), ("X", "select"))


def layout(_board: Board, _search: object) -> Component:
    """The head above; `register` fills the list for the address."""
    head = html.Div(
        [html.H1("Review", className="page-title"), html.P(id="review-summary", className="page-subtitle")],
        role="status",
    )
    return html.Div(
        [
            html.Div([head], className="page-head"),
            dcc.Store(id="review-asked"),
            dcc.Store(id="review-shown"),
            html.Div(
                [
                    html.Nav(id="review-tabs", className="review-tabs", **shell.aria(label="What to review")),
                    html.Span(id="review-place", className="review-place", role="status"),
                ],
                className="tools",
            ),
            review_form.modal(),
            html.Div(id="review-empty"),
            html.Ul(id="review-list", className="review-list", **shell.aria(label="Waiting for a review")),
            _help(),
            html.Div(
                [html.Span(id="review-selected", role="status"), html.Div(id="review-answers", className="tools")],
                id="review-several",
                className="review-several card",
                hidden=True,
                role="group",
                **shell.aria(label="Answer all that are selected"),
            ),
        ],
        className="review",
    )


def _help() -> Component:
    keys = [part for key, words in _KEYS for part in (html.Kbd(key), html.Span(words))]
    return html.P(keys, className="review-keys wide-only", id="review-keys")


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the list, and do what is answered."""
    _register_list(app, board)
    _register_answers(app, board)
    _register_form(app, board)


def _register_list(app: RoleCallbacks, board: Board) -> None:
    """Fill the list for its address whenever it changed."""

    @app.callback(
        Output("review-list", "children"),
        Output("review-empty", "children"),
        Output("review-answers", "children"),
        Output("review-tabs", "children"),
        Output("review-summary", "children"),
        Output("review-shown", "data"),
        Input("pulse", "data"),
        Input("url", "search"),
        State("review-shown", "data"),
    )
    def fill(_pulse: object, search: object, shown: object) -> tuple[Any, ...]:
        version = f"{review_queries.version(board)} {search or ''}"
        if version == shown:
            raise PreventUpdate
        found = review_queries.items(board)
        tab = _tab(search, found)
        several = [answer_button(answer, words) for answer, words in _SEVERAL[tab]]
        return _cards(board, found, tab), _empty(found, tab), several, _tabs(found, tab), _summary(found), version

    shell.in_browser(
        app,
        ClientsideFunction("review", "watch"),
        Output("review-list", "data-watched"),
        Input("review-list", "children"),
    )


def _register_answers(app: RoleCallbacks, board: Board) -> None:
    """Do what the buttons and keys ask for, or open the form for it."""

    @app.callback(
        NOTIFY,
        Output("review-modal", "opened"),
        Output("review-modal", "title"),
        Output("review-form", "children"),
        Input("review-asked", "data"),
        prevent_initial_call=True,
    )
    def answer(data: object) -> tuple[Any, ...]:
        asked = Asked.of(data)
        if asked is None:
            raise PreventUpdate
        if asked.needs_form:
            return no_update, True, review_form.title(board, asked), review_form.body(board, asked)
        return answered(board, asked), no_update, no_update, no_update


def _register_form(app: RoleCallbacks, board: Board) -> None:
    """Save the form, or close it."""

    @app.callback(
        NOTIFY,
        Output("review-modal", "opened", allow_duplicate=True),
        Input("review-save", "n_clicks"),
        Input("review-name", "n_submit"),
        State("review-asked", "data"),
        State("review-who", "value"),
        State("review-name", "value"),
        value_of(PICKER),
        State("review-consent", "checked"),
        State("review-staff", "checked"),
        prevent_initial_call=True,
    )
    def save(
        clicks: object, submits: object, data: object, who: object, name: object, person_id: object, consented: object,
        staff: object,
    ) -> tuple[Any, ...]:  # fmt: skip
        asked = Asked.of(data)
        if asked is None or not asked.needs_form or not (clicks or submits):
            raise PreventUpdate
        filled = Filled(
            who=KNOWN if who == KNOWN else NEW,
            name=name if isinstance(name, str) else "",
            person_id=person_id if isinstance(person_id, str) else "",
            consented=consented is True,
            staff=staff is True,
        )
        found = review_form.saved(board, asked, filled)
        return found.notifications, False if found.done else no_update

    shell.in_browser(
        app, ClientsideFunction("review", "who"), Output("review-fields", "data-who"), Input("review-who", "value")
    )
    shell.in_browser(
        app,
        ClientsideFunction("review", "close"),
        Output("review-modal", "opened", allow_duplicate=True),
        Input("review-cancel", "n_clicks"),
        first=False,
    )


def _tab(search: object, found: Waiting) -> str:
    """The tab of the address; without one, the first that has something."""
    asked = parsed(search).get("tab")
    if asked in (STRANGERS, VISITS):
        return asked
    return VISITS if found.visits and not found.strangers else STRANGERS


def _cards(board: Board, found: Waiting, tab: str) -> list[Component]:
    now = board.now()
    if tab == STRANGERS:
        return [stranger_card(each, found.names, board.zone, now) for each in found.strangers[:SHOWN]]
    return [visit_card(each, found.names, board.zone, now) for each in found.visits[:SHOWN]]


def _tabs(found: Waiting, tab: str) -> list[Component]:
    tabs = ((STRANGERS, "Strangers", len(found.strangers)), (VISITS, "Doubtful visits", len(found.visits)))
    return [
        shell.link(
            [name, html.Span(f"{waiting:,}", className="tag")],
            place(PATH, {"tab": key}),
            stay=True,
            class_name="review-tab",
            **(shell.aria(current="page") if key == tab else {}),
        )
        for key, name, waiting in tabs
    ]


def _summary(found: Waiting) -> str:
    if not len(found):
        return "Nothing waits."
    parts = (
        count(len(found.strangers), "stranger") if found.strangers else "",
        count(len(found.visits), "doubtful visit") if found.visits else "",
    )
    return f"{' and '.join(filter(None, parts))} to look at"


def _empty(found: Waiting, tab: str) -> Component | None:
    here, there = (found.strangers, found.visits) if tab == STRANGERS else (found.visits, found.strangers)
    if here:
        return None
    what = {
        STRANGERS: "Strangers who come are listed here, so that you can say who they are.",
        VISITS: "Visits that rest on a face which was nearly not recognised are listed here.",
    }
    other = VISITS if tab == STRANGERS else STRANGERS
    lead = (f"See the {other} ({len(there)})", place(PATH, {"tab": other})) if there else ("See who is in", place("/"))
    return html.Section(
        [
            html.H2("Nothing to review", className="empty-title"),
            html.P(what[tab], className="empty-text"),
            html.P(shell.link(lead[0], lead[1], class_name="button"), className="empty-action"),
        ],
        className="card empty-card",
    )
