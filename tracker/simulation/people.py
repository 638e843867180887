"""The simulated people: named regulars and staff, numbered strangers, and look-alikes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tracker.presence.calendar import day_range
from tracker.presence.people import Person, PersonKind, Role
from tracker.simulation.scenario import Scenario

_GIVEN = (
    "Ada", "Björn", "Chiara", "Dmitri", "Elif", "Farid", "Grace", "Hanna", "Ignacio", "Jun", "Katarzyna", "Liam",
    "Mireille", "Nikos", "Oluwaseun", "Priya", "Quentin", "Rosa", "Sanne", "Tomáš", "Uma", "Viktor", "Wanda", "Ximena",
    "Yusuf", "Zoë",
)  # fmt: skip
_FAMILY = (
    "Adeyemi", "Brandt", "Conti", "Demir", "Eriksen", "Faure", "García", "Haddad", "Ivanov", "Jansen", "Kowalska",
    "Lindqvist", "Murphy", "Novák", "Okafor", "Peeters", "Quinn", "Raman", "Silva", "Tanaka", "Ólafsson", "Volkov",
    "Weiß", "Xu", "Yılmaz", "Zanetti",
)  # fmt: skip
_LOOKALIKES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPerson:
    """A simulated person. keenness: factor on the probability of a visit. days: of a stranger's visits, else None.

    lookalikes: ids of people with whom a camera may confuse them.
    """

    record: Person
    keenness: float
    days: frozenset[date] | None
    lookalikes: tuple[str, ...]


def people_of(scenario: Scenario) -> tuple[SimulatedPerson, ...]:
    """Everybody in the scenario: staff first, then regulars, then strangers."""
    rng = scenario.rng("cast")
    staff = math.ceil(scenario.people * scenario.profile.staff) if scenario.people > 1 else 0
    known = min(scenario.people, staff + round(scenario.people * scenario.profile.regulars))
    names = _names(known, rng)
    people: list[tuple[Person, float, frozenset[date] | None]] = []
    opened_at = day_range(scenario.first_day, scenario.zone)[0]
    for number in range(scenario.people):
        if number < known:
            person = Person(
                person_id=f"p-{rng.getrandbits(48):012x}",
                name=names[number],
                created_at=opened_at,
                role=Role.STAFF if number < staff else Role.MEMBER,
                consented_at=opened_at,
            )
            people.append((person, 1.0 if number < staff else min(2.0, rng.lognormvariate(-0.08, 0.4)), None))
        else:
            days = _days_of_stranger(scenario, rng)
            visitor = Person(
                person_id=f"v-{rng.getrandbits(40):010x}",
                name=f"Visitor {number - known + 1}",
                created_at=day_range(min(days), scenario.zone)[0],
                kind=PersonKind.VISITOR,
            )
            people.append((visitor, 1.0, days))
    ids = [person.person_id for person, _, _ in people]
    return tuple(
        SimulatedPerson(record=person, keenness=keenness, days=days, lookalikes=_lookalikes(ids, number, rng))
        for number, (person, keenness, days) in enumerate(people)
    )


def _names(count: int, rng: Random) -> list[str]:
    """Distinct names; a number is appended once all are used."""
    pairs = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]
    rng.shuffle(pairs)
    rounds = range(math.ceil(count / len(pairs)))
    return [pair if turn == 0 else f"{pair} {turn + 1}" for turn in rounds for pair in pairs][:count]


def _days_of_stranger(scenario: Scenario, rng: Random) -> frozenset[date]:
    """Random open days, weighted by how many people visit on that weekday."""
    weights = [scenario.profile.weekdays[day.weekday()] for day in scenario.all_days]
    if not any(weights):
        return frozenset([scenario.first_day])  # never open: no visits, but the record needs a date
    numbers = rng.choices(range(scenario.days), weights, k=1 + _poisson(scenario.profile.stranger_returns, rng))
    return frozenset(scenario.first_day + timedelta(days=number) for number in numbers)


def _poisson(mean: float, rng: Random) -> int:
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= rng.random()
    return count


def _lookalikes(ids: list[str], number: int, rng: Random) -> tuple[str, ...]:
    if len(ids) < 2:
        return ()
    others = [rng.randrange(len(ids) - 1) for _ in range(_LOOKALIKES)]
    return tuple(ids[other if other < number else other + 1] for other in others)
