"""The edge agent: the frames of one camera in, events in the store out.

camera ─► faces ─► identity ─► presence ─► store
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.errors import CameraError, FootfallError, StoreError
from config.settings import PresenceSettings
from tracker.cameras.clock import Clock
from tracker.cameras.frames import Frame, FrameSource, NoFrameYet
from tracker.cameras.live import FIRST_PAUSE_S, LONGEST_PAUSE_S
from tracker.faces.engine import FaceEngine, Seen
from tracker.health import Meter
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognised, Recognition
from tracker.presence.events import Event, Match
from tracker.presence.health import CameraState
from tracker.presence.room import Presence, observe
from tracker.store.local import LocalStore

log = logging.getLogger("footfall.agent")

WAIT_S = 0.5
SAVE_EVERY_S = 1.0
BLIND_AFTER = timedelta(seconds=5)
"""A live camera that gave no frame for so long was blind: being unseen meanwhile says nothing."""
MOST_PENDING = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What one frame led to, for whoever watches the agent at work."""

    frame: Frame
    seen: Seen
    recognised: Recognised
    events: tuple[Event, ...]
    present: tuple[Presence, ...]


class Agent:
    """One camera, from frames to stored events. `run` once; not for several threads.

    The engine and the store may be shared with other agents. What could not be written because the disk failed is
    kept in memory and tried again, until MOST_PENDING records wait.
    """

    def __init__(
        self,
        *,
        site_id: str,
        camera_id: str,
        source: FrameSource,
        engine: FaceEngine,
        recognition: Recognition,
        known: KnownPeople,
        store: LocalStore,
        presence: PresenceSettings,
        clock: Clock,
    ) -> None:
        self.site_id = site_id
        self.camera_id = camera_id
        self._source = source
        self._engine = engine
        self._recognition = recognition
        self._known = known
        self._store = store
        self._exit_after = timedelta(seconds=presence.exit_after_s)
        self._resume_within = timedelta(seconds=presence.merge_gap_s)
        self._clock = clock
        self._meter = Meter(site_id=site_id, camera_id=camera_id, source=source, clock=clock)
        self._present: dict[str, Presence] = {}
        self._left: dict[str, datetime] = {}
        self._at: datetime | None = None
        self._watched_since: datetime | None = None
        self._pending_events: list[Event] = []
        self._pending_matches: list[Match] = []
        self._next_save_s = 0.0

    def run(self, stop: threading.Event, on_step: Callable[[Step], None] | None = None) -> None:
        """Track until the recording is over or `stop` is set. Open presences stay stored for the next run.

        Raises CameraError or RecordingError when the source cannot be opened, StoreBusyError when another agent holds
        this camera, StoreError when at the end something still could not be written.
        """
        with self._store.camera_lease(self.camera_id):
            self._known.refresh(self._store)
            self._source.open()
            try:
                self._present = {
                    presence.person_id: presence
                    for presence in self._store.presences(site_id=self.site_id, camera_id=self.camera_id)
                }
                over = self._follow(stop, on_step)
                self._finish(over=over)
            finally:
                self._source.close()

    def _follow(self, stop: threading.Event, on_step: Callable[[Step], None] | None) -> bool:
        """Handle frame after frame; True when the recording is over, False when stopped."""
        while not stop.is_set():
            try:
                frame = self._source.read(WAIT_S)
            except NoFrameYet:
                self._save_now_and_then()
                continue
            if frame is None:
                return not stop.is_set()
            step = self._handle(frame)
            if on_step is not None:
                on_step(step)
        return False

    def _handle(self, frame: Frame) -> Step:
        at = self._time_of(frame)
        seen = self._engine.see(frame.image)
        recognised = self._recognition.update(seen, at, size_wh=(frame.image.shape[1], frame.image.shape[0]))
        self._present, events = observe(
            self._present,
            recognised.sightings,
            now=at,
            site_id=self.site_id,
            camera_id=self.camera_id,
            exit_after=self._exit_after,
            left=self._left,
            watched_since=self._watched_since,
        )
        self._note_exits(events, at)
        self._meter.tick(at)
        self._pending_events += events
        self._pending_matches += recognised.matches
        if events or recognised.matches or self._known.unsaved_visitors:
            self._save(CameraState.LIVE)
        else:
            self._save_now_and_then()
        return Step(frame=frame, seen=seen, recognised=recognised, events=events, present=tuple(self._present.values()))

    def _time_of(self, frame: Frame) -> datetime:
        """The frame's time, never before the last one; notes from when on the camera has been watched without a gap."""
        last, at = self._at, frame.at if self._at is None else max(frame.at, self._at)
        if last is None:
            self._take_up(at)
        elif at - last > BLIND_AFTER:
            self._watched_since = at if at - last <= self._resume_within else None
            log.warning("%s: no frame for %.0f s", self.camera_id, (at - last).total_seconds())
        self._at = at
        return at

    def _take_up(self, at: datetime) -> None:
        """Go on with what an earlier run left open, unless this recording is about an earlier time."""
        self._present = {key: each for key, each in self._present.items() if each.entered_at < at}
        unseen_since = max((each.seen_at for each in self._present.values()), default=at)
        self._watched_since = at if at - unseen_since <= self._resume_within else None
        if self._present:
            log.info("%s: taking up %d open presences", self.camera_id, len(self._present))

    def _note_exits(self, events: tuple[Event, ...], at: datetime) -> None:
        for event in events:
            if event.kind == "exit":
                self._left[event.person_id] = event.at
        self._left = {key: left_at for key, left_at in self._left.items() if at - left_at <= self._resume_within}

    def _finish(self, *, over: bool) -> None:
        if over and self._at is not None:
            self._present, events = observe(
                self._present,
                (),
                now=self._at,
                site_id=self.site_id,
                camera_id=self.camera_id,
                exit_after=self._exit_after,
                ended=True,
            )
            self._pending_events += events
        self._save(CameraState.ENDED if over else CameraState.STOPPED)
        if self._pending_events or self._pending_matches:
            self._write(CameraState.ENDED if over else CameraState.STOPPED)

    def _save_now_and_then(self) -> None:
        if self._clock.monotonic() >= self._next_save_s:
            self._save(CameraState.LOST if self._source.state.lost else CameraState.LIVE)

    def _save(self, state: CameraState) -> None:
        """Write what is pending; when the disk will not have it, say so and keep it for the next time."""
        self._next_save_s = self._clock.monotonic() + SAVE_EVERY_S
        try:
            self._write(state)
            self._known.refresh(self._store)
        except StoreError as error:
            if len(self._pending_events) + len(self._pending_matches) > MOST_PENDING:
                raise
            log.error("%s: %s (%d events wait)", self.camera_id, error, len(self._pending_events))

    def _write(self, state: CameraState) -> None:
        visitors = self._known.unsaved_visitors
        self._store.record(
            events=self._pending_events,
            matches=self._pending_matches,
            site_id=self.site_id,
            camera_id=self.camera_id,
            presences=self._present.values(),
            visitors=visitors,
            health=self._meter.health(state),
        )
        self._known.visitors_saved(visitors)
        self._pending_events.clear()
        self._pending_matches.clear()


