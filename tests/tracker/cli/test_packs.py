"""A store whose people are recognised by the network of a model pack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from config.settings import Precision
from models import packs
from models.cards import Accuracy, PackPrecision
from models.catalog import CATALOG, SFACE_EMBEDDING, Pixels
from models.embedding import Crop, Embedding, Limits
from models.model_folder import Source
from tests.tracker.cli.conftest import Run
from tracker.presence.people import PersonKind
from tracker.store.store import Store

FIGURES = (Accuracy(precision=PackPrecision.FLOAT16, dataset="a test", measure="TAR at FAR 0.001", value=0.97),)
Make = Callable[..., Path]
START = ("--start", "2026-03-02T12:00:00")


@pytest.fixture
def models(models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model folder to add packs to."""
    folder = tmp_path / "models"
    folder.mkdir()
    for path in models_folder.iterdir():
        if path.is_file():
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture
def pack(run: Run, models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Makes a pack of a network of the catalog, SFace or R-Net, and uses its name in the settings."""
    monkeypatch.setenv("FOOTFALL_MODELS__DIR", str(models))

    def make(network: str, digit: str = "a") -> Path:
        spec, folder = CATALOG[network], tmp_path / f"pack-{network}-{digit}"
        limits = (Limits(people=None, max_distance=1.0, stranger_distance=1.2),)
        packs.create(
            folder,
            name="ours",
            purpose="a test",
            pixels=spec.pixels or Pixels(channels="RGB"),
            embedding=SFACE_EMBEDDING if network == "sface" else Embedding(crop=Crop(side=24, margin=0), limits=limits),
            dimension=128 if network == "sface" else 4,
            contents={PackPrecision.FLOAT16: (models / spec.file_name(Precision.FLOAT16)).read_bytes()},
            source=Source(package="", version="", file=network, sha256=digit * 64),
            licence="MIT",
            accuracy=FIGURES if network == "sface" else (),
        )
        assert run("models", "add", folder, "--force").code == 0
        monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "ours")
        return folder

    return make


def enrolled(path: Path) -> str | None:
    with Store(path) as store:
        return store.people.network()


def test_people_are_recognised_by_the_network_of_a_pack(
    run: Run,
    pack: Make,
    pictures: Path,
    clip: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = pack("sface", "a")
    assert run("enroll", pictures / "ada.png", "--name", "Ada").code == 0
    assert enrolled(tmp_path / "store.sqlite3") == packs.read(folder).network
    done = run("track", "--camera", clip, "--fast", *START)
    assert "enter  Ada" in done.out
    run("camera", "devices", "add", "phone").refused("browsers do not run the model pack ours", "re-enroll")
    (row,) = [row for row in run("doctor", "--json").data if row["check"] == "recognition"]
    assert (row["outcome"], row["detail"]) == ("ok", "ours")
    run("models", "remove", "ours").refused("recognition.embedder is ours")
    monkeypatch.delenv("FOOTFALL_RECOGNITION__EMBEDDER")
    assert "enter  Ada" in run("track", "--camera", clip, "--fast", "--start", "2026-03-02T13:00:00").out
    assert run("models", "remove", "ours").code == 0
    run("track", "--camera", clip, "--fast").refused("the model pack ours, which is not in", "footfall models add")
    pack("sface", "b")
    run("track", "--camera", clip, "--fast").refused("another network named ours", "re-enroll")
    assert run("models", "add", folder, "--force").code == 0
    assert run("track", "--camera", clip, "--fast").code == 0
    with Store(tmp_path / "store.sqlite3") as store:
        assert len(store.people.vectors(PersonKind.ENROLLED)[0]) == 1


def test_a_pack_that_does_not_tell_people_apart_is_refused(
    run: Run, pack: Make, pictures: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack("rnet")
    for command in (("enroll", pictures / "ada.png", "--name", "Ada"), ("track", "--camera", clip, "--fast")):
        run(*command).refused("ours does not tell people apart", "recognition.embedder")
    (row,) = [row for row in run("doctor", "--json").data if row["check"] == "recognition"]
    assert row["outcome"] == "failed"
    assert "ours does not tell people apart: the portraits" in row["detail"]
    monkeypatch.setenv("FOOTFALL_RECOGNITION__ACCEPT_INACCURATE", "true")
    (row,) = [row for row in run("doctor", "--json").data if row["check"] == "recognition"]
    assert row["outcome"] == "warning"
    done = run("track", "--camera", clip, "--fast")
    assert done.code == 0
    assert "ours does not tell people apart" in done.err


def test_an_embedder_that_is_not_there_is_named_with_those_that_are(
    run: Run, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "facenet")
    run("track", "--camera", clip).refused("no embedder named 'facenet'", "sface, dlib", "footfall models add")
    monkeypatch.setenv("FOOTFALL_RECOGNITION__EMBEDDER", "../etc")
    run("track", "--camera", clip).refused("recognition.embedder")
