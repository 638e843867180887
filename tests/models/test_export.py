"""Networks in the formats of other programs."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from config.errors import ModelError
from config.settings import Precision
from models import cards, model_folder
from models.cards import Format, exportable
from models.catalog import AUDIENCE, CATALOG, EMBEDDERS, Kind
from models.cli import app
from models.export import convert_in_subprocess, export_packs
from models.runtime import open_network
from tests.files import digest
from tests.models.conftest import published

tf = pytest.importorskip("tensorflow", reason="needs the models extra")
convert = pytest.importorskip("models.convert", reason="needs the models extra")

Batch = NDArray[np.float32]
Batches = Callable[[str, int], Batch]
Outputs = Callable[[str], Sequence[Batch]]
NAMES = exportable(Format.SAVED_MODEL)


@cache
def keras_network(name: str) -> Any:
    return convert.keras_network(CATALOG[name], published(name))


@pytest.fixture
def ours(models_folder: Path, batch_for: Batches) -> Outputs:
    """The outputs of the agent's network for a batch of one."""
    return lambda name: open_network(name, folder=models_folder, precision=Precision.FLOAT32, threads=2).run(
        batch_for(name, 1)
    )


def export(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("name", NAMES)
def test_saved_model_has_the_outputs_of_the_tflite_file(
    name: str, ours: Outputs, batch_for: Batches, tmp_path: Path
) -> None:
    convert.to_saved_model(keras_network(name), CATALOG[name], tmp_path)
    loaded = tf.saved_model.load(str(tmp_path))
    found = loaded.signatures["serving_default"](**{cards.INPUT: tf.constant(batch_for(name, 1))})
    want = ours(name)
    assert sorted(found) == [cards.output_name(number) for number in range(len(want))]
    for number, output in enumerate(want):
        assert abs(found[cards.output_name(number)].numpy() - output).max() < 1e-3


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if name == "sface" else []) for name in NAMES]
)
def test_onnx_has_the_outputs_of_the_tflite_file(name: str, ours: Outputs, batch_for: Batches, tmp_path: Path) -> None:
    """As OpenCV computes them."""
    pytest.importorskip("tf2onnx", reason="needs the onnx extra")
    file = tmp_path / "model.onnx"
    file.write_bytes(convert.to_onnx(keras_network(name), CATALOG[name]))
    theirs = cv2.dnn.readNetFromONNX(str(file))
    theirs.setInput(batch_for(name, 1), cards.INPUT)
    want = ours(name)
    for got, output in zip(theirs.forward([*map(cards.output_name, range(len(want)))]), want, strict=True):
        assert abs(got.reshape(output.shape) - output).max() < 1e-3


def test_a_pack_has_the_file_that_the_agent_runs(models_folder: Path, tmp_path: Path) -> None:
    done = export("--format", "pack", "--precision", "float16", "--out", tmp_path, "--models", models_folder)
    assert done.exit_code == 0, done.output
    assert set(exportable(Format.PACK)) == {*NAMES, "bodies", "expression"}
    exported = {path.name for path in tmp_path.iterdir()}
    assert exported == {*exportable(Format.PACK)} - {*AUDIENCE}
    for name in sorted(exported):
        file = CATALOG[name].file_name(Precision.FLOAT16)
        assert digest(tmp_path / name / file) == digest(models_folder / file)
        assert digest(tmp_path / name / model_folder.LICENCES) == digest(models_folder / model_folder.LICENCES)
        assert {each.name for each in cards.read(tmp_path / name).files} == {file, model_folder.LICENCES}


