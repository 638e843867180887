"""Heartbeats of the cameras of this machine: when one is due, and what it reports."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from tracker.cloud import documents, paths
from tracker.cloud.paths import Collection
from tracker.cloud.writes import Write, created
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, content_id, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.store import Store

STATE = "upload heartbeat "
"""How the state begins that remembers the last heartbeat of each camera."""
_SHORTEST_S = 5.0
"""Between two heartbeats of a camera that fails and recovers."""
_MOST_SPANS = 100
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|(?:/|[A-Za-z]:\\)[^\s:;,]+")
_RANDOM_ADDRESS = 1 << 40
"""This bit is set in an address that the library made up because it found none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """One heartbeat, and the state to keep once it is delivered."""

    write: Write
    state: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a machine has still to upload, and what was rejected."""

    backlog: int
    rejected: int


def machine_name(machine_id: str) -> str:
    """The id of a machine in its heartbeats. The network address tells copies of a store apart."""
    node = uuid.getnode()
    return machine_id if node & _RANDOM_ADDRESS else f"{machine_id}-{content_id('network', f'{node:012x}')[:6]}"


class Heartbeats:
    """Decides which cameras send a heartbeat. For one thread."""

    def __init__(
        self,
        store: Store,
        machine: str,
        *,
        every_s: float,
        version: str,
        scope: CameraRef | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._machine = machine
        self._every_s = every_s
        self._version = version
        self._scope = scope
        self._monotonic = monotonic
        self._sent_s: dict[str, float] = {}

    def due(self, now: datetime, load: Callable[[], Load]) -> list[Heartbeat]:
        """The heartbeats to send now. load: called only when there are any."""
        known = self._store.outbox.state(STATE)
        found: list[Heartbeat] = []
        known_load: Load | None = None
        for health in self._store.outbox.cameras_here(self._scope):
            name = f"{health.site_id}/{health.camera_id}"
            last = _read(known.get(name))
            if self._is_due(name, health, last, now):
                known_load = known_load or load()
                found += self._heartbeats_of(name, health, last, known_load)
        return found

    def delivered(self, heartbeats: list[Heartbeat]) -> dict[str, str | None]:
        """Remember that they were delivered. Returns the state to keep."""
        now_s = self._monotonic()
        state: dict[str, str | None] = {}
        for each in heartbeats:
            name, value = each.state
            self._sent_s[name] = now_s
            state[f"{STATE}{name}"] = value
        return state

    def _is_due(self, name: str, health: CameraHealth, last: Mapping[str, str], now: datetime) -> bool:
        if not last:
            return True
        if last["at"] == time_text(health.updated_at):
            return False
        sent_s = self._sent_s.get(name)
        if sent_s is not None:
            elapsed_s = self._monotonic() - sent_s
        else:  # by another process, on the clock that may have been set since
            elapsed_s = (now - datetime.fromisoformat(last["at"])).total_seconds()
            elapsed_s = elapsed_s if elapsed_s >= 0 else self._every_s
        return elapsed_s >= (self._every_s if last["state"] == health.state else _SHORTEST_S)

    def _heartbeats_of(
        self, name: str, health: CameraHealth, last: Mapping[str, str], load: Load
    ) -> Iterator[Heartbeat]:
        camera = CameraRef(health.site_id, health.camera_id)
        spans = self._store.outbox.coverage_here(camera, since=last.get("watch", ""), limit=_MOST_SPANS + 1)
        for span in spans[:-1]:  # over: each but the newest is reported once more, with its end
            yield self._heartbeat(_over(health, span), span, load, name=name, last_at=last.get("at", ""))
        if len(spans) <= _MOST_SPANS:
            newest = spans[-1] if spans else None
            yield self._heartbeat(health, newest, load, name=name, last_at=time_text(health.updated_at))

    def _heartbeat(
        self, health: CameraHealth, span: CoverageSpan | None, load: Load, *, name: str, last_at: str
    ) -> Heartbeat:
        problem = None if health.problem is None else without_addresses(health.problem, health.source)
        document = documents.heartbeat_document(
            replace(health, problem=problem),
            span,
            machine_id=self._machine,
            version=self._version,
            backlog=load.backlog,
            rejected=load.rejected,
        )
        heartbeat_id = paths.heartbeat_id(health.camera_id, health.updated_at)
        write = created(health.site_id, Collection.HEARTBEATS, heartbeat_id, document)
        state = {
            "at": last_at,
            "state": str(health.state),
            "watch": "" if span is None else time_text(span.started_at),
        }
        return Heartbeat(write=write, state=(name, json.dumps(state)))


def without_addresses(problem: str, source: str) -> str:
    """A problem without addresses of the local network and paths."""
    text = problem.replace(source, "the camera") if len(source) > 2 else problem
    return _ADDRESS.sub("…", text)[:1000]


def _over(health: CameraHealth, span: CoverageSpan) -> CameraHealth:
    return CameraHealth(
        site_id=health.site_id,
        camera_id=health.camera_id,
        source="",
        state=CameraState.LOST,
        started_at=span.started_at,
        updated_at=span.ended_at,
        last_frame_at=span.ended_at,
    )


def _read(text: str | None) -> dict[str, str]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"at", "state"} <= found.keys() else {}
