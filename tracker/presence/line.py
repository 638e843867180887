"""A line across a door: which side people are on, and when they go over it.

A side counts once it is clear of the line by BAND; nearer, a face is on the line and on neither side. Going over takes
both sides: each held for some frames, or, for somebody quick, reached well clear of the line. What jitters, stands or
walks on the line, turns round on it, or is lost and found on it, holds one side only and is not counted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tracker.presence.events import as_utc

BAND = 0.03
"""On the line: nearer than this, in fractions of the frame."""
CLEAR = 0.06
"""Far enough from the line that one frame there is no jitter."""
REACH = 0.05
"""How far beyond its ends a line is still gone over, as a part of its length."""


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

    Raises ValueError on a place outside 0..1, on ends nearer than 0.05, and where the line runs so much along
    `inside` that it does not part that side from the other.
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
            raise ValueError(f"inside: this line has no side {self.inside}; say {sides}")

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
        """How far inside a place is, in fractions of the frame; negative outside."""
        x, y = self.inward
        return (x_frac - self.start[0]) * x + (y_frac - self.start[1]) * y

    def is_between_ends(self, one: tuple[float, float], other: tuple[float, float]) -> bool:
        """Whether the way from one place to another, on different sides, leads through the line, not past its ends."""
        depth_one, depth_other = self.depth(*one), self.depth(*other)
        share = depth_one / (depth_one - depth_other)
        x, y = one[0] + share * (other[0] - one[0]), one[1] + share * (other[1] - one[1])
        along = ((self.end[0] - self.start[0]) / self.length, (self.end[1] - self.start[1]) / self.length)
        place = ((x - self.start[0]) * along[0] + (y - self.start[1]) * along[1]) / self.length
        return -REACH <= place <= 1 + REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackPoint:
    """Where a track is in one frame, in fractions of it, and whose it is if that is known."""

    track_id: str
    x_frac: float
    y_frac: float
    person_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A track went over the line. inward: from outside to inside. at: UTC, first seen on the new side."""

    track_id: str
    inward: bool
    at: datetime
    x_frac: float
    y_frac: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", as_utc(self.at))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Frames in a row on one side of the line, clear of it.

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """On which side of the line a track is: plain data, to be kept between frames and over a restart.

    held: the side it is on, None until it was seen clear of the line. ahead: the other side, where it has been since
    too few frames to tell. waiting: crossings of a track without a name, until it has one.
    """

    track_id: str
    person_id: str | None
    seen_at: datetime
    held: Run | None = None
    ahead: Run | None = None
    waiting: tuple[Crossing, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "seen_at", as_utc(self.seen_at))


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
    """Where tracks stood and where they are -> where they stand, and who went over the line, in order of time.

    standings: by track id. spots: of one frame, at most one a track. at: of the frame, UTC. hold: frames that make a
    side. settle_after: a track unseen for longer has ended: it is judged by what it showed and dropped. A person who
    is lost under one track and found under another within that time goes on where they stood. ended: there are no
    more frames, so every track has ended. A crossing comes with the track as it then stands. Raises ValueError
    unless `hold` is 1 or more.
    """
    if hold < 1:
        raise ValueError(f"hold: expected 1 frame or more, got {hold}")
    now = as_utc(at)
    kept = dict(line_states)
    found: list[tuple[LineState, Crossing]] = []
    seen = {spot.track_id: spot for spot in points}
    for track_id, spot in seen.items():
        stood = kept.get(track_id) or LineState(track_id=track_id, person_id=None, seen_at=now)
        if stood.person_id is None and spot.person_id is not None:
            twin = _lost_twin(kept, spot.person_id, seen, now - settle_after)
            stood = stood if twin is None else _taken_up(stood, kept.pop(twin.track_id))
        stood = replace(stood, person_id=spot.person_id or stood.person_id)
        stood, crossing = _moved(stood, spot, line, now, hold)
        kept[track_id] = stood
        if crossing is not None:
            found.append((stood, crossing))
    for stood in [each for each in kept.values() if ended or now - each.seen_at > settle_after]:
        del kept[stood.track_id]
        if stood.held and stood.ahead and _is_sure(stood.held, hold) and _is_sure(stood.ahead, hold):
            crossing = _gone_over(stood.track_id, stood.held, stood.ahead, line)
            if crossing is not None:
                found.append((stood, crossing))
    found.sort(key=lambda each: (each[1].at, each[1].track_id))
    return kept, tuple(found)


