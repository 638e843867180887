"""Cameras at doors: a named track that crosses the line is a transition.

Like an entrance or an exit, a door has nobody present: who came in is in until an exit, a room's camera or the rules of
the site end the visit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tracker.presence.events import EventKind
from tracker.presence.line import Crossing, Line, LineState, TrackPoint, cross
from tracker.presence.transitions import Transition


def pass_door(
    line_states: Mapping[str, LineState],
    points: Iterable[TrackPoint],
    *,
    line: Line,
    at: datetime,
    hold: int = 3,
    settle_after: timedelta = timedelta(seconds=5),
    ended: bool = False,
) -> tuple[dict[str, LineState], tuple[Transition, ...]]:
    """Line states and the tracks of one frame -> line states and the transitions, in order of time.

    As `cross`; inward is an enter, outward an exit. A crossing of a track without a name waits for the name, and is
    dropped with a track that ends without one.
    """
    kept, found = cross(line_states, points, line=line, at=at, hold=hold, settle_after=settle_after, ended=ended)
    transitions: list[Transition] = []
    for state, crossing in found:
        if state.person_id is not None:
            transitions.append(_transition(crossing, state.person_id))
        elif state.track_id in kept:
            waiting = (*kept[state.track_id].waiting, crossing)
            kept[state.track_id] = replace(kept[state.track_id], waiting=waiting)
    for state in list(kept.values()):
        if state.waiting and state.person_id is not None:
            transitions += [_transition(crossing, state.person_id) for crossing in state.waiting]
            kept[state.track_id] = replace(state, waiting=())
    transitions.sort(key=lambda each: (each.at, each.track_id))
    return kept, tuple(transitions)


def _transition(crossing: Crossing, person_id: str) -> Transition:
    return Transition(
        kind=EventKind.ENTER if crossing.inward else EventKind.EXIT,
        person_id=person_id,
        track_id=crossing.track_id,
        at=crossing.at,
        x_frac=crossing.x_frac,
        y_frac=crossing.y_frac,
    )
