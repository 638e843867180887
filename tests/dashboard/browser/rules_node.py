"""Node with the rules of the browser's camera."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.browser.traces import Trace

_SCRIPT = Path(__file__).with_name("replay.mjs")


class Node:
    """A Node process that answers requests."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def replay(self, trace: Trace) -> list[dict[str, Any]]:
        """The outcome of each step."""
        found: list[dict[str, Any]] = self.ask("replay", options=trace.options, steps=trace.steps)
        return found

    def ask(self, what: str, **request: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"what": what, **request}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["stack"]
        return answer["answer"]


@contextmanager
def running_node() -> Iterator[Node]:
    """Node for the time of the block; skips the test where it is not installed."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    with subprocess.Popen(
        [node, _SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield Node(process)
        finally:
            process.kill()
