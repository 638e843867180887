"""The check of a dataset: which of its pictures are fit to teach or test a network, and why others are not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from config.recognition import MatchSettings
from tracker.dataset.comparison import AlikePeople, compare
from tracker.dataset.examination import AnyProblem, ExaminedPicture, Problem
from tracker.dataset.folders import Dataset
from tracker.identity.limits import match_settings
from tracker.reports.sheets import Column, Kind, Row
from tracker.vision.embedders import EmbedderSpec
from tracker.vision.quality import Fault

ENOUGH_PICTURES = 2
"""Good pictures of a person, below which nothing can be learned about what stays the same."""
COLUMNS = (
    Column("person", "person"),
    Column("file", "file"),
    Column("good", "good", Kind.FLAG),
    Column("problem", "problem"),
    Column("reason", "reason"),
    Column("width_px", "width", Kind.NUMBER),
    Column("quality", "quality", Kind.NUMBER),
)
"""Of the list of all pictures, as CSV."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A checked dataset: its pictures in order, and people who are probably one person."""

    dataset: Dataset
    pictures: tuple[ExaminedPicture, ...]
    alike: tuple[AlikePeople, ...]

    @property
    def findings(self) -> list[ExaminedPicture]:
        """The pictures that are not good."""
        return [each for each in self.pictures if each.problem is not None]

    @property
    def good(self) -> Counter[str]:
        """By person, the number of good pictures."""
        return Counter(each.person for each in self.pictures if each.problem is None)

    @property
    def few(self) -> list[str]:
        """People with fewer than ENOUGH_PICTURES good pictures."""
        good = self.good
        return [person.name for person in self.dataset.people if good[person.name] < ENOUGH_PICTURES]

    @property
    def problems(self) -> dict[AnyProblem, int]:
        """How many pictures have each problem that occurs."""
        counts = Counter(each.problem for each in self.findings)
        return {problem: counts[problem] for problem in (*Problem, *Fault) if counts[problem]}

    def rows(self) -> list[Row]:
        """A row for each picture, by `COLUMNS`."""
        return [
            {
                "person": each.person,
                "file": self.dataset.name_of(each.path),
                "good": each.problem is None,
                "problem": each.problem,
                "reason": each.reason,
                "width_px": None if each.face is None else round(float(each.face.widths[0]), 1),
                "quality": None if each.quality is None else round(each.quality, 3),
            }
            for each in self.pictures
        ]

    def document(self) -> dict[str, object]:
        """Counts and findings with stable keys."""
        good = self.good
        return {
            "people": len(self.dataset.people),
            "pictures": len(self.pictures),
            "good": good.total(),
            "problems": self.problems,
            "by_person": [
                {"person": person.name, "pictures": len(person.pictures), "good": good[person.name]}
                for person in self.dataset.people
            ],
            "few": self.few,
            "alike": self.alike,
            "ignored": [self.dataset.name_of(path) for path in self.dataset.ignored],
            "findings": [row for row in self.rows() if not row["good"]],
        }


def check(dataset: Dataset, examined: Sequence[ExaminedPicture], embedder: EmbedderSpec, given: MatchSettings) -> Check:
    """Compare the examined pictures of a dataset. given: the distances as set."""
    match = match_settings(given, embedder, people=len(dataset.people))
    pictures, alike = compare(examined, embedder, match)
    return Check(dataset=dataset, pictures=tuple(pictures), alike=tuple(alike))
