"""Which people a network learns from, and which are held out to validate and to test it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from config.errors import PeopleError
from tracker.dataset.folders import Dataset, PersonFolder, read_dataset
from tracker.dataset.split import Part, split_people
from tracker.reports.text import count_text

ENOUGH_PICTURES = 2
"""Of a person, below which there is no pair of pictures to learn or test what stays the same."""
ENOUGH_PEOPLE = 2
"""Of each part."""
_VALIDATION_SEED = 1_000_003
"""Added to the seed, so that both draws are independent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """People of a dataset, each in one part only, each with at least two pictures.

    learning: to teach the network with. validation: to choose the best of its epochs. test: to measure that one, and
    nothing else. single: names of people who are left out, with one picture or none.
    """

    learning: tuple[PersonFolder, ...]
    validation: tuple[PersonFolder, ...]
    test: tuple[PersonFolder, ...]
    single: tuple[str, ...] = ()


def read_parts(root: Path, *, test: float, validation: float, seed: int) -> Parts:
    """Divide the people of a dataset, or take the parts that 'footfall dataset split' wrote.

    test: share of all people in the test, without effect where the folder has parts. validation: share of the others.
    Raises PeopleError where it is no dataset, somebody is in both parts, or a part has too few people.
    """
    if _is_split(root):
        whole = [read_dataset(root / Part.TRAIN), read_dataset(root / Part.TEST)]
        _require_apart(root, *(dataset.people for dataset in whole))
        rest, tested = map(_usable, whole)
    else:
        whole = [read_dataset(root)]
        rest, tested = _divided(_usable(whole[0]), test, seed)
    learning, validated = _divided(rest, validation, seed + _VALIDATION_SEED)
    require_enough(root, len(learning.people), len(validated.people), len(tested.people))
    return Parts(
        learning=learning.people,
        validation=validated.people,
        test=tested.people,
        single=tuple(person.name for dataset in whole for person in dataset.people if not _has_enough(person)),
    )


def _is_split(root: Path) -> bool:
    """Whether a folder has the two parts of a split; people may have any other name."""
    return all((root / part).is_dir() and any(each.is_dir() for each in (root / part).iterdir()) for part in Part)


def _has_enough(person: PersonFolder) -> bool:
    return len(person.pictures) >= ENOUGH_PICTURES


def _usable(dataset: Dataset) -> Dataset:
    return replace(dataset, people=tuple(filter(_has_enough, dataset.people)))


def _divided(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """The people of a dataset in two, at least two of them in the second where there are four."""
    count = len(dataset.people)
    if count < 2:
        return dataset, replace(dataset, people=())
    parts = split_people(dataset, max(share, ENOUGH_PEOPLE / count), seed)
    drawn = {person.name for person in dataset.people if parts[person.pictures[0]] is Part.TEST}
    first, second = (
        replace(dataset, people=tuple(each for each in dataset.people if (each.name in drawn) is held))
        for held in (False, True)
    )
    return first, second


def _require_apart(root: Path, rest: Iterable[PersonFolder], test: Iterable[PersonFolder]) -> None:
    both = {person.name for person in rest} & {person.name for person in test}
    if both:
        raise PeopleError(
            f"{root}: {len(both)} people are in both parts, such as {min(both)}, so none of them is held out",
            fix="divide the people, not their pictures: 'footfall dataset split --by person'",
        )


def require_enough(root: Path, learning: int, validation: int, test: int) -> None:
    """Raises PeopleError where a part of a dataset has too few people. learning, validation, test: of each part."""
    if min(learning, validation, test) >= ENOUGH_PEOPLE:
        return
    total, least = learning + validation + test, 3 * ENOUGH_PEOPLE
    more = f"give {least} people or more, better hundreds, each with several pictures"
    raise PeopleError(
        f"{root}: {count_text(total, 'person', 'people')} with at least {ENOUGH_PICTURES} pictures, too few: {learning}"
        f" to teach, {validation} to validate and {test} to test with, at least {ENOUGH_PEOPLE} each are needed",
        fix=more if total < least else f"divide them in another way with --test and --validation, or {more}",
    )
