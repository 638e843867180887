"""`footfall dataset check`: what is wrong with which picture, in the words of enrolment."""

from __future__ import annotations

import csv
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.dashboard.faces import head
from tests.files import digest
from tests.tracker.cli.conftest import Run
from tests.tracker.vision.scenes import (
    TESTDATA,
    astronaut,
    clip_frames,
    empty_room,
    grace_hopper,
    small_astronaut,
    ten_faces,
)

DOCUMENT = {"people", "pictures", "good", "problems", "by_person", "few", "alike", "ignored", "findings"}
FINDING = {"person", "file", "good", "problem", "reason", "width_px", "quality"}


def written(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image)[1].tobytes()


def problems(run: Run, folder: Path, *options: object) -> dict[str, str]:
    """File -> problem of each picture that is not good."""
    done = run("dataset", "check", folder, "--json", *options)
    assert set(done.data) == DOCUMENT
    assert all(set(finding) == FINDING for finding in done.data["findings"])
    return {finding["file"]: finding["problem"] for finding in done.data["findings"]}


def test_good_pictures_have_no_findings(run: Run, people: Path) -> None:
    done = run("dataset", "check", people)
    assert (done.code, done.err) == (0, "")
    figures = dict(re.findall(r"^(\S.*?)  +(\d+) *$", done.out, re.MULTILINE))
    assert figures == {"people": "2", "pictures": "6", "good": "6", "people with fewer than 2 good pictures": "0"}


@pytest.mark.parametrize(
    ("make", "problem", "reason"),
    [
        pytest.param(lambda: b"", "unreadable", "the file is empty", id="empty"),
        pytest.param(lambda: b"no picture" * 50, "unreadable", "not a picture", id="text"),
        pytest.param(lambda: written(astronaut())[:9000], "unreadable", "damaged or cut off", id="cut-off"),
        pytest.param(lambda: written(np.zeros((1, 1, 3), np.uint8)), "no face", "no face found", id="one-pixel"),
        pytest.param(lambda: written(empty_room()), "no face", "no face found", id="room"),
        pytest.param(lambda: written(ten_faces()), "several faces", "10 faces found", id="several"),
        pytest.param(lambda: written(small_astronaut()), "too small", "px wide, at least 40", id="small"),
        pytest.param(
            lambda: written(cv2.GaussianBlur(astronaut(), (0, 0), 6)), "too blurred", "sharpness", id="blurred"
        ),
        pytest.param(lambda: written((astronaut() * 0.05).astype(np.uint8)), "too dark", "contrast", id="dark"),
        pytest.param(lambda: written(head("hopper", -20)), "mislabelled", "matches Grace (distance 0.", id="other"),
        pytest.param(lambda: written(astronaut()[2:, 2:]), "near-duplicate", "hardly more than front.png", id="near"),
    ],
)
def test_a_picture_that_is_not_good_is_listed_with_the_reason(
    make: Callable[[], bytes], problem: str, reason: str, run: Run, people: Path
) -> None:
    (people / "Ada" / "one.png").write_bytes(make())
    done = run("dataset", "check", people, "--json")
    (finding,) = done.data["findings"]
    assert (done.code, finding["file"], finding["problem"]) == (0, "Ada/one.png", problem)
    assert reason in finding["reason"]
    assert done.data["problems"] == {problem: 1}
    assert f"Ada/one.png: {finding['reason']}\n" in run("dataset", "check", people).out


def test_the_same_file_twice_counts_once_and_of_two_people_never(run: Run, people: Path) -> None:
    shutil.copy(people / "Ada" / "front.png", people / "Ada" / "same.png")
    shutil.copy(people / "Ada" / "left.png", people / "Grace" / "shared.png")
    assert problems(run, people) == {
        "Ada/left.png": "of several people", "Ada/same.png": "duplicate", "Grace/shared.png": "of several people",
    }  # fmt: skip


