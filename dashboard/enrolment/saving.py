"""The end of an enrolment: what to ask before its pictures are saved, and saving their vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.errors import PeopleError
from config.settings import Settings
from dashboard.enrolment.running import Enrolment
from tracker.actions import enrolment as actions
from tracker.actions.actor import Actor
from tracker.identity.names import clean_name
from tracker.presence.people import Person, PersonKind
from tracker.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What was answered to questions. without: shots to leave out. kept: shots that are not to be asked about again.

    same: id of the enrolled person who is in the pictures. others: ids of enrolled people who are not.
    """

    without: frozenset[int] = frozenset()
    kept: frozenset[int] = frozenset()
    same: str = ""
    others: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """To ask before saving. shots: those that look like somebody else than the rest. lookalike: who is enrolled and
    looks like the pictures. whose: the name under which they would be saved. all_shots: no two of them look alike.
    """

    whose: str
    shots: tuple[int, ...] = ()
    all_shots: bool = False
    lookalike: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What was saved. added: to somebody who was enrolled before. visitors: names of visitors who look the same."""

    person: Person
    pictures: int
    added: bool
    visitors: tuple[str, ...]


def name_problem(store: Store, name: str) -> str | None:
    """Why nobody new can have this name, None where somebody can."""
    try:
        taken = store.people.by_name(clean_name(name))
    except PeopleError as error:
        return error.problem
    return None if taken is None else f"somebody is called {taken.name} already"


def save(
    store: Store, settings: Settings, actor: Actor, enrolment: Enrolment, person: Person, answers: Answers
) -> Question | Saved:
    """Save the shots as those of a person, or say what to ask first.

    person: somebody who consented now; somebody new, unless the enrolment or an answer says who gets the shots.
    Raises PeopleError when there is no shot, the name is taken, or who gets them is not there any more.
    """
    from tracker.identity.enrolment_checks import review
    from tracker.identity.networks import checks_of, embedder_of

    shots = {number: shot for number, shot in enrolment.shots().items() if number not in answers.without}
    if not shots:
        raise PeopleError("there are no pictures yet", fix="take or upload at least one")
    enrolment.taken(embedder_of(settings, store).network)
    known_id = answers.same or enrolment.person_id
    target = _enrolled(store, known_id) if known_id else person
    vectors, checks = np.stack([shot.vector for shot in shots.values()]), checks_of(settings, store)
    found = review(vectors, checks, own_id=target.person_id)
    unlike = [list(shots)[row] for row in found.others]
    if not answers.kept.issuperset(unlike):
        return Question(whose=target.name, shots=tuple(unlike), all_shots=len(unlike) == len(shots))
    if found.lookalike is not None and found.lookalike not in answers.others:
        return Question(whose=target.name, lookalike=_enrolled(store, found.lookalike))
    sources = [f"picture {number}" for number in shots]
    with store.writing():
        enrolment.taken(embedder_of(settings, store).network)  # which another process may have changed since
        if known_id:
            actions.add_pictures(store, actor, target.person_id, vectors, consent=person.consent, sources=sources)
        else:
            actions.enrol(store, actor, target, vectors, sources=sources)
    visitors = tuple(checks.name_of(each) for each in found.visitors)
    return Saved(person=target, pictures=len(shots), added=bool(known_id), visitors=visitors)


def _enrolled(store: Store, person_id: str) -> Person:
    person = store.people.get(person_id)
    if person is None or person.kind is not PersonKind.ENROLLED:
        raise PeopleError("nobody is enrolled under this id any more", fix="load the page again")
    return person
