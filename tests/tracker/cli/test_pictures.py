"""`footfall annotate` and `footfall compare`."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from tests.files import digest
from tests.tracker.cli.conftest import Run
from tests.tracker.sources import open_source

DRAWING = {"file", "out", "frames", "faces", "notes", "problem", "fix"}
FACE = {"box", "score", "person_id", "name", "distance", "reason"}


@pytest.fixture
def enrolled(run: Run, pictures: Path) -> None:
    assert run("enroll", pictures / "ada-dark.png", "--name", "Ada").code == 0


def frames_of(path: Path) -> list[np.ndarray]:
    return [frame.image for frame in iter(open_source(str(path), realtime=False).read, None)]


@pytest.mark.usefixtures("enrolled")
def test_a_picture_is_annotated_in_a_copy(run: Run, pictures: Path) -> None:
    done = run("annotate", pictures / "both.png", "--out", "drawn", "--json")
    (drawing,) = done.data
    assert set(drawing) == DRAWING
    assert (drawing["out"], drawing["frames"], drawing["problem"]) == ("drawn/both.png", 1, None)
    assert [set(face) for face in drawing["faces"]] == [FACE, FACE]
    faces = sorted(drawing["faces"], key=lambda face: face["box"][0])
    assert [face["name"] for face in faces] == ["Ada", None]
    assert faces[0]["distance"] < 0.8 < 1.13 < faces[1]["distance"]
    before, after = cv2.imread(str(pictures / "both.png")), cv2.imread("drawn/both.png")
    assert before.shape == after.shape
    changed = (before != after).any(axis=2)
    for face in faces:
        x1, y1, x2, y2 = (round(edge) for edge in face["box"])
        assert changed[y1 + 2 : y2 - 2, x1 - 1 : x1 + 2].any(axis=1).all(), "the left edge of the box"
        assert not changed[y1 + 8 : y2 - 8, x1 + 8 : x2 - 8].any(), "the face itself"
    assert changed.mean() < 0.1


def test_without_a_store_everybody_is_unknown_and_none_is_made(run: Run, pictures: Path, tmp_path: Path) -> None:
    (drawing,) = run("annotate", pictures / "ada.png", "--out", "drawn", "--json").data
    assert [(face["name"], face["distance"], face["reason"]) for face in drawing["faces"]] == [(None, None, None)]
    assert not (tmp_path / "store.sqlite3").exists()


@pytest.mark.usefixtures("enrolled")
def test_folder_in_folder_out_each_under_its_own_name(run: Run, pictures: Path, clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    image = cv2.imread(str(pictures / "ada.png"))
    for name in ("same.png", "same.jpg", "same.bmp", "same.tif", "same.webp", "same.jp2", "same.ppm"):
        cv2.imwrite(str(folder / name), image)
    PIL.Image.fromarray(image[:, :, ::-1]).save(folder / "still.gif")
    (folder / ".hidden.png").write_bytes(b"x")
    (folder / "notes.txt").write_text("no picture", encoding="utf-8")
    done = run("annotate", folder, "--out", folder / "drawn", "--json")
    assert done.code == 0
    assert {Path(row["file"]).name: Path(row["out"]).name for row in done.data} == {
        "same.bmp": "same.bmp", "same.jp2": "same.jp2.png", "same.jpg": "same.jpg", "same.png": "same.png",
        "same.ppm": "same.ppm.png", "same.tif": "same.tif", "same.webp": "same.webp", "still.gif": "still.gif.png",
    }  # fmt: skip
    assert {face["name"] for row in done.data for face in row["faces"]} == {"Ada"}
    assert all(cv2.imread(row["out"]).shape == image.shape for row in done.data)
    text = run("annotate", folder, "--out", folder / "drawn").out
    assert "same.jpg: 1 face\n" in text


@pytest.mark.usefixtures("enrolled")
@pytest.mark.parametrize(
    ("name", "out"), [("clip.avi", "clip.avi.mp4"), ("clip.mp4", "clip.mp4"), ("a.gif", "a.gif.mp4")]
)
def test_video_is_drawn_frame_by_frame(name: str, out: str, run: Run, clip: Path, tmp_path: Path) -> None:
    frames = frames_of(clip)[1:13]
    source = tmp_path / name
    if name.endswith(".gif"):
        stills = [PIL.Image.fromarray(frame[:, :, ::-1]) for frame in frames]
        stills[0].save(source, save_all=True, append_images=stills[1:], duration=200)
    else:
        codec = cv2.VideoWriter.fourcc(*("MJPG" if name.endswith(".avi") else "mp4v"))
        writer = cv2.VideoWriter(str(source), codec, 5, (480, 270))
        for frame in frames:
            writer.write(frame)
        writer.release()
    done = run("annotate", source, "--out", "drawn", "--json")
    assert [(row["out"], row["frames"], row["faces"]) for row in done.data] == [(f"drawn/{out}", 12, None)]
    drawn = frames_of(Path("drawn") / out)
    assert [frame.shape for frame in drawn] == [(270, 480, 3)] * 12
    greener = [(frame[:, :, 1].astype(int) - frame[:, :, 2] > 90).sum() for frame in drawn]
    assert greener[0] < 20 < 100 < greener[-1], "Ada comes with the second frame, in green"


@pytest.mark.parametrize("content", [b"", b"no film at all" * 99], ids=["empty", "text"])
def test_video_that_is_none_is_refused(content: bytes, run: Run, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(content)
    run("annotate", tmp_path / "film.mp4", "--out", "drawn").refused("film.mp4")
    assert list(Path("drawn").iterdir()) == []


def test_one_bad_file_of_many_is_named_and_the_others_are_drawn(run: Run, pictures: Path, tmp_path: Path) -> None:
    shutil.copy(pictures / "ada.png", tmp_path / "ada.png")
    (tmp_path / "bad.png").write_bytes(b"")
    done = run("annotate", tmp_path, "--out", "drawn")
    done.refused("1 of 2 files could not be annotated", "bad.png: the file is empty")
    assert done.out == "drawn/ada.png: 1 face\n"
    rows = run("annotate", tmp_path, "--out", "drawn", "--json").data
    assert [(set(row), row["problem"] is None) for row in rows] == [(DRAWING, True), (DRAWING, False)]


@pytest.mark.parametrize(
    ("source", "out"), [("pictures", "pictures"), ("pictures/a.png", "pictures"), ("pictures", "./link")]
)
def test_originals_are_never_overwritten(source: str, out: str, run: Run, pictures: Path) -> None:
    Path("pictures").mkdir()
    Path("link").symlink_to("pictures")
    shutil.copy(pictures / "ada.png", "pictures/a.png")
    before = digest(Path("pictures/a.png"))
    run("annotate", source, "--out", out).refused("the folder of the originals", code=2)
    assert digest(Path("pictures/a.png")) == before


def test_output_that_is_a_file_and_input_that_is_nothing_are_refused(run: Run, pictures: Path) -> None:
    Path("drawn").write_text("a file", encoding="utf-8")
    run("annotate", pictures, "--out", "drawn").refused("drawn: cannot make this folder")
    run("annotate", "none.png", "--out", "out").refused("none.png: no such file")
    Path("empty").mkdir()
    run("annotate", "empty", "--out", "out").refused("no picture or video in this folder")


def test_compare_prints_the_verdict_with_distance_and_threshold(run: Run, pictures: Path) -> None:
    same = run("compare", pictures / "ada.png", pictures / "ada-dark.png", "--json")
    assert set(same.data) == {"same", "distance", "threshold"}
    assert (same.data["same"], same.data["threshold"]) == (True, 1.05)
    other = run("compare", pictures / "ada.png", pictures / "bob.jpg")
    assert other.out.startswith("different people: distance 1.")
    assert other.out.endswith(", threshold 1.05\n")
    itself = run("compare", pictures / "ada.png", pictures / "ada.png")
    assert itself.out == "same person: distance 0.000, threshold 1.05\n"


def test_compare_uses_the_settings(run: Run, pictures: Path) -> None:
    Path("footfall.toml").write_text("[match]\nmax_distance = 1.5\nstranger_distance = 1.6\n", encoding="utf-8")
    assert run("compare", pictures / "ada.png", pictures / "bob.jpg", "--json").data["same"] is True


@pytest.mark.parametrize(
    ("name", "words"), [("both.png", ("2 faces, one is needed",)), ("nobody.png", ("no face, one is needed",))]
)
def test_compare_needs_one_face_in_each(name: str, words: tuple[str, ...], run: Run, pictures: Path) -> None:
    run("compare", pictures / "ada.png", pictures / name).refused(name, *words)
    run("compare", pictures / "none.png", pictures / name).refused("none.png: no such file")
