"""A shadow period: a second network embeds people whom the first one recognises, until it knows everybody itself."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from config.errors import StoreError
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.recognition import FaceName
from tracker.store.shadow import ENOUGH, MOST, MOST_OF_A_TRACK, ShadowVector
from tracker.vision.align import cut
from tracker.vision.embed import Embedder
from tracker.vision.faces import Faces, FloatArray, Image

log = logging.getLogger("footfall.shadow")

SOURCE = "shadow"
"""Of the vectors that people are enrolled with after it."""
_EVERY = timedelta(seconds=2)
"""Between two faces of a track."""


class ShadowStore(Protocol):
    """The part of the store that is needed here."""

    def add(self, model: str, faces: Sequence[ShadowVector]) -> int: ...
    def counts(self, model: str) -> dict[str, int]: ...


class Shadow:
    """Takes faces of recognised people for another network. Thread-safe; the cameras of a run share it."""

    def __init__(self, embedder: Embedder, store: ShadowStore) -> None:
        """Raises StoreError."""
        self._embedder = embedder
        self._store = store
        self._lock = threading.Lock()
        self._counts = store.counts(embedder.spec.network)
        self._taken: dict[str, tuple[int, datetime]] = {}

    def observe(self, image: Image, faces: Faces, names: Sequence[FaceName], at: datetime) -> int:
        """Take the faces of a frame that show by themselves, without doubt, the person of their track.

        names: one a face. Returns how many were kept. A store that takes nothing now gets other faces later.
        """
        with self._lock:
            due = [row for row, name in enumerate(names) if self._is_due(name, at)]
            if not due:
                return 0
            chips = cut(image, faces.take(np.array(due)), self._embedder.spec.chip)
            found = [
                ShadowVector(names[row].person_id or "", vector, names[row].track_id)
                for row, vector in zip(due, self._embedder.embed(chips), strict=True)
            ]
            return self._keep(found, at)

    def _is_due(self, name: FaceName, at: datetime) -> bool:
        if not name.clear or name.person_id is None or self._counts.get(name.person_id, 0) >= MOST:
            return False
        count, last = self._taken.get(name.track_id, (0, None))
        return count < MOST_OF_A_TRACK and (last is None or at - last >= _EVERY)

    def _keep(self, found: Sequence[ShadowVector], at: datetime) -> int:
        network = self._embedder.spec.network
        try:
            kept = self._store.add(network, found)
            self._counts = self._store.counts(network)
        except StoreError as error:
            log.warning("faces for %s are not kept now: %s", self._embedder.spec.name, error.problem)
            return 0
        for face in found:
            self._taken[face.track_id] = (self._taken.get(face.track_id, (0, at))[0] + 1, at)
        old = [track_id for track_id, (_, last) in self._taken.items() if at - last > timedelta(hours=1)]
        for track_id in old:
            del self._taken[track_id]
        return kept


def consistent(vectors: FloatArray, owners: Sequence[str]) -> dict[str, FloatArray]:
    """By person id the vectors (K, D) that are nearer to another one of their person than to anybody else's.

    vectors: (N, D), owners: the person of each. People without enough of them are left out. A face that was taken for
    somebody else's is dropped so.
    """
    kept: dict[str, FloatArray] = {}
    if not len(vectors):
        return kept
    gallery = Gallery.of(vectors, owners)
    for index, person_id in enumerate(gallery.people):
        own = gallery.vectors[gallery.rows_of(index)]
        pairwise = np.linalg.norm(own[:, None] - own[None], axis=2) + np.diag(np.full(len(own), np.inf))
        others = np.delete(distances(gallery, own), index, axis=1)
        good = pairwise.min(axis=1, initial=np.inf) < others.min(axis=1, initial=np.inf)
        if good.sum() >= ENOUGH:
            kept[person_id] = own[good]
    return kept
