"""Counting bodies that cross a line in a recording, and what is seen at a line in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from tracker.agent.looks import (
    FIRST_HEIGHT_PX,
    LOOKS_PER_S,
    BodyWatch,
    Part,
    SupportsDetect,
    foot_point,
    is_near,
    part_around,
)
from tracker.presence.line import Crossing, Line, LineState, cross
from tracker.vision.bodies import MIN_HEIGHT_PX, SIDE_PX, Bodies
from tracker.vision.body_tracks import KEPT_S, NEW_SCORE, BodyTrack
from tracker.vision.boxes import Region, region_px
from tracker.vision.faces import Image


@dataclass(slots=True, eq=False)
class LineCounter:
    """Counts bodies at a line. camera_id: prefix of track ids. looks_per_s: frames in between are skipped."""

    detector: SupportsDetect
    line: Line
    camera_id: str
    looks_per_s: float = LOOKS_PER_S
    _watch: BodyWatch = field(init=False)
    _states: dict[str, LineState] = field(init=False, default_factory=dict)
    _unconfirmed: dict[str, list[Crossing]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._watch = BodyWatch(self.detector, self.camera_id, line=self.line, looks_per_s=self.looks_per_s)

    @property
    def looks(self) -> int:
        """How many frames were looked at."""
        return self._watch.looks

    def observe(self, image: Image, at: datetime) -> tuple[Crossing, ...]:
        """The crossings that the next frame completes, in order of time.

        A crossing is complete once its track is seen beyond the line and was seen often enough to be a person.
        image: (H, W, 3) uint8 BGR. at: of the frame, timezone-aware, not earlier than the last.
        """
        tracks = self._watch.look(image, at)
        if tracks is None:
            return ()
        points = [foot_point(track, self.line, (image.shape[1], image.shape[0])) for track in tracks]
        self._states, found = cross(self._states, points, line=self.line, at=at, settle_after=timedelta(seconds=KEPT_S))
        return self._confirmed(tracks, [crossing for _, crossing in found])

    def _confirmed(self, tracks: Sequence[BodyTrack], found: Sequence[Crossing]) -> tuple[Crossing, ...]:
        """Crossings of tracks that are people; those of newer tracks wait until they are, or end."""
        for crossing in found:
            self._unconfirmed.setdefault(crossing.track_id, []).append(crossing)
        people = {track.track_id for track in tracks if track.confirmed}
        done = [each for track_id in people for each in self._unconfirmed.pop(track_id, [])]
        self._unconfirmed = {key: waiting for key, waiting in self._unconfirmed.items() if key in self._states}
        return tuple(sorted(done, key=lambda each: (each.at, each.track_id)))


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyView:
    """How people are seen in one frame.

    part: of the frame, where bodies are looked for. bodies: the people found there. smallest_px: the least height of a
    body that will be found there.
    """

    part: Part
    bodies: Bodies
    smallest_px: float


def view_at_line(image: Image, line: Line, detector: SupportsDetect) -> BodyView:
    """What is seen of the people at a line in this frame. image: (H, W, 3) uint8 BGR."""
    size_wh = image.shape[1], image.shape[0]
    heights = _heights_near(line, _people(detector.detect(image)), size_wh)
    return _view(image, part_around(line, float(np.median(heights)) if heights else FIRST_HEIGHT_PX, size_wh), detector)


def view_in_region(image: Image, region: Region, detector: SupportsDetect) -> BodyView:
    """What is seen of the people in a region of this frame. image: (H, W, 3) uint8 BGR."""
    return _view(image, region_px(region, (image.shape[1], image.shape[0])), detector)


def _view(image: Image, part: Part, detector: SupportsDetect) -> BodyView:
    smallest_px = MIN_HEIGHT_PX * max(part[2] - part[0], part[3] - part[1]) / SIDE_PX
    return BodyView(part=part, bodies=_people(detector.detect(image, part)), smallest_px=smallest_px)


def _people(bodies: Bodies) -> Bodies:
    """Those that are sure enough to start a track."""
    return bodies.take(bodies.scores >= NEW_SCORE)


def _heights_near(line: Line, bodies: Bodies, size_wh: tuple[int, int]) -> list[float]:
    """How tall those near the line are, px."""
    feet = zip((bodies.boxes[:, 0] + bodies.boxes[:, 2]) / 2, bodies.boxes[:, 3], strict=True)
    return [
        float(height)
        for (x, y), height in zip(feet, bodies.heights, strict=True)
        if is_near(line, (float(x), float(y)), float(height), size_wh)
    ]
