"""P-Net's rough look at a whole picture, its first layer compiled where it can be."""

from __future__ import annotations

import numpy as np

from tracker.vision.candidates import Runs
from tracker.vision.faces import FloatArray, Image
from tracker.vision.native import kernels
from tracker.vision.native.kernels import FirstLayer, Room
from tracker.vision.shades import normalised

_WORTH_THREADS = 20_000
"""Pixels of a picture below which a second thread is not worth its beginning."""


class Glance:
    """P-Net in 8 bits but for its first layer. Not for several threads.

    first, rest: the networks `pnet_first` and `pnet_scout`. threads: how many the first layer may use.
    """

    def __init__(self, first: Runs, rest: Runs, *, threads: int) -> None:
        self._first, self._rest, self._threads = first, rest, threads
        _, kernel, bias, slope = first.run(np.zeros((1, 4, 4, 3), np.float32))
        self._layer = FirstLayer.of(kernel, bias, slope)
        self._room = Room()

    def at(self, picture: Image) -> tuple[FloatArray, FloatArray]:
        """Offsets (h, w, 4) and certainties (h, w) at each place of a BGR picture."""
        if kernels.KERNELS is not None:
            threads = self._threads if picture.size >= 3 * _WORTH_THREADS else 1
            edges = kernels.KERNELS.first(picture, self._layer, threads=threads, room=self._room)
        else:
            edges = self._first.run(normalised(picture)[None])[0]
        (offsets,), (both,) = self._rest.run(edges)
        return offsets, np.ascontiguousarray(both[..., 1])
