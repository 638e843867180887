"""Invalid settings, stores, networks and full disks: every command reports them in one line."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.conftest import SmallDisk
from tests.tracker.fake_cameras import ADA, AgentHarness

# -- settings


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param('[match]\nmax_distance = "x"', ("match.max_distance", "'x'", "settings.md"), id="wrong-type"),
        pytest.param("[match]\nmax_distance = 3", ("match.max_distance", "less than 2"), id="out-of-range"),
        pytest.param("[match]\nmax_distanse = 1", ("did you mean match.max_distance",), id="unknown"),
        pytest.param("[match\n", ("footfall.toml", "footfall.example.toml"), id="no-toml"),
        pytest.param('[site]\ntime_zone = "Mars/Olympus"', ("site.time_zone", "Mars/Olympus"), id="no-zone"),
    ],
)
def test_settings_file_is_refused_by_name_and_place(text: str, words: tuple[str, ...], run: Run) -> None:
    Path("footfall.toml").write_text(text, encoding="utf-8")
    run("report", "today").refused(*words)


def test_settings_file_that_is_missing_or_no_text_is_refused(run: Run) -> None:
    run("report", "today", "--settings", "none.toml").refused("no settings file none.toml")
    Path("footfall.toml").write_bytes(b"\xff\xfe\x00")
    run("report", "today").refused("cannot be read")


def test_flag_with_a_wrong_store_is_refused(run: Run) -> None:
    run("people", "list", "--store", "mysql://x").refused("store.url", "mysql://x")


# -- stores


READERS = [("people", "list"), ("people", "show", "Ada"), ("report", "today"), ("report", "visits")]


@pytest.mark.parametrize("words", READERS, ids=" ".join)
def test_a_missing_store_is_reported_with_a_fix(words: tuple[str, ...], run: Run) -> None:
    run(*words).refused("no store at", "'footfall track' or 'footfall enroll'")


def newer(path: Path) -> None:
    AgentHarness(path).store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def no_database(path: Path) -> None:
    path.write_text("Dear diary,\n" * 500, encoding="utf-8")


def cut_off(path: Path) -> None:
    AgentHarness(path).store.close()
    path.write_bytes(path.read_bytes()[:-1000])


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        pytest.param(newer, "version 999", id="newer-schema"),
        pytest.param(no_database, "not a Footfall store", id="no-database"),
        pytest.param(cut_off, "damaged", id="cut-off"),
        pytest.param(Path.mkdir, "folder", id="folder"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [("people", "list"), ("report", "today", "--json"), ("track", "--fast", "--camera"), ("enroll", "--name", "Ada")],
    ids=lambda words: words[0],
)
def test_an_invalid_store_is_refused_and_unchanged(
    spoil: object, word: str, words: tuple[str, ...], run: Run, tmp_path: Path, pictures: Path, clip: Path
) -> None:
    store = tmp_path / "store.sqlite3"
    spoil(store)  # type: ignore[operator]
    before = store.read_bytes() if store.is_file() else None
    last: list[Path] = {"track": [clip], "enroll": [pictures / "ada.png"]}.get(words[0], [])
    run(*words, *last).refused(word)
    assert (store.read_bytes() if store.is_file() else None) == before


def test_store_on_a_read_only_disk_is_read_and_not_written(small_disk: SmallDisk, run: Run, clip: Path) -> None:
    harness = AgentHarness(small_disk.path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.close()
    url = f"sqlite:///{small_disk.path / 'gym.sqlite3'}"
    small_disk.make_read_only()
    run("track", "--camera", clip, "--fast", "--store", url).refused("gym.sqlite3")
    run("people", "rename", "Ada", "Eve", "--store", url).refused("gym.sqlite3")
    assert [row["name"] for row in run("people", "list", "--json", "--store", url).data] == ["Ada"]
    assert run("report", "today", "--store", url).code == 0
    run("annotate", clip, "--out", small_disk.path / "drawn").refused("cannot make this folder")


def test_full_disk_is_refused_and_keeps_what_it_has(
    small_disk: SmallDisk, run: Run, clip: Path, pictures: Path
) -> None:
    harness = AgentHarness(small_disk.path / "gym.sqlite3")
    harness.enrol("Ada", ADA)
    harness.store.close()
    url = f"sqlite:///{small_disk.path / 'gym.sqlite3'}"
    small_disk.fill()
    run("enroll", pictures / "ada.png", "--name", "Eve", "--store", url).refused("disk is full", "free some space")
    run("track", "--camera", clip, "--fast", "--store", url).refused("disk is full", "free some space")
    small_disk.free()
    assert [row["name"] for row in run("people", "list", "--json", "--store", url).data] == ["Ada"]


@pytest.mark.parametrize("name", ["clip.avi", "ada.png"])
def test_drawing_that_does_not_fit_on_the_disk_is_refused_and_not_left_half(
    name: str, small_disk: SmallDisk, run: Run, clip: Path, pictures: Path
) -> None:
    small_disk.fill()
    drawn = small_disk.path / "drawn"
    drawn.mkdir()
    run("annotate", clip if name == "clip.avi" else pictures / name, "--out", drawn).refused(
        "cannot be written", "space"
    )
    assert list(drawn.iterdir()) == []


# -- networks


@pytest.mark.parametrize(
    "words", [("compare", "ada.png", "bob.jpg"), ("annotate", "ada.png", "--out", "drawn")], ids=lambda words: words[0]
)
def test_network_cut_in_half_is_refused_by_name(
    words: tuple[str, ...],
    run: Run,
    models_folder: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that cannot build it again, as an edge box."""
    half = tmp_path / "models"
    shutil.copytree(models_folder, half)
    network = half / "sface-float16.tflite"
    network.write_bytes(network.read_bytes()[: network.stat().st_size // 2])
    monkeypatch.setattr("models.model_folder.importlib.util.find_spec", lambda _name: None)
    for name in ("ada.png", "bob.jpg"):
        shutil.copy(pictures / name, name)
    run(*words, "--models", half).refused("sface-float16.tflite", "footfall models export")


def test_missing_networks_without_tensorflow_are_reported_with_a_fix(
    run: Run, tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.model_folder.importlib.util.find_spec", lambda _name: None)
    run("track", "--camera", clip, "--models", tmp_path / "none").refused("no models in", "--models DIR")
