"""Cameras at ways in and out: a confirmed track is an event, or the line that it goes over decides.

An entrance says who came in, an exit who went out, and neither has anybody present: a person who came in is in until an
exit, a room's camera or the rules of the site say otherwise. A door is both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from tracker.presence.events import Event, EventKind
from tracker.presence.line import Crossing, Line, LineState, TrackPoint, cross
from tracker.presence.room import Presence, Sighting, observe


def pass_by(
    open_: Mapping[str, Presence],
    sightings: Iterable[Sighting],
    *,
    kind: EventKind,
    now: datetime,
    site_id: str,
    camera_id: str,
    again_after: timedelta,
    ended: bool = False,
) -> tuple[dict[str, Presence], tuple[Event, ...]]:
    """Who is passing an entrance (`kind` enter) or an exit -> who is passing now, and the events, in order of time.

    open_: person id -> passage of this camera. Somebody comes in when first seen, dated at the start of the evidence,
    and goes out when seen last, told once unseen for `again_after`; whoever comes by again within that time is not
    counted twice. ended: there are no more frames. Raises ValueError unless `again_after` is positive.
    """
    still_open, events = observe(
        open_, sightings, now=now, site_id=site_id, camera_id=camera_id, exit_after=again_after, ended=ended
    )
    return still_open, only(events, kind)


def only(events: Iterable[Event], kind: EventKind) -> tuple[Event, ...]:
    """The events of a room as a way in or out tells them: one kind, and each was seen."""
    return tuple(replace(event, inferred=False) for event in events if event.kind is kind)


def go_through(
    line_states: Mapping[str, LineState],
    points: Iterable[TrackPoint],
    *,
    line: Line,
    at: datetime,
    site_id: str,
    camera_id: str,
    hold: int = 3,
    settle_after: timedelta = timedelta(seconds=5),
    ended: bool = False,
) -> tuple[dict[str, LineState], tuple[Event, ...]]:
    """Where tracks stand at a door, and where they are now -> where they stand, and the events, in order of time.

    As `cross`; inward is an enter, outward an exit. A crossing of a track without a name waits for the name, which
    may come late, and is dropped with a track that ends without.
    """
    kept, found = cross(line_states, points, line=line, at=at, hold=hold, settle_after=settle_after, ended=ended)
    told: list[tuple[Crossing, str]] = []
    for stood, crossing in found:
        if stood.person_id is not None:
            told.append((crossing, stood.person_id))
        elif stood.track_id in kept:
            waiting = (*kept[stood.track_id].waiting, crossing)
            kept[stood.track_id] = replace(kept[stood.track_id], waiting=waiting)
    for stood in [each for each in kept.values() if each.waiting and each.person_id is not None]:
        told += [(crossing, stood.person_id) for crossing in stood.waiting if stood.person_id is not None]
        kept[stood.track_id] = replace(stood, waiting=())
    told.sort(key=lambda each: (each[0].at, each[0].track_id))
    return kept, tuple(_event(crossing, person_id, site_id, camera_id) for crossing, person_id in told)


def _event(crossing: Crossing, person_id: str, site_id: str, camera_id: str) -> Event:
    return Event(
        kind=EventKind.ENTER if crossing.inward else EventKind.EXIT,
        site_id=site_id,
        camera_id=camera_id,
        person_id=person_id,
        at=crossing.at,
        track_id=crossing.track_id,
        x_frac=crossing.x_frac,
        y_frac=crossing.y_frac,
    )
