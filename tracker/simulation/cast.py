"""Who comes: regulars and staff with names, strangers with numbers, and who looks like whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tracker.presence.calendar import day_range
from tracker.presence.people import Person, PersonKind, Role
from tracker.simulation.plan import Plan

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
_DOUBLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Player:
    """Somebody who comes. keenness: how much more often than others of the kind; days: a stranger's, None for others.

    doubles: people whom a camera may take them for.
    """

    person: Person
    keenness: float
    days: frozenset[date] | None
    doubles: tuple[str, ...]


def cast_of(plan: Plan) -> tuple[Player, ...]:
    """Everybody who comes in the plan's days: staff first, then regulars, then strangers."""
    dice = plan.dice("cast")
    staff = math.ceil(plan.people * plan.profile.staff) if plan.people > 1 else 0
    known = min(plan.people, staff + round(plan.people * plan.profile.regulars))
    names = _names(known, dice)
    people: list[tuple[Person, float, frozenset[date] | None]] = []
    opened_at = day_range(plan.first_day, plan.zone)[0]
    for number in range(plan.people):
        if number < known:
            person = Person(
                person_id=f"p-{dice.getrandbits(48):012x}",
                name=names[number],
                created_at=opened_at,
                role=Role.STAFF if number < staff else Role.MEMBER,
                consented_at=opened_at,
            )
            people.append((person, 1.0 if number < staff else min(2.0, dice.lognormvariate(-0.08, 0.4)), None))
        else:
            days = _days_of_stranger(plan, dice)
            visitor = Person(
                person_id=f"v-{dice.getrandbits(40):010x}",
                name=f"Visitor {number - known + 1}",
                created_at=day_range(min(days), plan.zone)[0],
                kind=PersonKind.VISITOR,
            )
            people.append((visitor, 1.0, days))
    ids = [person.person_id for person, _, _ in people]
    return tuple(
        Player(person=person, keenness=keenness, days=days, doubles=_doubles(ids, number, dice))
        for number, (person, keenness, days) in enumerate(people)
    )


def _names(count: int, dice: Random) -> list[str]:
    """Different names; those who share one with somebody carry a number."""
    pairs = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]
    dice.shuffle(pairs)
    rounds = range(math.ceil(count / len(pairs)))
    return [pair if turn == 0 else f"{pair} {turn + 1}" for turn in rounds for pair in pairs][:count]


def _days_of_stranger(plan: Plan, dice: Random) -> frozenset[date]:
    """Days on which the place is open, the better visited the likelier."""
    weights = [plan.profile.weekdays[day.weekday()] for day in plan.all_days]
    if not any(weights):
        return frozenset([plan.first_day])  # closed throughout: nobody comes, but a day is needed to be known since
    numbers = dice.choices(range(plan.days), weights, k=1 + _poisson(plan.profile.stranger_returns, dice))
    return frozenset(plan.first_day + timedelta(days=number) for number in numbers)


def _poisson(mean: float, dice: Random) -> int:
    count, product, limit = 0, dice.random(), math.exp(-mean)
    while product > limit:
        count += 1
        product *= dice.random()
    return count


def _doubles(ids: list[str], number: int, dice: Random) -> tuple[str, ...]:
    if len(ids) < 2:
        return ()
    others = [dice.randrange(len(ids) - 1) for _ in range(_DOUBLES)]
    return tuple(ids[other if other < number else other + 1] for other in others)
