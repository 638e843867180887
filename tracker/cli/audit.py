"""`footfall audit | undo`: who changed what, and undoing it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.acting import actor_of, entry_of
from tracker.cli.command import command
from tracker.cli.options import Acting, Reading
from tracker.cli.output import Table, print_line
from tracker.cli.store import reading, writing
from tracker.cli.times import parse_past
from tracker.reports.sheets import Column, Kind

if TYPE_CHECKING:
    from tracker.store.audit import AuditEntry

_COLUMNS = (
    Column("audit_id", "id", Kind.COUNT),
    Column("at", "time", Kind.MOMENT),
    Column("actor", "by"),
    Column("role", "role", Kind.WORD, shown=False),
    Column("action", "action", Kind.WORD, shown=False),
    Column("words", "change", in_data=False),
    Column("subject_kind", "of", Kind.WORD, shown=False),
    Column("subject_id", "subject", Kind.WORD, shown=False),
    Column("site_id", "site", Kind.WORD, shown=False),
    Column("about", "about", in_data=False),
    Column("reason", "reason"),
    Column("undoes", "undoes", Kind.COUNT, shown=False),
    Column("undone_by", "undone by", Kind.COUNT),
)


@command("footfall audit", "footfall audit --actor Ann --since 2026-01-31T08:00 --csv")
def audit(
    access: Reading,
    limit: Annotated[int, typer.Option("--limit", min=1, help="List at most this many, the latest first.")] = 50,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DATE", help="First day, or time, as 2026-01-31 or 2026-01-31T08:00."),
    ] = None,
    actor: Annotated[str | None, typer.Option("--actor", metavar="NAME", help="Only what this user did.")] = None,
) -> Table:
    """List who changed what on this machine, the latest first.

    Commands and the dashboard add to it. It is kept for store.audit_days and never uploaded. When a person is
    forgotten, the name is removed from it.
    """
    from tracker.actions.undo import words

    with reading(access) as (settings, store):
        zone = settings.site.zone
        begin = parse_past(since, zone, now=datetime.now(UTC), option="--since")
        entries = store.audit.all(limit=limit, since=begin, actor=actor)
        people = {person_id for each in entries for person_id in _people(each)}
        names = {person.person_id: person.name for person in store.people.some(people)}
    rows = [
        {
            **{column.key: getattr(each, column.key) for column in _COLUMNS if column.in_data},
            "words": words(each),
            "about": ", ".join(sorted(names[person_id] for person_id in _people(each) if person_id in names)),
        }
        for each in entries
    ]
    empty = "Nothing was changed yet."
    return Table(columns=_COLUMNS, rows=rows, empty=empty, zone=zone, documents=entries)


def _people(entry: AuditEntry) -> set[str]:
    """The ids of those whom a change concerns."""
    visits = (visit for side in (entry.before, entry.after) for visit in side.get("visits", ()))
    return {entry.subject_id, *(str(visit["person_id"]) for visit in visits)}


@command("footfall undo 12")
def undo(
    audit_id: Annotated[int, typer.Argument(metavar="ID", help="Id of the change; `footfall audit` shows it.")],
    access: Acting,
) -> None:
    """Undo a change that a command or the dashboard made.

    Corrections of events and visits, changes of a person's profile, faces marked as not theirs and limits of single
    people can be undone, unless somebody changed the same since.
    """
    from tracker.actions.undo import undo as revert
    from tracker.actions.undo import words

    actor = actor_of(access)
    with writing(access) as (_, store):
        undone = entry_of(store, revert(store, actor, audit_id)).undoes or audit_id
        what = words(entry_of(store, undone))
    print_line(f"change {undone} is undone: {what}")
