"""Looking for bodies: which frames are looked at, where in the frame, and how a body's feet are placed at a line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.presence.line import Line, TrackPoint
from tracker.vision.bodies import SIDE_PX, Bodies, clothing
from tracker.vision.body_tracks import KEPT_S, BodyTrack, BodyTracks
from tracker.vision.boxes import WHOLE_FRAME, Region, region_px
from tracker.vision.faces import Image

LOOKS_PER_S = 3.5
"""How often bodies are looked for."""
IDLE_LOOKS_PER_S = 1.0
"""The same where nobody was seen and the picture does not change."""
FIRST_HEIGHT_PX = SIDE_PX / 3
"""Of people at a line where none was seen yet."""
_BAND_HEIGHTS = 0.12
"""Nearer to the line than this, in body heights, a foot is on neither side."""
_BELOW_HEIGHTS = 0.35
"""Room below a foot on the line, in body heights."""
_HEIGHT_GAIN = 0.1
_CELLS, _SAMPLES_PX = 48, 240
"""The picture is compared by the mean colours of so many cells a side, from one pixel in some: a body that can be found
is wider than a cell."""
_CHANGED = 8
"""How much the colour of a cell, 0..255, changes where somebody comes; noise is less."""
_EARLY = 0.9
"""A frame that comes after this part of the time between two looks is looked at: frames come unevenly."""

Part = tuple[int, int, int, int]
"""x1 y1 x2 y2, px of the frame."""


class SupportsDetect(Protocol):
    """Finds the bodies in a part of an image; see `BodyDetector`."""

    def detect(self, image: Image, part_xyxy: Part | None = None) -> Bodies: ...


@dataclass(slots=True, eq=False)
class BodyWatch:
    """Looks for bodies a few times a second, less often in a still picture of nobody, and follows them.

    camera_id: prefix of track ids. looks: how many so far.
    line: of the frame only the part around it is looked at, as large as people there are tall; as long as none was
    seen there, every other look is at the whole frame. Without a line each look is at the region.
    """

    detector: SupportsDetect
    camera_id: str
    line: Line | None = None
    region: Region = WHOLE_FRAME
    looks_per_s: float = LOOKS_PER_S
    looks: int = field(init=False, default=0)
    _tracks: BodyTracks = field(init=False)
    _looked_at: datetime | None = field(init=False, default=None)
    _seen_at: datetime | None = field(init=False, default=None)
    _empty: NDArray[np.int16] | None = field(init=False, default=None)
    _height: float | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.end()

    def end(self) -> None:
        """End all tracks; the next frame may have any time."""
        self._tracks = BodyTracks(camera_id=self.camera_id)
        self._looked_at = self._seen_at = self._empty = None

    def look(self, image: Image, at: datetime, *, now: bool = False) -> tuple[BodyTrack, ...] | None:
        """The tracks of the bodies in the next frame; None for a frame that is skipped.

        image: (H, W, 3) uint8 BGR. at: of the frame, timezone-aware, not earlier than the last. now: do not skip it.
        """
        if not (now or self._is_due(image, at)):
            return None
        self._looked_at = at
        size_wh = image.shape[1], image.shape[0]
        bodies = self.detector.detect(image, self._part(size_wh))
        self.looks += 1
        found = self._tracks.update(bodies, clothing(image, bodies), at)
        tracks = tuple(each for each in found if each is not None)
        self._learn_height(tracks, size_wh)
        self._seen_at = at if tracks or now else self._seen_at
        is_empty = self._seen_at is None or (at - self._seen_at).total_seconds() > KEPT_S
        self._empty = self._cells(image) if is_empty else None
        return tracks

    def _is_due(self, image: Image, at: datetime) -> bool:
        if self._looked_at is None:
            return True
        since_s = (at - self._looked_at).total_seconds()
        if self._empty is None or since_s >= _EARLY / IDLE_LOOKS_PER_S:
            return since_s >= _EARLY / self.looks_per_s
        return since_s >= _EARLY / self.looks_per_s and bool(abs(self._cells(image) - self._empty).max() > _CHANGED)

    def _cells(self, image: Image) -> NDArray[np.int16]:
        """Mean colours of the cells of the part in which people count."""
        size_wh = image.shape[1], image.shape[0]
        part = region_px(self.region, size_wh)
        if self.line is not None:
            part = part_around(self.line, self._height or FIRST_HEIGHT_PX, size_wh)
        x1, y1, x2, y2 = part
        step = max(1, min(x2 - x1, y2 - y1) // _SAMPLES_PX)
        samples = np.ascontiguousarray(image[y1:y2:step, x1:x2:step])
        return cv2.resize(samples, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA).astype(np.int16)

    def _part(self, size_wh: tuple[int, int]) -> Part | None:
        """Where to look, None for the whole frame."""
        if self.line is None:
            return None if self.region == WHOLE_FRAME else region_px(self.region, size_wh)
        if self._height is None and self.looks % 2 == 0:
            return None
        return part_around(self.line, self._height or FIRST_HEIGHT_PX, size_wh)

    def _learn_height(self, tracks: Sequence[BodyTrack], size_wh: tuple[int, int]) -> None:
        """Remember how tall people are near the line, px."""
        for track in tracks:
            if self.line and track.confirmed and is_near(self.line, track.foot, track.height, size_wh):
                before = track.height if self._height is None else self._height
                self._height = before + _HEIGHT_GAIN * (track.height - before)


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


def is_near(line: Line, foot: tuple[float, float], height: float, size_wh: tuple[int, int]) -> bool:
    """Whether a foot (px) is no farther from the line than the body is tall (px)."""
    depth = line.depth(foot[0] / size_wh[0], foot[1] / size_wh[1])
    return abs(depth) <= height * _depth_per_px(line, size_wh)


def foot_point(track: BodyTrack, line: Line, size_wh: tuple[int, int]) -> TrackPoint:
    """Where a body stands, and how near to the line it is on neither side."""
    x, y = track.foot
    return TrackPoint(
        track_id=track.track_id,
        x_frac=min(max(x / size_wh[0], 0.0), 1.0),
        y_frac=min(max(y / size_wh[1], 0.0), 1.0),
        band=_BAND_HEIGHTS * track.height * _depth_per_px(line, size_wh),
        is_body=True,
    )


def _depth_per_px(line: Line, size_wh: tuple[int, int]) -> float:
    """By how much `Line.depth` changes with each px away from the line."""
    x, y = line.inward
    return float(np.hypot(x / size_wh[0], y / size_wh[1]))
