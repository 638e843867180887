"""Reads Haar cascades from OpenCV's XML files."""

from __future__ import annotations

import math
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray

from config.errors import ModelError
from tracker.vision.haar_cascade import RECTS, HaarCascade

FIX = "set detect.haar_cascade to a file such as haarcascade_frontalface_default.xml of OpenCV"
_FORMAT = "opencv-cascade-classifier"
_MAX_SIDE = 256
"""Of a cascade's window, px; published ones have 18 to 80."""
_TOLERANCE = 1e-5
"""By which the sum of a stage may be below its threshold."""


def read_cascade(path: Path) -> HaarCascade:
    """The cascade in a file. Raises ModelError when it cannot be read, is damaged, or of a kind that is not supported.

    Supported are features of upright rectangles in trees of any depth, in the format of OpenCV 2.4 to 4.
    """
    try:
        root = ET.fromstring(path.read_bytes())  # noqa: S314  the user's own file; expat limits the size of entities
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})", fix=FIX) from error
    except (ET.ParseError, ValueError, LookupError) as error:
        raise ModelError(f"{path}: not an XML file ({error})", fix=FIX) from error
    cascade = root.find("cascade")
    if cascade is None or cascade.get("type_id") != _FORMAT:
        raise ModelError(f"{path}: no cascade in the format {_FORMAT}", fix=FIX)
    kind = cascade.findtext("featureType", "").strip()
    if kind != "HAAR":
        raise ModelError(f"{path}: features of the kind {kind[:20]!r} instead of HAAR", fix=FIX)
    try:
        return _cascade(cascade)
    except ValueError as error:
        raise ModelError(f"{path}: cannot be used: {error}", fix=FIX) from error


def _cascade(cascade: ET.Element) -> HaarCascade:
    size_wh = (int(_numbers(cascade, "width", 1)[0]), int(_numbers(cascade, "height", 1)[0]))
    if not all(4 <= side <= _MAX_SIDE for side in size_wh):
        raise ValueError(f"a window of {size_wh[0]} x {size_wh[1]} px")
    rects, weights = _features(cascade, size_wh)
    thresholds, ends, roots = [], [0], []
    nodes: list[tuple[float, ...]] = []
    leaves: list[float] = []
    for stage in cascade.iterfind("stages/_"):
        thresholds.append(_numbers(stage, "stageThreshold", 1)[0])
        for tree in stage.iterfind("weakClassifiers/_"):
            roots.append(len(nodes))
            values = _numbers(tree, "leafValues")
            nodes += _nodes(tree, first=len(nodes), leaves=range(len(leaves), len(leaves) + len(values)))
            leaves += values
        ends.append(len(roots))
    if len(ends) == 1 or min(np.diff(ends)) == 0:
        raise ValueError("no stages, or a stage without trees")
    lefts, rights, features, limits = (np.array(column) for column in zip(*nodes, strict=True))
    if features.min() < 0 or features.max() >= len(rects):
        raise ValueError(f"a node of a feature beyond the {len(rects)} that there are")
    return HaarCascade(
        size_wh=size_wh,
        thresholds=np.array(thresholds) - _TOLERANCE,
        ends=np.array(ends[1:], np.int64),
        roots=np.array(roots, np.int64),
        features=features.astype(np.int64),
        limits=limits.astype(np.float64),
        lefts=lefts.astype(np.int64),
        rights=rights.astype(np.int64),
        leaves=np.array(leaves, np.float64),
        rects=rects,
        weights=weights,
    )


def _nodes(tree: ET.Element, *, first: int, leaves: range) -> list[tuple[float, ...]]:
    """Left, right, feature and limit of each node. first: number of the tree's root. leaves: numbers of its leaves."""
    numbers = _numbers(tree, "internalNodes")
    if not numbers or len(numbers) % 4:
        raise ValueError("a tree whose nodes do not have four numbers each")
    nodes = []
    for at in range(0, len(numbers), 4):
        children = [_child(int(number), at // 4, len(numbers) // 4, first, leaves) for number in numbers[at : at + 2]]
        nodes.append((*children, *numbers[at + 2 : at + 4]))
    return nodes


def _child(number: int, parent: int, count: int, first: int, leaves: range) -> int:
    """A child as `HaarCascade` numbers it. number: of a later node of the tree, or minus that of a leaf."""
    if number > 0:
        if not parent < number < count:
            raise ValueError(f"node {parent} of a tree leads to node {number} of {count}")
        return first + number
    if -number >= len(leaves):
        raise ValueError(f"a tree leads to leaf {-number} of {len(leaves)}")
    return -1 - leaves[-number]


def _features(cascade: ET.Element, size_wh: tuple[int, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rectangles (F, 3, 4) x1 y1 x2 y2 px, and their weights (F, 3)."""
    found = cascade.findall("features/_")
    rects, weights = np.zeros((len(found), RECTS, 4), np.int64), np.zeros((len(found), RECTS))
    for number, feature in enumerate(found):
        if feature.findtext("tilted", "0").strip() not in ("", "0"):
            raise ValueError("it has tilted features, which are not supported")
        rows = [_floats(rect.text) for rect in feature.iterfind("rects/_")]
        if not 0 < len(rows) <= RECTS or any(len(row) != 5 for row in rows):
            raise ValueError(f"feature {number} has not one to {RECTS} rectangles of five numbers")
        table = np.array(rows)
        rects[number, : len(rows), :2] = table[:, :2]
        rects[number, : len(rows), 2:] = table[:, :2] + table[:, 2:4]
        weights[number, : len(rows)] = table[:, 4]
    if (rects < 0).any() or (rects > np.tile(size_wh, 2)).any():
        raise ValueError("a rectangle outside the window")
    return rects, weights


def _numbers(parent: ET.Element, name: str, count: int | None = None) -> list[float]:
    numbers = _floats(parent.findtext(name))
    if count is not None and len(numbers) != count:
        raise ValueError(f"{name} has {len(numbers)} numbers instead of {count}")
    return numbers


def _floats(text: str | None) -> list[float]:
    numbers = [float(word) for word in (text or "").split()]
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    return numbers
