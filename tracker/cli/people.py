"""`footfall enroll` and `footfall people`: who is known, from pictures that stay where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.progress import track as progress

from config.errors import PeopleError, StoreError
from config.settings import Settings
from models.runtime import ensure_built
from tracker.cli.door import (
    JsonOption,
    ModelsOption,
    SettingsOption,
    StoreOption,
    UsageError,
    example,
    settings_for,
)
from tracker.cli.in_step import in_step
from tracker.cli.output import console, errors, local_time, print_json, print_table, short
from tracker.identity.enrolment import (
    EnrolmentPlan,
    EnrolmentRequest,
    new_person_id,
    pictures_of,
    plan_enrolment,
    requests_in,
)
from tracker.identity.enrolment_checks import EnrolmentChecks
from tracker.identity.gallery import Gallery
from tracker.identity.names import clean_name
from tracker.presence.people import Person, PersonKind, Role
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine

app = typer.Typer(
    name="people", no_args_is_help=True, help="List, show, name, merge, correct, calibrate and forget people."
)

WhoArgument = Annotated[str, typer.Argument(metavar="PERSON", help="Name or id.")]
StaffFlag = Annotated[bool, typer.Option("--staff", help="Staff: marked, and left out of footfall.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What became of one person.

    person_id: None when nobody was saved; problem says why. visitors: names of strangers who look like the person.
    """

    name: str
    person_id: str | None
    pictures: int
    refused: tuple[tuple[str, str], ...]
    problem: str | None
    visitors: tuple[str, ...] = ()


