"""Multi-object tracking of the bodies in one camera's picture, at a few frames a second.

Boxes of high scores are paired with the tracks first, by place, overlap and clothing; those of low scores continue
tracks that are left, by overlap, and start none. The Kalman filter of their motion runs in seconds, so that frames may
come unevenly.
Source: Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box" (2022); costs of motion and
appearance together as in Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric" (2017).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.vision.bodies import HIGH_SCORE, Bodies
from tracker.vision.boxes import areas, iou_matrix
from tracker.vision.faces import FloatArray

NEW_SCORE = 0.45
"""A body of a lower score starts no track."""
CONFIRMED_HITS = 3
"""Sightings from which on a track is a person and no mistake of the detector."""
KEPT_S = 2.0
"""A track unseen for longer has ended."""
_MAX_DISTANCE = 1.0
"""Body heights between a body and where its track is expected, at most."""
_MIN_LOW_IOU = 0.4
_MAX_COST = 1.6
_DISTANCE_WEIGHT, _COLOUR_WEIGHT = 0.5, 0.6
_MEASURED, _ACCELERATED = 0.05, 0.6
"""Standard deviations, in body heights: of a box's edge, and of a change of speed within a second."""
_COLOUR_GAIN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BodyTrack:
    """A person's body across frames. box: (4,) float32 px, smoothed. confirmed: seen often enough to be a person."""

    track_id: str
    started_at: datetime
    seen_at: datetime
    box: FloatArray
    hits: int

    @property
    def confirmed(self) -> bool:
        return self.hits >= CONFIRMED_HITS

    @property
    def foot(self) -> tuple[float, float]:
        """Where the person stands: the middle of the box's lower edge, px."""
        return float(self.box[0] + self.box[2]) / 2, float(self.box[3])

    @property
    def height(self) -> float:
        """Of the box, px."""
        return float(self.box[3] - self.box[1])


class BodyTracks:
    """The active tracks of one camera. camera_id: prefix of every track id. Ended tracks are not kept."""

    def __init__(self, *, camera_id: str) -> None:
        self._camera_id = camera_id
        self._active: list[_TrackState] = []
        self._started = 0

    def update(self, bodies: Bodies, clothes: FloatArray, at: datetime) -> tuple[BodyTrack | None, ...]:
        """Continue tracks with the bodies of the next frame and start others; the track of each body, None without.

        clothes: (N, B) colour histograms, see `clothing`. at: of the frame, timezone-aware, not earlier than the last.
        Empty and NaN boxes get no track.
        """
        at = at.astimezone(UTC)
        self._active = [track for track in self._active if at - track.seen_at <= timedelta(seconds=KEPT_S)]
        for track in self._active:
            track.motion.advance((at - track.predicted_at).total_seconds())
            track.predicted_at = at
        owners: dict[int, _TrackState] = {}
        solid = areas(bodies.boxes) > 0
        high = np.flatnonzero(solid & (bodies.scores >= HIGH_SCORE))
        low = np.flatnonzero(solid & (bodies.scores < HIGH_SCORE))
        free = self._paired(self._active, bodies, clothes, high, owners)
        self._paired([track for track in free if track.hits >= CONFIRMED_HITS], bodies, None, low, owners)
        for row, track in owners.items():
            track.observe(bodies.boxes[row], clothes[row], at)
        for row in map(int, high):
            if row not in owners and bodies.scores[row] >= NEW_SCORE:
                owners[row] = self._start(bodies.boxes[row], clothes[row], at)
        return tuple(owners[row].as_track() if row in owners else None for row in range(len(bodies)))

    def _paired(
        self,
        tracks: list[_TrackState],
        bodies: Bodies,
        clothes: FloatArray | None,
        rows: NDArray[np.intp],
        owners: dict[int, _TrackState],
    ) -> list[_TrackState]:
        """Add the pairs of tracks and rows of bodies to `owners`; the tracks that are left."""
        if not tracks or not len(rows):
            return tracks
        cost = _cost(tracks, bodies.take(rows), None if clothes is None else clothes[rows])
        pairs = zip(*linear_sum_assignment(np.minimum(cost, 1e3)), strict=True)
        found = {int(track): int(rows[body]) for track, body in pairs if cost[track, body] <= _MAX_COST}
        owners.update({row: tracks[track] for track, row in found.items()})
        return [track for number, track in enumerate(tracks) if number not in found]

    def _start(self, box: FloatArray, colours: FloatArray, at: datetime) -> _TrackState:
        self._started += 1
        track_id = f"{self._camera_id}-{at:%Y%m%dT%H%M%S.%f}-b{self._started}"
        state = _TrackState(track_id, at, at, at, _Motion.of(box), colours.copy())
        self._active.append(state)
        return state


