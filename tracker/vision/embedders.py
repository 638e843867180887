"""The networks that embed faces, and what each needs: the chip, and distances that mean the same for all of them.

Vectors of different networks are never compared; distances of different networks mean different things.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from config.errors import ModelError
from config.recognition import EmbedderName
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ChipLayout:
    """An aligned face: a square of `side` px, and where in it the landmarks come to lie.

    template: (5, 2) px: left eye, right eye, nose, left and right mouth corner.
    """

    side: int
    template: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryLimits:
    """Limits for a gallery of up to so many people (None: of any size)."""

    people: int | None
    max_distance: float
    stranger_distance: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EmbedderSpec:
    """A network that embeds faces. All distances are Euclidean, between its vectors.

    network: name in the model catalog and of its vectors in the store. batch: faces embedded at once; the runtime keeps
    a copy of the weights for every batch size, and large batches exceed the processor's cache. limits: by size of the
    gallery, ascending. min_margin, clear_by: defaults of the settings. full_margin: margin from which a face's vote has
    its full weight. min_limit, max_limit: a limit below misses many faces, one above accepts many other people. safety:
    distance of a calibrated limit below the nearest other person where few comparisons confirm it. new_view: distance
    from which two faces of one person are worth keeping both. same_face: distance up to which a face is hardly anybody
    else's.
    """

    name: EmbedderName
    network: str
    batch: int
    chip: ChipLayout
    limits: tuple[GalleryLimits, ...]
    min_margin: float
    clear_by: float
    full_margin: float
    min_limit: float
    max_limit: float
    safety: float
    new_view: float
    same_face: float

    def limits_for(self, people: int) -> GalleryLimits:
        """The limits for a gallery of that many people."""
        return next(each for each in self.limits if each.people is None or people <= each.people)


DLIB_CHIP = ChipLayout(
    150, np.array([(46.8, 45.1), (100.6, 44.9), (73.4, 77.1), (49.1, 100.0), (98.8, 98.9)], np.float32)
)
"""Reproduces the chips of dlib's `get_face_chip` with padding 0.25."""
ARCFACE_CHIP = ChipLayout(
    112,
    np.array(
        [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
        np.float32,
    ),
)
"""Source: Deng et al., ArcFace (2019), `arcface_dst` of insightface."""

SFACE = EmbedderSpec(
    name=EmbedderName.SFACE,
    network="sface",
    batch=1,
    chip=ARCFACE_CHIP,
    limits=(
        GalleryLimits(people=100, max_distance=1.05, stranger_distance=1.13),
        GalleryLimits(people=None, max_distance=1.00, stranger_distance=1.10),
    ),
    min_margin=0.06,
    clear_by=0.06,
    full_margin=0.25,
    min_limit=0.75,
    max_limit=1.2,
    safety=0.03,
    new_view=0.4,
    same_face=0.5,
)
DLIB = EmbedderSpec(
    name=EmbedderName.DLIB,
    network="dlib_resnet",
    batch=8,
    chip=DLIB_CHIP,
    limits=(
        GalleryLimits(people=100, max_distance=0.38, stranger_distance=0.6),
        GalleryLimits(people=None, max_distance=0.36, stranger_distance=0.6),
    ),
    min_margin=0.05,
    clear_by=0.05,
    full_margin=0.2,
    min_limit=0.25,
    max_limit=0.65,
    safety=0.02,
    new_view=0.2,
    same_face=0.275,
)
EMBEDDERS: Mapping[EmbedderName, EmbedderSpec] = MappingProxyType({spec.name: spec for spec in (SFACE, DLIB)})


def chosen(setting: EmbedderName | None, stored: str | None) -> EmbedderSpec:
    """The embedder of a run: that of the setting; without one, that of the vectors in the store; else SFace.

    stored: network of the store's vectors, None without any. Raises ModelError where setting and store differ, or the
    store's network is unknown here.
    """
    if stored is None:
        return EMBEDDERS[setting or EmbedderName.SFACE]
    found = next((spec for spec in EMBEDDERS.values() if spec.network == stored), None)
    if found is None:
        raise ModelError(f"the store's vectors are of the network {stored}, which is unknown", fix="update Footfall")
    if setting not in (None, found.name):
        raise ModelError(
            f"recognition.embedder is {setting}, but the people in the store were enrolled with {found.name}",
            fix=f"run 'footfall people re-enroll --pictures DIR', or set recognition.embedder = \"{found.name}\"",
        )
    return found
