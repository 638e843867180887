"""`footfall people re-enroll`: everybody enrolled anew with another network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from config.errors import PeopleError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.enroll import PatternOption, asked_pattern
from tracker.cli.options import ActingModels
from tracker.cli.output import Result
from tracker.cli.store import writing
from tracker.cli.terminal import with_progress
from tracker.identity.networks import engine_of
from tracker.presence.people import PersonKind, name_key

if TYPE_CHECKING:
    from tracker.identity.enrolment import EnrolmentPlan
    from tracker.identity.enrolment_requests import EnrolmentRequest
    from tracker.presence.people import Person
    from tracker.vision.embedders import EmbedderSpec
    from tracker.vision.engine import FaceEngine


@command("footfall people re-enroll --pictures people/")
def re_enroll(
    access: ActingModels,
    pictures: Annotated[
        Path,
        typer.Option(
            "--pictures", metavar="DIR", help="Folder that holds, for each person, a folder or a picture of that name."
        ),
    ],
    pattern: PatternOption = None,
    without_pictures: Annotated[
        bool,
        typer.Option(
            "--without-pictures",
            help="Also where people have no usable picture: they keep name and visits, and are not recognised.",
        ),
    ] = False,
) -> Result:
    """Enroll everybody anew with the network of the settings.

    Face vectors of two networks cannot be compared, so a store goes on with the network that it was made with until
    this command replaces the vectors of all people at once. Names, ids, roles and visits stay. Vectors of visitors,
    faces marked as not somebody's, and calibrated limits are deleted: they belong to the former network. Running agents
    end and must be started again. Without --without-pictures nothing changes unless everybody has a usable picture.
    """
    from tracker.actions.recognition import replace_network
    from tracker.identity.enrolment_requests import requests_in
    from tracker.vision.embedders import chosen

    requests = requests_in(pictures, pattern or asked_pattern(pictures))
    with writing(access) as (settings, store):
        embedder = chosen(settings.recognition.embedder, stored=None, models=settings.models.dir)
        former = store.people.network()
        if former == embedder.network:
            raise PeopleError(
                f"the people are enrolled with {embedder.name} already", fix="'footfall enroll --add' adds pictures"
            )
        people = store.people.all(kind=PersonKind.ENROLLED)
        store.use_model(embedder.network)
        done = set(store.people.vectors(PersonKind.ENROLLED)[1])  # downloaded from a machine that has changed already
        plans = _plans(requests, people, engine_of(settings, embedder), embedder)
        found = {person_id: (plan.vectors, plan.sources) for person_id, plan in plans.items() if plan.accepted}
        missing = [person for person in people if person.person_id not in found and person.person_id not in done]
        if missing and not without_pictures:
            raise PeopleError(_missing(missing, pictures), fix="add pictures of them, or give --without-pictures")
        replace_network(store, actor_of(access), embedder.network, found)
    return Result(
        document={"network": embedder.network, "enrolled": len(found), "missing": [each.name for each in missing]},
        parts=[f"enrolled {len(found)} of {len(people)} people anew with {embedder.name}"],
        notes=[f"note: {each.name} has no usable picture and is not recognised" for each in missing]
        + [f"  rejected {each.path}: {each.reason}" for plan in plans.values() for each in plan.rejected],
    )


def _plans(
    requests: tuple[EnrolmentRequest, ...], people: list[Person], engine: FaceEngine, embedder: EmbedderSpec
) -> dict[str, EnrolmentPlan]:
    """By person id the plan of everybody in the store of whom there are pictures."""
    from config.recognition import MatchSettings
    from tracker.identity.enrolment import plan_enrolment
    from tracker.identity.enrolment_checks import EnrolmentChecks
    from tracker.identity.limits import match_settings

    ids = {name_key(person.name): person.person_id for person in people}
    wanted = [each for each in requests if name_key(each.name) in ids]
    checks = EnrolmentChecks(settings=match_settings(MatchSettings(), embedder, people=len(people)))
    known = {each.name: ids[name_key(each.name)] for each in wanted}
    plans = with_progress(
        plan_enrolment(wanted, engine, checks=checks, ids_by_name=known), "Enrolling", total=len(wanted)
    )
    return {ids[name_key(plan.name)]: plan for plan in plans}


def _missing(people: list[Person], folder: Path) -> str:
    names = ", ".join(person.name for person in people[:3])
    more = f" and {len(people) - 3} more" if len(people) > 3 else ""
    return f"no usable picture in {folder} of {names}{more}"
