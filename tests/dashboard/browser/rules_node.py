"""Node with the rules of the browser's camera."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.dashboard.browser.traces import Trace
from tests.node import Ask, answering

_SCRIPT = Path(__file__).with_name("replay.mjs")


class Node:
    """The rules, run by Node."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def replay(self, trace: Trace) -> list[dict[str, Any]]:
        """The outcome of each step."""
        found: list[dict[str, Any]] = self.ask("replay", options=trace.options, steps=trace.steps)
        return found

    def ask(self, what: str, **request: Any) -> Any:
        answer = self._ask({"what": what, **request})
        assert "error" not in answer, answer["stack"]
        return answer["answer"]


@contextmanager
def running_node() -> Iterator[Node]:
    """Node for the time of the block; skips the test where it is not installed."""
    with answering(_SCRIPT, packages=False) as ask:
        yield Node(ask)