def test_of_several_faces_the_widest_counts_if_wanted(run: Run, people: Path) -> None:
    picture = np.full((480, 640, 3), 90, np.uint8)
    picture[40:300, 20:180] = astronaut()[:260, 150:310]
    picture[100:230, 400:480] = cv2.resize(grace_hopper()[20:420, 130:430], (80, 130), interpolation=cv2.INTER_AREA)
    (people / "Ada" / "two.png").write_bytes(written(picture))
    assert problems(run, people) == {"Ada/two.png": "several faces"}
    done = run("dataset", "check", people, "--multi", "--json")
    assert {row["file"]: row["problem"] for row in done.data["findings"]} == {"Ada/two.png": "near-duplicate"}


def test_one_person_under_two_names_is_noticed(run: Run, people: Path) -> None:
    shutil.copytree(people / "Ada", people / "Ada L.")
    for path in (people / "Ada L.").iterdir():
        path.write_bytes(written(cv2.imread(str(path))[2:, 2:]))
    done = run("dataset", "check", people)
    assert "note: Ada and Ada L. look like one person (distance 0." in done.err
    assert len(re.findall(r"^Ada( L\.)?/\w+\.png: (matches|shows hardly more than)", done.out, re.MULTILINE)) >= 4
    assert "Grace/" not in done.out


def test_somebody_unknown_in_a_folder_is_an_outlier(run: Run, people: Path) -> None:
    shutil.rmtree(people / "Grace")
    (people / "Ada" / "who.png").write_bytes(written(grace_hopper()))
    assert problems(run, people) == {"Ada/who.png": "outlier"}
    for name in ("left.png", "right.png"):
        (people / "Ada" / name).unlink()
    done = run("dataset", "check", people)
    done.refused("no picture is good enough")
    assert done.out.count("the pictures of Ada show different people") == 2


def test_pictures_of_real_people_are_of_whom_their_folders_say(run: Run, tmp_path: Path) -> None:
    if not TESTDATA:
        pytest.skip("FOOTFALL_TESTDATA does not name the folder with the clips")
    for name, clip in {"Woman": "woman_a_turning.gif", "Man": "man_d_nodding.gif"}.items():
        (tmp_path / "people" / name).mkdir(parents=True)
        for index, image in clip_frames(Path(TESTDATA), clip, 12):
            cv2.imwrite(str(tmp_path / "people" / name / f"{index}.png"), image)
    (tmp_path / "people" / "Man" / "0.png").rename(tmp_path / "people" / "Woman" / "moved.png")
    found = problems(run, tmp_path / "people")
    assert {file for file, problem in found.items() if problem == "mislabelled"} == {"Woman/moved.png"}
    assert set(found.values()) == {"mislabelled", "near-duplicate"}


def test_people_with_too_few_good_pictures_are_named(run: Run, people: Path) -> None:
    (people / "Grace" / "left.png").unlink()
    (people / "Grace" / "right.png").write_bytes(b"")
    (people / "Nobody").mkdir()
    done = run("dataset", "check", people)
    assert done.err == "note: fewer than 2 good pictures: Grace, Nobody\n"
    assert run("dataset", "check", people, "--json").data["by_person"] == [
        {"person": "Ada", "pictures": 3, "good": 3},
        {"person": "Grace", "pictures": 2, "good": 1},
        {"person": "Nobody", "pictures": 0, "good": 0},
    ]


def test_links_that_lead_back_or_nowhere_and_other_files_are_noted_and_not_read(run: Run, people: Path) -> None:
    (people / "loop").symlink_to(people)
    (people / "up").symlink_to(people.parent)
    (people / "circle").symlink_to(people / "circle")
    (people / "beside.png").write_bytes(written(astronaut()))
    (people / "Ada" / "self").symlink_to(people / "Ada")
    (people / "Ada" / "gone.png").symlink_to("nowhere.png")
    (people / "Ada" / "notes.txt").write_text("no picture", encoding="utf-8")
    (people / "Ada" / ".hidden.png").write_bytes(b"x")
    done = run("dataset", "check", people, "--json")
    assert done.data["good"] == 6
    assert done.data["ignored"] == [
        "Ada/gone.png", "Ada/notes.txt", "Ada/self", "beside.png", "circle", "loop", "up",
    ]  # fmt: skip
    assert "Ada/self, beside.png" in run("dataset", "check", people).err


