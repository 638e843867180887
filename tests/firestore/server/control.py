"""Control of the server by tests: counts, faults, indexes, clearing; over the wire and in the process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import grpc

from tests.firestore.server.engine import Engine
from tests.firestore.server.faults import Fault, Faults
from tests.firestore.server.indexes import Indexes

METHOD = "/footfall.tests.Control/Do"

Answer = dict[str, Any]


class Desk:
    """The server's side: carries out an order and returns JSON."""

    def __init__(self, engine: Engine, faults: Faults, cut: Callable[[str, grpc.StatusCode], int]) -> None:
        self._engine = engine
        self._faults = faults
        self._orders: dict[str, Callable[[str, Answer], Any]] = {
            "counts": lambda project, _: engine.counts(project).as_dict(),
            "reset": lambda project, _: engine.reset_counts(project),
            "fault": lambda project, order: faults.add(Fault.of({**order, "project": project})),
            "faults": lambda project, _: faults.pending(project),
            "heal": lambda project, _: faults.clear(project),
            "indexes": self._indexes,
            "clear": lambda project, _: engine.clear(project),
            "cut": lambda project, order: cut(project, grpc.StatusCode[order["status"]]),
        }

    def do(self, text: bytes) -> bytes:
        """Raises ValueError (also KeyError, TypeError) for an order that is not understood."""
        order = json.loads(text)
        answer = self._orders[order.pop("do")](order.pop("project"), order)
        return json.dumps(answer).encode()

    def _indexes(self, project: str, order: Answer) -> None:
        definition = order["indexes"]
        with self._engine.lock:
            self._engine.indexes[project] = None if definition is None else Indexes.of(definition)


class Control:
    """Orders for one project of a server, given through its port.

    host: as in FIRESTORE_EMULATOR_HOST. Every method waits for the server and raises grpc.RpcError when it is away.
    """

    def __init__(self, host: str, project: str) -> None:
        self.host = host
        self.project = project
        self._channel = grpc.insecure_channel(host)
        self._do = self._channel.unary_unary(METHOD)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        self._channel.close()

    def counts(self) -> Answer:
        """Documents read, written and deleted as Google bills them, calls and answers by method."""
        return dict(self._order("counts"))

    def reset(self) -> None:
        """Set the counts to zero."""
        self._order("reset")

    def fail(
        self, method: str, status: str, *, count: int = 1, skip: int = 0, applied: bool = False, delay_s: float = 0.0
    ) -> None:
        """The next requests of a method ("Commit", "" for all) end with a status ("UNAVAILABLE").

        applied: each is done first, and only its answer is held up, or lost. skip: so many go through before.
        count < 0: all.
        """
        self._order("fault", method=method, status=status, count=count, skip=skip, applied=applied, delay_s=delay_s)

    def delay(self, method: str, delay_s: float, *, count: int = 1, skip: int = 0) -> None:
        """The next requests of a method are taken up so much later, or when the order is withdrawn."""
        self._order("fault", method=method, delay_s=delay_s, count=count, skip=skip)

    def faults(self) -> list[Answer]:
        """Orders that have not been used up."""
        return list(self._order("faults"))

    def heal(self) -> None:
        """Withdraw all faults of this project."""
        self._order("heal")

    def indexes(self, definition: Path | Answer | None) -> None:
        """Refuse queries that these indexes do not serve (a firestore.indexes.json or what it holds); None: never."""
        self._order(
            "indexes", indexes=json.loads(definition.read_text("utf-8")) if isinstance(definition, Path) else definition
        )

    def clear(self) -> None:
        """Delete all documents of this project; costs nothing."""
        self._order("clear")

    def cut(self, status: str = "UNAVAILABLE") -> int:
        """End the project's open Listen streams with a status; gives their number."""
        return int(self._order("cut", status=status))

    def _order(self, do: str, **order: Any) -> Any:
        text = json.dumps({"do": do, "project": self.project, **order}).encode()
        return json.loads(self._do(text, wait_for_ready=True, timeout=30))
