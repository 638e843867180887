"""The edge agent: the frames of one camera in, events in the store out.

camera ─► vision ─► identity ─► role ─► writer ─► store
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from config.errors import CameraError, FootfallError, StoreError
from tracker.agent.health import Meter
from tracker.agent.looks import BodyWatch
from tracker.agent.person_tracks import PersonTracks
from tracker.agent.roles.role import Changes, Role, RoleState, View
from tracker.agent.writer import Writer
from tracker.cameras.clock import Clock
from tracker.cameras.frames import Frame, FrameSource, NoFrameYet
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import FaceName, Recognition
from tracker.identity.shadow import Shadow
from tracker.presence.events import FIRST_INSTANT, CameraRef, Correction, Event, Match, is_unidentified
from tracker.presence.health import CameraState
from tracker.presence.room import Gap, Presence
from tracker.store.store import Store
from tracker.vision.engine import AnalysedFaces, FaceEngine

if TYPE_CHECKING:
    from tracker.agent.audience import Audience

log = logging.getLogger("footfall.agent")

WAIT_S = 0.5
BLIND_AFTER = timedelta(seconds=5)
"""Without a frame for so long the camera was blind, and who went unseen meanwhile has not left for that. A clock that
goes back by less is taken as unchanged until it has caught up; one that goes back by more was set."""
WARN_AGAIN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What one frame led to; `frame` and `seen` are None where frames end.

    faces: one for each face of the frame. matches: decisions about tracks. present: who is in sight now. retracted:
    events reported before that did not happen. corrections: of events reported before, those of `retracted` included.
    """

    frame: Frame | None
    seen: AnalysedFaces | None
    faces: tuple[FaceName, ...]
    matches: tuple[Match, ...]
    events: tuple[Event, ...]
    present: tuple[Presence, ...]
    retracted: tuple[Event, ...] = ()
    corrections: tuple[Correction, ...] = ()


OnStep: TypeAlias = Callable[[Step], None]
"""Called after every step."""
OnFailure: TypeAlias = Callable[[CameraError], None]
"""Called when a camera fails; it is opened again when this returns."""