@pytest.mark.parametrize(
    ("make", "refusal"),
    [
        pytest.param(lambda _: None, ("no such folder",), id="missing"),
        pytest.param(lambda path: path.write_bytes(b"x"), ("not a folder",), id="file"),
        pytest.param(lambda path: path.symlink_to(path), ("no such folder",), id="circle"),
        pytest.param(lambda path: path.mkdir(), ("no pictures in it",), id="empty"),
        pytest.param(lambda path: (path / "Ada").mkdir(parents=True), ("no pictures in folders",), id="empty-person"),
        pytest.param(
            lambda path: [path.mkdir(), (path / "ada.png").write_bytes(b"x")], ("no pictures in folders",), id="loose"
        ),
        pytest.param(
            lambda path: [(path / "train" / "Ada").mkdir(parents=True), (path / "train/Ada/1.png").write_bytes(b"x")],
            ("train: no picture in it, but in folders in it",),
            id="one-deeper",
        ),
    ],
)
@pytest.mark.parametrize(
    "words", [["check"], ["align", "--to", "out"], ["split", "--to", "out"]], ids=lambda one: one[0]
)
def test_what_is_no_dataset_is_refused(
    words: list[str], make: Callable[[Path], object], refusal: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    make(tmp_path / "given")
    run("dataset", words[0], tmp_path / "given", *words[1:]).refused(*refusal)
    assert not Path("out").exists()


# -- files


NAMES = ["שרה", "李 小龍", '<b>bold & "co"', "=1+1", "a\u202egpj"]


def test_the_contact_sheet_holds_every_picture_and_no_markup_of_names(run: Run, people: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (people / name).mkdir()
        (people / name / "<i>.png").write_bytes(written(empty_room()))
    (people / "Ada" / "bad.png").write_bytes(b"")
    sheet = tmp_path / "sheet.html"
    assert run("dataset", "check", people, "--html", sheet).code == 0
    text = sheet.read_text(encoding="utf-8")
    assert text.count("<figure") == 6 + len(NAMES) + 1
    assert text.count("data:image/jpeg;base64,") == 6 + len(NAMES)
    assert "<strong><bdi>the file is empty</bdi></strong>" in text
    assert "<bdi>&lt;b&gt;bold &amp; &quot;co&quot;</bdi>" in text
    assert all(found not in text for found in ("<i>", "<b>", "<script", "http:", "https:", 'src="/', "\u202e"))
    assert "prefers-color-scheme: dark" in text


def test_the_list_has_every_picture_and_no_formula(run: Run, people: Path, tmp_path: Path) -> None:
    for name in NAMES:
        (people / name).mkdir()
        (people / name / "1.png").write_bytes(b"x")
    assert run("dataset", "check", people, "--csv", tmp_path / "list.csv").code == 0
    with (tmp_path / "list.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == FINDING
    assert len(rows) == 6 + len(NAMES)
    assert [row["good"] for row in rows if row["person"] == "Ada"] == ["true"] * 3
    assert {row["person"] for row in rows} >= {"שרה", "李 小龍", "'=1+1", "a\\u202egpj"}
    assert [40 < float(row["width_px"]) < 250 for row in rows if row["person"] == "Grace"] == [True] * 3


def test_names_that_are_no_text_are_escaped(run: Run, people: Path, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    (people / "Ada" / name).write_bytes(b"x")
    done = run("dataset", "check", people, "--csv", tmp_path / "a.csv", "--html", tmp_path / "a.html")
    assert done.code == 0
    for path in (tmp_path / "a.csv", tmp_path / "a.html"):
        assert "caf\\udce9.png" in path.read_text(encoding="utf-8")


def test_files_of_other_kinds_are_not_overwritten(run: Run, people: Path) -> None:
    target = people / "Ada" / "front.png"
    before = digest(target)
    run("dataset", "check", people, "--csv", target).refused("does not end in .csv", code=2)
    run("dataset", "check", people, "--html", target).refused("does not end in .html", code=2)
    assert digest(target) == before
    run("dataset", "check", people, "--csv", people / "none" / "a.csv").refused("a.csv: cannot be written")


def test_a_check_writes_nothing_by_itself(run: Run, people: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in people.rglob("*")}
    assert run("dataset", "check", people).code == 0
    assert {path: path.stat().st_mtime_ns for path in people.rglob("*")} == before
    assert list(Path().iterdir()) == []
