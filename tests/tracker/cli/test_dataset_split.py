"""`footfall dataset split`: the same two parts for the same names, and near-duplicates in one of them."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import cv2
import pytest

from tests.dashboard import faces
from tests.files import digest
from tests.tracker.cli.conftest import Run


def parts(run: Run, folder: Path, *options: object) -> dict[str, str]:
    """File -> part."""
    done = run("dataset", "split", folder, "--csv", "list.csv", "--json", *options)
    assert done.code == 0, done.err
    found = {row["file"]: row["set"] for row in done.data["pictures"]}
    with Path("list.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["file"]: row["set"] for row in csv.DictReader(file)} == found
    return found


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Twenty people with two files each, of which a split by person reads the names alone."""
    for person in range(20):
        folder = tmp_path / "many" / f"p{person}"
        folder.mkdir(parents=True)
        for file in ("a.jpg", "b.jpg"):
            (folder / file).write_bytes(f"{person} {file}".encode())
    return tmp_path / "many"


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def test_people_are_divided_and_nobody_is_in_both_parts(run: Run, many: Path) -> None:
    done = run("dataset", "split", many, "--to", "parts", "--test", "0.25")
    assert (done.code, done.out) == (0, "train: 30 pictures of 15 people\ntest: 10 pictures of 5 people\n")
    test, train = files_in(Path("parts/test")), files_in(Path("parts/train"))
    assert (len(test), len(train), test | train) == (10, 30, files_in(many))
    assert {name.split("/")[0] for name in test}.isdisjoint({name.split("/")[0] for name in train})
    assert all(digest(Path("parts/test") / name) == digest(many / name) for name in test)


def test_a_split_depends_on_names_and_seed_alone(run: Run, many: Path, tmp_path: Path) -> None:
    found = parts(run, many)
    assert sorted({name.split("/")[0] for name, part in found.items() if part == "test"}) == ["p0", "p10", "p6", "p8"]
    copy = tmp_path / "copy"
    for folder in sorted(many.iterdir(), key=lambda path: path.name[::-1]):
        shutil.copytree(folder, copy / folder.name)
    assert parts(run, copy) == found
    assert parts(run, many, "--seed", "1") != found


def test_one_more_person_moves_at_most_one_into_a_part(run: Run, many: Path) -> None:
    before = {name for name, part in parts(run, many).items() if part == "test"}
    shutil.copytree(many / "p0", many / "new")
    after = {name for name, part in parts(run, many).items() if part == "test" and not name.startswith("new")}
    assert len(before - after) <= 2
    assert after <= before


def test_near_duplicates_and_copies_stay_in_one_part(run: Run, people: Path) -> None:
    for number in range(4):
        cv2.imwrite(str(people / "Ada" / f"left-{number}.png"), faces.head("astronaut", -40 - number / 4))
    for number in range(2):
        shutil.copy(people / "Grace" / "front.png", people / "Grace" / f"copy-{number}.png")
    (people / "Grace" / "room.png").write_bytes(b"no picture")
    (people / "Grace" / "room-too.png").write_bytes(b"no picture")
    for seed in range(4):
        found = parts(run, people, "--by", "picture", "--test", "0.4", "--seed", seed)
        groups = (
            {f"Ada/left-{number}.png" for number in range(4)} | {"Ada/left.png"},
            {"Grace/front.png", "Grace/copy-0.png", "Grace/copy-1.png"},
            {"Grace/room.png", "Grace/room-too.png"},
        )
        assert [len({found[name] for name in group}) for group in groups] == [1, 1, 1]
        for person, total in (("Ada", 7), ("Grace", 7)):
            test = sum(part == "test" for name, part in found.items() if name.startswith(person))
            assert 0 < test <= round(0.4 * total)


def test_pictures_are_divided_by_names_and_seed_alone(run: Run, people: Path, tmp_path: Path) -> None:
    found = [parts(run, people, "--by", "picture", "--test", "0.4", "--seed", seed) for seed in range(4)]
    assert {tuple(each.values()).count("test") for each in found} == {2}
    assert len({tuple(each.values()) for each in found}) > 1
    shutil.copytree(people, tmp_path / "copy")
    assert parts(run, tmp_path / "copy", "--by", "picture", "--test", "0.4", "--seed", 3) == found[3]


def test_a_picture_of_two_people_is_in_one_part(run: Run, people: Path) -> None:
    shutil.copy(people / "Ada" / "left.png", people / "Grace" / "ada.png")
    for seed in range(3):
        found = parts(run, people, "--by", "picture", "--test", "0.5", "--seed", seed)
        assert found["Ada/left.png"] == found["Grace/ada.png"]


def test_links_lead_to_the_pictures(run: Run, many: Path) -> None:
    assert run("dataset", "split", many, "--to", "parts", "--link").code == 0
    links = [path for path in Path("parts").rglob("*") if path.is_symlink()]
    assert len(links) == 40
    assert all(path.resolve() == many / path.relative_to(path.parents[1]) for path in links)
    again = run("dataset", "split", many, "--to", "parts", "--link")
    assert again.err == "0 files written to parts, 40 there already\n"
    run("dataset", "split", many, "--to", "parts").refused("has 40 files that are not of this split")


def test_a_folder_with_another_split_is_left_alone(run: Run, many: Path) -> None:
    run("dataset", "split", many, "--to", "parts")
    before = files_in(Path("parts"))
    assert run("dataset", "split", many, "--to", "parts").err == "0 files written to parts, 40 there already\n"
    run("dataset", "split", many, "--to", "parts", "--seed", "1").refused("files that are not of this split")
    (Path("parts/train") / next(iter(files_in(Path("parts/train"))))).write_bytes(b"changed")
    run("dataset", "split", many, "--to", "parts").refused("has 1 files that are not of this split")
    assert files_in(Path("parts")) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param((), ("nothing to write", "--csv"), id="no-target"),
        pytest.param(("--to", "out", "--by", "folder"), ("'folder'", "person or picture"), id="by"),
        pytest.param(("--csv", "list.txt"), ("does not end in .csv",), id="csv"),
    ],
)
def test_options_that_say_nothing_are_refused(
    options: tuple[str, ...], words: tuple[str, ...], run: Run, many: Path
) -> None:
    run("dataset", "split", many, *options).refused(*words, code=2)
    assert run("dataset", "split", many, "--to", "out", "--test", "1").code == 2
    assert list(Path().iterdir()) == []


def test_what_cannot_be_divided_is_refused(run: Run, people: Path) -> None:
    shutil.rmtree(people / "Grace")
    run("dataset", "split", people, "--to", "out").refused("one person only", "--by picture")
    (people / "Ada" / "left.png").unlink()
    shutil.copy(people / "Ada" / "front.png", people / "Ada" / "right.png")
    run("dataset", "split", people, "--to", "out", "--by", "picture").refused("nothing can be in the test")
    assert not Path("out").exists()


def test_names_of_any_script_are_kept(run: Run, many: Path) -> None:
    names = {"שרה", "李 小龍", "<b>bold", "a\u202eb"}
    for name in names:
        shutil.copytree(many / "p0", many / name)
    assert run("dataset", "split", many, "--to", "parts").code == 0
    assert {path.name for part in ("train", "test") for path in Path("parts", part).iterdir()} >= names
