"""Calibration of match thresholds from the vectors of the enrolled people, and of strangers who were seen.

Every vector is compared with each person as in recognition: by the nearest of the person's vectors, itself excluded.
Strangers can only lower a limit: those near the person are rarely among them, as they were taken for the person.
False accepts are worse than misses, so few comparisons can only lower a limit, and only many can raise it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from config.recognition import MatchSettings
from tracker.identity.gallery import Gallery
from tracker.identity.match import distances
from tracker.identity.rates import accepted, pairs_needed, threshold_at
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.faces import FloatArray

BIN = 0.05
"""Width of a bin of the histogram."""
_MAX_COMPARED = 4000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonCalibration:
    """One person's distances.

    same: (n,) of each own vector to the others. different: (m,) of each vector of other enrolled people. strangers:
    (k,) of each vector of strangers. limit: recommended maximum match distance. lookalike: id of the person or stranger
    with the nearest vector, None without others.
    """

    person_id: str
    vectors: int
    same: FloatArray
    different: FloatArray
    strangers: FloatArray
    limit: float
    lookalike: str | None

    @property
    def missed(self) -> int:
        """Number of own vectors that the limit would reject."""
        return int(np.count_nonzero(self.same > self.limit))

    @property
    def nearest_other(self) -> float | None:
        """Distance of the nearest vector of another person or stranger."""
        others = np.concatenate([self.different, self.strangers])
        return float(others.min()) if len(others) else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Calibration:
    """Recommended thresholds.

    rate: the requested false-accept rate. min_limit: no limit is below it. threshold: for everybody. people: in the
    order of the gallery, each with a limit lower than the threshold only where others look alike. needed: number of
    comparisons of different people that confirms the rate.
    """

    rate: float
    min_limit: float
    threshold: float
    people: tuple[PersonCalibration, ...]
    needed: int

    @property
    def same(self) -> FloatArray:
        """Distances between vectors of the same person."""
        return np.concatenate([np.empty(0, np.float32), *(person.same for person in self.people)])

    @property
    def different(self) -> FloatArray:
        """Distances between vectors of different enrolled people."""
        return np.concatenate([np.empty(0, np.float32), *(person.different for person in self.people)])

    @property
    def strangers(self) -> FloatArray:
        """Distances between vectors of enrolled people and of strangers."""
        return np.concatenate([np.empty(0, np.float32), *(person.strangers for person in self.people)])

    @property
    def confirmed(self) -> bool:
        """Whether there are enough comparisons to confirm the rate."""
        return len(self.different) >= self.needed

    @property
    def lookalikes(self) -> tuple[PersonCalibration, ...]:
        """People who look more like somebody else than any limit can separate."""
        return tuple(
            person
            for person in self.people
            if person.nearest_other is not None and person.nearest_other <= self.min_limit
        )

    def missed_at(self, threshold: float) -> float:
        """Share of own vectors that a threshold would reject."""
        same = self.same
        return 1 - accepted(same, threshold) if len(same) else 0.0

    def histogram(self) -> tuple[list[float], list[int], list[int]]:
        """Where each bin starts, and the distances in it: of the same person, and of different people."""
        others = np.concatenate([self.different, self.strangers])
        everything = np.concatenate([self.same, others])
        low, high = (float(everything.min()), float(everything.max())) if len(everything) else (0.0, 1.0)
        edges = (np.arange(int(low / BIN), int(high / BIN) + 2) * BIN).astype(np.float32)
        same, different = (np.histogram(each, edges)[0].tolist() for each in (self.same, others))
        return [round(float(edge), 2) for edge in edges[:-1]], same, different

    def document(self, names: Mapping[str, str]) -> dict[str, object]:
        """The figures with stable keys. names: by person id."""
        starts, same, different = self.histogram()
        return {
            "far": self.rate,
            "threshold": round(self.threshold, 4),
            "confirmed": self.confirmed,
            "comparisons_of_one": len(self.same),
            "comparisons_of_two": len(self.different),
            "comparisons_with_strangers": len(self.strangers),
            "comparisons_needed": self.needed,
            "missed": round(self.missed_at(self.threshold), 4),
            "people": [
                {
                    "person_id": person.person_id,
                    "name": names.get(person.person_id),
                    "vectors": person.vectors,
                    "limit": round(person.limit, 4),
                    "missed": person.missed,
                    "nearest": person.nearest_other,
                    "lookalike": names.get(person.lookalike) if person.lookalike is not None else None,
                }
                for person in self.people
            ],
            "histogram": {"from": starts, "one": same, "two": different},
        }


def calibrate(
    gallery: Gallery, settings: MatchSettings, embedder: EmbedderSpec, *, rate: float, strangers: Gallery | None = None
) -> Calibration:
    """Thresholds with a false-accept rate of at most `rate`.

    settings: those for the size of the gallery. strangers: the visitors.
    Raises ValueError when the rate is not between 0 and 1.
    """
    if not 0 < rate < 1:
        raise ValueError(f"rate: expected between 0 and 1, got {rate}")
    strangers = Gallery.empty() if strangers is None else strangers
    compared = _sample(len(gallery))
    measured = distances(gallery, gallery.vectors[compared])
    owners = np.array(gallery.person_ids, np.str_)[compared]
    needed = pairs_needed(rate)
    seen = _sample(len(strangers))
    to_strangers = distances(gallery, strangers.vectors[seen])
    both = np.concatenate([measured, to_strangers])
    all_owners = np.concatenate([owners, np.array(strangers.person_ids, np.str_)[seen]])
    others = [measured[owners != person_id, index] for index, person_id in enumerate(gallery.people)]
    different = np.concatenate([np.empty(0, np.float32), *others])
    confirmed = len(different) >= needed
    threshold = _limit(
        different,
        rate,
        embedder,
        confirmed=confirmed,
        most=settings.stranger_distance if confirmed else settings.max_distance,
    )
    cap = threshold if confirmed else settings.max_distance
    people = tuple(
        PersonCalibration(
            person_id=person_id,
            vectors=gallery.rows_of(index).stop - gallery.rows_of(index).start,
            same=_leave_one_out(gallery.vectors[gallery.rows_of(index)]),
            different=others[index],
            strangers=to_strangers[:, index],
            limit=min(
                _limit(others[index], rate, embedder, confirmed=len(others[index]) >= needed, most=cap),
                _limit(to_strangers[:, index], rate, embedder, confirmed=False, most=cap),
            ),
            lookalike=_lookalike(all_owners, both[:, index], person_id),
        )
        for index, person_id in enumerate(gallery.people)
    )
    return Calibration(
        rate=rate, min_limit=embedder.embedding.min_limit, threshold=threshold, people=people, needed=needed
    )


def _limit(different: FloatArray, rate: float, embedder: EmbedderSpec, *, confirmed: bool, most: float) -> float:
    """A limit that keeps the rate, at most `most`. confirmed: whether there are enough comparisons for the rate."""
    limit = threshold_at(different, rate) - (0 if confirmed else embedder.embedding.safety)
    return float(min(max(limit, embedder.embedding.min_limit), most))


def _leave_one_out(vectors: FloatArray) -> FloatArray:
    """(n,) distance of each vector to the nearest other; empty for a single vector."""
    if len(vectors) < 2:
        return np.empty(0, np.float32)
    pairwise = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    np.fill_diagonal(pairwise, np.inf)
    nearest: FloatArray = pairwise.min(axis=1)
    return nearest


def _lookalike(owners: np.typing.NDArray[np.str_], to_person: FloatArray, person_id: str) -> str | None:
    """Owner of the vector nearest to a person, the person's own excluded."""
    others = np.flatnonzero(owners != person_id)
    return str(owners[others[np.argmin(to_person[others])]]) if len(others) else None


def _sample(count: int) -> np.typing.NDArray[np.intp]:
    """Rows to compare: all, or an evenly spaced sample that fits in memory."""
    return np.unique(np.linspace(0, max(0, count - 1), min(count, _MAX_COMPARED)).astype(np.intp))
