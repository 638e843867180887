"""`footfall people visitors`, `name` and `tidy`: strangers who came back, who they are, how long they are known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from config.errors import PeopleError
from config.settings import Settings
from tracker.cli.door import JsonOption, SettingsOption, StoreOption, UsageError, settings_for
from tracker.cli.in_step import in_step
from tracker.cli.output import console, errors, local_time, print_json, print_table
from tracker.cli.people import find_person
from tracker.identity.clusters import Likeness, groups, likenesses
from tracker.identity.gallery import Gallery
from tracker.identity.names import clean_name
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.sessions import Session
from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorRow:
    """A visitor with what is known of them. like: whom they resemble, None for nobody; strong: hardly anybody else."""

    person_id: str
    name: str
    visits: int
    first_seen: datetime
    last_seen: datetime | None
    vectors: int
    like: str | None
    like_distance: float | None
    strong: bool


def visitors(
    merge: Annotated[bool, typer.Option("--merge", help="Make one of visitors who are surely the same.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Show this many, those seen last first.")] = 50,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Strangers who got an id: how often they came, when last, and whom they resemble.

    With --merge, visitors who are surely one person become one, each pair after a question; past visits follow.
    """
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        found = _likenesses(opened, chosen)
        if merge:
            _merge_all(opened, found, yes=yes)
            found = _likenesses(opened, chosen)
        rows = _rows(opened, chosen, found)[:limit]
    if as_json:
        print_json(rows)
        return
    zone = chosen.site.zone
    cells = [
        [
            row.name,
            row.visits,
            local_time(row.last_seen or row.first_seen, zone),
            local_time(row.first_seen, zone),
            row.vectors,
            "" if row.like is None else f"{row.like} ({row.like_distance:.2f}){', surely' if row.strong else ''}",
        ]
        for row in rows
    ]
    print_table("", ["name", "visits", "last seen", "first seen", "vectors", "looks like"], cells, empty="No visitors.")


def name(
    who: Annotated[list[str], typer.Argument(metavar="VISITOR...", help="Names or ids of one or more visitors.")],
    is_called: Annotated[str, typer.Option("--as", metavar="NAME", help="Who it is: a new name or a known person.")],
    consent: Annotated[
        bool, typer.Option("--consent", help="The person agreed to be enrolled; you confirm that.")
    ] = False,
    staff: Annotated[bool, typer.Option("--staff", help="Staff: marked, and left out of footfall.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Say who visitors are. Several are made one; all their past visits go by the name.

    With --consent the person is enrolled by the faces that the camera has seen; without, a visitor with a name stays a
    visitor. If the name is that of a person who is known, the visitors become that person.
    """
    if staff and not consent:
        raise UsageError("--staff without --consent: a visitor has no role", fix="add --consent, if they agreed")
    called = clean_name(is_called)
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        people = list({person.person_id: person for person in (find_person(opened, each) for each in who)}.values())
        for person in people:
            if person.kind is not PersonKind.VISITOR:
                raise PeopleError(
                    f"{person.name} is enrolled", fix="'footfall people rename' and 'merge' are for enrolled people"
                )
        target = opened.people.by_name(called) or people[0]
        for person in people:
            if person.person_id != target.person_id:
                opened.people.merge(person.person_id, target.person_id)
        if target.kind is PersonKind.VISITOR:
            _name_visitor(opened, target, called, consent=consent, staff=staff)
        now = opened.people.get(target.person_id) or target
    console.print(f"{', '.join(person.name for person in people)}: now {now.name}", markup=False, soft_wrap=True)


def tidy(
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Not seen for so long. Default: store.visitor_days.")
    ] = None,
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase the vectors of visitors who did not come again for long, and those behind old matches.

    A running agent does it by itself. Visits stay; a visitor who comes back after that is somebody new.
    """
    chosen = settings_for(settings, store=store)
    now = datetime.now(UTC)
    visitor_days = days or chosen.store.visitor_days
    with in_step(chosen) as opened:
        faded = opened.people.expire_visitors(now - timedelta(days=visitor_days))
        dropped = opened.matches.drop_evidence(now - timedelta(days=chosen.store.evidence_days))
    if as_json:
        print_json({"visitors": faded, "evidence": dropped})
        return
    told = f"erased are the vectors of {faded} visitors who were not seen for {visitor_days} days"
    console.print(f"{told}, and {dropped} vectors behind old matches", markup=False)


def _name_visitor(store: Store, visitor: Person, called: str, *, consent: bool, staff: bool) -> None:
    if consent:
        role = Role.STAFF if staff else Role.MEMBER
        store.people.promote(visitor.person_id, called, consented_at=datetime.now(UTC), role=role)
    else:
        store.people.rename(visitor.person_id, called)


def _likenesses(store: Store, settings: Settings) -> dict[str, Likeness]:
    enrolled = Gallery.of(*store.people.vectors(PersonKind.ENROLLED)).with_exceptions(
        store.people.limits(), *store.people.negatives()
    )
    return likenesses(Gallery.of(*store.people.vectors(PersonKind.VISITOR)), enrolled, settings.match)


def _merge_all(store: Store, found: dict[str, Likeness], *, yes: bool) -> None:
    """Merge each sure pair into the older of the two, after asking."""
    people = {person.person_id: person for person in store.people.all(kind=PersonKind.VISITOR)}
    for pair in groups(found):
        kept, gone = sorted((people[person_id] for person_id in pair), key=lambda each: each.created_at)
        apart = found[gone.person_id].distance
        if yes or typer.confirm(f"Make {gone.name} and {kept.name} one? They are {apart:.2f} apart.", default=False):
            store.people.merge(gone.person_id, kept.person_id)
            errors.print(f"{gone.name} was merged into {kept.name}", markup=False, soft_wrap=True)


def _rows(store: Store, settings: Settings, found: dict[str, Likeness]) -> list[VisitorRow]:
    """Visitors, who was seen last first."""
    names = {person.person_id: person.name for person in store.people.all()}
    counts = store.people.vector_counts()
    visits: dict[str, list[Session]] = {}
    rules, now = store.sites.rules(settings.site.id), datetime.now(UTC)
    for session in store.sessions.select(site_id=settings.site.id, rules=rules, now=now):
        visits.setdefault(session.person_id, []).append(session)
    rows = []
    for person in store.people.all(kind=PersonKind.VISITOR):
        own = visits.get(person.person_id, [])
        like = found.get(person.person_id)
        rows.append(
            VisitorRow(
                person_id=person.person_id,
                name=person.name,
                visits=len(own),
                first_seen=min((session.started_at for session in own), default=person.created_at),
                last_seen=max((session.ended_at or now for session in own), default=None),
                vectors=counts.get(person.person_id, 0),
                like=None if like is None else names.get(like.other_id, like.other_id),
                like_distance=None if like is None else round(like.distance, 4),
                strong=like is not None and like.strong,
            )
        )
    return sorted(rows, key=lambda row: row.last_seen or row.first_seen, reverse=True)
