"""`footfall people re-enroll | shadow`: everybody enrolled anew with another network, from pictures or faces taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from config.errors import ModelError, PeopleError
from tracker.cli.acting import actor_of
from tracker.cli.command import command
from tracker.cli.enroll import PatternOption, asked_pattern
from tracker.cli.options import ActingModels, Reading, UsageError
from tracker.cli.output import Result, Table
from tracker.cli.store import reading, writing
from tracker.cli.terminal import errors, with_progress
from tracker.identity.networks import engine_of, shadow_of
from tracker.presence.people import PersonKind, name_key
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from config.settings import Settings
    from tracker.identity.enrolment import EnrolmentPlan
    from tracker.identity.enrolment_requests import EnrolmentRequest
    from tracker.identity.gallery import Gallery
    from tracker.presence.people import Person
    from tracker.store.store import Store
    from tracker.vision.embedders import EmbedderSpec
    from tracker.vision.faces import FloatArray

    Faces: TypeAlias = tuple[FloatArray, Sequence[str]]
    """Vectors (N, D) of a person, and the source of each."""


@command("footfall people re-enroll --pictures people/", "footfall people re-enroll --shadow")
def re_enroll(
    access: ActingModels,
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures", metavar="DIR", help="Folder that holds, for each person, a folder or a picture of that name."
        ),
    ] = None,
    pattern: PatternOption = None,
    from_shadow: Annotated[
        bool,
        typer.Option("--shadow", help="With the faces of a shadow period (recognition.shadow), for its network."),
    ] = False,
    without_pictures: Annotated[
        bool,
        typer.Option(
            "--without-pictures",
            help="Also where people have no usable picture: they keep name and visits, and are not recognised.",
        ),
    ] = False,
) -> Result:
    """Enrol everybody anew with another network: that of the settings, or that of a shadow period.

    Face vectors of two networks cannot be compared, so a store goes on with the network that it was made with until
    this command replaces the vectors of all people at once. People who are not recognised so far, such as those who are
    known by imported events alone, take no part. Names, ids, roles and visits stay. Vectors of visitors,
    faces marked as not somebody's, and calibrated limits are deleted: they belong to the former network, and strangers
    who come back get new ids. Running agents end and must be started again. Without --without-pictures nothing changes
    unless everybody has a usable picture, or enough confirmed faces of a shadow period; nor when somebody is enrolled
    meanwhile.
    """
    from tracker.actions.recognition import replace_network
    from tracker.identity.accuracy import require_accurate
    from tracker.identity.enrolment_requests import requests_in

    if pictures is None and not from_shadow:
        raise UsageError("expected --pictures or --shadow", fix="give the folder of the pictures: --pictures DIR")
    requests = () if pictures is None else requests_in(pictures, pattern or asked_pattern(pictures))
    with writing(access) as (settings, store):
        embedder = _wanted(settings, store, shadow=from_shadow)
        people = store.people.recognised()
        if lost := _what_is_lost(store):
            errors.print_line(f"this deletes {lost}")
        store.use_model(embedder.network)
        done = set(store.people.vectors(PersonKind.ENROLLED)[1])  # downloaded from a machine that has changed already
        plans = _plans(requests, people, settings, embedder) if requests else {}
        found = _from_shadow(store, embedder, people) if from_shadow else {}
        found |= {person_id: (plan.vectors, plan.sources) for person_id, plan in plans.items() if plan.accepted}
        names = {person.person_id: person.name for person in people}
        require_accurate(embedder, settings, _gallery(found), names=names)
        missing = [person for person in people if person.person_id not in found and person.person_id not in done]
        if missing and not without_pictures:
            for line in _rejections(plan for plan in plans.values() if not plan.accepted):
                errors.print_line(line)
            raise _missing(missing, pictures)
        planned = [person.person_id for person in people]
        replace_network(store, actor_of(access), embedder.network, found, people=planned)
    return Result(
        document={"network": embedder.network, "enrolled": len(found), "missing": [each.name for each in missing]},
        parts=[f"enrolled {len(found)} of {len(people)} people anew with {embedder.name}"],
        notes=[f"note: {each.name} has no usable picture and is not recognised" for each in missing]
        + [*_rejections(plans.values())],
    )


def _rejections(plans: Iterable[EnrolmentPlan]) -> Iterator[str]:
    """A line for each picture that was rejected, and for each person of whom none is left."""
    for plan in plans:
        yield from (f"  rejected {each.path}: {each.reason}" for each in plan.rejected)
        if plan.problem is not None:
            yield f"  {plan.name}: {plan.problem}"


def _from_shadow(store: Store, embedder: EmbedderSpec, people: list[Person]) -> dict[str, Faces]:
    """By person id the confirmed faces of a shadow period, of each of the people with enough of them."""
    from tracker.identity.shadow import enough_faces

    kept = enough_faces(store.shadow, embedder)
    return {person.person_id: kept[person.person_id] for person in people if person.person_id in kept}


def _gallery(found: Mapping[str, Faces]) -> Gallery:
    import numpy as np

    from tracker.identity.gallery import Gallery

    owners = [person_id for person_id, (vectors, _) in found.items() for _ in vectors]
    return Gallery.of(np.concatenate([vectors for vectors, _ in found.values()]), owners) if owners else Gallery.empty()


def _wanted(settings: Settings, store: Store, *, shadow: bool) -> EmbedderSpec:
    """The network to change to. Raises ModelError without one, PeopleError where it is that of the people."""
    from tracker.vision.embedders import chosen

    found = shadow_of(settings) if shadow else chosen(settings.recognition.embedder, None, settings.models.dir)
    if found is None:
        raise ModelError("no shadow period: recognition.shadow is not set", fix="name the network to change to there")
    if store.people.network() == found.network:
        setting = "recognition.shadow" if shadow else "recognition.embedder"
        problem = f"the people are enrolled with {found.name} already"
        raise PeopleError(problem, fix=f"name the new network first: {setting}; 'footfall enroll --add' adds pictures")
    return found


def _what_is_lost(store: Store) -> str:
    """What the change deletes, empty where that is nothing."""
    visitors = len(set(store.people.vectors(PersonKind.VISITOR)[1]))
    faces, limits = len(store.people.negatives()[1]), len(store.people.limits())
    parts = {
        f"the faces of {count_text(visitors, 'visitor')} (strangers who come back get new ids)": visitors,
        f"{count_text(faces, 'face')} marked as not somebody's": faces,
        f"{count_text(limits, 'limit')} of single people": limits,
    }
    return ", ".join(text for text, count in parts.items() if count)


def _plans(
    requests: tuple[EnrolmentRequest, ...], people: list[Person], settings: Settings, embedder: EmbedderSpec
) -> dict[str, EnrolmentPlan]:
    """By person id the plan of each of the people of whom there are pictures. Raises ModelError."""
    from config.recognition import MatchSettings
    from tracker.identity.accuracy import require_accurate
    from tracker.identity.enrolment import plan_enrolment
    from tracker.identity.enrolment_checks import EnrolmentChecks
    from tracker.identity.gallery import Gallery
    from tracker.identity.limits import match_settings

    engine = engine_of(settings, embedder)
    require_accurate(embedder, settings, Gallery.empty(), engine=engine)
    ids = {name_key(person.name): person.person_id for person in people}
    wanted = [each for each in requests if name_key(each.name) in ids]
    checks = EnrolmentChecks(settings=match_settings(MatchSettings(), embedder, people=len(people)))
    known = {each.name: ids[name_key(each.name)] for each in wanted}
    plans = with_progress(
        plan_enrolment(wanted, engine, checks=checks, ids_by_name=known), "Enrolling", total=len(wanted)
    )
    return {ids[name_key(plan.name)]: plan for plan in plans}


def _missing(people: list[Person], folder: Path | None) -> PeopleError:
    names = ", ".join(person.name for person in people[:3])
    more = f" and {len(people) - 3} more" if len(people) > 3 else ""
    where, fix = f"no usable picture in {folder}", "add pictures of them, or give --without-pictures"
    if folder is None:
        where = "not enough confirmed faces of a shadow period"
        fix = "wait ('footfall people shadow'), add --pictures DIR with pictures of them, or give --without-pictures"
    return PeopleError(f"{where} of {names}{more}; nothing was changed", fix=fix)


@command("footfall people shadow", "footfall people shadow --json")
def shadow(access: Reading) -> Result:
    """Show how far a shadow period is.

    With `recognition.shadow = "NAME"` in the settings, agents go on with the present network and take faces for the
    network NAME of people whom the present one recognises clearly. A face is confirmed by one of another visit of the
    person that is nearer to it than anybody else's, so everybody needs two visits at least. When everybody has enough
    confirmed ones, `footfall people re-enroll --shadow` changes over. The faces stay on this machine, and are deleted
    with the person, and where a visit turns out to be somebody else's.
    """
    from tracker.identity.shadow import confirmed_faces
    from tracker.store.shadow import ENOUGH

    with reading(access) as (settings, store):
        embedder = shadow_of(settings)
        if embedder is None:
            return Result(
                document={"network": None, "ready": 0, "people": []},
                parts=["no shadow period: recognition.shadow is not set"],
            )
        people = store.people.recognised()
        counts = store.shadow.counts(embedder.network)
        confirmed = {person_id: len(found) for person_id, (found, _) in confirmed_faces(store.shadow, embedder).items()}
        present = store.people.network()
    rows = sorted(
        (confirmed.get(each.person_id, 0), counts.get(each.person_id, 0), each.name, each.person_id) for each in people
    )
    ready = sum(row[0] >= ENOUGH for row in rows)
    notes = []
    if present == embedder.network:
        notes.append(f"people are recognised by {embedder.name} already: remove recognition.shadow")
    elif people and ready == len(people):
        notes.append("everybody has enough: change over with 'footfall people re-enroll --shadow'")
    found = [
        {"person_id": person_id, "name": name, "faces": count, "confirmed": good}
        for good, count, name, person_id in rows
    ]
    return Result(
        document={"network": embedder.network, "ready": ready, "people": found},
        parts=[
            f"{embedder.name}: {ready} of {count_text(len(people), 'person', 'people')} with enough confirmed faces",
            Table.of(
                ["name", "faces", "confirmed", "enough"],
                [[name, count, good, ENOUGH] for good, count, name, _ in rows],
                empty="Nobody is recognised yet.",
            ),
        ],
        notes=notes,
    )
