"""Comparison of measured visits with the ground truth of the clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracker.demo.clip import TrueVisit
from tracker.demo.scene import ActorKind
from tracker.presence.events import Event, EventKind, as_utc, is_unidentified
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Segment, Session, SessionState

_INADMISSIBLE = 1e6
"""Cost of pairing visits that share no moment: such pairs are never made."""
_WRONG_PERSON = 1e3
"""Cost of pairing visits of different people: only when nothing better is left."""
_UNIDENTIFIED = "unidentified"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRow:
    """One visit: true and measured times, and the problem.

    Times are seconds from the clip's first frame; errors are measured less true. The true ones are None for a visit
    that is not in the truth, the measured ones for a visit that was missed or, from `left_s` on, has not ended.
    label: who it should be. who: name of the person it was recognised as. problem: empty when all is well.
    """

    label: str | None
    who: str | None
    true_entered_s: float | None
    entered_s: float | None
    true_left_s: float | None
    left_s: float | None
    true_dwell_s: float | None
    dwell_s: float | None
    problem: str

    @property
    def ok(self) -> bool:
        """Found, the right person, and every time within the tolerance."""
        return not self.problem

    @property
    def enter_error_s(self) -> float | None:
        """Seconds."""
        return _difference(self.entered_s, self.true_entered_s)

    @property
    def exit_error_s(self) -> float | None:
        """Seconds."""
        return _difference(self.left_s, self.true_left_s)

    @property
    def dwell_error_s(self) -> float | None:
        """Seconds."""
        return _difference(self.dwell_s, self.true_dwell_s)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Every true visit in order of entering, then every visit that was measured and not scripted."""

    rows: tuple[ScoreRow, ...]
    tolerance_s: float

    @property
    def passed(self) -> bool:
        """There are rows, and all of them are ok."""
        return bool(self.rows) and all(row.ok for row in self.rows)


def compare(
    truth: Sequence[TrueVisit],
    sessions: Sequence[Session],
    *,
    started_at: datetime,
    names: Mapping[str, Person],
    tolerance_s: float = 1.0,
) -> Scorecard:
    """Pair the visits by time and person and judge each.

    started_at: the instant of the clip's first frame. names: person_id -> Person of everybody in the store. A visit
    is well when the person is right and enter, exit and net dwell are each within `tolerance_s`. A stranger is right
    as a visitor, under one and the same id at every visit and under an id that no other stranger has. Who never shows a
    face is right as an unidentified person.
    Raises ValueError when `started_at` has no zone.
    """
    start = as_utc(started_at)
    pairs = _paired(truth, sessions, start, names)
    identities = _identity_problems(truth, sessions, pairs, names)
    rows = []
    for number, visit in enumerate(truth):
        found = pairs.get(number)
        row = _row(visit, None if found is None else sessions[found], start, names)
        rows.append(replace(row, problem=identities.get(number) or _time_problem(row, tolerance_s)))
    extra = [session for index, session in enumerate(sessions) if index not in pairs.values()]
    extra.sort(key=lambda session: (session.started_at, session.person_id))
    rows += [replace(_row(None, session, start, names), problem="no true visit at this time") for session in extra]
    return Scorecard(tuple(rows), tolerance_s)


def unidentified_visits(events: Iterable[Event], *, now: datetime) -> list[Session]:
    """The time in sight of each unidentified person, from enter to exit, as a visit. now: UTC, for who is still in."""
    own: dict[str, dict[EventKind, Event]] = {}
    for event in events:
        if is_unidentified(event.person_id):
            own.setdefault(event.person_id, {})[event.kind] = event
    return [_as_visit(each[EventKind.ENTER], each.get(EventKind.EXIT), now) for each in own.values()]


def _as_visit(enter: Event, exit_: Event | None, now: datetime) -> Session:
    segment = Segment(enter.at, None if exit_ is None else exit_.at)
    length_s = ((now if exit_ is None else exit_.at) - enter.at).total_seconds()
    return Session(
        session_id=enter.event_id,
        site_id=enter.site_id,
        person_id=enter.person_id,
        started_at=segment.started_at,
        ended_at=segment.ended_at,
        dwell_s=length_s,
        gross_s=length_s,
        segments=(segment,),
        enter_inferred=False,
        exit_inferred=exit_ is not None and exit_.inferred,
        state=SessionState.OPEN if exit_ is None else SessionState.CLOSED,
    )


