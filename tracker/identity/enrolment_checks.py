"""Checks of enrolment pictures: outliers (pictures of somebody else) and duplicates (people enrolled before)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import Nearest, nearest
from tracker.vision.faces import FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EnrolmentChecks:
    """The known people that new pictures are compared with.

    names: by person_id, of enrolled people and visitors. force: skip the checks for outliers and duplicates. noun: what
    messages call that which is enrolled. if_same: what they advise where it is the same person, with `{name}`.
    """

    settings: MatchSettings
    gallery: Gallery = field(default_factory=Gallery.empty)
    visitors: Gallery = field(default_factory=Gallery.empty)
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    force: bool = False
    noun: str = "picture"
    if_same: str = 'use --name "{name}" --add'

    def name_of(self, person_id: str) -> str:
        """The person's name, or the id without one."""
        return self.names.get(person_id, person_id)


def outliers(vectors: FloatArray, anchors: FloatArray, *, max_distance: float) -> dict[int, float] | None:
    """Rows of vectors (N, D) outside the main cluster, with their distance to it.

    Clusters are by single linkage with `max_distance`. anchors: (M, D) verified vectors of the person; without them,
    the largest cluster is the person. None when several clusters are largest.
    """
    points = np.concatenate([anchors, vectors]) if len(anchors) else vectors
    if len(vectors) == 0 or len(points) == 1:
        return {}
    from scipy.sparse.csgraph import connected_components  # here: pages need it only to enrol
    from scipy.spatial.distance import cdist

    distances = cdist(points, points)
    _, clusters = connected_components(distances <= max_distance, directed=False)
    first = len(points) - len(vectors)
    if first:
        own = np.isin(clusters, clusters[:first])
    else:
        sizes = np.bincount(clusters)
        if np.count_nonzero(sizes == sizes.max()) > 1:
            return None
        own = clusters == int(np.argmax(sizes))
    return {int(row) - first: float(distances[row, own].min()) for row in np.flatnonzero(~own)}


def duplicates(gallery: Gallery, vectors: FloatArray, settings: MatchSettings) -> dict[int, Nearest]:
    """Rows of vectors (N, D) that match somebody in the gallery, with the match."""
    found = enumerate(nearest(gallery, vectors))
    return {row: match for row, match in found if match is not None and not match.excluded and match.within(settings)}


def lookalike(matches: Mapping[int, Nearest], *, count: int) -> Nearest | None:
    """The person whom at least half of `count` pictures match, by the nearest match; None without one.

    matches: of `duplicates`.
    """
    if not matches:
        return None
    closest = min(matches.values(), key=lambda one: one.distance)
    own = sum(one.person_id == closest.person_id for one in matches.values())
    return closest if 2 * own >= count else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What to ask before pictures are saved as somebody's.

    others: rows that look like somebody else than the rest does; all where no largest group of them is one person.
    lookalike: id of somebody who is enrolled already and looks like the pictures. visitors: ids of visitors who do,
    nearest first.
    """

    others: tuple[int, ...] = ()
    lookalike: str | None = None
    visitors: tuple[str, ...] = ()


def review(vectors: FloatArray, checks: EnrolmentChecks, *, own_id: str = "") -> Review:
    """Compare vectors (N, D) of one person with one another and with everybody known.

    own_id: of the person, if enrolled already; the pictures are compared with theirs.
    """
    own = [row for row, owner in enumerate(checks.gallery.person_ids) if owner == own_id]
    found = outliers(vectors, checks.gallery.vectors[own], max_distance=checks.settings.stranger_distance)
    others = set(range(len(vectors))) if found is None else set(found)
    kept = [row for row in range(len(vectors)) if row not in others] or list(range(len(vectors)))
    matches = duplicates(checks.gallery.without(own_id), vectors[kept], checks.settings)
    twin = lookalike(matches, count=len(kept))
    if twin is None:
        others |= {kept[row] for row in matches}
    seen = sorted(duplicates(checks.visitors, vectors[kept], checks.settings).values(), key=lambda one: one.distance)
    return Review(
        others=tuple(sorted(others)),
        lookalike=None if twin is None else twin.person_id,
        visitors=tuple(dict.fromkeys(match.person_id for match in seen)),
    )
