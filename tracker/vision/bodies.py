"""Detection of people by their bodies: EfficientDet-Lite0 on LiteRT, on the whole frame or on a part of it.

Source: Tan, Pang and Le, "EfficientDet: Scalable and Efficient Object Detection" (2020); trained on COCO and quantised
to 8 bits by Google, as published with MediaPipe.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from config.settings import Precision
from models.runtime import open_network
from tracker.vision.boxes import Boxes, areas, best_first, clipped, nms
from tracker.vision.faces import FloatArray, Image, Rows, require_image

SIDE_PX = 320
"""Side of the network's input; a larger image is downscaled to it."""
MIN_HEIGHT_PX = 36
"""Bodies that are not as tall in the network's input are often missed."""
LOW_SCORE = 0.15
"""Boxes of lower scores are mostly none; those up to `HIGH_SCORE` only continue a track."""
HIGH_SCORE = 0.35
_MAX_OVERLAP = 0.5
_GRIDS = (40, 20, 10, 5, 3)
_RATIOS = (1.0, 2.0, 0.5)
_SCALES = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
_ANCHOR = 3.0
"""Side of the smallest square anchor, in strides of its grid."""
_PERSON = 0
"""The class of people among the 90 of COCO."""
_COLOUR_BINS = (12, 4)
"""Of hue and of saturation, in histograms of clothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """People in one frame by their bodies, by descending score.

    boxes: (N, 4) float32, px in the full frame, x1 y1 x2 y2. scores: (N,) float32 in 0..1.
    Raises ValueError when an array is not float32 or its shape does not fit the other.
    """

    boxes: FloatArray
    scores: FloatArray

    def __post_init__(self) -> None:
        count = len(self.scores)
        for name, array, shape in (("boxes", self.boxes, (count, 4)), ("scores", self.scores, (count,))):
            if array.shape != shape or array.dtype != np.float32:
                raise ValueError(f"{name}: expected float32 {shape}, got {array.dtype} {array.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Self:
        """Nobody."""
        return cls(np.empty((0, 4), np.float32), np.empty(0, np.float32))

    def take(self, rows: Rows) -> Self:
        """The bodies of the given rows (indices, boolean mask or slice), in that order."""
        return type(self)(self.boxes[rows], self.scores[rows])

    @property
    def heights(self) -> FloatArray:
        """(N,) float32 px."""
        return self.boxes[:, 3] - self.boxes[:, 1]


class BodyDetector:
    """Finds people by their bodies. Thread-safe: a lock serialises the network.

    folder, precision, threads: the network to load, and the number of threads for inference.
    Raises ModelError when the network is missing or damaged.
    """

    def __init__(self, *, folder: Path, precision: Precision, threads: int) -> None:
        self._network = open_network("bodies", folder=folder, precision=precision, threads=threads)
        self._lock = threading.Lock()
        self._anchors = _anchors()

    def detect(self, image: Image, part_xyxy: tuple[int, int, int, int] | None = None) -> Bodies:
        """People in an image, or in a part of it (px), down to a score of LOW_SCORE.

        The smaller the part, the smaller the bodies that are found: see MIN_HEIGHT_PX and SIDE_PX.
        Raises ValueError when the image is not (H, W, 3) uint8.
        """
        require_image(image)
        x1, y1, x2, y2 = part_xyxy or (0, 0, image.shape[1], image.shape[0])
        part = image[y1:y2, x1:x2]
        if part.size == 0:
            return Bodies.empty()
        batch, scale = _letterboxed(part)
        with self._lock:
            regression, scores = self._network.run(batch)
        people = scores[0, :, _PERSON]
        rows = np.flatnonzero(people >= LOW_SCORE)
        rows = rows[best_first(people[rows])]
        boxes = _decoded(self._anchors[rows], regression[0, rows]) / scale
        kept = nms(boxes, _MAX_OVERLAP)
        inside = clipped(boxes[kept], (x2 - x1, y2 - y1))
        solid = areas(inside) > 0  # others are in the black around the part
        return Bodies((inside[solid] + [x1, y1, x1, y1]).astype(np.float32), people[rows[kept[solid]]])


def clothing(image: Image, bodies: Bodies) -> FloatArray:
    """(N, 48) float32: histograms of hue and saturation of the torsos, each of sum 1; zeros for an empty or NaN box."""
    found = np.zeros((len(bodies), _COLOUR_BINS[0] * _COLOUR_BINS[1]), np.float32)
    for row in np.flatnonzero(areas(bodies.boxes) > 0):
        x1, y1, x2, y2 = bodies.boxes[row]
        width, height = x2 - x1, y2 - y1
        torso = image[
            max(round(y1 + 0.2 * height), 0) : round(y1 + 0.6 * height),
            max(round(x1 + 0.25 * width), 0) : round(x2 - 0.25 * width),
        ]
        if torso.size:
            hsv = cv2.cvtColor(np.ascontiguousarray(torso), cv2.COLOR_BGR2HSV)
            counts = cv2.calcHist([hsv], [0, 1], None, list(_COLOUR_BINS), [0, 180, 0, 256]).ravel()
            found[row] = counts / counts.sum()
    return found


def _letterboxed(image: Image) -> tuple[Image, float]:
    """The network's input (1, S, S, 3) RGB with the image at its top left and black around it, and the scale of it."""
    height, width = image.shape[:2]
    scale = SIDE_PX / max(width, height)
    size_wh = (max(round(width * scale), 1), max(round(height * scale), 1))
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    batch = np.zeros((1, SIDE_PX, SIDE_PX, 3), np.uint8)
    small = cv2.resize(image, size_wh, interpolation=interpolation)
    batch[0, : size_wh[1], : size_wh[0]] = cv2.cvtColor(small, cv2.COLOR_BGR2RGB)
    return batch, scale


def _anchors() -> Boxes:
    """(19206, 4) float64 centre x, centre y, width, height in px of the input, in the network's order.

    Source: google/automl, efficientdet/tf2/anchors.py.
    """
    shapes = np.array([(scale * np.sqrt(ratio), scale / np.sqrt(ratio)) for scale in _SCALES for ratio in _RATIOS])
    grids = []
    for cells in _GRIDS:
        stride = SIDE_PX / cells
        rows, columns = np.mgrid[0:cells, 0:cells]
        centres = (np.stack([columns, rows], axis=-1).reshape(-1, 1, 2) + 0.5) * stride
        sizes = np.broadcast_to(_ANCHOR * stride * shapes, (cells * cells, *shapes.shape))
        grids.append(np.concatenate([np.broadcast_to(centres, sizes.shape), sizes], axis=-1).reshape(-1, 4))
    return np.concatenate(grids)


def _decoded(anchors: Boxes, regression: FloatArray) -> Boxes:
    """(N, 4) float64 boxes x1 y1 x2 y2 of anchors corrected by the network's dy dx dh dw."""
    offsets = regression.astype(np.float64)
    centres = offsets[:, [1, 0]] * anchors[:, 2:] + anchors[:, :2]
    halves = np.exp(offsets[:, [3, 2]]) * anchors[:, 2:] / 2
    return np.concatenate([centres - halves, centres + halves], axis=1)
