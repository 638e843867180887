"""The queries of the page of people: a page of the directory, and one person's profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from config.errors import ModelError
from dashboard.people_address import PAGE_SIZE, PeopleQuery
from dashboard.queries import Board, with_printable_name
from tracker.identity.networks import shadow_of
from tracker.presence.calendar import day_range
from tracker.presence.people import Person
from tracker.presence.sessions import Session
from tracker.reports.person_weeks import Week, weeks
from tracker.store.directory import DirectoryEntry, DirectoryQuery, Who

VISIT_DAYS = 30
"""The list counts the visits of so many days, today included."""
WEEKS = 12
LATEST_VISITS = 10
_PORTION = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleView:
    """A page of the people who fit a query.

    people: how many fit. known: how many there are at all, enrolled and visitors. page: of `pages`, from 1 on. groups:
    all that anybody is in. today: at the site. changing: how far a shadow period is, as text; None without one.
    """

    rows: Sequence[DirectoryEntry]
    people: int
    known: int
    page: int
    pages: int
    groups: Sequence[str]
    today: date
    now: datetime
    changing: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """One person. faces: how many vectors. visits: the latest, the latest first, of visit_count at this site.

    first_at, seen_at: when they were here first and last, None if never; inside: they are now. cameras: by which the
    visits began and how many did, most first. weeks: the latest ones, the earliest first. groups: all that anybody is
    in.
    """

    person: Person
    faces: int
    visits: Sequence[Session]
    visit_count: int
    first_at: datetime | None
    seen_at: datetime | None
    inside: bool
    cameras: Sequence[tuple[str, int]]
    weeks: Sequence[Week]
    groups: Sequence[str]
    today: date
    now: datetime


def people_view(board: Board, query: PeopleQuery) -> PeopleView:
    """The page that the query asks for, or the last one where there are fewer. Raises StoreError."""
    directory, wanted = board.store().directory, _directory_query(board, query)
    people = directory.count(wanted)
    pages = max(1, -(-people // PAGE_SIZE))
    page = min(query.page, pages)
    everybody = DirectoryQuery(site_id=wanted.site_id, since=wanted.since, today=wanted.today, who=Who.EVERYBODY)
    return PeopleView(
        rows=[
            replace(entry, person=with_printable_name(entry.person))
            for entry in directory.page(wanted, skip=(page - 1) * PAGE_SIZE, limit=PAGE_SIZE)
        ],
        people=people,
        known=people or directory.count(everybody),
        page=page,
        pages=pages,
        groups=directory.groups(),
        today=wanted.today,
        now=board.now(),
        changing=_changing(board),
    )


def _changing(board: Board) -> str | None:
    """How far a shadow period is. Raises StoreError."""
    from tracker.identity.shadow import progress

    try:
        embedder = shadow_of(board.settings)
    except ModelError:
        return f"recognition.shadow is {board.settings.recognition.shadow}, which is not here: run footfall doctor"
    store = board.store()
    if embedder is None or embedder.network == store.people.network():
        return None
    ready, people = progress(store, embedder)
    return f"{ready:,} of {people:,} can be recognised by {embedder.name}, the next network"


def people_portions(board: Board, query: PeopleQuery) -> Iterator[list[DirectoryEntry]]:
    """All who fit, in portions, whatever the page. Raises StoreError."""
    directory, wanted, skip = board.store().directory, _directory_query(board, query), 0
    while rows := directory.page(wanted, skip=skip, limit=_PORTION):
        yield rows
        skip += _PORTION


def profile_view(board: Board, person_id: str) -> ProfileView | None:
    """The profile of a person; None where nobody has the id. Raises StoreError."""
    store, now = board.store(), board.now()
    found = store.people.get(person_id)
    if found is None:
        return None
    person = with_printable_name(found)
    visits = store.sessions.select(site_id=board.site_id, now=now, person_ids=[person.person_id])
    last = visits[-1] if visits else None
    cameras = Counter(visit.enter_camera_id for visit in visits if visit.enter_camera_id)
    return ProfileView(
        person=person,
        faces=store.people.vector_count(person.person_id),
        visits=visits[: -LATEST_VISITS - 1 : -1],
        visit_count=len(visits),
        first_at=visits[0].started_at if visits else None,
        seen_at=None if last is None else last.ended_at or now,
        inside=last is not None and last.ended_at is None,
        cameras=cameras.most_common(),
        weeks=weeks(visits, now=now, zone=board.zone, count=WEEKS),
        groups=store.directory.groups(),
        today=board.today(),
        now=now,
    )


def _directory_query(board: Board, query: PeopleQuery) -> DirectoryQuery:
    today = board.today()
    since, _ = day_range(today - timedelta(days=VISIT_DAYS - 1), board.zone)
    return DirectoryQuery(
        site_id=board.site_id,
        since=since,
        today=today,
        text=query.text,
        who=query.who,
        group=query.group,
        order=query.order,
        descending=query.descending,
    )