class Agent:
    """One camera, from frames to stored events. Not for several threads, but for `wake`.

    The engine, the store and the people known may be shared with other agents.
    """

    def __init__(
        self,
        camera: CameraRef,
        *,
        source: FrameSource,
        engine: FaceEngine,
        recognition: Recognition,
        role: Role,
        known: KnownPeople,
        store: Store,
        clock: Clock,
        resume_within: timedelta,
        watch: BodyWatch | None = None,
        shadow: Shadow | None = None,
        evidence_days: int = 7,
        visitor_days: int = 30,
        audit_days: int = 365,
        audience: Audience | None = None,
    ) -> None:
        """resume_within: who was in sight before a gap or a restart no longer than this is still in after it.

        watch: what looks for bodies, where everybody counts and not only people with a face. shadow: what takes faces
        for another network. audience: what counts people by what they look like, where a setting asks for it.
        """
        self.camera = camera
        self._source = source
        self._engine = engine
        self._recognition = recognition
        self._watch = watch
        self._shadow = shadow
        self._audience = audience
        self._people = PersonTracks(camera, line=None if watch is None else watch.line)
        self._role = role
        self._known = known
        self._store = store
        self._resume_within = resume_within
        self._meter = Meter(camera, source=source, clock=clock)
        self._writer = Writer(
            camera,
            store=store,
            known=known,
            meter=self._meter,
            clock=clock,
            evidence_days=evidence_days,
            visitor_days=visitor_days,
            audit_days=audit_days,
            audience=audience,
        )
        self._at: datetime | None = None
        self._frames_since: datetime | None = None
        self._gap: Gap | None = None
        self._warned_at: datetime | None = None
        self._problem: str | None = None

    @property
    def camera_id(self) -> str:
        return self.camera.camera_id

    def run(self, stop: threading.Event, on_step: OnStep | None = None, on_failure: OnFailure | None = None) -> None:
        """Track until the recording is over or `stop` is set. Open presences stay stored for the next run.

        on_failure: called each time that the camera fails; when it returns the camera is opened again, and what the
        store did not take meanwhile is kept for it. Without it a CameraError ends the run.
        Raises CameraError or RecordingError when the source cannot be opened, StoreBusyError when another agent holds
        this camera, StoreError when at the end something still could not be written. May be run again after an error.
        """
        with self._store.camera_lease(self.camera_id):
            self._known.refresh(self._store.people)
            self._role.resume(self._stored_state())
            self._at = self._frames_since = self._gap = None
            state, problem = CameraState.STOPPED, None
            try:
                state = self._persist(stop, on_step, on_failure)
            except FootfallError as error:
                state = CameraState.LOST if isinstance(error, CameraError) else CameraState.STOPPED
                problem = error.problem
                raise
            finally:
                self._source.close()
                self._finish(state, problem, on_step)

    def wake(self) -> None:
        """End a wait for the next frame, from any thread; after `stop` was set this ends the run at once."""
        self._source.close()

    def _persist(self, stop: threading.Event, on_step: OnStep | None, on_failure: OnFailure | None) -> CameraState:
        """Follow the camera, opened again as often as it fails where `on_failure` is given."""
        while not stop.is_set():
            try:
                self._source.open()
                return self._follow(stop, on_step)
            except CameraError as error:
                if on_failure is None or stop.is_set():
                    raise
                self._lose(error.problem, on_step)
                on_failure(error)
        return CameraState.STOPPED

    def _follow(self, stop: threading.Event, on_step: OnStep | None) -> CameraState:
        """Handle frame after frame; ENDED when the recording is over, STOPPED when `stop` is set."""
        while not stop.is_set():
            try:
                frame = self._source.read(WAIT_S)
            except NoFrameYet:
                source = self._source.state
                self._log_problem(source.problems[-1] if source.problems else None)
                self._keep_up(CameraState.LOST if source.lost else CameraState.LIVE)
                continue
            if frame is None:
                return CameraState.STOPPED if stop.is_set() else CameraState.ENDED
            self._log_problem(None)
            step = self._handle(frame)
            if on_step is not None:
                on_step(step)
        return CameraState.STOPPED

    def _handle(self, frame: Frame) -> Step:
        at, changes, matches = self._advance(frame.at)
        faces = self._engine.detect(frame.image)
        seen = self._engine.examine(frame.image, faces, self._recognition.due(faces, at))
        size_wh = (frame.image.shape[1], frame.image.shape[0])
        recognised = self._recognition.update(seen, at, size_wh=size_wh)
        if self._shadow is not None:
            self._shadow.observe(frame.image, seen.faces, recognised.faces, at)
        if self._audience is not None:
            self._audience.observe(frame.image, seen, recognised, at)
        bodies = None
        if self._watch is not None:
            bodies = self._watch.look(frame.image, at, now=self._people.has_new(recognised.faces))
        view = self._people.update(recognised, seen.faces, bodies, at, size_wh=size_wh)
        changes += self._role.observe(replace(view, gap=self._gap))
        matches += recognised.matches
        self._meter.tick(at)
        self._writer.add(changes, matches, recognised.evidence, at=at)
        self._keep_up(CameraState.LIVE)
        return self._step(frame, seen, recognised.faces, matches)

    def _advance(self, frame_at: datetime) -> tuple[datetime, Changes, tuple[Match, ...]]:
        """Go on to the time of the next frame, never back except where the clock was set.

        Returns that time, what a gap before it changed, and the decisions about tracks that it ended.
        """
        last, at = self._at, frame_at
        if last is not None and timedelta(0) < last - at <= BLIND_AFTER:
            at = last
        self._at = at
        if last is None:
            return at, self._end_or_bridge(self._last_seen(at), at), ()
        if at < last:
            return at, *self._set_back(last, at)
        if at - last > BLIND_AFTER:
            self._warn_of_gap(last, at)
            return at, self._end_or_bridge(last, at), ()
        return at, Changes(), ()

    def _last_seen(self, at: datetime) -> datetime:
        """When an earlier run saw anybody last whom this one takes up at `at`."""
        taken_up = [each.seen_at for each in self._role.state.presences if each.entered_at <= at]
        return max(taken_up, default=at)

    def _end_or_bridge(self, last: datetime, at: datetime) -> Changes:
        """After a gap between `last` and `at`: too long to know who stayed, or too short to conclude anything."""
        frames_since, self._frames_since = self._frames_since or FIRST_INSTANT, at
        if at - last > self._resume_within:
            self._gap = None
            return self._role.observe(View(at=last, ended=True))
        self._gap = Gap(frames_since=frames_since, until=at)
        return Changes()

    def _warn_of_gap(self, last: datetime, at: datetime) -> None:
        """Once a day: a camera that sends frames only when something moves has hundreds."""
        if self._warned_at is None or at - self._warned_at > WARN_AGAIN_AFTER:
            log.warning("%s: no frame for %.0f s", self.camera_id, (at - last).total_seconds())
            self._warned_at = at

    def _set_back(self, last: datetime, at: datetime) -> tuple[Changes, tuple[Match, ...]]:
        """The clock was set back: what this camera dated later than now is void, people in sight stay in."""
        log.warning("%s: the clock was set back by %.0f s", self.camera_id, (last - at).total_seconds())
        self._frames_since, self._gap = at, Gap(frames_since=FIRST_INSTANT, until=at)
        matches = self._end_tracks()
        self._writer.set_back(at)
        return self._role.set_back(at), matches

    def _end_tracks(self) -> tuple[Match, ...]:
        """No track goes on after this; returns decisions about those that ended."""
        self._people.end()
        if self._watch is not None:
            self._watch.end()
        if self._audience is not None:
            self._audience.end()
        return self._recognition.end()

    def _lose(self, problem: str, on_step: OnStep | None) -> None:
        """The camera is gone for now: its tracks are over, its people may still be there."""
        self._source.close()
        matches = self._end_tracks()
        self._writer.add(Changes(), matches)
        self._keep_up(CameraState.LOST, problem)
        self._step_without_frame(on_step, matches)

    def _finish(self, state: CameraState, problem: str | None, on_step: OnStep | None) -> None:
        matches = self._end_tracks()
        changes = Changes()
        if state is CameraState.ENDED and self._at is not None:
            changes = self._role.observe(View(at=self._at, ended=True))
        self._writer.add(changes, matches)
        self._writer.finish(self._role.state, state, problem)
        self._step_without_frame(on_step, matches)

    def _keep_up(self, state: CameraState, problem: str | None = None) -> None:
        if self._writer.keep_up(self._role.state, state, problem):
            self._follow_people()

    def _follow_people(self) -> None:
        """Go on under the other id with people who were merged meanwhile, and without those who were forgotten."""
        ids = {each.person_id for each in self._role.state.presences} | self._people.person_ids
        for gone_id in sorted(each for each in ids if not is_unidentified(each) and self._known.person(each) is None):
            try:
                person = self._store.people.get(gone_id)
            except StoreError:
                return  # the next write reports it, and this is tried again after it
            into_id = None if person is None else person.person_id
            self._people.move(gone_id, into_id)
            self._writer.add(self._role.move(gone_id, into_id))

    def _stored_state(self) -> RoleState:
        """What an earlier run remembered."""
        site_id, camera_id = self.camera.site_id, self.camera.camera_id
        cameras = self._store.cameras
        return RoleState(
            presences=tuple(cameras.presences(site_id=site_id, camera_id=camera_id)),
            line_states=tuple(cameras.line_states(site_id=site_id, camera_id=camera_id)),
            stays=tuple(cameras.zone_stays(site_id=site_id, camera_id=camera_id, over=False)),
        )

    def _step(
        self, frame: Frame | None, seen: AnalysedFaces | None, faces: tuple[FaceName, ...], matches: tuple[Match, ...]
    ) -> Step:
        outcome = self._writer.outcome()
        return Step(
            frame=frame,
            seen=seen,
            faces=faces,
            matches=matches,
            events=tuple(outcome.events),
            present=self._role.state.presences,
            retracted=tuple(outcome.retracted),
            corrections=tuple(outcome.corrections),
        )

    def _step_without_frame(self, on_step: OnStep | None, matches: tuple[Match, ...]) -> None:
        """Report what came of the last frames when no more come."""
        step = self._step(None, None, (), matches)
        if on_step is not None and (step.events or step.matches or step.corrections):
            on_step(step)

    def _log_problem(self, problem: str | None) -> None:
        """Log when a live camera gives no more frames, and when it does again; each once."""
        if problem is not None and problem != self._problem:
            log.error("%s: %s", self.camera_id, problem)
        elif problem is None and self._problem is not None:
            log.warning("%s: frames come again", self.camera_id)
        self._problem = problem