def _moved(
    stood: LineState, spot: TrackPoint, line: Line, at: datetime, hold: int
) -> tuple[LineState, Crossing | None]:
    """The track one frame later."""
    stood = replace(stood, seen_at=max(at, stood.seen_at))
    depth = line.depth(spot.x_frac, spot.y_frac)
    if abs(depth) >= BAND:
        stood = _stepped(stood, spot, depth, at)
    if stood.held is None or stood.ahead is None or stood.ahead.frames < hold:
        return stood, None
    sure = _is_sure(stood.held, hold)
    crossing = _gone_over(stood.track_id, stood.held, stood.ahead, line) if sure else None
    return replace(stood, held=stood.ahead, ahead=None), crossing


def _stepped(stood: LineState, spot: TrackPoint, depth: float, at: datetime) -> LineState:
    inside = depth > 0
    if stood.held is None:
        return replace(stood, held=_begun(spot, depth, at))
    if inside is stood.held.inside:
        return replace(stood, held=_gone_on(stood.held, spot, depth), ahead=None)
    ahead = _begun(spot, depth, at) if stood.ahead is None else _gone_on(stood.ahead, spot, depth)
    return replace(stood, ahead=ahead)


def _begun(spot: TrackPoint, depth: float, at: datetime) -> Run:
    return Run(
        inside=depth > 0,
        frames=1,
        depth=abs(depth),
        first_at=at,
        first_x_frac=spot.x_frac,
        first_y_frac=spot.y_frac,
        x_frac=spot.x_frac,
        y_frac=spot.y_frac,
    )


def _gone_on(run: Run, spot: TrackPoint, depth: float) -> Run:
    return replace(run, frames=run.frames + 1, depth=max(run.depth, abs(depth)), x_frac=spot.x_frac, y_frac=spot.y_frac)


def _is_sure(run: Run, hold: int) -> bool:
    return run.frames >= hold or run.depth >= CLEAR


def _gone_over(track_id: str, held: Run, ahead: Run, line: Line) -> Crossing | None:
    """From the last place on one side to the first on the other; None where that leads past the line's ends."""
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
    line_states: Mapping[str, LineState], person_id: str, seen: Mapping[str, TrackPoint], since: datetime
) -> LineState | None:
    """Where the person stood under a track that was lost not long ago; the latest of several."""
    lost = [
        each
        for each in line_states.values()
        if each.person_id == person_id and each.track_id not in seen and each.seen_at >= since
    ]
    return max(lost, key=lambda each: (each.seen_at, each.track_id), default=None)


def _taken_up(stood: LineState, twin: LineState) -> LineState:
    """The new track of a person, going on from where the person stood under the lost one."""
    if twin.held is None or stood.ahead is not None:
        return stood
    if stood.held is None:
        return replace(stood, held=twin.held, ahead=twin.ahead)
    if stood.held.inside is twin.held.inside:
        return replace(stood, held=_joined(twin.held, stood.held))
    ahead = stood.held if twin.ahead is None else _joined(twin.ahead, stood.held)
    return replace(stood, held=twin.held, ahead=ahead)


def _joined(earlier: Run, later: Run) -> Run:
    return replace(
        later,
        frames=earlier.frames + later.frames,
        depth=max(earlier.depth, later.depth),
        first_at=earlier.first_at,
        first_x_frac=earlier.first_x_frac,
        first_y_frac=earlier.first_y_frac,
    )
