"""Counting bodies that cross a line: where to look, how often, and when a track has crossed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from tracker.presence.line import Crossing, Line, LineState, TrackPoint, cross
from tracker.vision.bodies import MIN_HEIGHT_PX, SIDE_PX, Bodies, clothing
from tracker.vision.body_tracks import KEPT_S, NEW_SCORE, BodyTrack, BodyTracks
from tracker.vision.faces import Image

LOOKS_PER_S = 3.5
"""How often bodies are looked for at a line."""
_BAND_HEIGHTS = 0.12
"""Nearer to the line than this, in body heights, a foot is on neither side."""
_BELOW_HEIGHTS = 0.35
"""Room below a foot on the line, in body heights."""
_HEIGHT_GAIN = 0.1
_FIRST_HEIGHT_PX = SIDE_PX / 3
"""Of people at a line where none was seen yet."""
_EARLY = 0.9
"""A frame that comes after this part of the time between two looks is looked at: frames come unevenly."""

Part = tuple[int, int, int, int]
"""x1 y1 x2 y2, px of the frame."""


class SupportsDetect(Protocol):
    """Finds the bodies in a part of an image; see `BodyDetector`."""

    def detect(self, image: Image, part_xyxy: Part | None = None) -> Bodies: ...


@dataclass(slots=True, eq=False)
class LineCounter:
    """Follows bodies around a line. camera_id: prefix of track ids. looks: how many frames were looked at.

    looks_per_s: frames in between are skipped. Of the frame only the part around the line is looked at, as large as
    people at the line are tall; as long as none was seen there, every other look is at the whole frame.
    """

    detector: SupportsDetect
    line: Line
    camera_id: str
    looks_per_s: float = LOOKS_PER_S
    looks: int = field(init=False, default=0)
    _tracks: BodyTracks = field(init=False)
    _states: dict[str, LineState] = field(init=False, default_factory=dict)
    _unconfirmed: dict[str, list[Crossing]] = field(init=False, default_factory=dict)
    _looked_at: datetime | None = field(init=False, default=None)
    _height: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._tracks = BodyTracks(camera_id=self.camera_id)

    def observe(self, image: Image, at: datetime) -> tuple[Crossing, ...]:
        """The crossings that the next frame completes, in order of time.

        A crossing is complete once its track is seen beyond the line and was seen often enough to be a person.
        image: (H, W, 3) uint8 BGR. at: of the frame, timezone-aware, not earlier than the last.
        """
        if self._looked_at is not None and (at - self._looked_at).total_seconds() < _EARLY / self.looks_per_s:
            return ()
        self._looked_at = at
        bodies = self.detector.detect(image, self._part(image))
        self.looks += 1
        tracks = [each for each in self._tracks.update(bodies, clothing(image, bodies), at) if each is not None]
        size_wh = image.shape[1], image.shape[0]
        self._learn_height(tracks, size_wh)
        points = [_point(track, self.line, size_wh) for track in tracks]
        self._states, found = cross(
            self._states, points, line=self.line, at=at, hold=1, settle_after=timedelta(seconds=KEPT_S)
        )
        return self._confirmed(tracks, [crossing for _, crossing in found])

    def _confirmed(self, tracks: Sequence[BodyTrack], found: Sequence[Crossing]) -> tuple[Crossing, ...]:
        """Crossings of tracks that are people; those of newer tracks wait until they are, or end."""
        for crossing in found:
            self._unconfirmed.setdefault(crossing.track_id, []).append(crossing)
        people = {track.track_id for track in tracks if track.confirmed}
        done = [each for track_id in people for each in self._unconfirmed.pop(track_id, [])]
        self._unconfirmed = {key: waiting for key, waiting in self._unconfirmed.items() if key in self._states}
        return tuple(sorted(done, key=lambda each: (each.at, each.track_id)))

    def _part(self, image: Image) -> Part | None:
        """Where to look, None for the whole frame."""
        if self._height is None and self.looks % 2 == 0:
            return None
        return part_around(self.line, self._height or _FIRST_HEIGHT_PX, (image.shape[1], image.shape[0]))

    def _learn_height(self, tracks: Sequence[BodyTrack], size_wh: tuple[int, int]) -> None:
        """Remember how tall people are near the line, px."""
        for track in tracks:
            if track.confirmed and _is_near(self.line, track.foot, track.height, size_wh):
                before = track.height if self._height is None else self._height
                self._height = before + _HEIGHT_GAIN * (track.height - before)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """How a line is seen in one frame.

    part: of the frame, where bodies are looked for. bodies: the people found there. smallest_px: the least height of a
    body that will be found there.
    """

    part: Part
    bodies: Bodies
    smallest_px: float


def view_of(image: Image, line: Line, detector: SupportsDetect) -> LineView:
    """What a counter would see at a line in this frame. image: (H, W, 3) uint8 BGR."""
    size_wh = image.shape[1], image.shape[0]
    heights = _heights_near(line, _people(detector.detect(image)), size_wh)
    part = part_around(line, float(np.median(heights)) if heights else _FIRST_HEIGHT_PX, size_wh)
    smallest_px = MIN_HEIGHT_PX * max(part[2] - part[0], part[3] - part[1]) / SIDE_PX
    return LineView(part=part, bodies=_people(detector.detect(image, part)), smallest_px=smallest_px)


def part_around(line: Line, height: float, size_wh: tuple[int, int]) -> Part:
    """The part of a frame in which people of that height (px) near a line are whole: square where the frame allows."""
    size = np.array(size_wh, np.float64)
    ends = np.array([line.start, line.end]) * size
    first = ends.min(axis=0) - height
    last = ends.max(axis=0) + np.array([height, _BELOW_HEIGHTS * height])
    side = max(SIDE_PX, *(last - first))
    first = np.clip((first + last - side) / 2, 0, np.maximum(size - side, 0))
    last = np.minimum(first + side, size)
    x1, y1, x2, y2 = (round(float(each)) for each in (*first, *last))
    return x1, y1, x2, y2


def _people(bodies: Bodies) -> Bodies:
    """Those that are sure enough to start a track."""
    return bodies.take(bodies.scores >= NEW_SCORE)


def _heights_near(line: Line, bodies: Bodies, size_wh: tuple[int, int]) -> list[float]:
    """How tall those near the line are, px."""
    feet = zip((bodies.boxes[:, 0] + bodies.boxes[:, 2]) / 2, bodies.boxes[:, 3], strict=True)
    return [
        float(height)
        for (x, y), height in zip(feet, bodies.heights, strict=True)
        if _is_near(line, (float(x), float(y)), float(height), size_wh)
    ]


def _is_near(line: Line, foot: tuple[float, float], height: float, size_wh: tuple[int, int]) -> bool:
    """Whether a foot (px) is no farther from the line than the body is tall (px)."""
    depth = line.depth(foot[0] / size_wh[0], foot[1] / size_wh[1])
    return abs(depth) <= height * _depth_per_px(line, size_wh)


def _point(track: BodyTrack, line: Line, size_wh: tuple[int, int]) -> TrackPoint:
    x, y = track.foot
    return TrackPoint(
        track_id=track.track_id,
        x_frac=x / size_wh[0],
        y_frac=y / size_wh[1],
        band=_BAND_HEIGHTS * track.height * _depth_per_px(line, size_wh),
    )


def _depth_per_px(line: Line, size_wh: tuple[int, int]) -> float:
    """By how much `Line.depth` changes with each px away from the line."""
    x, y = line.inward
    return float(np.hypot(x / size_wh[0], y / size_wh[1]))
