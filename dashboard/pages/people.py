"""People: the list to search, filter, sort and download, and one person's profile; the address says which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dash import ClientsideFunction, Input, Output, State, dcc, html, no_update
from dash.development.base_component import Component

from config.errors import ModelError
from dashboard import controls, person_forget, person_form, person_profile, review_queries, shell
from dashboard.access.callbacks import RoleCallbacks
from dashboard.access.identity import may
from dashboard.address import place
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import PeopleView, people_view, profile_view
from dashboard.people_table import ORDERS, table
from dashboard.queries import Board
from dashboard.wording import count
from tracker.store.directory import Who
from tracker.store.users import UserRole

TITLE = "People"
LEAST = UserRole.DESK
WHO = {
    Who.ENROLLED: "Enrolled",
    Who.MEMBERS: "Members",
    Who.STAFF: "Staff",
    Who.VISITORS: "Visitors",
    Who.NO_CONSENT: "Without consent",
    Who.NO_ACCESS: "Without access",
    Who.EXPIRED: "Expired",
    Who.EVERYBODY: "Everybody",
}
ENROL = "/people/enrol"
CONTROLS = ("search", "who", "group", "sort")


def layout(_board: Board, search: object) -> Component:
    """The list with its tools, and the place of a profile; `register` fills one of them."""
    query = PeopleQuery.of_address(search)
    return html.Div(
        [
            dcc.Store(id="people-shown"),
            dcc.Store(id="people-changed"),
            dcc.Store(id="person-form-shown"),
            html.Div(_list(query), id="people-list", hidden=bool(query.person)),
            html.Div(
                [
                    html.Div(id="person-head"),
                    html.Div(
                        [
                            html.Div(
                                [html.Div(id="person-forms", className="column"), html.Div(id="person-facts")],
                                className="column span-4",
                            ),
                            html.Div(id="person-content", className="column span-8"),
                        ],
                        className="grid profile-grid",
                    ),
                ],
                id="people-profile",
                hidden=not query.person,
                **shell.LOADING,
            ),
            person_forget.modal(),
        ]
    )


def _list(query: PeopleQuery) -> list[Component]:
    title = html.Div(
        [html.H1("People", className="page-title"), html.P(id="people-summary", className="page-subtitle")],
        role="status",
    )
    return [
        html.Div([title, html.Div(id="people-ways", className="page-tools")], className="page-head"),
        _tools(query),
        html.Div(html.Div(id="people-table"), id="people-results", **shell.LOADING),
    ]


def _tools(query: PeopleQuery) -> Component:
    values = _values(query)
    return html.Div(
        [
            controls.search(
                "people-search", values["search"], label="Search people", placeholder="Search names and groups"
            ),
            controls.choice("people-who", "Which people", values["who"], controls.options(WHO)),
            controls.choice("people-group", "Group", values["group"], controls.options({"": "All groups"})),
            controls.choice(
                "people-sort", "Order", values["sort"], controls.options(ORDERS), class_name="choice narrow-only"
            ),
            html.Div(className="spacer"),
            controls.download_csv("people-csv", query.link("/people.csv")),
        ],
        className="tools",
        role="search",
    )


def _values(query: PeopleQuery) -> dict[str, Any]:
    """The values of the controls."""
    return {
        "search": query.text,
        "who": str(query.who),
        "group": query.group,
        "sort": query.sort if query.sort in ORDERS else None,
    }


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the list or the profile for the address whenever that or history changed; controls write the address."""
    _register_list(app, board)
    _register_profile(app, board)
    person_form.register(app, board)
    person_forget.register(app, board)
    ids = [f"people-{name}" for name in CONTROLS]
    shell.in_browser(
        app,
        ClientsideFunction("people", "change"),
        Output("people-changed", "data"),
        *(Input(control, "value") for control in ids),
        State("people-shown", "data"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("people", "restore"),
        Output("people-results", "data-state"),
        Output("people-profile", "data-state"),
        Output("people-list", "hidden"),
        Output("people-profile", "hidden"),
        Output("forget-modal", "opened", allow_duplicate=True),
        Input("people-shown", "data"),
        Input("url", "search"),
        *(State(control, "value") for control in ids),
        first=False,
    )


def _register_list(app: RoleCallbacks, board: Board) -> None:
    @app.callback(
        Output("people-table", "children"),
        Output("people-summary", "children"),
        Output("people-csv", "href"),
        Output("people-group", "data"),
        Output("people-shown", "data"),
        Input("history", "data"),
        Input("url", "search"),
        shared=True,
    )
    def rows(_history: object, search: object) -> tuple[Any, ...]:
        query = PeopleQuery.of_address(search)
        shown = {"address": search or "", "person": query.person, **_values(query)}
        if query.person:
            return (*(no_update,) * 4, shown)
        view = people_view(board, query)
        groups = {"": "All groups", **{name: name for name in view.groups}}
        if query.group and query.group not in groups:
            groups[query.group] = query.group
        return (
            table(view, query, board.zone) if view.rows else _nothing(view, query),
            _summary(view),
            query.link("/people.csv"),
            controls.options(groups),
            shown,
        )

    @app.callback(Output("people-ways", "children"), Input("history", "data"))
    def ways(_history: object) -> list[Component]:
        return _ways(_waiting(board))


def _register_profile(app: RoleCallbacks, board: Board) -> None:
    @app.callback(
        Output("person-head", "children"),
        Output("person-facts", "children"),
        Output("person-content", "children"),
        Output("person-forms", "children"),
        Output("person-form-shown", "data"),
        Input("history", "data"),
        Input("url", "search"),
        State("person-form-shown", "data"),
    )
    def profile(_history: object, search: object, form_shown: object) -> tuple[Any, ...]:
        query = PeopleQuery.of_address(search)
        if not query.person:
            return (None,) * 5
        view = profile_view(board, query.person)
        if view is None:
            return person_profile.nobody(query), None, None, None, None
        admin, form = may(UserRole.ADMIN), person_form.fingerprint(view)
        facts = shell.card("Known", person_profile.facts(view, board.zone), heading_id="person-facts-title")
        return (
            person_profile.head(view, query, board.zone, admin=admin),
            facts,
            person_profile.content(view, board.zone),
            no_update if form == form_shown else person_form.forms(view, admin=admin),
            form,
        )


def _summary(view: PeopleView) -> str:
    people = count(view.people, "person", "people")
    return people if view.changing is None else f"{people} · {view.changing}"


def _ways(waiting: int) -> list[Component]:
    """The ways to the pages below this one. waiting: for a review."""
    number = html.Span(f"{waiting:,}", className="count") if waiting else None
    return [
        shell.link(["Review", number], place("/people/review"), class_name="button"),
        shell.link("Enrol somebody", place(ENROL), class_name="button button-main", load=True),
    ]


def _waiting(board: Board) -> int:
    """How much waits for a review; 0 where the page of reviews would say what prevents one."""
    try:
        return review_queries.waiting(board)
    except ModelError:
        return 0


def _nothing(view: PeopleView, query: PeopleQuery) -> Component:
    if view.known:
        clear = replace(query, text="", who=Who.ENROLLED, group="", page=1)
        everybody = replace(clear, who=Who.EVERYBODY)
        way = ("Show everybody", everybody.link()) if query in (clear, replace(clear, page=query.page)) else (
            "Show all enrolled people", clear.link()
        )  # fmt: skip
        return html.Section(
            [
                html.H2("Nobody fits", className="empty-title"),
                html.P("Nobody fits the search and the filters.", className="empty-text"),
                html.P(shell.link(way[0], way[1], class_name="button"), className="empty-action"),
            ],
            className="card empty-card",
        )
    return html.Section(
        [
            html.H2("Nobody is enrolled yet", className="empty-title"),
            html.P(
                "Enrol people who agree to it: cameras recognise them from then on, and count others as visitors.",
                className="empty-text",
            ),
            html.P(
                shell.link("Enrol somebody", place(ENROL), class_name="button button-main", load=True),
                className="empty-action",
            ),
        ],
        className="card empty-card",
    )
