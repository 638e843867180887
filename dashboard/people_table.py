"""The table of people: its columns, and the rows of one page."""

from __future__ import annotations

from dataclasses import replace
from zoneinfo import ZoneInfo

from dashboard import elements as html
from dashboard import shell
from dashboard.elements import Element
from dashboard.paged_table import Column, header, pager
from dashboard.people_address import PAGE_SIZE, PeopleQuery
from dashboard.people_queries import VISIT_DAYS, PeopleView
from dashboard.person_words import Rights, consent, kind, rights, seen
from dashboard.wording import initials
from tracker.presence.people import Person, PersonKind
from tracker.store.directory import DirectoryEntry, Order

_COLUMNS = (
    Column(order=Order.NAME, title="Name", style="cell-name"),
    Column(order=None, title="Groups", style="detail cell-muted"),
    Column(order=Order.UNTIL, title="May be here", style="detail cell-rights", hint="Access and validity"),
    Column(order=None, title="Consent", style="detail cell-muted", hint="When they agreed to be recognised"),
    Column(
        order=Order.VISITS,
        title=f"Visits, {VISIT_DAYS} days",
        style="number detail",
        largest_first=True,
    ),
    Column(order=Order.SEEN, title="Last here", style="cell-seen", largest_first=True),
)
ORDERS = {
    "name": "By name",
    "-seen": "Last here first",
    "-visits": "Most visits first",
    "-added": "Newest first",
    "until": "Ends first",
}
"""What a phone, which has no room for all headers, offers to sort by."""


def face(person: Person) -> Element:
    """The initials of a person in a circle."""
    style = "face face-visitor" if person.kind is PersonKind.VISITOR else "face"
    return html.Span(initials(person.name), className=style, **shell.aria(hidden="true"))


def table(view: PeopleView, query: PeopleQuery, zone: ZoneInfo) -> Element:
    """The rows of one page, and the links to the other pages."""

    def sorted_by(order: Order, descending: bool) -> str:
        return replace(query, order=order, descending=descending, page=1, person="").link()

    headers = [header(each, current=query.order, descending=query.descending, link=sorted_by) for each in _COLUMNS]
    head = html.Thead(html.Tr(headers))
    body = html.Tbody([_row(entry, view, query, zone) for entry in view.rows])
    shown = html.Table([head, body], className="visit-table directory", **shell.aria(label="People"))
    pages = pager(
        page=view.page,
        pages=view.pages,
        size=PAGE_SIZE,
        rows=view.people,
        link=lambda page: replace(query, page=page, person="").link(),
    )
    return html.Div([shown, pages], className="card table-card")


def _row(entry: DirectoryEntry, view: PeopleView, query: PeopleQuery, zone: ZoneInfo) -> Element:
    person = entry.person
    allowed = rights(person, view.now, zone)
    cells = (
        (", ".join(person.groups), "detail cell-muted"),
        (allowed.words, "detail cell-rights" if allowed.fine else "detail cell-rights not-fine"),
        (consent(person, view.today, zone), "detail cell-muted"),
        (f"{entry.visits:,}", "number detail"),
        (
            seen(entry.seen_at, zone, view.now, inside=entry.inside),
            "cell-seen state-in" if entry.inside else "cell-seen",
        ),
    )
    return html.Tr(
        [
            html.Th(_name(person, query, allowed), scope="row", className="cell-name"),
            *(html.Td(text, className=style) for text, style in cells),
        ],
        key=person.person_id,
    )


def _name(person: Person, query: PeopleQuery, allowed: Rights) -> Element:
    """Face and name; on a phone with what other columns have elsewhere."""
    word = kind(person)
    link = shell.link(person.name, query.opened(person.person_id))
    name = html.Div([link, *([html.Span(word, className="tag")] if word else [])], className="directory-link")
    words = html.Span(allowed.words, className="" if allowed.fine else "not-fine")
    more = html.Div([words, *(f" · {group}" for group in person.groups)], className="row-detail narrow-only")
    return html.Div([face(person), html.Div([name, more], className="row-text")], className="directory-name")
