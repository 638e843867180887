"""`footfall enroll`: people learned from pictures, which are not kept."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.errors import PeopleError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.options import ActingModels, UsageError
from tracker.cli.output import Result
from tracker.cli.people import find_person
from tracker.cli.profile import NewProfile
from tracker.cli.store import writing
from tracker.cli.terminal import with_progress
from tracker.identity.names import clean_name
from tracker.identity.networks import checks_of, load_engine
from tracker.presence.people import Consent, Person, PersonKind
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.actions.actor import Actor
    from tracker.identity.enrolment import EnrolmentPlan
    from tracker.identity.enrolment_requests import EnrolmentRequest
    from tracker.store.store import Store
    from tracker.vision.engine import FaceEngine

PatternOption = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="TEXT",
        help="How pictures in a folder are named: '{name}_{number}' makes Ada_0001.jpg and Ada_0002.jpg one"
        " person, '{name}' makes each file a person.",
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The result for one person.

    person_id: None where nobody was saved; problem: the reason. added: whether the pictures were added to a person who
    was enrolled already. visitors: names of visitors who resemble the person.
    """

    name: str
    person_id: str | None
    pictures: int
    refused: tuple[tuple[str, str], ...]
    problem: str | None
    added: bool = False
    visitors: tuple[str, ...] = ()


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
            help="Enroll who is new, and add pictures that are new to people who are enrolled already. Nothing is"
            " removed, and repeating it changes nothing: fit for every night.",
        ),
    ] = False,
    pattern: PatternOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Accept pictures that look like somebody else, and people who look alike.")
    ] = False,
) -> Result:
    """Enroll people from pictures. Only enroll people who agreed to it.

    By running this you confirm that they did. Give three to five pictures of each person, from different sides and in
    different light. A picture with no face, several faces, a face that is too small, or somebody else's is rejected
    with the reason. A person is saved completely or not at all.
    """
    if add and profile.is_given:
        raise UsageError(
            "--staff, --group and --valid-… have no effect with --add: enrolled people keep their profile",
            fix="leave them out; 'footfall people edit' changes a profile",
        )
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
        results = _enroll_all(settings, store, candidates, engine, known, changes, actor, update=update, force=force)
    count = sum(result.problem is not None for result in results)
    problem = f"{count} of {len(results)} people were not enrolled"
    return Result(
        document=results,
        parts=[_line(result) for result in results if result.person_id is not None],
        notes=[line for result in results for line in _notes(result)],
        failure=PeopleError(problem, fix="see the reasons above") if count else None,
    )


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
    one_person = typer.confirm(f"{alike}. Enroll one person for each name before the number?", err=True)
    return numbering.pattern if one_person else ONE_A_FILE


def _known(store: Store, candidates: Sequence[EnrolmentRequest], *, add: bool, update: bool) -> dict[str, Person]:
    """By name, the people who are enrolled already and get more pictures. Raises PeopleError for --add to nobody."""
    if add:
        return {candidate.name: find_person(store, candidate.name) for candidate in candidates}
    if not update:
        return {}
    found = {}
    for candidate in candidates:
        with suppress(PeopleError):  # a name that is none is refused with the reason later
            name = clean_name(candidate.name)
            person = store.people.by_name(name)
            if person is not None and person.kind is PersonKind.ENROLLED:
                found[name] = person
    return found


def _enroll_all(
    settings: Settings,
    store: Store,
    candidates: Sequence[EnrolmentRequest],
    engine: FaceEngine,
    known: Mapping[str, Person],
    changes: Mapping[str, Any],
    actor: Actor,
    *,
    update: bool,
    force: bool,
) -> list[Enrolled]:
    from tracker.identity.enrolment import plan_enrolment

    known_ids = {person.person_id for person in known.values()}
    taken = [person.name for person in store.people.all() if person.person_id not in known_ids]
    checks = checks_of(settings, store, force=force)
    known_as = {name: person.person_id for name, person in known.items()}
    plans = plan_enrolment(candidates, engine, existing=taken, checks=checks, ids_by_name=known_as)
    results = []
    for whole in with_progress(plans, "Enrolling", total=len(candidates)):
        person = known.get(whole.name)
        new_only = update and person is not None
        plan = whole.without_known(checks.gallery, known_as[whole.name]) if new_only else whole
        person_id = None
        if plan.problem is None:
            person_id = _save(store, actor, plan, person, changes)
        results.append(
            Enrolled(
                name=plan.name,
                person_id=person_id,
                pictures=len(plan.accepted),
                refused=tuple((str(refused.path), refused.reason) for refused in plan.rejected),
                problem=plan.problem,
                added=person is not None,
                visitors=tuple(checks.name_of(visitor) for visitor in plan.visitors),
            )
        )
    return results


def _save(
    store: Store,
    actor: Actor,
    plan: EnrolmentPlan,
    person: Person | None,
    changes: Mapping[str, Any],
) -> str:
    """Save the planned person with `changes`, or add the vectors to the given one; the id. Raises PeopleError."""
    from tracker.actions import enrolment

    consent = Consent(at=datetime.now(UTC), by=actor.name)
    if person is None:
        added = replace(plan.new_person(consent), **changes)
        enrolment.enrol(store, actor, added, plan.vectors, sources=plan.sources)
        return added.person_id
    if plan.accepted:
        enrolment.add_pictures(store, actor, person.person_id, plan.vectors, sources=plan.sources, consent=consent)
    return person.person_id


def _line(result: Enrolled) -> str:
    pictures = count_text(result.pictures, "picture")
    if not result.added:
        return f"enrolled {result.name} from {pictures}"
    return f"added {pictures} to {result.name}" if result.pictures else f"{result.name} is up to date"


def _notes(result: Enrolled) -> list[str]:
    lines = [] if result.problem is None else [f"not enrolled: {result.name}: {result.problem}"]
    lines += [
        f"note: {visitor} looks like {result.name}; 'footfall people name' assigns the visits"
        for visitor in result.visitors
    ]
    return lines + [f"  rejected {path}: {reason}" for path, reason in result.refused]
