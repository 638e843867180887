"""`footfall models bench`: detectors and embedders compared on pictures."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from config.settings import Precision
from models import packs
from models.cards import CARD, PackPrecision
from models.catalog import CATALOG, Pixels
from models.embedding import Crop, Embedding, Limits
from models.model_folder import Source
from tests.tracker.cli.conftest import Run

QUICK = ("--samples", "1")


def results(found: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in found["results"]}


def test_people_in_folders_as_json_csv_and_plot(
    run: Run, two_people: Path, haar_cascade: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_DETECT__HAAR_CASCADE", str(haar_cascade))
    files = ("--csv", tmp_path / "bench.csv", "--plot", tmp_path / "bench.html")
    done = run("models", "bench", "--pictures", two_people, "--json", *QUICK, *files)
    assert done.code == 0, done.err
    found = results(done.data)
    assert list(found) == ["mtcnn", "yunet", "haar", "sface", "dlib_resnet"]
    assert {row["kind"] for row in found.values()} == {"detector", "embedder"}
    assert all(row["median_ms"] > 0 and row["p95_ms"] >= row["median_ms"] for row in found.values())
    assert all(row["calls"] == 6 for row in found.values())
    mtcnn, sface = found["mtcnn"], found["sface"]
    assert (mtcnn["faces"], mtcnn["missed"], mtcnn["false_positives"], mtcnn["mtcnn_recall"]) == (4, 2, 0, 1)
    assert (found["yunet"]["faces"], found["yunet"]["missed"], found["yunet"]["mtcnn_recall"]) == (6, 0, 0.75)
    assert found["haar"]["missed"] == 6 - found["haar"]["faces"] > 0
    assert mtcnn["size_bytes"] > found["yunet"]["size_bytes"] > 500_000
    assert (sface["faces"], sface["dimension"], sface["limit"], sface["pairs"]) == (6, 128, 1.05, 12)
    assert (sface["accuracy"], sface["tar_at_far_0.001"]) == (pytest.approx(11 / 12), 1)
    assert sface["accuracy_low"] <= sface["accuracy"] <= sface["accuracy_high"]
    assert sface["size_bytes"] > 15e6
    assert "cores" in done.data["machine"]["processor"]
    assert (done.data["pictures"], done.data["unreadable"], done.data["precision"]) == (6, [], "float16")
    with (tmp_path / "bench.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["name"] for line in lines] == list(found)
    assert (lines[0]["faces"], lines[0]["accuracy"], lines[3]["accuracy"]) == ("4", "", "0.916667")
    page = (tmp_path / "bench.html").read_text(encoding="utf-8")
    assert "faces found in 6 pictures" in page
    assert "true accept rate" in page


def test_pairs_as_a_table_with_notes(run: Run, pictures: Path, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("file_x,file_y,same\nada.png,ada-dark.png,yes\nada.png,bob.jpg,no\ngone.png,ada.png,no\n")
    done = run("models", "bench", "mtcnn", "sface", "--pairs", pairs, "--pictures", pictures, *QUICK)
    assert done.code == 0, done.err
    assert "100.0% (34.2% to 100.0%)" in done.out
    firsts = [line.split()[0] for line in done.out.splitlines() if line[:1].isalpha()]
    assert firsts == ["detector", "mtcnn", "embedder", "sface"]
    err = " ".join(done.err.split())
    assert "1 picture cannot be read, such as gone.png" in err
    assert "with 1 pair of different people, a FAR of 0.1 % means none at all" in err


def test_portraits_without_pictures_measure_time_only(run: Run) -> None:
    done = run("models", "bench", "yunet", "dlib_resnet", "--json", *QUICK)
    found = results(done.data)
    assert (found["yunet"]["faces"], found["dlib_resnet"]["faces"], found["dlib_resnet"]["accuracy"]) == (2, 2, None)
    assert (found["yunet"]["mtcnn_recall"], found["yunet"]["missed"]) == (None, None)
    assert any("accuracy needs --pictures" in each for each in done.data["notes"])


def test_added_packs_are_compared(run: Run, models_folder: Path, two_people: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in models_folder.iterdir():
        (folder / path.name).symlink_to(path)
    content = (models_folder / CATALOG["rnet"].file_name(Precision.FLOAT16)).read_bytes()
    limits = (Limits(people=None, max_distance=1.0, stranger_distance=1.2),)
    packs.create(
        folder / packs.FOLDER / "ours",
        name="ours",
        purpose="a test",
        pixels=Pixels(channels="RGB", offset=127.5, divisor=128),
        embedding=Embedding(crop=Crop(side=24, margin=4), limits=limits),
        dimension=4,
        contents={PackPrecision.FLOAT16: content},
        source=Source(package="", version="", file="weights.h5", sha256="a" * 64),
        licence="MIT",
    )
    done = run("models", "bench", "sface", "ours", "--models", folder, "--pictures", two_people, "--json", *QUICK)
    found = results(done.data)
    assert (found["ours"]["dimension"], found["ours"]["limit"], found["ours"]["pairs"]) == (4, 1.0, 12)
    assert found["ours"]["size_bytes"] == len(content)
    assert found["ours"]["accuracy"] < found["sface"]["accuracy"]
    (folder / packs.FOLDER / "ours" / CARD).write_text("{", encoding="utf-8")
    done = run("models", "bench", "--models", folder, "--pictures", two_people, "--json", *QUICK)
    assert "sface" in results(done.data)
    assert any(each.startswith("skipped: ") and "Invalid JSON" in each for each in done.data["notes"])
    run("models", "bench", "ours", "--models", folder).refused("Invalid JSON", "docs/models.md")


def test_what_is_not_there_is_skipped_unless_it_is_named(
    run: Run, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_DETECT__HAAR_CASCADE", str(tmp_path / "none.xml"))
    done = run("models", "bench", "--pictures", pictures, "--json", *QUICK)
    assert "haar" not in results(done.data)
    assert any(each.startswith("skipped: ") and "none.xml" in each for each in done.data["notes"])
    run("models", "bench", "haar", "--pictures", pictures).refused("none.xml", "detect.haar_cascade")


@pytest.mark.parametrize(
    ("words", "code", "texts"),
    [
        pytest.param(("arcface",), 1, ("'arcface'", "mtcnn, yunet, haar, sface, dlib"), id="unknown-name"),
        pytest.param(("--plot", "bench.pdf"), 2, ("--plot bench.html",), id="plot"),
        pytest.param(("--csv", "bench.txt"), 2, ("--csv bench.csv",), id="csv"),
        pytest.param(("--plot", "none/bench.html"), 2, ("there is no folder none",), id="plot-folder"),
        pytest.param(("--csv", "none/bench.csv"), 2, ("there is no folder none",), id="csv-folder"),
        pytest.param(("mtcnn", "--pictures", "none"), 1, ("none: no such folder",), id="no-folder"),
        pytest.param(("mtcnn", "--pairs", "none.csv"), 1, ("none.csv", "cannot be read"), id="no-list"),
        pytest.param(("mtcnn", "--models", "none"), 1, ("models build",), id="no-models"),
    ],
)
def test_wrong_use_is_one_line(run: Run, words: tuple[str, ...], code: int, texts: tuple[str, ...]) -> None:
    run("models", "bench", *words).refused(*texts, code=code)


def test_pictures_that_cannot_be_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people" / "ada").mkdir(parents=True)
    (tmp_path / "people" / "ada" / "1.png").write_text("no picture")
    done = run("models", "bench", "mtcnn", "--pictures", tmp_path / "people")
    done.refused("no picture of", "not a picture", "--pictures DIR")
