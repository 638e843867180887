"""Saving the people that an enrolment plans, one after the other, and what commands print about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from config.errors import PeopleError
from tracker.cli.output import Result
from tracker.identity.names import clean_name
from tracker.presence.people import Consent, Person, PersonKind
from tracker.reports.text import count_text

if TYPE_CHECKING:
    from tracker.actions.actor import Actor
    from tracker.identity.enrolment import EnrolmentPlan
    from tracker.identity.enrolment_checks import EnrolmentChecks
    from tracker.store.store import Store

Profiles = Callable[[str], Mapping[str, Any]]
"""By the name of a new person the fields that differ from the defaults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """The result for one person.

    person_id: None where nobody was saved; problem: the reason. added: whether pictures were added, or would be in a
    dry run, to a person who was enrolled already; not where none of them is new. visitors: names of visitors who
    resemble the person.
    """

    name: str
    person_id: str | None
    pictures: int
    refused: tuple[tuple[str, str], ...]
    problem: str | None
    added: bool = False
    visitors: tuple[str, ...] = ()


class Enrolling:
    """Saves plans of people who are new, and adds to people who are enrolled already.

    known: those people, by cleaned name. new_only: pictures from which they are recognised already are not added again.
    dry_run: nothing is saved.
    """

    def __init__(
        self,
        store: Store,
        actor: Actor,
        *,
        known: Mapping[str, Person],
        checks: EnrolmentChecks,
        new_only: bool,
        dry_run: bool = False,
    ) -> None:
        self._store, self._actor, self._known, self._checks = store, actor, known, checks
        self._new_only, self._dry_run = new_only, dry_run
        self.ids_by_name = {name: person.person_id for name, person in known.items()}

    @property
    def taken(self) -> list[str]:
        """The names that nobody new can have."""
        own = set(self.ids_by_name.values())
        return [person.name for person in self._store.people.all() if person.person_id not in own]

    def save(self, plans: Iterable[EnrolmentPlan], profiles: Profiles, *, at_once: int = 1) -> list[Enrolled]:
        """Save each plan that has no problem, completely or not at all. at_once: people in one transaction."""
        results: list[Enrolled] = []
        waiting = iter(plans)
        while batch := list(islice(waiting, at_once)):
            with nullcontext() if self._dry_run else self._store.writing():
                results += [self._save(plan, profiles) for plan in batch]
        return results

    def _save(self, whole: EnrolmentPlan, profiles: Profiles) -> Enrolled:
        person = self._known.get(whole.name)
        plan = whole
        if self._new_only and person is not None:
            plan = whole.without_known(self._checks.gallery, person.person_id)
        return Enrolled(
            name=plan.name,
            person_id=None if plan.problem is not None or self._dry_run else self._write(plan, person, profiles),
            pictures=len(plan.accepted),
            refused=tuple((str(refused.path), refused.reason) for refused in plan.rejected),
            problem=plan.problem,
            added=person is not None and plan.problem is None and bool(plan.accepted),
            visitors=tuple(self._checks.name_of(visitor) for visitor in plan.visitors),
        )

    def _write(self, plan: EnrolmentPlan, person: Person | None, profiles: Profiles) -> str:
        """Save the planned person, or add the vectors to the known one; the id. Raises PeopleError."""
        from tracker.actions import enrolment

        consent = Consent(at=datetime.now(UTC), by=self._actor.name)
        if person is None:
            added = replace(plan.new_person(consent), **profiles(plan.name))
            enrolment.enrol(self._store, self._actor, added, plan.vectors, sources=plan.sources)
            return added.person_id
        if plan.accepted:
            enrolment.add_pictures(
                self._store, self._actor, person.person_id, plan.vectors, sources=plan.sources, consent=consent
            )
        return person.person_id


def known_people(store: Store, names: Iterable[str]) -> dict[str, Person]:
    """Of these people those who are enrolled already, by cleaned name."""
    found = {}
    for each in names:
        with suppress(PeopleError):  # a name that is none is refused with the reason later
            name = clean_name(each)
            person = store.people.by_name(name)
            if person is not None and person.kind is PersonKind.ENROLLED:
                found[name] = person
    return found


def result_of(results: Sequence[Enrolled]) -> Result:
    """What a command prints of an enrolment; it fails where somebody was not enrolled."""
    return Result(
        document=results,
        parts=lines_of(results),
        notes=[line for result in results for line in notes_of(result)],
        failure=failure_of(results),
    )


def failure_of(results: Sequence[Enrolled]) -> PeopleError | None:
    """The error where somebody was not enrolled."""
    count = sum(result.problem is not None for result in results)
    problem = f"{count} of {len(results)} people were not enrolled"
    return PeopleError(problem, fix="see the reasons above") if count else None


def lines_of(results: Iterable[Enrolled], *, noun: str = "picture", dry_run: bool = False) -> list[str]:
    """A line for each person who was enrolled or is up to date. noun: what they were enrolled from."""
    verbs = ("would enrol", "would add") if dry_run else ("enrolled", "added")
    return [_line(result, noun, *verbs) for result in results if result.problem is None]


def _line(result: Enrolled, noun: str, enrolled: str, added: str) -> str:
    pictures = count_text(result.pictures, noun)
    if not result.pictures:
        return f"{result.name} is up to date"
    return f"{added} {pictures} to {result.name}" if result.added else f"{enrolled} {result.name} from {pictures}"


def notes_of(result: Enrolled) -> list[str]:
    """Lines about what was not enrolled, and whom the person resembles."""
    lines = [] if result.problem is None else [f"not enrolled: {result.name}: {result.problem}"]
    lines += [
        f"note: {visitor} looks like {result.name}; 'footfall people name' assigns the visits"
        for visitor in result.visitors
    ]
    return lines + [f"  rejected {path}: {reason}" for path, reason in result.refused]
