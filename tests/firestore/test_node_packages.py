"""The Node packages are pinned, verified by hashes, and installed from the machine's registry."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.dashboard.axe import NODE_FOLDER as DASHBOARD
from tests.firestore.processes import NODE_FOLDER as FIRESTORE
from tests.node import CAMERA

_BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "node"
_FOLDERS = {"firestore": FIRESTORE, "dashboard": DASHBOARD, "browser-camera": CAMERA, "benchmarks": _BENCHMARKS}


@pytest.mark.parametrize("folder", _FOLDERS.values(), ids=_FOLDERS)
def test_the_lock_file_pins_and_hashes_and_names_no_registry(folder: Path) -> None:
    package = json.loads((folder / "package.json").read_text("utf-8"))
    wanted = {**package["dependencies"], **package.get("devDependencies", {})}
    lock = json.loads((folder / "package-lock.json").read_text("utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert {name: packages[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, each in packages.items() if not each["integrity"].startswith("sha512-")] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert re.findall(r"https?://", json.dumps(lock)) == []
