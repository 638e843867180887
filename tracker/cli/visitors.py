"""`footfall people visitors | name | tidy`: strangers who got an id."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.acting import actor_of, entry_of
from tracker.cli.command import command
from tracker.cli.options import Acting, Options, Reading, UsageError, YesOption
from tracker.cli.output import Result, Table, note, print_line
from tracker.cli.people import find_person, names_in
from tracker.cli.store import reading, writing
from tracker.identity.networks import match_of
from tracker.presence.people import PersonKind, Role
from tracker.reports.sheets import Column, Kind, Row

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.actions.actor import Actor
    from tracker.identity.visitors import SimilarPerson
    from tracker.presence.sessions import Session
    from tracker.store.store import Store

_COLUMNS = (
    Column("person_id", "person id", Kind.WORD, shown=False),
    Column("name", "name"),
    Column("visits", "visits", Kind.COUNT),
    Column("first_seen", "first seen", Kind.MOMENT),
    Column("last_seen", "last seen", Kind.MOMENT),
    Column("vectors", "vectors", Kind.COUNT),
    Column("like", "like", shown=False),
    Column("like_distance", "distance", Kind.NUMBER, shown=False),
    Column("strong", "surely", Kind.FLAG, shown=False),
    Column("looks_like", "looks like", in_data=False),
)


@command("footfall people visitors", "footfall people visitors --merge")
def visitors(
    access: Reading,
    merge: Annotated[bool, typer.Option("--merge", help="Merge visitors who are surely the same person.")] = False,
    yes: YesOption = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most this many, last seen first.")] = 50,
) -> Table:
    """List visitors: visits, last seen, and whom they resemble.

    With --merge, visitors who are surely one person are merged, each pair after a confirmation; past visits follow.
    """
    if merge and access.offline:
        raise UsageError("--merge and --offline cannot be used together", fix="specify one of them")
    with writing(access) if merge else reading(access) as (settings, store):
        found = _likenesses(store, settings)
        if merge:
            _merge_all(store, actor_of(Acting()), found, yes=yes)
            found = _likenesses(store, settings)
        rows = _rows(store, settings, found)[:limit]
    return Table(columns=_COLUMNS, rows=rows, empty="No visitors.", zone=settings.site.zone)


@command(
    "footfall people name 'Visitor 3' --as 'the plumber'",
    "footfall people name 'Visitor 3' 'Visitor 5' --as 'Ada Lovelace' --consent",
)
def name(
    who: Annotated[list[str], typer.Argument(metavar="VISITOR...", help="Names or ids of one or more visitors.")],
    is_called: Annotated[str, typer.Option("--as", metavar="NAME", help="A new name, or the name of a known person.")],
    access: Acting,
    consent: Annotated[
        bool, typer.Option("--consent", help="Enrol the person, who agreed to it; you confirm that.")
    ] = False,
    staff: Annotated[bool, typer.Option("--staff", help="Staff: marked, and left out of footfall.")] = False,
) -> None:
    """Name one or more visitors.

    Several visitors are merged into one; all their past visits get the name. With --consent the person is enrolled
    with the face vectors that cameras recorded; without, a named visitor stays a visitor. If the name is that of a
    known person, the visitors are merged into that person.
    """
    if staff and not consent:
        raise UsageError("--staff without --consent: visitors have no role", fix="add --consent, if they agreed")
    from tracker.actions.people import name_visitors

    actor = actor_of(access)
    with writing(access) as (_, store):
        people = list({person.person_id: person for person in (find_person(store, each) for each in who)}.values())
        audit_id = name_visitors(
            store,
            actor,
            [person.person_id for person in people],
            is_called,
            consented=consent,
            role=Role.STAFF if staff else Role.MEMBER,
        )
        now = entry_of(store, audit_id).after["person"]["name"]
    print_line(f"{', '.join(person.name for person in people)}: now {now}")


@command("footfall people tidy", "footfall people tidy --days 7")
def tidy(
    access: Options,
    days: Annotated[
        int | None, typer.Option("--days", min=1, max=3650, help="Days not seen. Default: store.visitor_days.")
    ] = None,
) -> Result:
    """Delete face vectors of visitors who have not returned.

    Vectors behind old matches and the record of old changes are deleted too. A running agent does this by itself.
    Visits are kept; a visitor who returns later is a new one.
    """
    now = datetime.now(UTC)
    with writing(access) as (settings, store):
        visitor_days = days or settings.store.visitor_days
        expired = store.people.expire_visitors(now - timedelta(days=visitor_days))
        dropped = store.matches.drop_evidence(now - timedelta(days=settings.store.evidence_days))
        changes = store.audit.drop(now - timedelta(days=settings.store.audit_days))
    line = (
        f"deleted the vectors of {expired} visitors not seen for {visitor_days} days,"
        f" {dropped} vectors behind old matches, and the record of {changes} old changes"
    )
    return Result(document={"visitors": expired, "evidence": dropped, "audit": changes}, parts=[line])


def _likenesses(store: Store, settings: Settings) -> dict[str, SimilarPerson]:
    from tracker.identity.gallery import Gallery
    from tracker.identity.known import enrolled_gallery
    from tracker.identity.visitors import similar_people

    visitors = Gallery.of(*store.people.vectors(PersonKind.VISITOR))
    return similar_people(visitors, enrolled_gallery(store.people), match_of(settings, store))


def _merge_all(store: Store, actor: Actor, found: dict[str, SimilarPerson], *, yes: bool) -> None:
    """Merge each sure pair into the older of the two, after a confirmation."""
    from tracker.actions.people import merge
    from tracker.identity.visitors import mergeable_pairs

    people = {person.person_id: person for person in store.people.all(kind=PersonKind.VISITOR)}
    for pair in mergeable_pairs(found):
        kept, merged = sorted((people[person_id] for person_id in pair), key=lambda each: each.created_at)
        apart = found[merged.person_id].distance
        if yes or typer.confirm(f"Merge {merged.name} into {kept.name}? Distance {apart:.2f}.", default=False):
            merge(store, actor, merged.person_id, kept.person_id)
            note(f"{merged.name} was merged into {kept.name}")


def _rows(store: Store, settings: Settings, found: dict[str, SimilarPerson]) -> list[Row]:
    """A row a visitor, last seen first."""

    names = names_in(store)
    counts = store.people.vector_counts()
    visits: dict[str, list[Session]] = {}
    rules, now = store.sites.rules(settings.site.id), datetime.now(UTC)
    for session in store.sessions.select(site_id=settings.site.id, rules=rules, now=now):
        visits.setdefault(session.person_id, []).append(session)
    rows = []
    for person in store.people.all(kind=PersonKind.VISITOR):
        own = visits.get(person.person_id, [])
        like = found.get(person.person_id)
        other = None if like is None else names.get(like.other_id, like.other_id)
        surely = ", surely" if like is not None and like.strong else ""
        row: Row = {
            "person_id": person.person_id,
            "name": person.name,
            "visits": len(own),
            "first_seen": min((session.started_at for session in own), default=person.created_at),
            "last_seen": max((session.ended_at or now for session in own), default=None),
            "vectors": counts.get(person.person_id, 0),
            "like": other,
            "like_distance": None if like is None else round(like.distance, 4),
            "strong": like is not None and like.strong,
            "looks_like": "" if like is None else f"{other} ({like.distance:.2f}){surely}",
        }
        rows.append(row)
    return sorted(rows, key=lambda row: row["last_seen"] or row["first_seen"], reverse=True)
