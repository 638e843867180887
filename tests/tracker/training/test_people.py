"""Who is taught with, and who is held out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from config.errors import PeopleError
from tracker.training.people import Parts, read_parts


def folder(root: Path, pictures: dict[str, int]) -> Path:
    """Folders of people with so many pictures, whose content does not matter here."""
    for name, count in pictures.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.png").write_bytes(b"")
    return root


def parts(root: Path, *, test: float = 0.2, validation: float = 0.1, seed: int = 0) -> Parts:
    return read_parts(root, test=test, validation=validation, seed=seed)


def names(people: Iterable[object]) -> set[str]:
    return {person.name for person in people}


@pytest.fixture
def twenty(tmp_path: Path) -> Path:
    return folder(tmp_path / "faces", {f"p{number}": 3 for number in range(20)} | {"single": 1, "empty": 0})


def test_nobody_is_in_two_parts(twenty: Path) -> None:
    found = parts(twenty)
    groups = [names(found.learning), names(found.validation), names(found.test)]
    assert [len(each) for each in groups] == [14, 2, 4]
    assert set.union(*groups) == {f"p{number}" for number in range(20)}
    assert set(found.single) == {"single", "empty"}


def test_shares_and_seed_decide(twenty: Path) -> None:
    larger = parts(twenty, test=0.5, validation=0.4)
    assert [len(each) for each in (larger.learning, larger.validation, larger.test)] == [6, 4, 10]
    drawn = {tuple(sorted(names(parts(twenty, seed=seed).test))) for seed in range(4)}
    assert len(drawn) > 1
    assert names(parts(twenty, seed=2).validation) == names(parts(twenty, seed=2).validation)


def test_the_parts_of_a_split_are_taken(tmp_path: Path) -> None:
    folder(tmp_path / "train", {f"p{number}": 2 for number in range(8)} | {"one": 1})
    folder(tmp_path / "test", {"q1": 2, "q2": 3, "q3": 1})
    found = parts(tmp_path, test=0.9)
    assert names(found.test) == {"q1", "q2"}
    assert names(found.learning) | names(found.validation) == {f"p{number}" for number in range(8)}
    assert set(found.single) == {"one", "q3"}


def test_people_named_train_and_test_are_people(tmp_path: Path) -> None:
    folder(tmp_path, {"train": 3, "test": 3} | {f"p{number}": 3 for number in range(6)})
    found = parts(tmp_path)
    assert {"train", "test"} <= names(found.learning) | names(found.validation) | names(found.test)


def test_a_split_by_picture_holds_nobody_out(tmp_path: Path) -> None:
    folder(tmp_path / "train", {f"p{number}": 2 for number in range(8)})
    shutil.copytree(tmp_path / "train" / "p3", tmp_path / "test" / "p3")
    with pytest.raises(PeopleError, match="1 people are in both parts, such as p3") as error:
        parts(tmp_path)
    assert "--by person" in error.value.fix


@pytest.mark.parametrize(
    "pictures",
    [
        pytest.param({"Ada": 9}, id="one-person"),
        pytest.param({f"p{number}": 1 for number in range(30)}, id="one-picture-each"),
        pytest.param({f"p{number}": 4 for number in range(5)}, id="five-people"),
    ],
)
def test_too_few_people_are_refused(pictures: dict[str, int], tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match="with at least 2 pictures, too few") as error:
        parts(folder(tmp_path / "faces", pictures))
    assert error.value.fix.startswith("give 6 people or more")


def test_people_who_are_held_out_count_among_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(PeopleError) as error:
        parts(folder(tmp_path / "faces", {f"p{number}": 5 for number in range(4)}))
    assert error.value.problem == (
        f"{tmp_path / 'faces'}: 4 people with at least 2 pictures, too few: 1 to teach, 1 to validate and 2 to test"
        " with, at least 2 each are needed"
    )


@pytest.mark.parametrize("shares", [{"test": 0.9}, {"validation": 0.9}])
def test_shares_that_leave_nobody_to_teach_are_refused(shares: dict[str, float], tmp_path: Path) -> None:
    with pytest.raises(PeopleError, match="10 people with at least 2 pictures, too few: 1 to teach") as error:
        parts(folder(tmp_path / "faces", {f"p{number}": 2 for number in range(10)}), **shares)
    assert "--test and --validation" in error.value.fix


def test_six_people_are_enough(tmp_path: Path) -> None:
    found = parts(folder(tmp_path / "faces", {f"p{number}": 2 for number in range(6)}))
    assert [len(each) for each in (found.learning, found.validation, found.test)] == [2, 2, 2]


def test_a_test_part_with_one_person_is_refused(tmp_path: Path) -> None:
    folder(tmp_path / "train", {f"p{number}": 2 for number in range(8)})
    folder(tmp_path / "test", {"q1": 2})
    with pytest.raises(PeopleError, match="too few: 6 to teach, 2 to validate and 1 to test with"):
        parts(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Ada").mkdir()
    with pytest.raises(PeopleError, match="no pictures"):
        parts(tmp_path)
    with pytest.raises(PeopleError, match="no such folder"):
        parts(tmp_path / "nothing")
