"""Model folders: verification of damaged files and manifests."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.errors import ModelError
from config.settings import Precision
from models import model_folder
from models.catalog import CATALOG
from models.model_folder import FileState

RNET = CATALOG["rnet"]


@pytest.fixture
def folder(models_folder: Path, tmp_path: Path) -> Path:
    """A copy of the model folder to damage."""
    return shutil.copytree(models_folder, tmp_path / "models")


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / model_folder.MANIFEST
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def entry(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in content["networks"] if row["file"] == name)


def test_manifest_records_the_source_of_every_network(models_folder: Path) -> None:
    model_folder.verify(models_folder, Precision.FLOAT16)
    read = model_folder.read(models_folder)
    assert len(read.networks) == len(CATALOG) * len(Precision)
    for row in read.networks:
        spec = CATALOG[row.name]
        assert row.source.sha256 == spec.source_sha256
        assert row.source.version == spec.source_version
        assert row.licence == spec.licence
        assert row.input_range == spec.input_range
    licences = (models_folder / model_folder.LICENCES).read_text(encoding="utf-8")
    assert "Permission is hereby granted" in licences
    assert "CC0 1.0 Universal" in licences


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="byte-missing"),
        pytest.param(lambda path: path.write_bytes(b"\0" + path.read_bytes()[1:]), id="byte-changed"),
        pytest.param(lambda path: path.write_bytes(b""), id="empty"),
        pytest.param(lambda path: path.unlink(), id="missing"),
        pytest.param(lambda path: (path.unlink(), path.mkdir()), id="a-folder"),
    ],
)
def test_damaged_file_is_named(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder / "rnet-float16.tflite")
    with pytest.raises(ModelError, match=r"rnet-float16\.tflite") as caught:
        model_folder.verify(folder, Precision.FLOAT16)
    assert f"footfall models build --force --models {folder}" in caught.value.fix
    model_folder.verify(folder, Precision.FLOAT32)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param(
            lambda content: entry(content, "rnet-float16.tflite").update(sha256="0" * 64), "damaged", id="file-hash"
        ),
        pytest.param(lambda content: entry(content, "rnet-float16.tflite").update(size=1), "damaged", id="size"),
        pytest.param(
            lambda content: entry(content, "rnet-float16.tflite")["source"].update(sha256="0" * 64),
            "other weights",
            id="source-hash",
        ),
        pytest.param(lambda content: content["networks"].clear(), "not built", id="no-entries"),
        pytest.param(lambda content: content.update(recipe=0), "another version", id="older-recipe"),
        pytest.param(lambda content: content.update(format=99), "another version", id="newer-format"),
        pytest.param(lambda content: content.update(extra=1), "damaged", id="unknown-field"),
        pytest.param(lambda content: content.pop("networks"), "damaged", id="field-missing"),
        pytest.param(lambda content: content.pop("format"), "damaged", id="format-missing"),
    ],
)
def test_edited_manifest_is_rejected(folder: Path, change: Callable[[dict[str, Any]], object], problem: str) -> None:
    edit(folder, change)
    with pytest.raises(ModelError, match=problem):
        model_folder.load(folder, RNET, Precision.FLOAT16)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1, "recipe'])
def test_invalid_manifest_is_rejected(folder: Path, text: bytes) -> None:
    (folder / model_folder.MANIFEST).write_bytes(text)
    with pytest.raises(ModelError, match=r"manifest\.json") as caught:
        model_folder.read(folder)
    assert "--force" in caught.value.fix


@pytest.mark.parametrize("force", [False, True], ids=["missing", "damaged"])
def test_without_tensorflow_the_fix_is_not_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    assert "footfall models build" in model_folder.build_command(tmp_path, force=force)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    advice = model_folder.build_command(tmp_path, force=force)
    assert "footfall models build" not in advice
    assert "footfall models export" in advice


def test_status_is_ok_missing_or_damaged(folder: Path) -> None:
    (folder / "rnet-float16.tflite").write_bytes(b"half")
    (folder / "onet-float16.tflite").unlink()
    states = {name: model_folder.status(folder, spec, Precision.FLOAT16).state for name, spec in CATALOG.items()}
    changed = {"rnet": FileState.DAMAGED, "onet": FileState.MISSING}
    assert states == {name: changed.get(name, FileState.OK) for name in CATALOG}
