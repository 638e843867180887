"""A line across a door: which side people are on, and when they go over it.

A track is on a side once it is clear of the line by its band; nearer, it is on the line and on neither side. A crossing
takes both sides: each held for some frames, or, for somebody quick, reached well clear of the line. A track that
jitters, stays or moves along on the line, turns round on it, or is lost and found on it, holds one side only and is not
counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from tracker.presence.events import as_utc

BAND = 0.03
"""Nearer than this, in fractions of the frame, is on the line."""
CLEAR = 0.06
"""Far enough from the line that one frame there is no jitter."""
REACH = 0.05
"""How far beyond its ends a line can still be crossed, as a part of its length."""


class Inside(StrEnum):
    """The side of a line where inside is, as seen in the picture."""

    LEFT = "left"
    RIGHT = "right"
    ABOVE = "above"
    BELOW = "below"


_TOWARDS = {Inside.LEFT: (-1, 0), Inside.RIGHT: (1, 0), Inside.ABOVE: (0, -1), Inside.BELOW: (0, 1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line from start to end, (x, y) in fractions of the frame, y downwards, and where inside is.

    Raises ValueError on a point outside 0..1, on ends nearer than 0.05, and where the line runs so much along
    `inside` that it does not separate that side from the other.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    inside: Inside

    def __post_init__(self) -> None:
        object.__setattr__(self, "inside", Inside(self.inside))
        if not all(0.0 <= part <= 1.0 for part in (*self.start, *self.end)):
            raise ValueError("line: expected two points in fractions of the frame, 0 to 1")
        if self.length < 0.05:
            raise ValueError("line: expected two points that lie apart by 0.05 of the frame or more")
        along = _TOWARDS[self.inside]
        if abs(self._normal[0] * along[0] + self._normal[1] * along[1]) < 0.25:
            sides = "left or right" if along[0] == 0 else "above or below"
            raise ValueError(f"inside: this line has no side {self.inside}; use {sides}")

    @property
    def length(self) -> float:
        """In fractions of the frame."""
        return math.dist(self.start, self.end)

    @property
    def _normal(self) -> tuple[float, float]:
        """Of length 1, square to the line; towards its left as one looks from start to end in the picture."""
        return (self.end[1] - self.start[1]) / self.length, (self.start[0] - self.end[0]) / self.length

    @property
    def inward(self) -> tuple[float, float]:
        """Of length 1, square to the line, towards inside."""
        x, y = self._normal
        along = _TOWARDS[self.inside]
        return (x, y) if x * along[0] + y * along[1] > 0 else (-x, -y)

    def depth(self, x_frac: float, y_frac: float) -> float:
        """How far inside a point is, in fractions of the frame; negative outside."""
        x, y = self.inward
        return (x_frac - self.start[0]) * x + (y_frac - self.start[1]) * y

    def is_between_ends(self, one: tuple[float, float], other: tuple[float, float]) -> bool:
        """Whether the way between two points on different sides crosses the line and does not pass its ends."""
        depth_one, depth_other = self.depth(*one), self.depth(*other)
        share = depth_one / (depth_one - depth_other)
        x, y = one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
        along = ((self.end[0] - self.start[0]) / self.length, (self.end[1] - self.start[1]) / self.length)
        position = ((x - self.start[0]) * along[0] + (y - self.start[1]) * along[1]) / self.length
        return -REACH <= position <= 1 + REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    """Where a track is in one frame, in fractions of it, and whose it is if that is known.

    band: nearer to the line than this, in fractions of the frame, is on neither side; infinite where the place is not
    known. is_body: the place is that of feet, with a band that makes one frame enough for a side. named_by: the track
    of the face that gave the person, None for the track itself. counted_as: the person id under which the track counts
    as long as nobody knows whose it is; None: it does not count.
    """

    track_id: str
    x_frac: float
    y_frac: float
    person_id: str | None = None
    band: float = BAND
    is_body: bool = False
    named_by: str | None = None
    counted_as: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A track crossed the line. inward: from outside to inside. at: UTC, first seen on the new side."""

    track_id: str
    inward: bool
    at: datetime
    x_frac: float
    y_frac: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", as_utc(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRun:
    """Consecutive frames of a track on one side of the line, clear of it.

    frames: how many. depth: the farthest from the line, as a fraction. first: the first of them; x_frac, y_frac: the
    last.
    """

    inside: bool
    frames: int
    depth: float
    first_at: datetime
    first_x_frac: float
    first_y_frac: float
    x_frac: float
    y_frac: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "first_at", as_utc(self.first_at))

    @classmethod
    def begin(cls, point: TrackPoint, depth: float, at: datetime) -> Self:
        """The first frame on a side. depth: signed, as `Line.depth`."""
        x_frac, y_frac = point.x_frac, point.y_frac
        return cls(
            inside=depth > 0,
            frames=1,
            depth=abs(depth),
            first_at=at,
            first_x_frac=x_frac,
            first_y_frac=y_frac,
            x_frac=x_frac,
            y_frac=y_frac,
        )

    def extend(self, point: TrackPoint, depth: float) -> Self:
        """The run one frame later."""
        deepest = max(self.depth, abs(depth))
        return replace(self, frames=self.frames + 1, depth=deepest, x_frac=point.x_frac, y_frac=point.y_frac)

    def after(self, earlier: SideRun) -> Self:
        """The run with an earlier one on the same side before it."""
        return replace(
            self,
            frames=earlier.frames + self.frames,
            depth=max(earlier.depth, self.depth),
            first_at=earlier.first_at,
            first_x_frac=earlier.first_x_frac,
            first_y_frac=earlier.first_y_frac,
        )

    def is_sure(self, hold: int) -> bool:
        return self.frames >= hold or self.depth >= CLEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """On which side of the line a track is: plain data, kept between frames and over a restart.

    person_id: whose track it is at its last sighting, None while unknown. held: the side it is on, None until it was
    seen clear of the line. ahead: the other side, for as long as it has been there for fewer frames than make a side.
    waiting: crossings of a track without a name, until it has one. is_body, named_by, counted_as: as in `TrackPoint`.
    """

    track_id: str
    person_id: str | None
    seen_at: datetime
    held: SideRun | None = None
    ahead: SideRun | None = None
    waiting: tuple[Crossing, ...] = ()
    is_body: bool = False
    named_by: str | None = None
    counted_as: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen_at", as_utc(self.seen_at))

    def least_frames(self, hold: int) -> int:
        """How many frames make a side. hold: where the place is that of a face."""
        return 1 if self.is_body else hold


