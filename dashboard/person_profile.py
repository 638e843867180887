"""One person's profile: what they may, when they were here, and the visits behind it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dash import html
from dash.development.base_component import Component

from dashboard import shell
from dashboard.address import VisitQuery, place
from dashboard.elements import Element
from dashboard.people_address import PeopleQuery
from dashboard.people_queries import WEEKS, ProfileView
from dashboard.people_table import face
from dashboard.person_words import kind, rights
from dashboard.views import Days
from dashboard.wording import camera_text, capital, count, day, duration, moment, stamp
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Session
from tracker.reports.person_weeks import Week
from tracker.reports.visit_filter import VisitFilter

_YEAR = 365


def head(view: ProfileView, query: PeopleQuery, zone: ZoneInfo, *, admin: bool) -> Component:
    """Name, state and what one can do with the person. admin: who asks may export and forget."""
    person = view.person
    allowed = rights(person, view.now, zone)
    words = [capital(kind(person) or "member"), *person.groups]
    mark = html.Span(allowed.words, className="state" if allowed.fine else "state not-fine")
    title = html.Div(
        [
            html.H1(person.name, className="page-title"),
            html.P([" · ".join(words), mark], className="page-subtitle profile-words"),
        ],
        className="row-text",
    )
    return html.Div(
        [
            html.P(shell.link("← People", replace(query, person="").link()), className="profile-back"),
            html.Div(
                [
                    html.Div([face(person), title], className="profile-name"),
                    html.Div(_ways(person, admin=admin), className="page-tools"),
                ],
                className="page-head",
            ),
        ]
    )


def _ways(person: Person, *, admin: bool) -> list[Component]:
    pictures = place("/people/enrol", {"person": person.person_id})
    add = (
        [shell.link("Add pictures", pictures, class_name="button", load=True)]
        if person.kind is PersonKind.ENROLLED
        else []
    )
    if not admin:
        return add
    return [
        *add,
        html.A(
            [shell.icon("download"), html.Span("Export")],
            className="button",
            href=place("/people/export.zip", {"person": person.person_id}),
            download="",
            title="Everything kept about them, as a page and as JSON",
        ),
        html.Button("Forget…", id="person-forget", className="button button-quiet-danger", type="button"),
    ]


def content(view: ProfileView, zone: ZoneInfo) -> list[Component]:
    """When the person was here: numbers, hours by week, the latest visits, cameras."""
    return [
        _tiles(view, zone),
        shell.card(
            "Hours a week",
            _weeks(view),
            note=f"the last {WEEKS} weeks",
            heading_id="person-weeks-title",
        ),
        shell.card(
            "Latest visits",
            _visits(view, zone),
            note=shell.link(f"All {view.visit_count:,}", _all_visits(view)) if view.visits else None,
            heading_id="person-visits-title",
        ),
    ]


def facts(view: ProfileView, zone: ZoneInfo) -> Component:
    """What is known of the person and cannot be edited here."""
    person = view.person
    found = {
        "Consent": _consent(person, view, zone),
        "Text of the consent": person.consent_version,
        "Recorded by": person.consent_by,
        "Face vectors": f"{view.faces:,}" if view.faces else "none: cameras do not recognise them",
        "Known since": day(person.created_at.astimezone(zone).date(), view.today),
        "Cameras": ", ".join(f"{camera_text(camera)} ({number:,})" for camera, number in view.cameras[:5]),
    }
    listed = [html.Div([html.Dt(name), html.Dd(text)]) for name, text in found.items() if text]
    return html.Dl(listed, className="facts")


def nobody(query: PeopleQuery) -> Component:
    """In place of a profile that is not there."""
    return html.Section(
        [
            html.H2("Nobody is known by this id", className="empty-title"),
            html.P("They may have been forgotten since.", className="empty-text"),
            html.P(
                shell.link("All people", replace(query, person="").link(), class_name="button"),
                className="empty-action",
            ),
        ],
        className="card empty-card",
    )


def _consent(person: Person, view: ProfileView, zone: ZoneInfo) -> str:
    if person.consented_at is not None:
        return f"given {day(person.consented_at.astimezone(zone).date(), view.today)}"
    return "" if person.kind is PersonKind.VISITOR else "not given"


def _tiles(view: ProfileView, zone: ZoneInfo) -> Element:
    inside_s = sum(week.inside_s for week in view.weeks[-4:])
    return shell.tiles(
        [
            shell.figure_tile("Visits", f"{view.visit_count:,}", note="of all time"),
            shell.figure_tile("Inside", f"{inside_s / 3600:.1f} h", note="in the last 4 weeks"),
            shell.figure_tile("First here", "–" if view.first_at is None else _day(view.first_at, view, zone)),
            shell.figure_tile(
                "Last here",
                "–" if view.seen_at is None else "Now" if view.inside else _day(view.seen_at, view, zone),
                note="" if view.seen_at is None or view.inside else f"{view.seen_at.astimezone(zone):%H:%M}",
            ),
        ]
    )


def _day(at: datetime, view: ProfileView, zone: ZoneInfo) -> str:
    return capital(day(at.astimezone(zone).date(), view.today))


def _weeks(view: ProfileView) -> Component:
    """A column for each week; each says its hours to screen readers and when it is pointed at."""
    longest_s = max((week.inside_s for week in view.weeks), default=0.0)
    if not longest_s:
        return html.P(f"Not here in the last {WEEKS} weeks.", className="quiet")
    return html.Ol([_week(week, longest_s, view) for week in view.weeks], className="weeks")


def _week(week: Week, longest_s: float, view: ProfileView) -> Component:
    since = day(week.monday, view.today)
    words = f"Week from {since}: {duration(week.inside_s)}, {count(week.visits, 'visit')}"
    hours = f"{week.inside_s / 3600:.1f}" if week.inside_s else ""
    height = f"{100 * week.inside_s / longest_s:.1f}%"
    hidden = shell.aria(hidden="true")
    return html.Li(
        [
            html.Span(words, className="visually-hidden"),
            html.Span(hours, className="week-hours", **hidden),
            html.Span(html.Span(className="week-bar", style={"height": height}), className="week-space", **hidden),
            html.Span(f"{week.monday.day} {week.monday:%b}", className="week-name", **hidden),
        ],
        title=words,
    )


def _visits(view: ProfileView, zone: ZoneInfo) -> Component:
    if not view.visits:
        return html.P("No visit yet.", className="quiet")
    return html.Ul([_visit(visit, view, zone) for visit in view.visits], className="rows rows-tight")


def _visit(visit: Session, view: ProfileView, zone: ZoneInfo) -> Component:
    is_open = visit.ended_at is None
    until = "now" if visit.ended_at is None else moment(visit.ended_at, zone, visit.ended_at)
    on = visit.started_at.astimezone(zone).date()
    query = VisitQuery(
        days=Days(on, on),
        moving=None,
        where=VisitFilter(person_id=view.person.person_id),
        visit=visit.session_id,
    )
    name: Any = shell.link(f"{stamp(visit.started_at, zone)} to {until}", query.link())
    tags = [html.Span("in now", className="tag")] if is_open else []
    return html.Li(
        [
            html.Div(
                [
                    html.Div([name, *tags], className="row-name"),
                    html.Div(camera_text(visit.enter_camera_id) or "entry not seen", className="row-detail"),
                ],
                className="row-text",
            ),
            html.Div(duration(visit.dwell_s), className="row-figure"),
        ],
        key=visit.session_id,
    )


def _all_visits(view: ProfileView) -> str:
    days = Days.until(view.today, days=_YEAR)
    return VisitQuery(days=days, moving=_YEAR, where=VisitFilter(person_id=view.person.person_id)).link()
