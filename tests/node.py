"""Node and the packages of the browser camera, with which tests run JavaScript."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

CAMERA = Path(__file__).parents[1] / "dashboard" / "browser"
PACKAGES = CAMERA / "node_modules"


def node() -> str:
    """The path of Node; skips the test where it or the packages are not installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    if not PACKAGES.is_dir():
        where = CAMERA.relative_to(Path(__file__).parents[1])
        pytest.skip(f"packages are not installed: npm ci --ignore-scripts --prefix {where}")
    return found
