"""What does not belong among the vectors of one person: pictures of somebody else, and people enrolled before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from scipy.sparse.csgraph import connected_components

from config.settings import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import Nearest, nearest
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Company:
    """Whom new pictures are compared with.

    names: of the people in the gallery, by person_id. visitors: strangers with vectors, and their labels among the
    names. force: take doubtful pictures and people alike all the same.
    """

    settings: MatchSettings
    gallery: Gallery = field(default_factory=Gallery.empty)
    visitors: Gallery = field(default_factory=Gallery.empty)
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    force: bool = False

    def name_of(self, person_id: str) -> str:
        """The name, or the id of who has none."""
        return self.names.get(person_id, person_id)


def strays(vectors: FloatArray, anchors: FloatArray, *, reach: float) -> dict[int, float] | None:
    """Rows of vectors (N, D) that are not of the person whom most show, with the distance to the nearest that is.

    Faces no farther apart than `reach` are taken for one person's, and so are those that others link. anchors: (M, D)
    vectors that are the person's for certain. None when no person is shown most often: nobody can say who is who.
    """
    everything = np.concatenate([anchors, vectors]) if len(anchors) else vectors
    if len(vectors) == 0 or len(everything) == 1:
        return {}
    apart = np.linalg.norm(everything[:, None] - everything[None], axis=2)
    _, groups = connected_components(apart <= reach, directed=False)
    first = len(everything) - len(vectors)
    if first:
        own = np.isin(groups, groups[:first])
    else:
        sizes = np.bincount(groups)
        if np.count_nonzero(sizes == sizes.max()) > 1:
            return None
        own = groups == int(np.argmax(sizes))
    return {int(row) - first: float(apart[row, own].min()) for row in np.flatnonzero(~own)}


def doubles(gallery: Gallery, vectors: FloatArray, settings: MatchSettings) -> dict[int, Nearest]:
    """Rows of vectors (N, D) that would be taken for somebody in the gallery, and for whom."""
    found = enumerate(nearest(gallery, vectors))
    return {row: one for row, one in found if one is not None and not one.denied and one.within(settings)}
