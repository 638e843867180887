"""The role of a door: named tracks that cross a line come in or go out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tracker.agent.roles.role import Changes, RoleState, View
from tracker.identity.recognition import Retraction
from tracker.presence.events import EventKind
from tracker.presence.line import Crossing, Line, LineState
from tracker.presence.transitions import Transition, pass_door


class Door:
    """The line states of the tracks at a door, and the transitions that tracks in sight have made."""

    def __init__(self, line: Line, *, hold: int, settle_after: timedelta) -> None:
        self._line = line
        self._hold = hold
        self._settle_after = settle_after
        self._stored: tuple[LineState, ...] = ()
        self._states: dict[str, LineState] = {}
        self._made: dict[str, list[Transition]] = {}

    @property
    def state(self) -> RoleState:
        return RoleState(line_states=(*self._stored, *self._states.values()))

    def resume(self, state: RoleState) -> None:
        self._stored = state.line_states
        self._states, self._made = {}, {}

    def observe(self, view: View) -> Changes:
        self._states |= {each.track_id: each for each in self._stored if each.seen_at <= view.at}
        self._stored = ()  # later ones belong to a recording that is played again
        changes = Changes()
        for each in view.retractions:
            changes += self._retract(each)
        return changes + Changes(transitions=self._pass(view))

    def set_back(self, at: datetime) -> Changes:
        del at
        self._states, self._made = {}, {}
        return Changes()

    def move(self, gone_id: str, into_id: str | None) -> Changes:
        for state in [each for each in self._states.values() if each.person_id == gone_id]:
            self._states[state.track_id] = replace(state, person_id=into_id)
        return Changes()

    def _pass(self, view: View) -> tuple[Transition, ...]:
        self._states, transitions = pass_door(
            self._states,
            view.points,
            line=self._line,
            at=view.at,
            hold=self._hold,
            settle_after=self._settle_after,
            ended=view.ended,
        )
        for each in transitions:
            self._made.setdefault(each.track_id, []).append(each)
        self._made = {track_id: made for track_id, made in self._made.items() if track_id in self._states}
        return transitions

    def _retract(self, wrong: Retraction) -> Changes:
        """Give a track's transitions to the right person; where nobody is known yet, they wait for the name."""
        state = self._states.get(wrong.track_id)
        retracted = [each for each in self._made.pop(wrong.track_id, []) if each.person_id == wrong.person_id]
        if state is None:
            return Changes()
        if wrong.into_id is None:
            waiting = (*state.waiting, *(_crossing(each) for each in retracted))
            self._states[wrong.track_id] = replace(state, person_id=None, waiting=waiting)
            return Changes(retracted=tuple(retracted))
        self._states[wrong.track_id] = replace(state, person_id=wrong.into_id)
        self._made[wrong.track_id] = [replace(each, person_id=wrong.into_id) for each in retracted]
        return Changes(transitions=tuple(self._made[wrong.track_id]), retracted=tuple(retracted))


def _crossing(transition: Transition) -> Crossing:
    return Crossing(
        track_id=transition.track_id,
        inward=transition.kind is EventKind.ENTER,
        at=transition.at,
        x_frac=transition.x_frac,
        y_frac=transition.y_frac,
    )
