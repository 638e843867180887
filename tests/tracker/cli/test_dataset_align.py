"""`footfall dataset align`: crops of faces in the same folders, never in the dataset itself."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from config.settings import load_settings
from tests.files import digest
from tests.tracker.cli.conftest import Run
from tests.tracker.conftest import SmallDisk
from tests.tracker.vision.scenes import astronaut, empty_room, ten_faces
from tracker.identity.networks import load_engine
from tracker.vision.embedders import ARCFACE_CHIP, DLIB_CHIP
from tracker.vision.faces import Image

FILES = {f"{person}/{file}.png" for person in ("Ada", "Grace") for file in ("front", "left", "right")}


def files_in(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def digests(folder: Path) -> dict[str, object]:
    return {name: digest(folder / name) for name in files_in(folder)}


def crop_of(image: Image, box: tuple[float, float, float, float], size: int, margin: int) -> Image:
    """The same crop by one affine transform."""
    x1, y1, x2, y2 = box
    side = max(x2 - x1, y2 - y1) * size / (size - margin)
    scale = size / side
    matrix = np.array([[scale, 0, -scale * ((x1 + x2 - side) / 2)], [0, scale, -scale * ((y1 + y2 - side) / 2)]])
    return cv2.warpAffine(image, matrix, (size, size)).astype(np.uint8)


def test_crops_of_the_box_with_its_margin_are_written_in_the_same_folders(run: Run, people: Path) -> None:
    before = digests(people)
    done = run("dataset", "align", people, "--to", "faces")
    assert (done.code, done.out) == (0, "6 crops written to faces, 0 there already\n0 pictures skipped\n")
    assert files_in(Path("faces")) == FILES
    assert {cv2.imread(str(Path("faces") / name)).shape for name in FILES} == {(160, 160, 3)}
    assert digests(people) == before
    (drawing,) = run("annotate", people / "Ada" / "front.png", "--out", "drawn", "--json").data
    expected = crop_of(astronaut(), tuple(drawing["faces"][0]["box"]), 160, 32).astype(int)
    assert np.abs(cv2.imread("faces/Ada/front.png").astype(int) - expected).mean() < 8
    assert np.abs(cv2.imread("faces/Ada/front.png").astype(int) - expected[:, ::-1]).mean() > 30


def test_without_a_margin_the_face_is_larger(run: Run, people: Path) -> None:
    run("dataset", "align", people, "--to", "wide", "--size", "96", "--margin", "48")
    run("dataset", "align", people, "--to", "tight", "--size", "96", "--margin", "0")
    wide, tight = cv2.imread("wide/Grace/front.png"), cv2.imread("tight/Grace/front.png")
    assert wide.shape == tight.shape == (96, 96, 3)
    middle = cv2.resize(tight, (48, 48), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(wide[24:72, 24:72].astype(int) - middle).mean() < 8


@pytest.mark.parametrize(
    ("options", "template", "side"),
    [
        pytest.param(("--template", "arcface"), ARCFACE_CHIP.template, 112, id="arcface"),
        pytest.param(("--template", "dlib"), DLIB_CHIP.template, 150, id="dlib"),
        pytest.param(("--template", "arcface", "--size", "224"), ARCFACE_CHIP.template * 2, 224, id="scaled"),
    ],
)
def test_five_landmarks_come_to_lie_where_the_template_has_them(
    options: tuple[str, ...], template: np.ndarray, side: int, run: Run, people: Path
) -> None:
    assert run("dataset", "align", people, "--to", "faces", *options).code == 0
    engine = load_engine(load_settings(None, {}))
    for name in ("Ada/front.png", "Grace/front.png"):
        crop = cv2.imread(f"faces/{name}")
        assert crop.shape == (side, side, 3)
        assert crop[:, :, 2].mean() > crop[:, :, 0].mean() + 20, "skin is red, not blue"
        offsets = np.linalg.norm(engine.detect(crop.astype(np.uint8)).landmarks[0] - template, axis=1)
        assert offsets.max() < 0.08 * side


def test_what_check_refuses_is_skipped_and_near_duplicates_are_not(run: Run, people: Path) -> None:
    for name, image in {"room": empty_room(), "ten": ten_faces(), "near": astronaut()[2:, 2:]}.items():
        cv2.imwrite(str(people / "Ada" / f"{name}.png"), image)
    (people / "Ada" / "bad.jpg").write_bytes(b"x")
    done = run("dataset", "align", people, "--to", "faces")
    assert done.out == "7 crops written to faces, 0 there already\n3 pictures skipped\n"
    assert "'footfall dataset check' lists why" in done.err
    assert files_in(Path("faces")) == FILES | {"Ada/near.png"}
    assert run("dataset", "align", people, "--to", "faces", "--json").data == {
        "written": 0, "up_to_date": 7, "different": 0, "skipped": 3,
        "problems": {"unreadable": 1, "no face": 1, "several faces": 1, "near-duplicate": 1},
    }  # fmt: skip


def test_a_second_run_writes_nothing_and_replaces_what_differs_only_if_told(run: Run, people: Path) -> None:
    run("dataset", "align", people, "--to", "faces")
    before = {name: (Path("faces") / name).stat().st_mtime_ns for name in FILES}
    kept = digests(Path("faces"))
    assert run("dataset", "align", people, "--to", "faces").out.startswith("0 crops written to faces, 6 there already")
    assert {name: (Path("faces") / name).stat().st_mtime_ns for name in FILES} == before
    run("dataset", "align", people, "--to", "faces", "--size", "96").refused("6 files in faces differ", "--force")
    assert digests(Path("faces")) == kept
    done = run("dataset", "align", people, "--to", "faces", "--size", "96", "--force")
    assert (done.code, done.out.split(",")[0]) == (0, "6 crops written to faces")
    assert cv2.imread("faces/Ada/front.png").shape == (96, 96, 3)


def test_pictures_of_one_name_and_two_endings_keep_both(run: Run, people: Path) -> None:
    (people / "Ada" / "left.png").rename(people / "Ada" / "front.PNG")
    run("dataset", "align", people, "--to", "faces")
    assert files_in(Path("faces") / "Ada") == {"front.png.png", "front.PNG.png", "right.png"}


@pytest.mark.parametrize(
    "out", ["people", "people/faces", "people/Ada", ".", "link/faces"], ids=["same", "in", "person", "above", "link"]
)
@pytest.mark.parametrize("command", ["align", "split"])
def test_nothing_is_written_into_the_dataset(command: str, out: str, run: Run, people: Path) -> None:
    os.chdir(people.parent)
    Path("link").symlink_to("people")
    before = digests(people)
    run("dataset", command, "people", "--to", out).refused("not apart from the dataset", "--to")
    assert digests(people) == before
    assert not (people / "faces").exists()


def test_links_below_the_target_lead_nothing_into_the_dataset(run: Run, people: Path) -> None:
    before = digests(people)
    Path("faces").mkdir()
    Path("faces/Ada").symlink_to(people / "Ada")
    run("dataset", "align", people, "--to", "faces", "--force").refused("not apart from the dataset")
    Path("faces/Ada").unlink()
    Path("faces/Ada").mkdir()
    Path("faces/Ada/front.png").symlink_to(people / "Ada" / "front.png")
    run("dataset", "align", people, "--to", "faces").refused("1 files in faces differ")
    assert run("dataset", "align", people, "--to", "faces", "--force").code == 0
    assert not Path("faces/Ada/front.png").is_symlink()
    assert digests(people) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(("--size", "100", "--margin", "51"), ("--margin 51", "at most 50"), id="margin"),
        pytest.param(("--template", "arcfase"), ("'arcfase'", "arcface or dlib"), id="template"),
        pytest.param(("--template", "dlib", "--margin", "8"), ("no effect with --template",), id="both"),
    ],
)
def test_options_that_make_no_crop_are_refused(
    options: tuple[str, ...], words: tuple[str, ...], run: Run, people: Path
) -> None:
    run("dataset", "align", people, "--to", "faces", *options).refused(*words, code=2)
    assert run("dataset", "align", people, "--to", "faces", "--size", "0").code == 2
    assert not Path("faces").exists()


def test_a_target_that_cannot_be_written_is_reported(run: Run, people: Path, small_disk: SmallDisk) -> None:
    Path("file").write_bytes(b"x")
    run("dataset", "align", people, "--to", "file").refused("cannot be written")
    Path("circle").symlink_to("circle")
    run("dataset", "align", people, "--to", "circle").refused("circle: cannot be")
    small_disk.fill()
    run("dataset", "align", people, "--to", small_disk.path / "faces").refused("cannot be written", "free space")
    assert files_in(small_disk.path) <= {"ballast"}


def test_nothing_usable_is_a_failure(run: Run, people: Path) -> None:
    for path in people.rglob("*.png"):
        path.write_bytes(b"x")
    run("dataset", "align", people, "--to", "faces").refused("no picture is good enough", "dataset check")
    assert not Path("faces").exists()
