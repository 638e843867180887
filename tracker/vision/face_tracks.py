"""Multi-object tracking of the faces of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tracker.vision.association import TrackStates, associate, continued
from tracker.vision.faces import Faces, FloatArray

_VELOCITY_GAIN = 0.5
"""Weight of the newest velocity in its exponential moving average."""
_SLOW_GAPS = 2.5
"""A track may miss a frame or two of a slow camera: so many times the usual time between frames."""
_SLOWEST_S = 60.0
"""Frames farther apart than this show too little of what happens between them to follow anybody."""
_MEAN_VECTORS = 16
"""Vectors after which the running mean becomes an exponential moving average."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One face across the frames of one camera.

    started_at, seen_at: first and last sighting, UTC. box: (4,) float32 px, the last observed box. hits: number of
    frames with a sighting. vector: mean of its usable vectors, None without any.
    """

    track_id: str
    started_at: datetime
    seen_at: datetime
    box: FloatArray
    hits: int
    vector: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class TrackUpdate:
    """The result of one frame: the track id of each face, the tracks that it started, those that ended before it."""

    track_ids: tuple[str, ...]
    started: tuple[str, ...]
    ended: tuple[Track, ...]


@dataclass(slots=True, eq=False)
class _TrackState:
    """State of an active track. velocity: (2,) px per second of the box's centre."""

    track_id: str
    started_at: datetime
    seen_at: datetime
    box: FloatArray
    velocity: FloatArray
    hits: int = 1
    vector: FloatArray | None = None
    vectors: int = 0

    def observe(self, box: FloatArray, vector: FloatArray | None, at: datetime) -> None:
        elapsed_s = (at - self.seen_at).total_seconds()
        if elapsed_s > 0:
            moved = _centre(box) - _centre(self.box)
            self.velocity = self.velocity + np.float32(_VELOCITY_GAIN) * (moved / np.float32(elapsed_s) - self.velocity)
        self.box, self.seen_at, self.hits = box, at, self.hits + 1
        self.add_vector(vector)

    def add_vector(self, vector: FloatArray | None) -> None:
        if vector is None:
            return
        self.vectors = min(self.vectors + 1, _MEAN_VECTORS)
        self.vector = vector if self.vector is None else self.vector + (vector - self.vector) / np.float32(self.vectors)

    def predicted(self, at: datetime) -> FloatArray:
        shift = self.velocity * np.float32((at - self.seen_at).total_seconds())
        return self.box + np.tile(shift, 2)

    def as_track(self) -> Track:
        return Track(
            track_id=self.track_id,
            started_at=self.started_at,
            seen_at=self.seen_at,
            box=self.box,
            hits=self.hits,
            vector=self.vector,
        )


