"""Networks that tell something of a face besides whose it is: its expression, an age."""

from __future__ import annotations

import threading
from pathlib import Path

from config.settings import Precision
from models.catalog import CATALOG
from models.runtime import open_network
from tracker.vision.align import cut
from tracker.vision.embed import as_input
from tracker.vision.embedders import layout_of
from tracker.vision.faces import Faces, FloatArray, Image


class AttributeReader:
    """Class probabilities of faces. Thread-safe."""

    def __init__(self, name: str, *, folder: Path, precision: Precision) -> None:
        """name: of a network in the catalog.

        Raises ModelError when it is missing or damaged, ValueError when it tells no attribute.
        """
        spec = CATALOG[name]
        if spec.attribute is None or spec.pixels is None:
            raise ValueError(f"name: expected a network that tells an attribute, got {name}")
        self.labels = spec.attribute.labels
        """Of the classes, in order."""
        self._layout, self._pixels = layout_of(spec.attribute.crop), spec.pixels
        self._network = open_network(name, folder=folder, precision=precision, threads=1)
        self._lock = threading.Lock()

    def read(self, image: Image, faces: Faces) -> FloatArray:
        """(N, classes) float32: of each face of an image. image: (H, W, 3) uint8 BGR."""
        batch = as_input(cut(image, faces, self._layout), self._pixels)
        with self._lock:
            return self._network.run(batch)[0]
