"""What networks are compared on: folders, lists of pairs, the portraits of the demo."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.errors import FootfallError, PictureError
from tracker.bench import collection
from tracker.bench.collection import chosen, in_folder, portraits, sample


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Three small pictures beside each other."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("ada.png", "ada-dark.png", "bob.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((8, 8, 3), np.uint8))
    return folder


def folder_of(root: Path, counts: dict[str, int]) -> Path:
    """A folder with that many pictures in the folder of each person, which nobody reads."""
    for person, count in counts.items():
        (root / person).mkdir(parents=True)
        for number in range(count):
            (root / person / f"{number}.png").touch()
    return root


def test_a_folder_for_each_person_has_as_many_pairs_of_two_people_as_of_one(tmp_path: Path) -> None:
    found = in_folder(folder_of(tmp_path, {"ada": 4, "bob": 3, "eve": 5}))
    assert found.one_face
    assert len(found.pictures) == 12
    kinds = Counter(pair.same for pair in found.pairs)
    assert kinds == {True: 6 + 3 + 10, False: 6 + 3 + 10}
    assert len(set(found.pairs)) == len(found.pairs)
    for pair, (first, second) in zip(found.pairs, found.units, strict=True):
        people = [name.split("/")[0] for name in (pair.first, pair.second)]
        assert (people[0] == people[1]) is pair.same is (first == second)
    assert in_folder(tmp_path).pairs == found.pairs


def test_pairs_are_limited_and_spread_over_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "MAX_PAIRS", 40)
    found = in_folder(folder_of(tmp_path, {f"p{number}": 8 for number in range(10)}))
    assert Counter(pair.same for pair in found.pairs) == {True: 40, False: 40}
    assert len(set(found.pairs)) == 80
    assert len({unit for units in found.units for unit in units}) == 10


def test_few_pairs_of_two_people_are_all_taken(tmp_path: Path) -> None:
    found = in_folder(folder_of(tmp_path, {"ada": 8, "bob": 1}))
    assert Counter(pair.same for pair in found.pairs) == {True: 28, False: 8}
    assert in_folder(folder_of(tmp_path / "one", {"ada": 3})).units == ((0, 0),) * 3


def test_pictures_beside_each_other_have_no_truth(pictures: Path) -> None:
    found = in_folder(pictures)
    assert set(found.pictures) == {"ada.png", "ada-dark.png", "bob.jpg"}
    assert (found.pairs, found.one_face) == ((), False)
    assert found.pictures["ada.png"]().shape[2] == 3


def test_a_list_of_pairs_names_files_beside_it_or_in_the_folder(pictures: Path, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("file_x,file_y,same\nada.png,ada-dark.png,1\nada.png,bob.jpg,0\n")
    found = chosen(pictures, path)
    assert list(found.pictures) == ["ada.png", "ada-dark.png", "bob.jpg"]
    assert found.units == ((0, 0), (1, 1))
    assert not found.one_face
    assert found.pictures["bob.jpg"]().shape == (8, 8, 3)
    with pytest.raises(PictureError, match="no such file"):
        chosen(None, path).pictures["bob.jpg"]()


def test_the_portraits_of_the_demo_are_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    found = chosen(None, None)
    assert [read().shape[2] for read in found.pictures.values()] == [3, 3]
    monkeypatch.setattr("tracker.demo.portraits.find_spec", lambda _name: None)
    with pytest.raises(PictureError) as caught:
        portraits()
    assert "--pictures DIR" in caught.value.fix


def test_folders_without_pictures_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "ada").mkdir()
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(FootfallError):
            in_folder(folder)


def test_a_sample_is_the_same_each_time() -> None:
    names = [str(number) for number in range(100)]
    assert sample(names, 20) == sample(names, 20)
    assert len(sample(names, 20)) == 20
    assert sample(names[:3], 20) == set(names[:3])
