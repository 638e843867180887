"""Thresholds for the people at hand, from the vectors they were enrolled with.

Every vector is compared with each person as a camera's face would be: by the nearest of the person's vectors, its own
left out. A false accept is what the market complains of first, so a few comparisons may make a limit stricter, and
only many may make it looser.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from config.settings import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.rates import accepted, pairs_needed, threshold_at
from tracker.vision.faces import FloatArray

STRICTEST = 0.35
"""No limit is set below this: nearly everybody would be missed."""
GUARD = 0.02
"""How far below the nearest stranger a limit stays when the comparisons are too few to say more."""
_VECTORS_COMPARED = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OwnRates:
    """One person's comparisons. same: (n,) each own vector with the others; different: (m,) each vector of others.

    limit: the greatest distance at which a face should be theirs. lookalike: whose vector comes nearest, None where
    nobody else is enrolled.
    """

    person_id: str
    vectors: int
    same: FloatArray
    different: FloatArray
    limit: float
    lookalike: str | None

    @property
    def missed(self) -> int:
        """Own vectors that the limit would not accept by the others."""
        return int(np.count_nonzero(self.same > self.limit))

    @property
    def nearest_other(self) -> float | None:
        """Distance of the nearest vector of anybody else."""
        return float(self.different.min()) if len(self.different) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """What the gallery says about thresholds.

    rate: the false-accept rate asked for. threshold: one for everybody. people: in the order of the gallery, each with
    a limit that only people alike make stricter. needed: comparisons of different people that it takes to confirm the
    rate.
    """

    rate: float
    threshold: float
    people: tuple[OwnRates, ...]
    needed: int

    @property
    def same(self) -> FloatArray:
        """All distances of a person's vector to the same person."""
        return np.concatenate([np.empty(0, np.float32), *(person.same for person in self.people)])

    @property
    def different(self) -> FloatArray:
        """All distances of a person's vector to another person."""
        return np.concatenate([np.empty(0, np.float32), *(person.different for person in self.people)])

    @property
    def confirmed(self) -> bool:
        """Whether there are enough comparisons to say that the rate is kept."""
        return len(self.different) >= self.needed

    @property
    def lookalikes(self) -> tuple[OwnRates, ...]:
        """People whom somebody else resembles more than any limit can tell."""
        return tuple(
            person for person in self.people if person.nearest_other is not None and person.nearest_other <= STRICTEST
        )

    def missed_at(self, threshold: float) -> float:
        """Share of own vectors that a threshold would not accept."""
        same = self.same
        return 1 - accepted(same, threshold) if len(same) else 0.0


def calibrate(gallery: Gallery, settings: MatchSettings, *, rate: float) -> Calibration:
    """Limits at which at most the share `rate` of faces of other people is accepted as somebody.

    Raises ValueError when the rate is not between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate: expected between 0 and 1, got {rate}")
    compared = _sample(len(gallery))
    apart = distances(gallery, gallery.vectors[compared])
    owners = np.array(gallery.person_ids)[compared]
    needed = pairs_needed(rate)
    others = [apart[owners != person_id, place] for place, person_id in enumerate(gallery.people)]
    everybody = np.concatenate([np.empty(0, np.float32), *others])
    threshold = _limit(everybody, rate, needed, cautious=settings.max_distance, loosest=settings.stranger_distance)
    cap = threshold if len(everybody) >= needed else settings.max_distance
    people = tuple(
        OwnRates(
            person_id=person_id,
            vectors=gallery.rows_of(place).stop - gallery.rows_of(place).start,
            same=_leave_one_out(gallery.vectors[gallery.rows_of(place)]),
            different=others[place],
            limit=_limit(others[place], rate, needed, cautious=cap, loosest=cap),
            lookalike=_lookalike(owners, apart[:, place], person_id),
        )
        for place, person_id in enumerate(gallery.people)
    )
    return Calibration(rate=rate, threshold=threshold, people=people, needed=needed)


def _limit(different: FloatArray, rate: float, needed: int, *, cautious: float, loosest: float) -> float:
    """A limit that keeps the rate: up to `loosest` where the comparisons suffice, else up to `cautious`."""
    enough = len(different) >= needed
    kept = threshold_at(different, rate) - (0 if enough else GUARD)
    return float(min(max(kept, STRICTEST), loosest if enough else cautious))


def _leave_one_out(vectors: FloatArray) -> FloatArray:
    """(n,): from each vector to the nearest of the others; nothing of a single one."""
    if len(vectors) < 2:
        return np.empty(0, np.float32)
    apart = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest: FloatArray = apart.min(axis=1)
    return nearest


def _lookalike(owners: np.typing.NDArray[np.str_], apart: FloatArray, person_id: str) -> str | None:
    """Whose vector comes nearest to a person, of all but the person's own."""
    others = np.flatnonzero(owners != person_id)
    return str(owners[others[np.argmin(apart[others])]]) if len(others) else None


def _sample(count: int) -> np.typing.NDArray[np.intp]:
    """Rows to compare: all of them, or as many as fit in memory, evenly spread."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, _VECTORS_COMPARED)).astype(np.intp))
