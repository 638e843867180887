"""A shadow period: a second network embeds people whom the first one recognises, until it knows everybody itself."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from config.errors import StoreError
from models.embedding import Embedding
from tracker.identity.recognition import FaceName
from tracker.store.shadow import ENOUGH, MOST, MOST_OF_A_TRACK, ShadowVector, ShadowVectors
from tracker.vision.align import cut
from tracker.vision.embed import Embedder
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import Faces, FloatArray, Image

if TYPE_CHECKING:
    from tracker.store.store import Store

log = logging.getLogger("footfall.shadow")

_EVERY = timedelta(seconds=2)
"""Between two faces of a track."""
_TIDY_EVERY = timedelta(minutes=10)
"""Faces are also deleted by others, as by corrections; and those of one person can contradict those of another."""
_AT_ONCE = 512
"""Rows whose distances to all faces are in memory."""


class Shadow:
    """Takes faces of recognised people for another network. Thread-safe; the cameras of a run share it."""

    def __init__(self, embedder: Embedder, store: ShadowVectors) -> None:
        """Raises StoreError."""
        self._embedder = embedder
        self._store = store
        self._lock = threading.Lock()
        self._counts = store.counts(embedder.spec.network)
        self._tidied_at: datetime | None = None
        self._taken: dict[tuple[str, str | None], tuple[int, datetime]] = {}

    def observe(self, image: Image, faces: Faces, names: Sequence[FaceName], at: datetime) -> int:
        """Take the faces of a frame that show by themselves, without doubt, the person of their track.

        names: one a face. Returns how many were kept. A store that takes nothing now gets other faces later.
        """
        with self._lock:
            try:
                return self._take(image, faces, names, at)
            except StoreError as error:
                log.warning("faces for %s are not kept now: %s", self._embedder.spec.name, error.problem)
                return 0

    def _take(self, image: Image, faces: Faces, names: Sequence[FaceName], at: datetime) -> int:
        network = self._embedder.spec.network
        if self._tidied_at is None or abs(at - self._tidied_at) >= _TIDY_EVERY:
            self._make_room()
            self._counts, self._tidied_at = self._store.counts(network), at
        due = [row for row, name in enumerate(names) if self._is_due(name, at)]
        if not due:
            return 0
        chips = cut(image, faces.take(np.array(due)), self._embedder.spec.chip)
        found = [
            ShadowVector(names[row].person_id or "", vector, names[row].track_id)
            for row, vector in zip(due, self._embedder.embed(chips), strict=True)
            if np.isfinite(vector).all()
        ]
        kept = self._store.add(network, found) if found else 0
        self._counts = self._store.counts(network)
        for row in due:
            key = _key(names[row])
            self._taken[key] = (self._taken.get(key, (0, at))[0] + 1, at)
        self._taken = {key: each for key, each in self._taken.items() if at - each[1] <= timedelta(hours=1)}
        return kept

    def _is_due(self, name: FaceName, at: datetime) -> bool:
        if not name.clear or name.person_id is None or self._counts.get(name.person_id, 0) >= MOST:
            return False
        count, last = self._taken.get(_key(name), (0, None))
        return count < MOST_OF_A_TRACK and (last is None or at - last >= _EVERY)

    def _make_room(self) -> None:
        """Delete the unconfirmed faces of those who can have no more and have too few confirmed ones."""
        spec = self._embedder.spec
        full = {person_id for person_id, count in self._store.counts(spec.network).items() if count >= MOST}
        if not full:
            return
        vectors, owners, tracks = self._store.vectors(spec.network)
        good = confirmed(vectors, owners, tracks, spec.embedding)
        count = Counter(owner for owner, each in zip(owners, good, strict=True) if each)
        rows = [row for row, owner in enumerate(owners) if owner in full and count[owner] < ENOUGH and not good[row]]
        if rows:
            self._store.remove(spec.network, [ShadowVector(owners[row], vectors[row], tracks[row]) for row in rows])


def _key(name: FaceName) -> tuple[str, str | None]:
    return name.track_id, name.person_id


def confirmed_faces(store: ShadowVectors, embedder: EmbedderSpec) -> dict[str, tuple[FloatArray, tuple[str, ...]]]:
    """By person id the confirmed faces (K, D) for a network, and the source of each; without those who have none."""
    vectors, owners, tracks = store.vectors(embedder.network)
    rows: dict[str, list[int]] = {}
    for row in np.flatnonzero(confirmed(vectors, owners, tracks, embedder.embedding)).tolist():
        rows.setdefault(owners[row], []).append(row)
    return {owner: (vectors[own], tuple(f"shadow {tracks[row]}" for row in own)) for owner, own in rows.items()}


def enough_faces(store: ShadowVectors, embedder: EmbedderSpec) -> dict[str, tuple[FloatArray, tuple[str, ...]]]:
    """The confirmed faces of those who have enough of them to be enrolled."""
    found = confirmed_faces(store, embedder)
    return {person_id: faces for person_id, faces in found.items() if len(faces[0]) >= ENOUGH}


def progress(store: Store, embedder: EmbedderSpec) -> tuple[int, int]:
    """How many people have enough confirmed faces for a network, of how many who are recognised now."""
    people, enough = store.people.recognised(), enough_faces(store.shadow, embedder)
    return sum(person.person_id in enough for person in people), len(people)


def confirmed(
    vectors: FloatArray, owners: Sequence[str], tracks: Sequence[str], embedding: Embedding
) -> NDArray[np.bool_]:
    """(N,) which of the vectors (N, D) a face of the same person of another track confirms.

    owners, tracks: the person and the track of each. Faces of one track do not confirm each other: where it was named
    wrongly, all are wrong. The other face is nearer than strangers are, and than those of others, by the margin that
    recognition needs. A face that is farther from its own person's does not count against it, as it may be the wrong
    one; where neither is, both stay unconfirmed.
    """
    limit, margin = embedding.limits_for(len(set(owners))).stranger_distance, embedding.min_margin
    _, people = np.unique(np.array(owners, np.str_), return_inverse=True)
    all_tracks = np.array(tracks, np.str_)
    own, rival = np.full(len(vectors), np.inf), np.full(len(vectors), np.inf)
    for person in range(len(set(owners))):
        rows = np.flatnonzero(people == person)
        of_track = all_tracks[rows]
        apart = _apart(vectors[rows], vectors[rows])
        own[rows] = np.where(of_track[:, None] != of_track[None], apart, np.inf).min(axis=1)
    near = np.flatnonzero(own <= limit)
    for rows in np.array_split(near, -(-len(near) // _AT_ONCE) or 1):
        surer = (people[rows][:, None] != people[None]) & (own[None] <= own[rows][:, None] + margin)
        rival[rows] = np.where(surer, _apart(vectors[rows], vectors), np.inf).min(axis=1, initial=np.inf)
    found: NDArray[np.bool_] = (own <= limit) & (own + margin <= rival)
    return found


def _apart(vectors: FloatArray, others: FloatArray) -> FloatArray:
    """(N, M) distances of vectors (N, D) and (M, D)."""
    squares = (vectors**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * vectors @ others.T
    apart: FloatArray = np.sqrt(np.maximum(squares, 0))
    return apart
