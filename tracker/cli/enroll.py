"""`footfall enroll`: people learned from pictures, which are not kept."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.enrolling import Enrolling, known_people, result_of
from tracker.cli.options import ActingModels, UsageError
from tracker.cli.output import Result
from tracker.cli.people import find_person
from tracker.cli.profile import NewProfile
from tracker.cli.store import writing
from tracker.cli.terminal import with_progress
from tracker.identity.names import clean_name
from tracker.identity.networks import checks_of, load_engine
from tracker.presence.people import Person

if TYPE_CHECKING:
    from tracker.identity.enrolment_requests import EnrolmentRequest
    from tracker.store.store import Store

PatternOption = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="TEXT",
        help="How pictures in a folder are named: '{name}_{number}' makes Ada_0001.jpg and Ada_0002.jpg one"
        " person, '{name}' makes each file a person.",
    ),
]


@command(
    "footfall enroll ada-1.jpg ada-2.jpg --name 'Ada Lovelace'",
    "footfall enroll people/",
    "footfall enroll people/ --update",
)
def enroll(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURES",
            help="With --name: pictures of that person, or folders of them. Without: a folder that holds, for each"
            " person, a folder or a picture named after the person.",
        ),
    ],
    access: ActingModels,
    profile: NewProfile,
    name: Annotated[str | None, typer.Option("--name", help="The person in the pictures.")] = None,
    add: Annotated[bool, typer.Option("--add", help="Add pictures to a person who is enrolled already.")] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update",
            help="Enrol who is new, and add pictures that are new to people who are enrolled already. Nothing is"
            " removed, and repeating it changes nothing: fit for every night.",
        ),
    ] = False,
    pattern: PatternOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Accept pictures that look like somebody else, and people who look alike.")
    ] = False,
) -> Result:
    """Enrol people from pictures. Only enrol people who agreed to it.

    By running this you confirm that they did. Give three to five pictures of each person, from different sides and in
    different light. A picture with no face, several faces, a face that is too small, or somebody else's is rejected
    with the reason. A person is saved completely or not at all.
    """
    if add and profile.is_given:
        raise UsageError(
            "--staff, --group and --valid-… have no effect with --add: enrolled people keep their profile",
            fix="leave them out; 'footfall people edit' changes a profile",
        )
    from tracker.identity.enrolment import plan_enrolment

    changes = profile.changes()
    actor = actor_of(access)
    if add and update:
        raise UsageError(
            "--add and --update cannot be used together", fix="leave --add out: --update adds pictures too"
        )
    candidates = _candidates(sources, name, pattern, add=add)
    with writing(access, create=True) as (settings, store):
        engine = load_engine(settings, store)
        known = _known(store, candidates, add=add, update=update)
        checks = checks_of(settings, store, force=force)
        enrolling = Enrolling(store, actor, known=known, checks=checks, new_only=update)
        plans = plan_enrolment(
            candidates, engine, existing=enrolling.taken, checks=checks, ids_by_name=enrolling.ids_by_name
        )
        results = enrolling.save(with_progress(plans, "Enrolling", total=len(candidates)), lambda _: changes)
    return result_of(results)


def _candidates(
    sources: Sequence[Path], name: str | None, pattern: str | None, *, add: bool
) -> Sequence[EnrolmentRequest]:
    """The people that the arguments name. Raises UsageError where they name none, PeopleError for an invalid name."""
    from tracker.identity.enrolment_requests import EnrolmentRequest, pictures_of, requests_in

    if name is not None:
        if pattern is not None:
            raise UsageError("--pattern with --name", fix="leave one out: --name says whose all the pictures are")
        return [EnrolmentRequest(name=clean_name(name), pictures=pictures_of(sources))]
    if add:
        raise UsageError("--add without --name", fix="name the person: --name 'Ada Lovelace'")
    files = [source for source in sources if source.is_file()]
    if files:
        raise UsageError(
            f"{files[0]} is a file, and no --name is given", fix="add --name 'Ada Lovelace', or give a folder"
        )
    return [each for source in sources for each in requests_in(source, pattern or asked_pattern(source))]


def asked_pattern(folder: Path) -> str:
    """How the pictures of a folder are named, by the user where two seem to be of one person. Raises UsageError."""
    from tracker.identity.enrolment_requests import ONE_A_FILE, numbering_in

    numbering = numbering_in(folder)
    if numbering is None:
        return ONE_A_FILE
    alike = f"{numbering.first} and {numbering.second} look like pictures of one person"
    if not sys.stdin.isatty():
        fix = f"--pattern '{numbering.pattern}' for one person a name, --pattern '{ONE_A_FILE}' for one a file"
        raise UsageError(alike, fix=fix)
    one_person = typer.confirm(f"{alike}. Enrol one person for each name before the number?", err=True)
    return numbering.pattern if one_person else ONE_A_FILE


def _known(store: Store, candidates: Sequence[EnrolmentRequest], *, add: bool, update: bool) -> dict[str, Person]:
    """By name, the people who are enrolled already and get more pictures. Raises PeopleError for --add to nobody."""
    if add:
        return {candidate.name: find_person(store, candidate.name) for candidate in candidates}
    return known_people(store, (candidate.name for candidate in candidates)) if update else {}
