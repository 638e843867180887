"""The frame around every page: header, navigation, light and dark, and the message of a missing store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Dash, Input, Output, State, dcc
from dash.development.base_component import Component
from plotly.io.json import to_json_plotly

from config.errors import FootfallError
from dashboard import elements as html
from dashboard.access.callbacks import RoleCallbacks
from dashboard.address import place
from dashboard.elements import Element
from dashboard.theme import MANTINE_THEME
from dashboard.wording import sentence
from tracker.reports.charts import PLOT_CONFIG
from tracker.store.users import User

PULSE_MS = 1000
"""How often an open page checks for changes."""

ABOVE_DRAWERS = 250
"""Level of dialogs that open from a drawer, whose level is 200; lists of choices are on 300."""

LOADING: dict[str, Any] = {"data-state": "loading"}
"""Attributes of results that are not there yet, or belong to another range; assets/address.js keeps them true."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NavigationItem:
    """One entry of the navigation."""

    path: str
    name: str
    icon: str


NAVIGATION = (
    NavigationItem(path="/", name="Now", icon="now"),
    NavigationItem(path="/visits", name="Visits", icon="visits"),
    NavigationItem(path="/people", name="People", icon="people"),
    NavigationItem(path="/usage", name="Usage", icon="usage"),
    NavigationItem(path="/cameras", name="Cameras", icon="camera"),
)


def aria(**words: str) -> dict[str, Any]:
    """ARIA attributes as Dash takes them: `aria(label="Pages")` is `aria-label`."""
    return {f"aria-{name}": value for name, value in words.items()}


def in_browser(
    app: Dash | RoleCallbacks, function: str | ClientsideFunction, *wires: Output | Input | State, first: bool = True
) -> None:
    """A callback that runs in the browser. first: run it once when its page appears."""
    register: Callable[..., None] = app.clientside_callback
    register(function, *wires, prevent_initial_call=not first)


def frame(site_name: str, user: User | None, items: Sequence[NavigationItem], more: Sequence[Component]) -> Any:
    """The layout around the pages. user: who is signed in, if anybody has to be. items: the pages that they may open.

    more: what pages share, such as notifications.
    """
    return dmc.MantineProvider(
        [
            dcc.Location(id="url", refresh="callback-nav"),
            dcc.Interval(id="tick", interval=PULSE_MS),
            dcc.Store(id="pulse"),
            dcc.Store(id="history"),
            dcc.Store(id="title"),
            dcc.Store(id="viewport"),
            dcc.Store(id="colours"),
            html.A("Skip to the content", href="#content", className="skip-link"),
            *more,
            _header(site_name, user, items),
            html.Div(
                "The dashboard does not answer. Trying again…", className="connection", role="status", id="connection"
            ),
            html.Main(
                [html.Div(id="trouble", role="alert"), html.Div(id="page", className="page")],
                id="content",
                tabIndex=-1,
            ),
        ],
        theme=MANTINE_THEME,
        defaultColorScheme="auto",
    )


def _header(site_name: str, user: User | None, items: Sequence[NavigationItem]) -> Element:
    return html.Header(
        html.Div(
            [
                dmc.Anchor(
                    [html.Span(className="brand-mark", **aria(hidden="true")), html.Span(site_name)],
                    href=place("/"),
                    refresh=False,
                    underline="never",
                    className="brand",
                ),
                html.Nav(navigation("/", items), id="navigation", className="navigation", **aria(label="Pages")),
                *([_account(user)] if user else []),
                dmc.ColorSchemeToggle(
                    id="scheme",
                    lightIcon=icon("sun"),
                    darkIcon=icon("moon"),
                    variant="subtle",
                    color="gray",
                    size="lg",
                    **aria(label="Switch between light and dark"),
                ),
            ],
            className="header-inner",
        ),
        className="header",
    )


def _account(user: User) -> Element:
    return html.A(
        [icon("account"), html.Span(user.name, className="account-name")],
        href=place("/account"),
        className="account",
        title=f"Signed in as {user.name} ({user.role}): password, sign out",
    )


def navigation(path: str, items: Sequence[NavigationItem]) -> list[Component]:
    """The links to these pages; the current one, or the one above it, is marked visibly and for screen readers."""
    return [
        dmc.Anchor(
            [icon(item.icon), html.Span(item.name)],
            href=place(item.path),
            refresh=False,
            underline="never",
            className="nav-link",
            **_current(item, path),
        )
        for item in items
    ]


def _current(item: NavigationItem, path: str) -> dict[str, Any]:
    if item.path == path:
        return aria(current="page")
    return aria(current="true") if item.path != "/" and path.startswith(f"{item.path}/") else {}


def link(
    children: Any,
    href: str,
    *,
    stay: bool = False,
    load: bool = False,
    class_name: str = "link",
    title: str | None = None,
    **more: Any,
) -> Element:
    """A link within the dashboard, followed without loading the page again. stay: keep the place scrolled to.

    load: load the page, as one needs that uses the camera, which browsers allow or not when a page is loaded.
    """
    going: dict[str, Any] = {} if load else {"data-go": "stay" if stay else "top"}
    return html.A(children, href=href, className=class_name, title=title, **going, **more)