def enroll(
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="PICTURES",
            help="With --name: pictures of that person, or folders of them. Without: a folder with a folder, or a "
            "picture, for each person, named after the person.",
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", help="Who is on the pictures.")] = None,
    staff: StaffFlag = False,
    add: Annotated[bool, typer.Option("--add", help="Add pictures to somebody who is enrolled already.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Take pictures that look like somebody else, and people who look alike.")
    ] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
    models: ModelsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Learn faces from pictures. Enrol only people who agreed to it: you confirm that by running this.

    Three to five pictures a person, from different sides and in different light, are a good number. A picture without
    a face, with several, with one too small, or of somebody else is refused with the reason; a person is saved as a
    whole or not at all.
    """
    if add and staff:
        raise UsageError("--staff says nothing beside --add: who is enrolled keeps their role", fix="leave one out")
    chosen = settings_for(settings, store=store, models=models)
    candidates = _candidates(sources, name, add=add)
    ensure_built(chosen.models.dir, chosen.models.precision)
    with in_step(chosen, create=True) as opened:
        results = _enroll_all(chosen, opened, candidates, staff=staff, add=add, force=force)
    if as_json:
        print_json(results)
    else:
        _tell(results, add=add)
    if any(result.problem for result in results):
        count = sum(result.problem is not None for result in results)
        raise PeopleError(f"{count} of {len(results)} people were not enrolled", fix="see the reasons above")


def _candidates(sources: Sequence[Path], name: str | None, *, add: bool) -> Sequence[EnrolmentRequest]:
    """Whom the arguments mean. Raises UsageError when they do not say, PeopleError for what cannot be a name."""
    if name is not None:
        return [EnrolmentRequest(name=clean_name(name), pictures=pictures_of(sources))]
    if add:
        raise UsageError("--add without --name", fix="say whose pictures they are: --name 'Ada Lovelace'")
    files = [source for source in sources if source.is_file()]
    if files:
        raise UsageError(
            f"{files[0]} is a file, and nothing says who is on it", fix="add --name 'Ada Lovelace', or give a folder"
        )
    return [each for source in sources for each in requests_in(source)]


def _enroll_all(
    settings: Settings, store: Store, candidates: Sequence[EnrolmentRequest], *, staff: bool, add: bool, force: bool
) -> list[Enrolled]:
    known = {} if not add else {candidate.name: find_person(store, candidate.name) for candidate in candidates}
    taken = [] if add else [person.name for person in store.people.all()]
    engine = FaceEngine.load(models=settings.models, detect=settings.detect, quality=settings.quality)
    company = company_of(store, settings, force=force)
    known_as = {name: person.person_id for name, person in known.items()}
    plans = plan_enrolment(candidates, engine, existing=taken, checks=company, ids_by_name=known_as)
    results = []
    for plan in progress(plans, "Enrolling", total=len(candidates), console=errors, disable=not errors.is_terminal):
        person_id = None
        if plan.problem is None:
            person_id = save_plan(store, plan, known.get(plan.name), staff=staff)
        results.append(
            Enrolled(
                name=plan.name,
                person_id=person_id,
                pictures=len(plan.accepted),
                refused=tuple((str(refused.path), refused.reason) for refused in plan.rejected),
                problem=plan.problem,
                visitors=tuple(company.name_of(visitor) for visitor in plan.visitors),
            )
        )
    return results


def company_of(store: Store, settings: Settings, *, force: bool = False) -> EnrolmentChecks:
    """Everybody in the store, for comparing new pictures with. Raises StoreError."""
    enrolled = Gallery.of(*store.people.vectors(PersonKind.ENROLLED))
    return EnrolmentChecks(
        settings=settings.match,
        gallery=enrolled.with_exceptions(store.people.limits(), *store.people.negatives()),
        visitors=Gallery.of(*store.people.vectors(PersonKind.VISITOR)),
        names={person.person_id: person.name for person in store.people.all()},
        force=force,
    )


def save_plan(store: Store, plan: EnrolmentPlan, person: Person | None, *, staff: bool) -> str:
    """Save the planned person whole, or add the vectors to the given one; the person id. Raises PeopleError."""
    if person is not None:
        store.people.add_vectors(person.person_id, plan.vectors, sources=plan.sources)
        return person.person_id
    now = datetime.now(UTC)
    role = Role.STAFF if staff else Role.MEMBER
    added = Person(person_id=new_person_id(), name=plan.name, created_at=now, role=role, consented_at=now)
    store.people.add(added, plan.vectors, sources=plan.sources)
    return added.person_id


def _tell(results: Sequence[Enrolled], *, add: bool) -> None:
    for result in results:
        if result.person_id is not None:
            pictures = "1 picture" if result.pictures == 1 else f"{result.pictures} pictures"
            line = f"added {pictures} to {result.name}" if add else f"enrolled {result.name} from {pictures}"
            console.print(line, markup=False, soft_wrap=True)
        else:
            errors.print(f"not enrolled: {result.name}: {result.problem}", markup=False, soft_wrap=True)
        for visitor in result.visitors:
            errors.print(
                f"note: {visitor} looks like {result.name}; 'footfall people name' takes the visits over",
                markup=False,
                soft_wrap=True,
            )
        for path, reason in result.refused:
            errors.print(f"  left out {path}: {reason}", markup=False, soft_wrap=True)


@app.command("list", epilog=example("footfall people list --visitors"))
def list_people(
    store: StoreOption = None,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
    visitors: Annotated[bool, typer.Option("--visitors", help="Visitors too, whom nobody enrolled.")] = False,
) -> None:
    """Who is enrolled, and with how many face vectors."""
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        people = opened.people.all(kind=None if visitors else PersonKind.ENROLLED)
        counts = opened.people.vector_counts()
    if as_json:
        print_json([_person_row(person, counts) for person in people])
        return
    zone = chosen.site.zone
    rows = [
        [person.name, person.kind, person.role, counts.get(person.person_id, 0), local_time(person.created_at, zone)]
        for person in people
    ]
    columns = ["name", "kind", "role", "vectors", "since"]
    print_table(
        "", columns, rows, empty="Nobody is enrolled yet. 'footfall enroll PICTURES --name NAME' adds somebody."
    )


@app.command("show", epilog=example("footfall people show 'Ada Lovelace'"))
def show(
    who: WhoArgument, store: StoreOption = None, settings: SettingsOption = None, as_json: JsonOption = False
) -> None:
    """One person: profile, and the latest events."""
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        person = find_person(opened, who)
        marked = opened.people.negatives()[1].count(person.person_id)
        row = _person_row(person, opened.people.vector_counts()) | {"faces_marked_as_not": marked}
        events = opened.events.select(person_id=person.person_id, limit=10, newest_first=True)
    if as_json:
        print_json({**row, "events": events})
        return
    zone = chosen.site.zone
    for key, value in row.items():
        console.print(f"{key.replace('_', ' ')}: {_in_words(value, zone)}", markup=False, soft_wrap=True)
    times = [[local_time(event.at, zone), event.kind, event.camera_id, short(event.event_id)] for event in events]
    print_table("latest events", ["time", "kind", "camera", "id"], times, empty="No events yet.")


@app.command("rename", epilog=example("footfall people rename 'Visitor 3' 'Grace Hopper'"))
def rename(
    who: WhoArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    store: StoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Give a person or visitor another name; past visits follow."""
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        person = find_person(opened, who)
        opened.people.rename(person.person_id, clean_name(name))
    console.print(f"{person.name} is now called {clean_name(name)}", markup=False)


@app.command("merge", epilog=example("footfall people merge 'Visitor 3' 'Ada Lovelace'"))
def merge(
    who: WhoArgument,
    into: Annotated[str, typer.Argument(metavar="INTO", help="The one who stays: name or id.")],
    store: StoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Make two people one: the visits and vectors of the first go to the second."""
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        person, kept = find_person(opened, who), find_person(opened, into)
        opened.people.merge(person.person_id, kept.person_id)
    console.print(f"{person.name} was merged into {kept.name}", markup=False)


@app.command("forget", epilog=example("footfall people forget 'Ada Lovelace' --history"))
def forget(
    who: WhoArgument,
    history: Annotated[bool, typer.Option("--history", help="Delete the events too, not only who it was.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    store: StoreOption = None,
    settings: SettingsOption = None,
) -> None:
    """Erase somebody: name, vectors and every trace of who it was. Cannot be undone."""
    chosen = settings_for(settings, store=store)
    with in_step(chosen) as opened:
        if opened.people.is_forgotten(who):  # the name is gone; what another program kept alive is cleaned up again
            person_id = name = who
        else:
            person = find_person(opened, who)
            person_id, name = person.person_id, person.name
            if not yes:
                typer.confirm(f"Erase {name} for good?", abort=True)
        try:
            opened.people.forget(person_id, history)
        except StoreError as error:
            if not opened.people.is_forgotten(person_id):
                raise
            again = f"{error.fix}: footfall people forget {person_id}"
            raise type(error)(error.problem, fix=again) from error
    console.print(f"{name} is forgotten", markup=False)


def find_person(store: Store, who: str) -> Person:
    """By name or id. Raises PeopleError where there is nobody."""
    person = store.people.by_name(who) or store.people.get(who)
    if person is None:
        raise PeopleError(f"nobody is called {who[:80]!r}", fix="'footfall people list --visitors' shows everybody")
    return person


def _in_words(value: object, zone: ZoneInfo) -> str:
    if isinstance(value, datetime):
        return local_time(value, zone)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _person_row(person: Person, counts: dict[str, int]) -> dict[str, object]:
    return {
        "person_id": person.person_id,
        "name": person.name,
        "kind": person.kind,
        "role": person.role,
        "access": person.access,
        "vectors": counts.get(person.person_id, 0),
        "created_at": person.created_at,
        "consented_at": person.consented_at,
    }
