"""Injected faults: the next requests of a method fail, are delayed, or are applied without an answer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, fields
from typing import Any

from grpc import StatusCode


@dataclass(slots=True, kw_only=True)
class Fault:
    """An order for the requests to come.

    method: as "Commit"; "" means every method. project: "" means every project.
    status: name of the gRPC status to fail with; "" to answer as usual (after the delay).
    applied: the request is done first, and its answer comes late or is lost. skip: so many requests go through before.
    count: so many requests are hit; below zero means all until the order is withdrawn.
    """

    method: str = ""
    project: str = ""
    status: str = ""
    applied: bool = False
    delay_s: float = 0.0
    skip: int = 0
    count: int = 1
    reason: str = "ordered by a test"
    retracted: threading.Event = field(default_factory=threading.Event, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.status and self.status not in StatusCode.__members__:
            raise ValueError(f"{self.status} is no gRPC status")

    @classmethod
    def of(cls, order: dict[str, Any]) -> Fault:
        known = {each.name for each in fields(cls) if each.init}
        unknown = order.keys() - known
        if unknown:
            raise ValueError(f"unknown in a fault: {', '.join(sorted(unknown))}; known: {', '.join(sorted(known))}")
        return cls(**order)

    def pending(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self) if each.init}

    def hold(self) -> None:
        """Wait for the ordered time, or until the fault is removed."""
        if self.delay_s:
            self.retracted.wait(self.delay_s)


class Faults:
    """The orders, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._holding: list[Fault] = []  # used up, but maybe not waited for yet
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._orders.append(fault)

    def clear(self, project: str) -> None:
        """Withdraw the orders for a project, and let go the requests they hold; "" withdraws all."""
        with self._lock:
            for each in (*self._orders, *self._holding):
                if project in ("", each.project):
                    each.retracted.set()
            self._orders = [each for each in self._orders if not each.retracted.is_set()]
            self._holding = [each for each in self._holding if not each.retracted.is_set()]

    def pending(self, project: str) -> list[dict[str, Any]]:
        with self._lock:
            return [each.pending() for each in self._orders if not project or each.project == project]

    def take(self, method: str, project: str) -> Fault | None:
        """The order that hits this request, if one does; used up by it."""
        with self._lock:
            for order in self._orders:
                if order.method not in ("", method) or order.project not in ("", project):
                    continue
                if order.skip > 0:
                    order.skip -= 1
                    continue
                order.count -= 1
                if order.count == 0:
                    self._orders.remove(order)
                    if order.delay_s:
                        self._holding.append(order)
                return order
        return None
