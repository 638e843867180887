"""Faces followed from frame to frame of one camera."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tracker.vision.association import Expected, associate
from tracker.vision.faces import Faces, FloatArray

_NEW_MOTION = 0.5
_VECTOR_MEMORY = 16


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One face followed through the frames of one camera.

    started_at, seen_at: first and last sighting, UTC. box: (4,) float32 px where it was last seen. hits: frames in
    which it was seen. vector: mean of its comparable vectors, None while it has none.
    """

    track_id: str
    started_at: datetime
    seen_at: datetime
    box: FloatArray
    hits: int
    vector: FloatArray | None


@dataclass(frozen=True, slots=True, eq=False)
class TrackUpdate:
    """What a frame did: the track of each face row, the tracks that began with it, the tracks that ended before it."""

    track_ids: tuple[str, ...]
    started: tuple[str, ...]
    ended: tuple[Track, ...]


@dataclass(slots=True, eq=False)
class _Followed:
    """State of a track that may go on. motion: (2,) px a second of the box's centre."""

    track_id: str
    started_at: datetime
    seen_at: datetime
    box: FloatArray
    motion: FloatArray
    hits: int = 1
    vector: FloatArray | None = None
    vectors: int = 0

    def see(self, box: FloatArray, vector: FloatArray | None, at: datetime) -> None:
        passed_s = (at - self.seen_at).total_seconds()
        if passed_s > 0:
            moved = _centre(box) - _centre(self.box)
            self.motion = self.motion + np.float32(_NEW_MOTION) * (moved / np.float32(passed_s) - self.motion)
        self.box, self.seen_at, self.hits = box, at, self.hits + 1
        self.learn(vector)

    def learn(self, vector: FloatArray | None) -> None:
        if vector is None:
            return
        self.vectors = min(self.vectors + 1, _VECTOR_MEMORY)
        self.vector = vector if self.vector is None else self.vector + (vector - self.vector) / np.float32(self.vectors)

    def predicted(self, at: datetime) -> FloatArray:
        shift = self.motion * np.float32((at - self.seen_at).total_seconds())
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
    """The tracks of one camera that may go on. Keeps nothing of those that have ended.

    camera_id: begins every track id. max_gap_s: seconds unseen after which a track has ended. min_iou: overlap that
    pairs a face with a track. max_vector_distance: vectors farther apart are two people.
    The same frames give the same ids: `camera-20250131T120000.000000-1`, by start and order within that instant.
    """

    def __init__(self, *, camera_id: str, max_gap_s: float, min_iou: float, max_vector_distance: float = 0.6) -> None:
        self._camera_id = camera_id
        self._max_gap = timedelta(seconds=max_gap_s)
        self._min_iou = min_iou
        self._max_vector_distance = max_vector_distance
        self._followed: list[_Followed] = []
        self._now: datetime | None = None
        self._started_now = 0

    @property
    def open(self) -> tuple[Track, ...]:
        """Tracks that may go on, oldest first."""
        return tuple(followed.as_track() for followed in self._followed)

    def update(
        self,
        faces: Faces,
        vectors: FloatArray | None,
        at: datetime,
        usable: NDArray[np.bool_] | None = None,
    ) -> TrackUpdate:
        """Continue tracks with the faces of the next frame, start tracks for the others, end what is unseen too long.

        vectors: (N, D) float32, a row a face, or None. usable: (N,) False where a vector says too little to compare.
        at: time of the frame, timezone-aware, never earlier than the frame before; equal times are accepted.
        Raises ValueError, with nothing changed, on a naive or earlier time and on rows that do not fit the faces.
        """
        at = self._checked_time(at)
        known = _known_vectors(len(faces), vectors, usable)
        if at != self._now:
            self._now, self._started_now = at, 0
        ended = self._drop_unseen(at)
        pairs = associate(
            self._expected(at, known.shape[1]),
            faces.boxes,
            known,
            min_iou=self._min_iou,
            max_vector_distance=self._max_vector_distance,
        )
        owners = {face: self._followed[row] for row, face in pairs}
        ids, started = [], []
        for face, (box, vector) in enumerate(zip(faces.boxes.copy(), known, strict=True)):
            comparable = None if np.isnan(vector).any() or not vector.size else vector
            if face in owners:
                owners[face].see(box, comparable, at)
                ids.append(owners[face].track_id)
            else:
                ids.append(self._start(box, comparable, at))
                started.append(ids[-1])
        return TrackUpdate(tuple(ids), tuple(started), ended)

    def end(self) -> tuple[Track, ...]:
        """End every track, as when a recording is over; oldest first."""
        ended = self.open
        self._followed = []
        return ended

    def _checked_time(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError(f"at: expected a timezone-aware time, got {at.isoformat()}")
        at = at.astimezone(UTC)
        if self._now is not None and at < self._now:
            raise ValueError(f"at: expected {self._now.isoformat()} or later, got {at.isoformat()}")
        return at

    def _drop_unseen(self, at: datetime) -> tuple[Track, ...]:
        ended = tuple(followed.as_track() for followed in self._followed if at - followed.seen_at > self._max_gap)
        self._followed = [followed for followed in self._followed if at - followed.seen_at <= self._max_gap]
        return ended

    def _expected(self, at: datetime, dimension: int) -> Expected:
        count = len(self._followed)
        vectors = np.full((count, dimension), np.nan, np.float32)
        for row, followed in enumerate(self._followed):
            if followed.vector is not None and len(followed.vector) == dimension:
                vectors[row] = followed.vector
        return Expected(
            last=np.array([followed.box for followed in self._followed], np.float32).reshape(count, 4),
            predicted=np.array([followed.predicted(at) for followed in self._followed], np.float32).reshape(count, 4),
            vectors=vectors,
            unseen_s=np.array([(at - followed.seen_at).total_seconds() for followed in self._followed], np.float32),
        )

    def _start(self, box: FloatArray, vector: FloatArray | None, at: datetime) -> str:
        self._started_now += 1
        track_id = f"{self._camera_id}-{at:%Y%m%dT%H%M%S.%f}-{self._started_now}"
        followed = _Followed(track_id, at, at, box, np.zeros(2, np.float32))
        followed.learn(vector)
        self._followed.append(followed)
        return track_id


def _known_vectors(count: int, vectors: FloatArray | None, usable: NDArray[np.bool_] | None) -> FloatArray:
    """(N, D) a copy of the vectors with NaN rows for those that must not be compared."""
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
