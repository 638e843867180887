"""`footfall people list | show | rename | merge | forget`, and the profile of a person as they print it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import PeopleError, StoreError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.options import Acting, Reading, YesOption
from tracker.cli.output import Result, Table, local_time, print_line, short
from tracker.cli.store import reading, writing
from tracker.identity.names import clean_name
from tracker.presence.people import Person, PersonKind
from tracker.reports.sheets import Column, Kind
from tracker.reports.text import cell_text

if TYPE_CHECKING:
    from tracker.store.store import Store

WhoArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Name or id.")]

_NOBODY = "Nobody is enrolled yet. Try: footfall enroll PICTURES --name NAME"
PROFILE = (
    Column("person_id", "person id", Kind.WORD, shown=False),
    Column("name", "name"),
    Column("kind", "kind", Kind.WORD),
    Column("role", "role", Kind.WORD),
    Column("access", "access", Kind.FLAG, shown=False),
    Column("groups", "groups", Kind.TEXTS),
    Column("valid_from", "valid from", Kind.DAY, shown=False),
    Column("valid_until", "valid until", Kind.DAY),
    Column("vectors", "vectors", Kind.COUNT),
    Column("created_at", "since", Kind.MOMENT),
    Column("consented_at", "consented", Kind.MOMENT, shown=False),
    Column("consent_version", "consent text", Kind.WORD, shown=False),
    Column("consent_by", "consent recorded by", Kind.WORD, shown=False),
)
"""Of a person, as `profile_of` has it."""


@command("footfall people list --visitors", "footfall people list --group 'Morning course' --json")
def list_people(
    access: Reading,
    visitors: Annotated[bool, typer.Option("--visitors", help="List visitors too, whom nobody enrolled.")] = False,
    group: Annotated[
        str | None, typer.Option("--group", metavar="NAME", help="List only people in this group.")
    ] = None,
) -> Table:
    """List enrolled people and their face vectors."""
    with reading(access) as (settings, store):
        people = store.people.all(kind=None if visitors else PersonKind.ENROLLED)
        counts = store.people.vector_counts()
    return Table(
        columns=PROFILE,
        rows=[profile_of(person, counts) for person in people if group is None or person.is_in(group)],
        empty=_NOBODY if group is None else f"Nobody is in the group {group[:80]!r}.",
        zone=settings.site.zone,
    )


@command("footfall people show 'Ada Lovelace'")
def show(who: WhoArgument, access: Reading) -> Result:
    """Show a person's profile and latest events."""
    with reading(access) as (settings, store):
        person = find_person(store, who)
        marked = store.people.negatives()[1].count(person.person_id)
        profile = profile_of(person, store.people.vector_counts())
        events = store.events.select(person_id=person.person_id, limit=10, newest_first=True)
    zone = settings.site.zone
    lines = [f"{each.title}: {cell_text(profile[each.key], each.kind, zone) or '-'}" for each in PROFILE]
    rows = [[local_time(event.at, zone), event.kind, event.camera_id, short(event.event_id)] for event in events]
    latest = Table.of(["time", "kind", "camera", "id"], rows, title="latest events", empty="No events yet.")
    return Result(
        document={**profile, "faces_marked_as_not": marked, "events": events},
        parts=[*lines, f"faces marked as not: {marked}", latest],
    )


@command("footfall people rename 'Visitor 3' 'Grace Hopper'")
def rename(
    who: WhoArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    access: Acting,
) -> None:
    """Rename a person or visitor, past visits included."""
    from tracker.actions import people

    actor = actor_of(access)
    with writing(access) as (_, store):
        person = find_person(store, who)
        people.rename(store, actor, person.person_id, name)
    print_line(f"{person.name} is now called {clean_name(name)}")


@command("footfall people merge 'Visitor 3' 'Ada Lovelace'")
def merge(
    who: WhoArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The person to keep: name or id.")],
    access: Acting,
) -> None:
    """Merge two people into one: visits and face vectors.

    The first person's visits and vectors go to the second.
    """
    from tracker.actions import people

    actor = actor_of(access)
    with writing(access) as (_, store):
        person, kept = find_person(store, who), find_person(store, into)
        people.merge(store, actor, person.person_id, kept.person_id)
    print_line(f"{person.name} was merged into {kept.name}")


@command("footfall people forget 'Ada Lovelace' --history")
def forget(
    who: WhoArgument,
    access: Acting,
    history: Annotated[bool, typer.Option("--history", help="Delete the events too, not only the identity.")] = False,
    yes: YesOption = False,
) -> None:
    """Erase a person: name, face vectors and identity. Cannot be undone."""
    from tracker.actions import people

    actor = actor_of(access)
    with writing(access) as (_, store):
        if store.people.is_forgotten(who):  # erase again what another program wrote since
            person_id = name = who
        else:
            person = find_person(store, who)
            person_id, name = person.person_id, person.name
            if not yes:
                typer.confirm(f"Erase {name} for good?", abort=True)
        try:
            people.forget(store, actor, person_id, erase_history=history)
        except StoreError as error:
            if not store.people.is_forgotten(person_id):
                raise
            again = f"{error.fix}: footfall people forget {person_id}"
            raise type(error)(error.problem, fix=again) from error
    print_line(f"{name} is forgotten")


def find_person(store: Store, who: str) -> Person:
    """The person by name or id. Raises PeopleError where there is none."""
    person = store.people.by_name(who) or store.people.get(who)
    if person is None:
        raise PeopleError(f"no person named {who[:80]!r}", fix="try 'footfall people list --visitors'")
    return person


def names_in(store: Store) -> dict[str, str]:
    """The names of everybody, by person id."""
    return {person.person_id: person.name for person in store.people.all()}


def profile_of(person: Person, counts: Mapping[str, int]) -> dict[str, object]:
    """A person as commands print them. counts: face vectors by person id."""
    return {
        "person_id": person.person_id,
        "name": person.name,
        "kind": person.kind,
        "role": person.role,
        "access": person.access,
        "groups": person.groups,
        "valid_from": person.valid_from,
        "valid_until": person.valid_until,
        "vectors": counts.get(person.person_id, 0),
        "created_at": person.created_at,
        "consented_at": person.consented_at,
        "consent_version": person.consent_version,
        "consent_by": person.consent_by,
    }
