"""Signs of life of the cameras that are followed here: when one is due, and what it says."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from tracker.cloud import layout
from tracker.cloud.layout import Collection
from tracker.cloud.writes import Outgoing, Writer
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import SCHEMA, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.outbox_pages import Scope
from tracker.store.store import Store

NOTES = "up heartbeat "
_SHORTEST_S = 5.0
"""Between two signs of life of a camera that comes and goes."""
_MOST_WATCHES = 100
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*://\S+|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|(?:/|[A-Za-z]:\\)[^\s:;,]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One sign of life, and the note that it was given."""

    write: Outgoing
    note: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Burden:
    """What a machine has still to send."""

    backlog: int
    parked: int


class Heartbeats:
    """Decides which cameras are to give a sign. For one thread."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        *,
        every_s: float,
        version: str,
        scope: Scope | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._writer = writer
        self._every_s = every_s
        self._version = version
        self._scope = scope
        self._monotonic = monotonic
        self._given_s: dict[str, float] = {}

    def due(self, now: datetime, burden: Callable[[], Burden]) -> list[Sign]:
        """The signs of life to be given now. burden: asked only when there are any."""
        known = self._store.outbox.notes(NOTES)
        signs: list[Sign] = []
        carried: Burden | None = None
        for health in self._store.outbox.cameras_here(self._scope):
            name = f"{health.site_id}/{health.camera_id}"
            last = _read(known.get(name))
            if self._is_due(name, health, last, now):
                carried = carried or burden()
                signs += self._signs(name, health, last, carried)
        return signs

    def given(self, signs: list[Sign]) -> dict[str, str | None]:
        """Remember that they were given. Returns the notes to keep."""
        now_s = self._monotonic()
        notes: dict[str, str | None] = {}
        for sign in signs:
            name, value = sign.note
            self._given_s[name] = now_s
            notes[f"{NOTES}{name}"] = value
        return notes

    def _is_due(self, name: str, health: CameraHealth, last: Mapping[str, str], now: datetime) -> bool:
        if not last:
            return True
        if last["at"] == time_text(health.updated_at):
            return False
        given_s = self._given_s.get(name)
        if given_s is not None:
            elapsed_s = self._monotonic() - given_s
        else:  # by another process, on the clock that may have been set since
            elapsed_s = (now - datetime.fromisoformat(last["at"])).total_seconds()
            elapsed_s = elapsed_s if elapsed_s >= 0 else self._every_s
        return elapsed_s >= (self._every_s if last["state"] == health.state else _SHORTEST_S)

    def _signs(self, name: str, health: CameraHealth, last: Mapping[str, str], burden: Burden) -> Iterator[Sign]:
        camera = Scope(health.site_id, health.camera_id)
        spans = self._store.outbox.watches_here(camera, since=last.get("watch", ""), limit=_MOST_WATCHES + 1)
        for watch in spans[:-1]:  # over: each but the newest is told of once more, with its end
            yield self._sign(_over(health, watch), watch, burden, name=name, last_at=last.get("at", ""))
        if len(spans) <= _MOST_WATCHES:
            newest = spans[-1] if spans else None
            yield self._sign(health, newest, burden, name=name, last_at=time_text(health.updated_at))

    def _sign(
        self, health: CameraHealth, watch: CoverageSpan | None, burden: Burden, *, name: str, last_at: str
    ) -> Sign:
        document = {
            "camera_id": health.camera_id,
            "at": health.updated_at,
            "state": str(health.state),
            "started_at": health.started_at,
            "last_frame_at": health.last_frame_at,
            "fps": float(health.fps),
            "frames": health.frames,
            "dropped": health.dropped,
            "problem": None if health.problem is None else discreet(health.problem, health.source),
            "watch_started_at": None if watch is None else watch.started_at,
            "watch_ended_at": None if watch is None else watch.ended_at,
            "backlog": burden.backlog,
            "parked": burden.parked,
            "version": self._version,
            "schema": SCHEMA,
        }
        heartbeat_id = layout.heartbeat_id(health.camera_id, health.updated_at)
        write = self._writer.created(health.site_id, Collection.HEARTBEATS, heartbeat_id, document)
        told = {
            "at": last_at,
            "state": str(health.state),
            "watch": "" if watch is None else time_text(watch.started_at),
        }
        return Sign(write=write, note=(name, json.dumps(told)))


def discreet(problem: str, source: str) -> str:
    """A problem without where the camera is: addresses of the inner network and paths stay there."""
    text = problem.replace(source, "the camera") if len(source) > 2 else problem
    return _ADDRESS.sub("…", text)[:1000]


def _over(health: CameraHealth, watch: CoverageSpan) -> CameraHealth:
    return CameraHealth(
        site_id=health.site_id,
        camera_id=health.camera_id,
        source="",
        state=CameraState.LOST,
        started_at=watch.started_at,
        updated_at=watch.ended_at,
        last_frame_at=watch.ended_at,
    )


def _read(note: str | None) -> dict[str, str]:
    try:
        found = json.loads(note or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) and {"at", "state"} <= found.keys() else {}
