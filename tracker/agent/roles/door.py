"""The role of a door: named tracks that cross a line come in or go out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from tracker.agent.roles.role import Changes, RoleState, View
from tracker.identity.recognition import Retraction
from tracker.presence.events import EventKind, is_unidentified
from tracker.presence.line import Crossing, Line, LineState
from tracker.presence.transitions import Transition, pass_door


class Door:
    """The line states of the tracks at a door, and the transitions that tracks in sight have made.

    `_made` has transitions by their own track id: that of the face for named people, of the body for unidentified ones.
    """

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
        for point in view.points:
            if point.named_by is not None:
                self._states.pop(point.named_by, None)  # the face crosses with its body from now on
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
        live = self._states.keys() | {each.named_by for each in self._states.values()}
        self._made = {track_id: made for track_id, made in self._made.items() if track_id in live}
        return transitions

    def _retract(self, wrong: Retraction) -> Changes:
        """Give a track's transitions to the right person; where nobody is known yet, they wait for the name.

        Those of a body that counted without a name wait for the name that the body has in the same view.
        """
        state = self._state_of(wrong.track_id)
        retracted = [each for each in self._made.pop(wrong.track_id, []) if each.person_id == wrong.person_id]
        was_unidentified = is_unidentified(wrong.person_id)
        if state is None or (was_unidentified and not retracted):
            return Changes()
        into_id = None if was_unidentified else wrong.into_id
        if into_id is None:
            waiting = (*state.waiting, *(_crossing(each, state.track_id) for each in retracted))
            self._states[state.track_id] = replace(state, person_id=None, waiting=waiting)
            return Changes(retracted=tuple(retracted))
        self._states[state.track_id] = replace(state, person_id=into_id)
        self._made[wrong.track_id] = [replace(each, person_id=into_id) for each in retracted]
        return Changes(transitions=tuple(self._made[wrong.track_id]), retracted=tuple(retracted))

    def _state_of(self, track_id: str) -> LineState | None:
        """The state of a track, or of the body that it names."""
        named = (each for each in self._states.values() if each.named_by == track_id)
        return self._states.get(track_id) or next(named, None)


def _crossing(transition: Transition, track_id: str) -> Crossing:
    return Crossing(
        track_id=track_id,
        inward=transition.kind is EventKind.ENTER,
        at=transition.at,
        x_frac=transition.x_frac,
        y_frac=transition.y_frac,
    )
