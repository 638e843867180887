"""Node and the packages of the browser camera, with which tests run JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

CAMERA = Path(__file__).parents[1] / "dashboard" / "browser"
PACKAGES = CAMERA / "node_modules"

Ask: TypeAlias = Callable[[dict[str, Any]], Any]
"""What a script answers to a request, both JSON."""


def node(*, packages: bool = True) -> str:
    """The path of Node; skips the test where it, or the packages that it needs, are not installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node is not installed")
    if packages and not PACKAGES.is_dir():
        where = CAMERA.relative_to(Path(__file__).parents[1])
        pytest.skip(f"packages are not installed: npm ci --ignore-scripts --prefix {where}")
    return found


@contextmanager
def answering(script: Path, *arguments: str, packages: bool = True) -> Iterator[Ask]:
    """A script that answers each line of stdin with a line, while the block runs; skips the test as `node` does."""
    with subprocess.Popen(
        [node(packages=packages), str(script), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:

        def ask(request: dict[str, Any]) -> Any:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(request) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, f"{script.name} ended"
            return json.loads(line)

        try:
            yield ask
        finally:
            process.kill()