@dataclass(slots=True, eq=False)
class _Motion:
    """Kalman filter of constant velocity over centre x, lower edge, width and height, each on its own.

    values, speeds: (4,) px and px per second. spread: (2, 2) covariance in body heights, the same for all four.
    """

    values: NDArray[np.float64]
    speeds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    spread: NDArray[np.float64] = field(default_factory=lambda: np.diag([_MEASURED**2, 1.0]))

    @classmethod
    def of(cls, box: FloatArray) -> _Motion:
        return cls(_measures(box))

    def advance(self, seconds: float) -> None:
        self.values = self.values + seconds * self.speeds
        step = np.array([[1.0, seconds], [0.0, 1.0]])
        noise = _ACCELERATED**2 * seconds * np.array([[seconds**2 / 3, seconds / 2], [seconds / 2, 1.0]])
        self.spread = step @ self.spread @ step.T + noise

    def correct(self, box: FloatArray) -> None:
        gain = self.spread[:, 0] / (self.spread[0, 0] + _MEASURED**2)
        missed = _measures(box) - self.values
        self.values, self.speeds = self.values + gain[0] * missed, self.speeds + gain[1] * missed
        self.spread = self.spread - np.outer(gain, self.spread[0])

    @property
    def box(self) -> FloatArray:
        x, bottom, width, height = self.values
        return np.array([x - width / 2, bottom - height, x + width / 2, bottom], np.float32)


@dataclass(slots=True, eq=False)
class _TrackState:
    """State of an active track. predicted_at: the time of its motion."""

    track_id: str
    started_at: datetime
    seen_at: datetime
    predicted_at: datetime
    motion: _Motion
    colours: FloatArray
    hits: int = 1

    def observe(self, box: FloatArray, colours: FloatArray, at: datetime) -> None:
        self.motion.correct(box)
        self.colours = self.colours + np.float32(_COLOUR_GAIN) * (colours - self.colours)
        self.seen_at, self.hits = at, self.hits + 1

    def as_track(self) -> BodyTrack:
        return BodyTrack(
            track_id=self.track_id,
            started_at=self.started_at,
            seen_at=self.seen_at,
            box=self.motion.box,
            hits=self.hits,
        )


def _cost(tracks: list[_TrackState], bodies: Bodies, clothes: FloatArray | None) -> NDArray[np.float64]:
    """(T, N) cost of each pair, infinite where it cannot be. clothes: None for a pairing by overlap alone."""
    expected = np.stack([track.motion.box for track in tracks]).astype(np.float64)
    boxes = bodies.boxes.astype(np.float64)
    overlap = iou_matrix(expected, boxes)
    if clothes is None:
        return np.where(overlap >= _MIN_LOW_IOU, 1 - overlap, np.inf)
    heights = np.maximum(expected[:, None, 3] - expected[:, None, 1], boxes[None, :, 3] - boxes[None, :, 1])
    apart = np.linalg.norm(_feet(expected)[:, None] - _feet(boxes)[None], axis=2) / heights
    worn = np.stack([track.colours for track in tracks])
    unlike = 1 - np.minimum(worn[:, None], clothes[None]).sum(axis=2)
    cost = 1 - overlap + _DISTANCE_WEIGHT * apart + _COLOUR_WEIGHT * unlike
    return np.where(apart <= _MAX_DISTANCE, cost, np.inf)


def _feet(boxes: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]], axis=1)


def _measures(box: FloatArray) -> NDArray[np.float64]:
    x1, y1, x2, y2 = box.astype(np.float64)
    return np.array([(x1 + x2) / 2, y2, x2 - x1, y2 - y1])