def test_export_is_a_folder_with_a_card_and_the_licence(tmp_path: Path) -> None:
    done = export("onet", "--format", "tfjs", "--dtype", "uint8", "--out", tmp_path / "web", "--json")
    assert done.exit_code == 0, done.output
    (record,) = json.loads(done.stdout)
    folder = tmp_path / "web" / "onet"
    card = cards.read(folder)
    assert record == {"folder": str(folder), **card.model_dump(mode="json")}
    assert (card.name, card.kind, card.format, card.weights) == ("onet", Kind.DETECTOR, Format.TFJS, "uint8")
    assert record["input"]["shape"] == [None, 48, 48, 3]
    assert record["input"]["pixels"] == {
        "channels": "RGB", "dtype": "float32", "offset": 127.5, "divisor": 128.0, "multiple_of": 1,
        "whitened": False,
    }  # fmt: skip
    assert [output.name for output in card.outputs.values()] == ["regression", "landmarks", "scores"]
    assert card.source.sha256 == CATALOG["onet"].source_sha256
    assert "MIT License" in (folder / model_folder.LICENCES).read_text(encoding="utf-8")
    assert {path.name for path in folder.iterdir()} == {cards.CARD, *(file.name for file in card.files)}
    for file in card.files:
        content = (folder / file.name).read_bytes()
        assert (file.size, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert [path.name for path in (tmp_path / "web").iterdir()] == ["onet"]


@pytest.mark.parametrize("name", NAMES)
def test_card_describes_the_network(name: str, tmp_path: Path) -> None:
    spec, network = CATALOG[name], keras_network(name)
    source = model_folder.Source(package="", version="", file="", sha256="")
    cards.write(tmp_path, cards.of(spec, source, form=Format.ONNX, weights="float32"))
    card = cards.read(tmp_path)
    assert card.input.shape == network.input_shape
    shapes = network.output_shape if isinstance(network.output_shape, list) else [network.output_shape]
    for output, shape in zip(card.outputs.values(), shapes, strict=True):
        assert tuple(None if isinstance(side, str) else side for side in output.shape) == shape
    assert (card.dimension, card.embedding) == ((128, spec.embedding) if name in EMBEDDERS else (None, None))


@pytest.mark.parametrize(
    ("arguments", "problem", "fix"),
    [
        pytest.param(("facenet", "--format", "onnx"), "no network 'facenet'", "pnet, rnet, onet", id="unknown-network"),
        pytest.param(("bodies", "--format", "tfjs"), "bodies cannot be exported as tfjs", "sface", id="only-pack"),
        pytest.param(("rnet_coarse", "--format", "pack"), "rnet_coarse cannot be", "rnet", id="variant"),
    ],
)
def test_networks_that_cannot_be_exported(arguments: tuple[str, ...], problem: str, fix: str, tmp_path: Path) -> None:
    done = export(*arguments, "--out", tmp_path / "web")
    assert isinstance(done.exception, ModelError)
    assert problem in done.exception.problem
    assert fix in done.exception.fix
    assert not (tmp_path / "web").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("pnet", "--format", "coreml"), id="unknown-format"),
        pytest.param(("pnet", "--format", "onnx", "--dtype", "float16"), id="dtype-without-tfjs"),
        pytest.param(("pnet", "--format", "tfjs", "--precision", "float16"), id="precision-with-tfjs"),
        pytest.param(("pnet",), id="folder-of-one-network"),
        pytest.param(("pnet", "--format", "tfjs", "--zip"), id="zip-without-pack"),
    ],
)
def test_wrong_use_exits_with_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert export(*arguments, "--out", tmp_path).exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_folder_that_is_not_empty_is_replaced_only_by_force(models_folder: Path, tmp_path: Path) -> None:
    mine = tmp_path / "pnet" / "mine.txt"
    mine.parent.mkdir()
    mine.touch()
    (tmp_path / "beside.txt").touch()
    arguments = ("pnet", "--format", "pack", "--out", tmp_path, "--models", models_folder)
    refused = export(*arguments)
    assert isinstance(refused.exception, ModelError)
    assert "pnet is not empty" in refused.exception.problem
    assert "--force" in refused.exception.fix
    assert mine.exists()
    assert export(*arguments, "--force").exit_code == 0
    assert not mine.exists()
    assert cards.read(tmp_path / "pnet").name == "pnet"
    assert {path.name for path in tmp_path.iterdir()} == {"pnet", "beside.txt"}


def test_failure_leaves_what_was_there(models_folder: Path, tmp_path: Path) -> None:
    damaged, to = tmp_path / "models", tmp_path / "to"
    export_packs(["pnet", "onet"], to, models=models_folder, precisions=[Precision.FLOAT16])
    before = {path: digest(path) for path in to.rglob("*") if path.is_file()}
    shutil.copytree(models_folder, damaged)
    (damaged / "onet-float16.tflite").write_bytes(b"half")
    with pytest.raises(ModelError, match=r"onet-float16\.tflite: damaged"):
        export_packs(["pnet", "onet"], to, models=damaged, precisions=[Precision.FLOAT16], force=True)
    assert {path: digest(path) for path in to.rglob("*") if path.is_file()} == before


def test_interrupted_export_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(step: str, _fraction: float) -> None:
        if step == "converting onet to tfjs":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert_in_subprocess(["rnet", "onet"], tmp_path, form=Format.TFJS, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("missing", "form", "extra"),
    [("tensorflow", "saved_model", "models"), ("tf2onnx", "onnx", "onnx")],
)
def test_missing_package_is_named_with_its_extra(
    missing: str, form: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    done = export("rnet", "--format", form, "--out", tmp_path)
    assert isinstance(done.exception, ModelError)
    assert "is not installed" in done.exception.problem
    assert done.exception.fix == f"pip install 'footfall[{extra}]'"
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be_written_is_reported_with_a_fix(models_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = export("pnet", "--format", "pack", "--out", tmp_path / "file" / "web", "--models", models_folder)
    assert isinstance(done.exception, ModelError)
    assert "cannot be written" in done.exception.problem
    assert "--out DIR" in done.exception.fix
