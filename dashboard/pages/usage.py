"""Usage: today, in the last 7 or 30 days, or in a year."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc
from dash import ClientsideFunction, Input, Output, State, dcc, no_update

from dashboard import elements as html
from dashboard import shell, usage_audience, usage_doors
from dashboard.access.callbacks import RoleCallbacks
from dashboard.address import VisitQuery, days_of, parsed
from dashboard.elements import Element
from dashboard.people_address import PeopleQuery
from dashboard.queries import Board
from dashboard.views import UsageView, tag
from dashboard.wording import capital, count, duration, moment, percent
from tracker.reports import charts
from tracker.reports.looks import Look
from tracker.reports.sheets import Row
from tracker.reports.visit_filter import State as VisitState
from tracker.reports.visit_filter import VisitFilter, Who
from tracker.store.directory import Order
from tracker.store.directory import Who as DirectoryWho
from tracker.store.users import UserRole

TITLE = "Usage"
LEAST = UserRole.VIEWER
NOT_WATCHED = "not watched"
RANGES = {"1": "Today", "7": "7 days", "30": "30 days", "365": "Year"}
PLOTS = ("hours", "dwell", "occupancy")


def layout(board: Board, search: object) -> Element:
    """The layout of the page; `register` fills it. search: the query part of the address."""
    head = html.Div([html.H1("Usage", className="page-title"), html.P(id="usage-subtitle", className="page-subtitle")])
    choice = dmc.SegmentedControl(
        id="usage-range",
        value=_chosen(search, board),
        data=[{"value": value, "label": label} for value, label in RANGES.items()],
        **shell.aria(label="Range of days"),
    )
    people = shell.card(
        "People",
        html.Div(id="usage-people"),
        note=html.Span(id="usage-people-note"),
        class_name="span-12",
        heading_id="usage-people-title",
    )
    cards = [
        _plot_card("Footfall by hour", "usage-hours", "span-6"),
        _plot_card("Dwell", "usage-dwell", "span-6"),
        _plot_card("Occupancy", "usage-occupancy", "span-12"),
        html.Div(id="usage-doors", className="span-12"),
        html.Div(id="usage-audience", className="span-12"),
        people,
    ]
    return html.Div(
        [
            html.Div([head, choice], className="page-head"),
            dcc.Store(id="usage-shown"),
            dcc.Store(id="usage-drawn"),
            dcc.Store(id="usage-links"),
            dcc.Store(id="usage-changed"),
            html.Div(id="usage-notice"),
            html.Div(id="usage-empty"),
            html.Div(
                [
                    html.Div(id="usage-tiles", className="tiles-box", **shell.LOADING),
                    html.Div(cards, id="usage-cards", className="grid usage-grid", **shell.LOADING),
                ],
                id="usage-filled",
            ),
        ]
    )


def _plot_card(title: str, plot_id: str, span: str) -> Element:
    return shell.card(
        title,
        shell.plot(plot_id),
        note=html.Span(id=f"{plot_id}-note"),
        class_name=f"card-plot {span}",
        heading_id=f"{plot_id}-title",
    )


def register(app: RoleCallbacks, board: Board) -> None:
    """Fill the page for the chosen range whenever history changed, or how the browser looks."""

    @app.callback(
        Output("usage-subtitle", "children"),
        Output("usage-notice", "children"),
        Output("usage-empty", "children"),
        Output("usage-filled", "hidden"),
        Output("usage-tiles", "children"),
        Output("usage-doors", "children"),
        Output("usage-audience", "children"),
        Output("usage-people", "children"),
        Output("usage-people-note", "children"),
        Output("usage-links", "data"),
        Output("usage-shown", "data"),
        Input("history", "data"),
        Input("url", "search"),
        shared=True,
    )
    def numbers(_history: object, search: object) -> tuple[Any, ...]:
        days, _ = days_of(parsed(search), board.today())
        view = board.usage(days)
        whom = "entries and people in with staff, the rest without" if view.counted else "without staff"
        subtitle = f"{capital(days.words(board.today()))} · {whom}"
        notice = shell.notice((*board.behind(), *view.coverage.notes))
        if not view.figures["entries"] and not view.people:
            return subtitle, notice, _nothing(board, view), True, [], None, None, [], "", {}, search or ""
        note = count(view.people_count, "person", "people")
        shown = (
            _tiles(view, board),
            usage_doors.card(view),
            usage_audience.card(view),
            _people(view, board),
            note,
            _links(view, board),
            search or "",
        )
        return subtitle, notice, None, False, *shown

    @app.callback(
        *(Output(f"usage-{name}-figure", "data") for name in PLOTS),
        *(Output(f"usage-{name}-note", "children") for name in PLOTS),
        *(Output(f"usage-{name}-words", "children") for name in PLOTS),
        Output("usage-drawn", "data"),
        Input("history", "data"),
        Input("url", "search"),
        Input("colours", "data"),
        Input("viewport", "data"),
        shared=True,
    )
    def plots(_history: object, search: object, colours: object, viewport: object) -> tuple[Any, ...]:
        if not (colours and viewport):  # the browser is about to say how it looks
            return (no_update,) * (3 * len(PLOTS) + 1)
        days, _ = days_of(parsed(search), board.today())
        view, look = board.usage(days), Look.of(colours, viewport)
        return (*_figures(view, board, look), *_notes(view, board), *_words(view), search or "")

    shell.draw_after(app, [Input("usage-tiles", "children")], [f"usage-{name}" for name in PLOTS])
    _wire(app)


def _wire(app: RoleCallbacks) -> None:
    """What happens in the browser: the range in the address, results of another range hidden, bars as links."""
    shell.in_browser(
        app,
        ClientsideFunction("address", "pending"),
        Output("usage-tiles", "data-state"),
        Output("usage-cards", "data-state"),
        Input("usage-shown", "data"),
        Input("usage-drawn", "data"),
        Input("url", "search"),
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "choose"),
        Output("usage-changed", "data"),
        Input("usage-range", "value"),
        first=False,
    )
    shell.in_browser(
        app,
        ClientsideFunction("address", "chosen"),
        Output("usage-changed", "clear_data"),
        Input("url", "search"),
        State("usage-range", "value"),
        first=False,
    )
    for name in ("hours", "dwell"):
        shell.in_browser(
            app,
            ClientsideFunction("address", "bar"),
            Output(f"usage-{name}", "clear_on_unhover"),
            Input(f"usage-{name}", "clickData"),
            State("usage-links", "data"),
            State(f"usage-{name}", "id"),
            first=False,
        )


def _figures(view: UsageView, board: Board, look: Look) -> tuple[charts.Chart, ...]:
    return (
        charts.footfall_by_hour(view.hours, days=view.days.count, look=look, watched=view.hours_watched),
        charts.dwell_histogram(view.bins, view.dwell, look=look, series={"visits": "visits"}),
        charts.occupancy(
            view.points,
            span=view.span,
            zone=board.zone,
            capacity=view.capacity,
            look=look,
            blind=view.coverage.blind,
        ),
    )


def _notes(view: UsageView, board: Board) -> tuple[str, ...]:
    """The text beside the title of each plot."""
    peak, at = view.figures["peak"], view.figures["peak_at"]
    return (
        f"busiest {_busiest(view)}" if view.figures["entries"] else NOT_WATCHED if _is_unknown(view) else "",
        f"{count(view.dwell['visits'], 'visit')} measured",
        f"peak {peak}{_staff_words(view)}, {moment(at, board.zone, board.now())}" if at else "",
    )


def _words(view: UsageView) -> tuple[str, ...]:
    """The content of each plot as text, for screen readers."""
    dwell = view.dwell
    if _is_unknown(view):
        return ("Not watched.",) * 3
    return (
        f"{count(view.figures['entries'] or 0, 'entry', 'entries')}, most of them {_busiest(view)}.",
        f"Median dwell {duration(dwell['median_s'])}, 90 % under {duration(dwell['p90_s'])}.",
        f"People inside over time{_staff_words(view)}, {view.figures['peak'] or 0} at most.",
    )


def _staff_words(view: UsageView) -> str:
    """Doors that count everybody do not know who is staff."""
    return "" if view.counted else " without staff"


def _busiest(view: UsageView) -> str:
    hour = max(range(24), key=lambda hour: view.hours[hour])
    return f"{hour:02d}:00–{(hour + 1) % 24:02d}:00"


def _chosen(search: object, board: Board) -> str | None:
    """The range of the address as the control has it; None for another one."""
    _, moving = days_of(parsed(search), board.today())
    return str(moving) if str(moving) in RANGES else None


def _behind(view: UsageView, board: Board) -> VisitQuery:
    """The visits that the entries of the range are."""
    moving = view.days.count if view.days.last == board.today() else None
    return VisitQuery(days=view.days, moving=moving, where=VisitFilter(who=Who.PUBLIC, begun=True))


def _links(view: UsageView, board: Board) -> dict[str, list[str]]:
    """Where each bar leads: by the hour, and by the place of the bin."""
    query = _behind(view, board)
    return {
        "usage-hours": [query.filtered(hour=hour).link() for hour in range(24)],
        "usage-dwell": [query.filtered(dwell_s=(each["from_s"], each["to_s"])).link() for each in view.bins],
    }


def _tiles(view: UsageView, board: Board) -> Element:
    figures, query = view.figures, _behind(view, board)
    entries, visitors, returning = (figures[key] or 0 for key in ("entries", "visitors", "returning"))
    a_day = "a day" if view.coverage.whole else "a watched day"
    daily = f"{entries / view.days_watched:.0f} {a_day}" if view.days.count > 1 <= view.days_watched else "entries"
    if figures["recognised_share"] is not None:
        daily += f" · faces seen for {percent(figures['recognised_share'])}"
    share = f"{percent(returning / visitors)} came before" if visitors else ""
    over = query.filtered(state=VisitState.LEFT).link()
    p90 = f"90 % under {duration(view.dwell['p90_s'])}"

    def counted(label: str, number: int, note: str, href: str | None = None) -> Element:
        if _is_unknown(view):
            return shell.figure_tile(label, "–", note=NOT_WATCHED)
        return shell.figure_tile(label, f"{number:,}", note=note, href=href)

    return shell.tiles(
        [
            counted("Footfall", entries, daily, query.link()),
            counted("Unique visitors", visitors, "different people", query.link()),
            counted("Returning", returning, share),
            shell.figure_tile("Median dwell", duration(view.dwell["median_s"]), note=p90, href=over),
            shell.figure_tile("Bounce rate", percent(figures["bounce_rate"]), note=board.bounce_words),
        ]
    )


def _is_unknown(view: UsageView) -> bool:
    """Whether no entry does not mean that nobody came."""
    return not view.figures["entries"] and view.coverage.mostly_missed


def _people(view: UsageView, board: Board) -> Element:
    longest_s = max((row["inside_s"] for row in view.people), default=0.0)
    head = html.Tr(
        [
            html.Th("Person", scope="col"),
            html.Th("Visits", scope="col", className="number"),
            html.Th("Time inside", scope="col", className="number"),
            html.Th("", className="bar-cell", **shell.aria(hidden="true")),
            html.Th("Last seen", scope="col", className="number last-seen"),
        ]
    )
    rows = [_person_row(row, longest_s, view, board) for row in view.people]
    table = html.Table([html.Thead(head), html.Tbody(rows)], className="people-table")
    more = view.people_count - len(view.people)
    if more <= 0:
        return table
    everybody = PeopleQuery(who=DirectoryWho.EVERYBODY, order=Order.VISITS, descending=True).link()
    rest: Any = shell.link(f"and {more:,} more", everybody) if view.names else f"and {more:,} more"
    return html.Div([table, html.P(rest, className="quiet")])


def _person_row(row: Row, longest_s: float, view: UsageView, board: Board) -> Element:
    share = row["inside_s"] / longest_s if longest_s else 0.0
    word = tag(row)
    query = _behind(view, board)
    theirs = query.filtered(person_id=row["person_id"], begun=False, who=Who.EVERYBODY).link()
    begun = query.filtered(person_id=row["person_id"], who=Who.EVERYBODY).link()
    said = shell.aria(label=f"{row['visits']:,} visits of {row['name']}")
    visits = shell.link(f"{row['visits']:,}", begun, **said) if view.names else f"{row['visits']:,}"
    label = [
        shell.link(row["name"], theirs) if view.names else row["name"],
        *([html.Span(word, className="tag")] if word else []),
    ]
    last_seen = "in now" if row["present"] else moment(row["last_seen_at"], board.zone, board.now())
    bar = html.Div(className="bar", style={"width": f"{share:.1%}"})
    return html.Tr(
        [
            html.Th(label, scope="row", title=row["name"]),
            html.Td(visits, className="number"),
            html.Td(duration(row["inside_s"]), className="number"),
            html.Td(bar, className="bar-cell", **shell.aria(hidden="true")),
            html.Td(last_seen, className="number last-seen"),
        ],
        key=row["person_id"],
    )


def _nothing(board: Board, view: UsageView) -> Element:
    title, text = "No usage in this range", "Reports fill as people come and go. Choose a longer range,"
    if view.coverage.nothing:
        title, text = "Not watched in this range", "No camera watched. Choose a longer range,"
    return html.Section(
        shell.empty(
            title,
            f"{text} or let a camera watch:",
            (
                ("Watch the first camera of this machine", board.command("track", "--camera", "0")),
                ("Take visits from a recording", board.command("track", "--camera", "clip.mp4", "--fast")),
            ),
        ),
        className="card",
    )