def cross(
    line_states: Mapping[str, LineState],
    points: Iterable[TrackPoint],
    *,
    line: Line,
    at: datetime,
    hold: int = 3,
    settle_after: timedelta = timedelta(seconds=5),
    ended: bool = False,
) -> tuple[dict[str, LineState], tuple[tuple[LineState, Crossing], ...]]:
    """Line states and the tracks of one frame -> line states and the crossings, in order of time.

    line_states: by track id. points: at most one a track; a track has the name of its point, so that a name which
    recognition took away is gone here too. at: of the frame, UTC. hold: frames that make a side; one for bodies.
    settle_after: a track unseen for longer has ended: it is judged by its last runs and dropped. A person who is lost
    under one track and found under another within that time keeps the side. ended: there are no more frames, so every
    track has ended. A crossing comes with the state of its track after it. Raises ValueError where `hold` is less than
    1.
    """
    if hold < 1:
        raise ValueError(f"hold: expected 1 frame or more, got {hold}")
    now = as_utc(at)
    kept = dict(line_states)
    found: list[tuple[LineState, Crossing]] = []
    seen = {point.track_id: point for point in points}
    for point in seen.values():
        state = _named(kept, point, seen, now, settle_after)
        state, crossing = _moved(state, point, line, now, hold)
        kept[point.track_id] = state
        if crossing is not None:
            found.append((state, crossing))
    for state in [each for each in kept.values() if ended or now - each.seen_at > settle_after]:
        del kept[state.track_id]
        crossing = _settled(state, line, hold)
        if crossing is not None:
            found.append((state, crossing))
    found.sort(key=lambda each: (each[1].at, each[1].track_id))
    return kept, tuple(found)