def _paired(
    truth: Sequence[TrueVisit], sessions: Sequence[Session], start: datetime, names: Mapping[str, Person]
) -> dict[int, int]:
    """Index of the true visit -> index of its session; of all ways to pair them the one with the least error."""
    costs = np.full((len(truth), len(sessions)), _INADMISSIBLE)
    for i, visit in enumerate(truth):
        for j, session in enumerate(sessions):
            entered = _seconds(session.started_at, start)
            left = visit.left_s if session.ended_at is None else _seconds(session.ended_at, start)
            if entered <= visit.left_s and left >= visit.entered_s:
                costs[i, j] = abs(entered - visit.entered_s) + abs(left - visit.left_s)
                costs[i, j] += 0.0 if _is_right(visit, session.person_id, names) else _WRONG_PERSON
    rows, columns = linear_sum_assignment(costs)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if costs[i, j] < _INADMISSIBLE}


def _is_right(visit: TrueVisit, person_id: str, names: Mapping[str, Person]) -> bool:
    if visit.kind is ActorKind.UNIDENTIFIED or is_unidentified(person_id):
        return visit.kind is ActorKind.UNIDENTIFIED and is_unidentified(person_id)
    person = names.get(person_id)
    if person is None:
        return False
    if visit.kind is ActorKind.ENROLLED:
        return person.kind is PersonKind.ENROLLED and person.name == visit.person
    return person.kind is PersonKind.VISITOR


def _identity_problems(
    truth: Sequence[TrueVisit], sessions: Sequence[Session], pairs: Mapping[int, int], names: Mapping[str, Person]
) -> dict[int, str]:
    """Index of the true visit -> why it is not the right person."""
    problems: dict[int, str] = {}
    id_of: dict[str, str] = {}
    for number, visit in enumerate(truth):
        if number not in pairs:
            continue
        person_id = sessions[pairs[number]].person_id
        who = _name(person_id, names)
        if not _is_right(visit, person_id, names):
            problems[number] = f"recognised as {who}, should be {_expected(visit)}"
        elif visit.kind is ActorKind.STRANGER:
            first = id_of.setdefault(visit.person, person_id)
            shared = next((key for key, other in id_of.items() if other == person_id and key != visit.person), None)
            if first != person_id:
                problems[number] = f"came back as {who}, was {_name(first, names)} before"
            elif shared is not None:
                problems[number] = f"{who} is already assigned to another stranger"
    return problems


def _expected(visit: TrueVisit) -> str:
    return {ActorKind.STRANGER: "a visitor", ActorKind.UNIDENTIFIED: _UNIDENTIFIED}.get(visit.kind, visit.label)


def _name(person_id: str, names: Mapping[str, Person]) -> str:
    if is_unidentified(person_id):
        return _UNIDENTIFIED
    person = names.get(person_id)
    return person_id if person is None else person.name


def _row(visit: TrueVisit | None, session: Session | None, start: datetime, names: Mapping[str, Person]) -> ScoreRow:
    left_s = None if session is None or session.ended_at is None else _seconds(session.ended_at, start)
    return ScoreRow(
        label=None if visit is None else visit.label,
        who=None if session is None else _name(session.person_id, names),
        true_entered_s=None if visit is None else round(visit.entered_s, 3),
        entered_s=None if session is None else _seconds(session.started_at, start),
        true_left_s=None if visit is None else round(visit.left_s, 3),
        left_s=left_s,
        true_dwell_s=None if visit is None else round(visit.dwell_s, 3),
        dwell_s=None if session is None or left_s is None else round(session.dwell_s, 3),
        problem="",
    )


def _time_problem(row: ScoreRow, tolerance_s: float) -> str:
    if row.entered_s is None:
        return "not found"
    if row.left_s is None:
        return "has not ended"
    errors = {"entered": row.enter_error_s, "left": row.exit_error_s, "dwell": row.dwell_error_s}
    wrong = [f"{what} {error:+.1f} s" for what, error in errors.items() if error is None or abs(error) > tolerance_s]
    return ", ".join(wrong)


def _seconds(at: datetime, start: datetime) -> float:
    return round((at - start).total_seconds(), 3)


def _difference(measured: float | None, true: float | None) -> float | None:
    return None if measured is None or true is None else round(measured - true, 3)
