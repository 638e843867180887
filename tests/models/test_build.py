"""Building: whole or not at all, by one process at a time, the same bytes every time."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from config.errors import ModelError
from config.settings import Precision
from models import apart, manifest
from models.catalog import CATALOG
from tests.files import digest

ROOT = Path(__file__).parents[2]


def test_two_builds_at_once_make_one_whole_folder(models_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    left = folder / ".build-left-by-a-killed-one"
    left.mkdir(parents=True)
    (left / "pnet-float16.tflite").write_bytes(b"half")
    said: list[list[str]] = [[], []]
    failures: list[ModelError] = []

    def run(number: int) -> None:
        try:
            apart.build_apart(
                folder,
                precisions=(Precision.FLOAT16,),
                progress=lambda step, _fraction: said[number].append(step),
            )
        except ModelError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    manifest.verify(folder, Precision.FLOAT16)
    builders = [steps for steps in said if "loading TensorFlow" in steps]
    assert len(builders) == 1
    assert [step for step in builders[0] if step.startswith("converting")] == [
        f"converting {name} to float16" for name in CATALOG
    ]
    assert {path.name for path in folder.iterdir()} == {
        *(spec.file_name(Precision.FLOAT16) for spec in CATALOG.values()),
        manifest.FILE_NAME,
        manifest.LICENCES,
        ".lock",
    }
    for spec in CATALOG.values():  # the same weights give the same bytes, so a built file can be compared by its hash
        file = spec.file_name(Precision.FLOAT16)
        assert digest(folder / file) == digest(models_folder / file)
    with pytest.raises(ModelError, match="not built"):
        manifest.verify(folder, Precision.FLOAT32)


@pytest.mark.parametrize("step", ["loading TensorFlow", "converting rnet"])
def test_killed_build_leaves_nothing_half(step: str, tmp_path: Path) -> None:
    order = json.dumps({"folder": str(tmp_path), "precisions": ["float16"], "force": False})
    child = subprocess.Popen(
        [sys.executable, "-m", "models.apart", order],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    with child.stdout:
        assert any(json.loads(line).get("step", "").startswith(step) for line in child.stdout)
        child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not [path.name for path in tmp_path.iterdir() if path.name != ".lock"]
    with pytest.raises(ModelError, match="no models in"):
        manifest.read(tmp_path)


def test_interrupted_build_ends_its_child_and_frees_the_folder(tmp_path: Path) -> None:
    def interrupt(step: str, _fraction: float) -> None:
        if step == "loading TensorFlow":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apart.build_apart(tmp_path, precisions=(Precision.FLOAT16,), progress=interrupt)
    with FileLock(tmp_path / ".lock", blocking=False):
        assert not list(tmp_path.glob("*.tflite"))


def test_whole_folder_is_left_alone(models_folder: Path) -> None:
    before = (models_folder / manifest.FILE_NAME).stat().st_mtime_ns
    said: list[str] = []
    apart.build_apart(models_folder, precisions=tuple(Precision), progress=lambda step, _fraction: said.append(step))
    assert said == ["done"]
    assert (models_folder / manifest.FILE_NAME).stat().st_mtime_ns == before


def test_folder_that_cannot_be_made_is_refused_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be written") as caught:
        apart.build_apart(tmp_path / "file" / "models", precisions=(Precision.FLOAT16,), progress=lambda *_said: None)
    assert "--models DIR" in caught.value.fix


def test_full_disk_leaves_what_was_there(models_folder: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs limits on file size, which this system has not")
    del resource
    code = (
        "import resource, sys, pathlib\n"
        "from config.errors import ModelError\n"
        "from config.settings import Precision\n"
        "from models.export import export\n"
        "source, to = map(pathlib.Path, sys.argv[1:])\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))\n"
        "try:\n"
        "    export(source, to, precisions=[Precision.FLOAT16])\n"
        "except ModelError as error:\n"
        "    sys.exit(error.problem)\n"
    )
    arguments = [sys.executable, "-c", code, str(models_folder), str(tmp_path)]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []
