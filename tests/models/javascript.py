"""Exported TensorFlow.js models, run by Node."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.node import Ask, answering

_SCRIPT = Path(__file__).with_name("predict.cjs")

Batch = NDArray[np.float32]


class Node:
    """Node with TensorFlow.js on WebAssembly."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def network(self, folder: Path) -> NodeNetwork:
        return NodeNetwork(self, folder)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self._ask(request)
        assert "error" not in answer, answer["error"]
        return answer


class NodeNetwork:
    """A network of an exported folder; runs as `models.runtime.Network` does."""

    def __init__(self, node: Node, folder: Path) -> None:
        self._node, self._folder = node, folder

    def run(self, batch: Batch) -> tuple[Batch, ...]:
        data = base64.b64encode(np.ascontiguousarray(batch, "<f4").tobytes()).decode()
        answer = self._node.ask({"folder": str(self._folder), "shape": batch.shape, "data": data})
        return tuple(
            np.frombuffer(base64.b64decode(output["data"]), "<f4").reshape(output["shape"])
            for output in answer["outputs"]
        )


@contextmanager
def running_node() -> Iterator[Node]:
    """Node for the time of the block; skips the test where it or its packages are not installed."""
    with answering(_SCRIPT) as ask:
        yield Node(ask)
