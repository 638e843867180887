"""The networks of the browser camera."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.errors import ModelError
from models import browser, cards, model_folder
from models.cards import Format
from models.cli import app

pytest.importorskip("tensorflow", reason="needs the models extra")


@pytest.fixture
def folder(browser_networks: Path, tmp_path: Path) -> Path:
    """A model folder with a copy of the small networks."""
    for name in ("pnet", "rnet"):
        shutil.copytree(browser_networks / name, tmp_path / browser.FOLDER / name)
    return tmp_path


def test_networks_are_float16_with_card_and_licence(browser_networks: Path) -> None:
    for name in browser.NETWORKS:
        card = cards.read(browser_networks / name)
        assert (card.name, card.format, card.weights) == (name, Format.TFJS, "float16")
        assert (browser_networks / name / model_folder.LICENCES).stat().st_size > 500
    size = sum(file.size for name in browser.NETWORKS for file in cards.read(browser_networks / name).files)
    assert 30e6 < size < 33e6


def test_whole_networks_are_not_converted_again(browser_networks: Path) -> None:
    before = {name: (browser_networks / name).stat().st_ino for name in browser.NETWORKS}
    browser.build(browser_networks.parent)
    assert {name: (browser_networks / name).stat().st_ino for name in browser.NETWORKS} == before


def test_command_converts_what_is_damaged(models_folder: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "NETWORKS", ("pnet", "rnet"))
    for file in models_folder.glob("[!.]*.*"):
        (folder / file.name).symlink_to(file)
    (folder / browser.FOLDER / "rnet" / "model.json").write_text("{}")
    whole = (folder / browser.FOLDER / "pnet").stat().st_ino
    done = CliRunner().invoke(app, ["build", "--browser", "--models", str(folder)])
    assert done.exit_code == 0, done.output
    assert browser.browser_networks(folder, ("pnet", "rnet")) == folder / browser.FOLDER
    assert (folder / browser.FOLDER / "pnet").stat().st_ino == whole


def test_missing_network_names_the_command(folder: Path) -> None:
    with pytest.raises(ModelError, match="onet for the browser camera: not built in") as caught:
        browser.browser_networks(folder)
    assert caught.value.fix == f"run: footfall models build --browser --models {folder}"


@pytest.mark.parametrize(
    ("file", "content", "problem"),
    [
        pytest.param("group1-shard1of1.bin", b"0", "damaged, sha256", id="altered"),
        pytest.param("model.json", None, "model.json: cannot be read", id="missing"),
        pytest.param(cards.CARD, b'{"name"', "card.json: damaged", id="no-card"),
        pytest.param(cards.CARD, b"\xff", "card.json: damaged", id="no-text"),
    ],
)
def test_damaged_file_is_named(folder: Path, file: str, content: bytes | None, problem: str) -> None:
    path = folder / browser.FOLDER / "rnet" / file
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=problem) as caught:
        browser.browser_networks(folder, ("pnet", "rnet"))
    assert "--browser" in caught.value.fix


def test_another_network_and_other_weights_are_refused(folder: Path) -> None:
    place = folder / browser.FOLDER
    shutil.rmtree(place / "rnet")
    shutil.copytree(place / "pnet", place / "rnet")
    with pytest.raises(ModelError, match="holds pnet as tfjs instead of rnet"):
        browser.browser_networks(folder, ["rnet"])
    card = (place / "pnet" / cards.CARD).read_text()
    source = cards.read(place / "pnet").source.sha256
    (place / "pnet" / cards.CARD).write_text(card.replace(source, "0" * 64))
    with pytest.raises(ModelError, match="built from other weights"):
        browser.browser_networks(folder, ["pnet"])


def test_looking_for_networks_imports_no_tensorflow() -> None:
    code = "import sys, models.browser; print(*sorted({'tensorflow', 'keras', 'numpy'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