def run_all(
    agents: Sequence[Agent], stop: threading.Event, on_step: Callable[[Agent, Step], None]
) -> list[FootfallError]:
    """Run agents side by side, a thread each; return when all are over, with the errors that ended some of them.

    A camera that fails does not stop the others: while they run, one that may come back is tried again for ever.
    `stop` ends all of them, and so does a fault of ours, which is raised.
    """
    alone = len(agents) == 1

    def follow(agent: Agent) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                agent.run(stop, lambda step: on_step(agent, step))
                return
            except CameraError as error:
                if alone or stop.is_set():
                    raise
                log.error("%s: %s; trying again in %.1f s", agent.camera_id, error.problem, pause_s)
            if stop.wait(pause_s):
                return
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    failures: list[FootfallError] = []
    with ThreadPoolExecutor(len(agents), thread_name_prefix="agent") as pool:
        waiting = {pool.submit(follow, agent) for agent in agents}
        try:
            while waiting:
                done, waiting = wait(waiting, WAIT_S, FIRST_COMPLETED)
                failures += [error for future in done if (error := _failure(future)) is not None]
        except BaseException:
            stop.set()
            raise
    return failures


def _failure(future: Future[None]) -> FootfallError | None:
    """What ended an agent early; a fault of ours is raised."""
    error = future.exception()
    if error is None or isinstance(error, FootfallError):
        return error
    raise error
