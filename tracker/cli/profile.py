"""Role, groups and validity of people as options, and `footfall people edit`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import typer

from config.errors import PeopleError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.options import Acting, UsageError
from tracker.cli.output import Result
from tracker.cli.people import PROFILE, WhoArgument, find_person, profile_of
from tracker.cli.store import writing
from tracker.identity.names import clean_group
from tracker.presence.events import EARLIEST
from tracker.presence.people import Person, Role, name_key
from tracker.reports.text import cell_text

NO_LIMIT = "none"
GroupOption = Annotated[
    list[str] | None,
    typer.Option("--group", metavar="NAME", help="Add the person to this group; may be given several times."),
]
ValidFromOption = Annotated[
    str | None,
    typer.Option("--valid-from", metavar="DAY", help="First day on which they may be here, or 'none' for no limit."),
]
ValidUntilOption = Annotated[
    str | None,
    typer.Option("--valid-until", metavar="DAY", help="Last day on which they may be here, or 'none' for no limit."),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProfile:
    """Options for the profile of a person who is enrolled now."""

    staff: Annotated[bool, typer.Option("--staff", help="Staff: marked, and left out of footfall.")] = False
    group: GroupOption = None
    valid_from: ValidFromOption = None
    valid_until: ValidUntilOption = None

    @property
    def is_given(self) -> bool:
        """Whether any of the options was given."""
        return self.staff or bool(self.group or self.valid_from or self.valid_until)

    def changes(self) -> dict[str, Any]:
        """By field of a person its value. Raises UsageError for values that nobody can have."""
        changes: dict[str, Any] = {"role": Role.STAFF} if self.staff else {}
        changes |= {"groups": tuple(map(_group, self.group or ()))}
        changes |= _days(self.valid_from, self.valid_until)
        try:
            Person(person_id="new", name="new", created_at=EARLIEST, **changes)
        except ValueError as error:
            raise UsageError(str(error), fix="give other values") from error
        return changes


@command(
    "footfall people edit 'Ada Lovelace' --group 'Morning course' --valid-until 2026-12-31",
    "footfall people edit Bob --role staff --valid-until none",
)
def edit(
    who: WhoArgument,
    access: Acting,
    role: Annotated[Role | None, typer.Option("--role", help="Staff are left out of footfall.")] = None,
    may_enter: Annotated[
        bool | None, typer.Option("--access/--no-access", help="Whether they may be here at all.")
    ] = None,
    group: GroupOption = None,
    remove_group: Annotated[
        list[str] | None,
        typer.Option("--remove-group", metavar="NAME", help="Take the person out of this group."),
    ] = None,
    valid_from: ValidFromOption = None,
    valid_until: ValidUntilOption = None,
) -> Result:
    """Change role, access, groups and validity of a person."""
    from tracker.actions import people

    days = _days(valid_from, valid_until)
    added, removed = [_group(name) for name in group or ()], [_group(name) for name in remove_group or ()]
    rights = role is not None or may_enter is not None or bool(days)
    if not (rights or added or removed):
        raise UsageError("nothing to change", fix="give --role, --access, --group, --valid-until or another option")
    actor = actor_of(access)
    with writing(access) as (settings, store), store.writing():
        person = find_person(store, who)
        if added or removed:
            groups = _with_groups(person, added, removed)
            people.edit_profile(store, actor, person.person_id, name=person.name, groups=groups)
        if rights:
            validity = (days.get("valid_from", person.valid_from), days.get("valid_until", person.valid_until))
            people.edit(store, actor, person.person_id, role=role, access=may_enter, validity=validity)
        profile = profile_of(people.require(store, person.person_id), store.people.vector_counts())
    zone = settings.site.zone
    shown = [f"{each.title}: {cell_text(profile[each.key], each.kind, zone) or '-'}" for each in PROFILE]
    return Result(document=profile, parts=shown)


def _with_groups(person: Person, added: Iterable[str], removed: Iterable[str]) -> tuple[str, ...]:
    """The groups of a person after a change. Raises PeopleError where they are not in a group to leave."""
    for name in removed:
        if not person.is_in(name):
            groups = ", ".join(person.groups) or "none"
            raise PeopleError(f"{person.name} is not in the group {name!r}", fix=f"their groups are: {groups}")
    gone = set(map(name_key, removed))
    return (*(each for each in person.groups if name_key(each) not in gone), *added)


def _group(text: str) -> str:
    try:
        return clean_group(text)
    except PeopleError as error:
        raise UsageError(error.problem, fix=error.fix) from error


def _days(valid_from: str | None, valid_until: str | None) -> dict[str, date | None]:
    """By field the days that are given, None for no limit. Raises UsageError."""
    given = {"valid_from": valid_from, "valid_until": valid_until}
    return {name: _day(text, f"--{name.replace('_', '-')}") for name, text in given.items() if text is not None}


def _day(text: str, option: str) -> date | None:
    if text.strip().casefold() == NO_LIMIT:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError as error:
        fix = f"write 2026-12-31, or {NO_LIMIT} for no limit"
        raise UsageError(f"{option}: {text[:40]!r} is not a day", fix=fix) from error