def _named(
    kept: dict[str, LineState],
    point: TrackPoint,
    seen: Mapping[str, TrackPoint],
    now: datetime,
    settle_after: timedelta,
) -> LineState:
    """The state of a track before this frame, under the name that it has now; a lost track of that person joins it."""
    state = kept.get(point.track_id) or LineState(track_id=point.track_id, person_id=None, seen_at=now)
    if state.person_id is None and point.person_id is not None:
        twin = _lost_twin(kept, point, seen, now - settle_after)
        state = state if twin is None else _taken_up(state, kept.pop(twin.track_id))
    return replace(
        state,
        person_id=point.person_id,
        is_body=point.is_body,
        named_by=point.named_by,
        counted_as=point.counted_as,
    )


def _moved(
    state: LineState, point: TrackPoint, line: Line, at: datetime, hold: int
) -> tuple[LineState, Crossing | None]:
    """The track one frame later."""
    state = replace(state, seen_at=max(at, state.seen_at))
    depth = line.depth(point.x_frac, point.y_frac)
    if abs(depth) >= point.band:
        state = _stepped(state, point, depth, at)
    hold = state.least_frames(hold)
    if state.held is None or state.ahead is None or state.ahead.frames < hold:
        return state, None
    crossing = _crossing(state.track_id, state.held, state.ahead, line) if state.held.is_sure(hold) else None
    return replace(state, held=state.ahead, ahead=None), crossing


def _stepped(state: LineState, point: TrackPoint, depth: float, at: datetime) -> LineState:
    if state.held is None:
        return replace(state, held=SideRun.begin(point, depth, at))
    if (depth > 0) is state.held.inside:
        return replace(state, held=state.held.extend(point, depth), ahead=None)
    ahead = SideRun.begin(point, depth, at) if state.ahead is None else state.ahead.extend(point, depth)
    return replace(state, ahead=ahead)


def _settled(state: LineState, line: Line, hold: int) -> Crossing | None:
    """What the last runs of a track that has ended amount to."""
    if state.held is None or state.ahead is None:
        return None
    hold = state.least_frames(hold)
    sure = state.held.is_sure(hold) and state.ahead.is_sure(hold)
    return _crossing(state.track_id, state.held, state.ahead, line) if sure else None


def _crossing(track_id: str, held: SideRun, ahead: SideRun, line: Line) -> Crossing | None:
    """From the last point on one side to the first on the other; None where that leads past the line's ends."""
    if not line.is_between_ends((held.x_frac, held.y_frac), (ahead.first_x_frac, ahead.first_y_frac)):
        return None
    return Crossing(
        track_id=track_id,
        inward=ahead.inside,
        at=ahead.first_at,
        x_frac=ahead.first_x_frac,
        y_frac=ahead.first_y_frac,
    )


def _lost_twin(
    line_states: Mapping[str, LineState], point: TrackPoint, seen: Mapping[str, TrackPoint], since: datetime
) -> LineState | None:
    """The person's state under a track that was lost not long ago; the latest of several. A body continues no face."""
    lost = [
        each
        for each in line_states.values()
        if each.person_id == point.person_id
        and each.is_body is point.is_body
        and each.track_id not in seen
        and each.seen_at >= since
    ]
    return max(lost, key=lambda each: (each.seen_at, each.track_id), default=None)


def _taken_up(state: LineState, twin: LineState) -> LineState:
    """The new track of a person, continuing the runs of the lost one."""
    if twin.held is None or state.ahead is not None:
        return state
    if state.held is None:
        return replace(state, held=twin.held, ahead=twin.ahead)
    if state.held.inside is twin.held.inside:
        return replace(state, held=state.held.after(twin.held))
    ahead = state.held if twin.ahead is None else state.held.after(twin.ahead)
    return replace(state, held=twin.held, ahead=ahead)