class Tracks:
    """The active tracks of one camera. Ended tracks are not kept.

    camera_id: prefix of every track id. max_gap_s: seconds without a sighting after which a track ends; more where
    frames usually are farther apart. min_iou: overlap that pairs a face with a track. max_vector_distance: vectors
    farther apart belong to different people.
    Ids are deterministic: `camera-20250131T120000.000000-1`, the start time and the order within that instant.
    """

    def __init__(self, *, camera_id: str, max_gap_s: float, min_iou: float, max_vector_distance: float) -> None:
        self._camera_id = camera_id
        self._max_gap = timedelta(seconds=max_gap_s)
        self._min_iou = min_iou
        self._max_vector_distance = max_vector_distance
        self._active: list[_TrackState] = []
        self._now: datetime | None = None
        self._last_steps_s: tuple[float, float] | None = None
        self._started_now = 0

    @property
    def active(self) -> tuple[Track, ...]:
        """Active tracks, oldest first."""
        return tuple(state.as_track() for state in self._active)

    def continued(self, faces: Faces, at: datetime) -> tuple[str | None, ...]:
        """The track that each face of the next frame continues without doubt by its box alone; None for the others.

        at: as in `update`, which must be called with the same faces next. Nothing changes. Raises ValueError on a naive
        or earlier time.
        """
        at = self._checked_time(at)
        found = {face: self._active[row].track_id for row, face in continued(self._states(at, 1), faces.boxes)}
        return tuple(found.get(face) for face in range(len(faces)))

    def update(
        self,
        faces: Faces,
        vectors: FloatArray | None,
        at: datetime,
        usable: NDArray[np.bool_] | None = None,
    ) -> TrackUpdate:
        """Continue tracks with the faces of the next frame, start tracks for the rest, end tracks unseen for too long.

        vectors: (N, D) float32, one row per face, or None. usable: (N,) False where a vector must not be compared.
        at: time of the frame, timezone-aware, not earlier than the previous frame; equal times are accepted.
        Raises ValueError, leaving the tracks unchanged, on a naive or earlier time and on rows that do not match the
        faces.
        """
        at = self._checked_time(at)
        known = _known_vectors(len(faces), vectors, usable)
        if at != self._now:
            self._note_step(at)
            self._now, self._started_now = at, 0
        ended = self._drop_unseen(at)
        pairs = associate(
            self._states(at, known.shape[1]),
            faces.boxes,
            known,
            min_iou=self._min_iou,
            max_vector_distance=self._max_vector_distance,
        )
        owners = {face: self._active[row] for row, face in pairs}
        ids, started = [], []
        for face, (box, vector) in enumerate(zip(faces.boxes.copy(), known, strict=True)):
            comparable = None if np.isnan(vector).any() or not vector.size else vector
            if face in owners:
                owners[face].observe(box, comparable, at)
                ids.append(owners[face].track_id)
            else:
                ids.append(self._start(box, comparable, at))
                started.append(ids[-1])
        return TrackUpdate(tuple(ids), tuple(started), ended)

    def end(self) -> tuple[Track, ...]:
        """End all tracks, for example at the end of a recording; oldest first."""
        ended = self.active
        self._active = []
        return ended

    def _checked_time(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError(f"at: expected a timezone-aware time, got {at.isoformat()}")
        at = at.astimezone(UTC)
        if self._now is not None and at < self._now:
            raise ValueError(f"at: expected {self._now.isoformat()} or later, got {at.isoformat()}")
        return at

    def _note_step(self, at: datetime) -> None:
        if self._now is not None:
            step_s = (at - self._now).total_seconds()
            before_s = step_s if self._last_steps_s is None else self._last_steps_s[1]
            self._last_steps_s = before_s, step_s

    def _drop_unseen(self, at: datetime) -> tuple[Track, ...]:
        usual_s = min(self._last_steps_s) if self._last_steps_s is not None else 0.0  # one longer step is a gap
        max_gap = max(self._max_gap, timedelta(seconds=_SLOW_GAPS * min(usual_s, _SLOWEST_S)))
        ended = tuple(state.as_track() for state in self._active if at - state.seen_at > max_gap)
        self._active = [track for track in self._active if at - track.seen_at <= max_gap]
        return ended

    def _states(self, at: datetime, dimension: int) -> TrackStates:
        count = len(self._active)
        vectors = np.full((count, dimension), np.nan, np.float32)
        for row, track in enumerate(self._active):
            if track.vector is not None and len(track.vector) == dimension:
                vectors[row] = track.vector
        return TrackStates(
            last=np.array([track.box for track in self._active], np.float32).reshape(count, 4),
            predicted=np.array([track.predicted(at) for track in self._active], np.float32).reshape(count, 4),
            vectors=vectors,
            unseen_s=np.array([(at - track.seen_at).total_seconds() for track in self._active], np.float32),
        )

    def _start(self, box: FloatArray, vector: FloatArray | None, at: datetime) -> str:
        self._started_now += 1
        track_id = f"{self._camera_id}-{at:%Y%m%dT%H%M%S.%f}-{self._started_now}"
        track = _TrackState(track_id, at, at, box, np.zeros(2, np.float32))
        track.add_vector(vector)
        self._active.append(track)
        return track_id


def _known_vectors(count: int, vectors: FloatArray | None, usable: NDArray[np.bool_] | None) -> FloatArray:
    """(N, D) a copy of the vectors with NaN rows where they must not be compared."""
    if vectors is None:
        return np.full((count, 1), np.nan, np.float32)
    if vectors.ndim != 2 or len(vectors) != count:
        raise ValueError(f"vectors: expected ({count}, D), got {vectors.shape}")
    known = vectors.astype(np.float32)
    if usable is not None:
        if usable.shape != (count,) or usable.dtype != np.bool_:
            raise ValueError(f"usable: expected bool ({count},), got {usable.dtype} {usable.shape}")
        known[~usable] = np.nan
    return known


def _centre(box: FloatArray) -> FloatArray:
    return (box[:2] + box[2:]) / np.float32(2)