def icon(name: str) -> Element:
    """An icon from the style sheet; the text beside it has the meaning."""
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))


def card(title: str, body: Any, *, heading_id: str, note: Any = None, class_name: str = "") -> Element:
    """A titled box; `note` is at the right of the title."""
    heading = html.H2(title, className="card-title", id=heading_id)
    head = html.Div([heading, html.Div(note, className="card-note")], className="card-head")
    inner = [head, html.Div(body, className="card-body")]
    return html.Section(inner, className=f"card {class_name}".strip(), **aria(labelledby=heading_id))


def figure_tile(
    label: str, value: str, *, note: str = "", extra: Element | None = None, href: str | None = None
) -> Element:
    """One number with its name; `note` has what it is compared with or made of; `href`: what is behind it."""
    number = value if href is None else link(value, href, **aria(label=f"{label}: {value}"))
    parts = [html.Dt(label, className="tile-label"), html.Dd(number, className="tile-value")]
    if extra is not None:
        parts.append(html.Dd(extra, className="tile-extra"))
    if note:
        parts.append(html.Dd(note, className="tile-note"))
    return html.Div(parts, className="tile")


def tiles(children: Sequence[Element]) -> Element:
    """A row of numbers."""
    return html.Dl(list(children), className="tiles")


def plot(plot_id: str) -> Element:
    """The place of a plot, of fixed size, its figure, and a text for screen readers; `draw_after` draws it."""
    return html.Figure(
        [
            dcc.Store(id=f"{plot_id}-figure"),
            html.Div(id=f"{plot_id}-place", className="plot-box", **aria(hidden="true")),
            html.Figcaption(id=f"{plot_id}-words", className="visually-hidden"),
        ],
        className="plot",
    )


def draw_after(app: RoleCallbacks, filled: Sequence[Input], plot_ids: Sequence[str]) -> None:
    """Draw plots once a page shows its numbers, as loading Plotly stops a browser for up to a second.

    filled: the numbers and what else comes first, all of it. plot_ids: each figure is the data of the store
    `<id>-figure`.
    """
    graphs = to_json_plotly([_graph(plot_id) for plot_id in plot_ids])
    in_browser(
        app,
        f"""function (...values) {{
            if (values.at(-1)) throw window.dash_clientside.PreventUpdate;
            const painted = new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return painted.then(() => {graphs});
        }}""",
        *(Output(f"{plot_id}-place", "children") for plot_id in plot_ids),
        *filled,
        State(f"{plot_ids[0]}-place", "children"),
    )
    for plot_id in plot_ids:
        in_browser(
            app,
            "function (figure) { return figure || window.dash_clientside.no_update; }",
            Output(plot_id, "figure"),
            Input(f"{plot_id}-figure", "data"),
        )


def _graph(plot_id: str) -> Component:
    """A plot without axes, until its figure is there."""
    hidden_axis = {"visible": False}
    blank = {
        "data": [],
        "layout": {
            "xaxis": hidden_axis,
            "yaxis": hidden_axis,
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
        },
    }
    return dcc.Graph(id=plot_id, figure=blank, config=PLOT_CONFIG, responsive=True, className="plot-graph")


def empty(title: str, text: str, commands: Sequence[tuple[str, str]] = ()) -> Element:
    """A message for an empty page. commands: (description, command)."""
    steps = [html.Li([html.Span(what), html.Code(command, className="command")]) for what, command in commands]
    return html.Div(
        [
            html.H2(title, className="empty-title"),
            html.P(text, className="empty-text"),
            *([html.Ol(steps, className="empty-steps")] if steps else []),
        ],
        className="empty",
    )


def notice(sentences: Sequence[str]) -> Element | None:
    """Notes on the data of the page; None without notes."""
    if not sentences:
        return None
    lines = [html.P(sentence) for sentence in sentences]
    return html.Aside([icon("camera"), html.Div(lines)], className="notice", **aria(label="Unwatched time"))


def trouble(error: FootfallError) -> Element:
    """The problem with the store and its fix, in place of the page."""
    return html.Section(
        [
            html.H1("The store cannot be read", className="page-title"),
            html.P(sentence(error.problem), className="trouble-problem"),
            html.P([html.Strong("What to do: "), sentence(error.fix)], className="trouble-fix"),
            html.P("This page returns as soon as the store can be read.", className="trouble-note"),
        ],
        className="card trouble",
    )


def no_such_page(path: str, items: Sequence[NavigationItem]) -> Element:
    """The page for an unknown address. items: the pages that there are."""
    return html.Section(
        [
            html.H1("There is no such page", className="page-title"),
            html.P([html.Code(path[:120]), " does not exist. Pages:"], className="empty-text"),
            html.Ul(
                [html.Li(link(item.name, place(item.path))) for item in items],
                className="no-page-links",
            ),
        ],
        className="card no-page",
    )
