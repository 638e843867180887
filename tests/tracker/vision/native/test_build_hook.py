"""The build hook, with and without a compiler."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tracker.vision.native import build_hook
from tracker.vision.native.kernels import LIBRARY, SOURCE, Kernels

ROOT = Path(__file__).parents[4]
PURE = "footfall-0.2.0-py3-none-any.whl"


def wheel(folder: Path, **environment: str) -> tuple[Path, str]:
    """The wheel that hatchling builds from the checkout, and its output."""
    run = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    (made,) = folder.glob("*.whl")
    return made, run.stdout + run.stderr


@pytest.fixture
def compiler() -> str:
    found = next(filter(None, map(shutil.which, build_hook.COMPILERS)), None)
    if found is None:
        pytest.skip("needs a C compiler")
    return found


def test_library_is_compiled_and_loads(tmp_path: Path, compiler: str) -> None:
    library, problem = build_hook.compile_library(tmp_path)
    assert (library, problem) == (tmp_path / LIBRARY.name, "")
    assert Kernels(tmp_path / LIBRARY.name).nms is not None
    assert [path.name for path in tmp_path.iterdir()] == [LIBRARY.name]


@pytest.mark.parametrize("problem", ["false", "{folder}/broken"])
def test_failed_compilation_deletes_the_old_library(
    problem: str, tmp_path: Path, compiler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'kernels.c: no room' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    (tmp_path / LIBRARY.name).write_bytes(b"of an older source")
    monkeypatch.setenv("CC", problem.format(folder=tmp_path))
    library, why = build_hook.compile_library(tmp_path)
    assert library is None
    assert ("no room" if "broken" in problem else "status 1") in why
    assert [path.name for path in tmp_path.iterdir()] == ["broken"]


def test_unloadable_library_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    liar = tmp_path / "liar"
    liar.write_text('#!/bin/sh\nfor each; do out="$each"; done\necho no library > "$out"\n', encoding="utf-8")
    liar.chmod(0o755)
    monkeypatch.setenv("CC", str(liar))
    library, _ = build_hook.compile_library(tmp_path)
    assert library is None
    assert [path.name for path in tmp_path.iterdir()] == ["liar"]


def test_compiler_without_target_clones(tmp_path: Path, compiler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    older = tmp_path / "older"
    older.write_text(f'#!/bin/sh\ncase "$*" in *ONE_TARGET*) exec {compiler} "$@";; esac\nexit 1\n', encoding="utf-8")
    older.chmod(0o755)
    monkeypatch.setenv("CC", str(older))
    library, _ = build_hook.compile_library(tmp_path)
    assert library is not None
    assert Kernels(library)


def test_wheel_contains_the_library_and_is_platform_specific(tmp_path: Path, compiler: str) -> None:
    made, _ = wheel(tmp_path)
    assert made.name.startswith("footfall-0.2.0-py3-none-")
    assert made.name != PURE
    with zipfile.ZipFile(made) as files:
        files.extract(f"tracker/vision/native/{LIBRARY.name}", tmp_path)
        assert f"tracker/vision/native/{SOURCE.name}" in files.namelist()
    assert Kernels(tmp_path / "tracker" / "vision" / "native" / LIBRARY.name)


def test_without_a_compiler_the_wheel_is_pure(tmp_path: Path) -> None:
    made, problem = wheel(tmp_path, PATH=str(tmp_path / "empty"), CC="")
    assert made.name == PURE
    assert "without native code" in problem
    with zipfile.ZipFile(made) as files:
        assert not [name for name in files.namelist() if name.endswith((".so", ".dll"))]
