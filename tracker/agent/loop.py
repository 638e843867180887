"""The edge agent: the frames of one camera in, events in the store out.

camera ─► faces ─► identity ─► presence ─► store
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from config.errors import CameraError, FootfallError, StoreError
from config.settings import PresenceSettings
from tracker.agent.door import Doorway, points_of
from tracker.agent.health import Meter
from tracker.agent.reassignment import Reassignments
from tracker.agent.step import OnFailure, OnStep, Step
from tracker.agent.writer import Writer
from tracker.agent.zones import ZoneWatch
from tracker.cameras.clock import Clock
from tracker.cameras.frames import Frame, FrameSource, NoFrameYet
from tracker.identity.known import KnownPeople
from tracker.identity.recognition import Recognition, Retraction
from tracker.presence.events import Event, EventKind, Match
from tracker.presence.health import CameraState
from tracker.presence.passages import only
from tracker.presence.room import Presence, Sighting, observe
from tracker.store.store import Store
from tracker.vision.engine import FaceEngine

log = logging.getLogger("footfall.agent")

WAIT_S = 0.5
BLIND_AFTER = timedelta(seconds=5)
"""Without a frame for so long the camera was blind, and being unseen meanwhile says nothing. A clock that runs back by
less stands still instead; by more, it was set."""


class Agent:
    """One camera, from frames to stored events. Not for several threads, but for `wake`.

    The engine, the store and the people known may be shared with other agents.
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
        store: Store,
        presence: PresenceSettings,
        clock: Clock,
        evidence_days: int = 7,
        visitor_days: int = 30,
        doorway: Doorway | None = None,
        zones: ZoneWatch | None = None,
        tells: EventKind | None = None,
    ) -> None:
        """doorway: the camera is a door, `tells`: it is an entrance (enter) or an exit; else a room, with `zones`."""
        self.site_id = site_id
        self.camera_id = camera_id
        self._source = source
        self._engine = engine
        self._recognition = recognition
        self._known = known
        self._store = store
        self._exit_after = timedelta(seconds=presence.exit_after_s)
        self._resume_within = timedelta(seconds=presence.merge_gap_s)
        meter = Meter(site_id=site_id, camera_id=camera_id, source=source, clock=clock)
        self._meter = meter
        self._doorway = doorway
        self._zones = zones
        self._tells = tells
        self._writer = Writer(
            site_id=site_id,
            camera_id=camera_id,
            store=store,
            known=known,
            meter=meter,
            clock=clock,
            evidence_days=evidence_days,
            visitor_days=visitor_days,
        )
        self._reassignments = Reassignments(site_id=site_id, camera_id=camera_id, exit_after=self._exit_after)
        self._present: dict[str, Presence] = {}
        self._ahead: dict[str, Presence] = {}
        """Presences of an earlier run that begin later than the frames are now: a recording is played once more."""
        self._left: dict[str, datetime] = {}
        self._at: datetime | None = None
        self._watched_since: datetime | None = None
        self._trouble: str | None = None

    def run(self, stop: threading.Event, on_step: OnStep | None = None, on_failure: OnFailure | None = None) -> None:
        """Track until the recording is over or `stop` is set. Open presences stay stored for the next run.

        on_failure: called each time that the camera fails; when it returns the camera is opened again, and what the
        store did not take meanwhile is kept for it. Without it a CameraError ends the run.
        Raises CameraError or RecordingError when the source cannot be opened, StoreBusyError when another agent holds
        this camera, StoreError when at the end something still could not be written. May be run again after an error.
        """
        with self._store.camera_lease(self.camera_id):
            self._known.refresh(self._store.people)
            stored = self._store.cameras.presences(site_id=self.site_id, camera_id=self.camera_id)
            self._present, self._ahead = {}, {each.person_id: each for each in stored}
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
        """Follow the camera, opened again as often as it fails if that is wanted."""
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

    def _lose(self, problem: str, on_step: OnStep | None) -> None:
        """The camera is gone for now: its tracks are over, its people may still be there."""
        self._source.close()
        matches = self._recognition.end()
        self._writer.add((), matches)
        self._keep_up(CameraState.LOST, problem)
        self._tell_rest(on_step, (), matches)

    def _follow(self, stop: threading.Event, on_step: OnStep | None) -> CameraState:
        """Handle frame after frame; ENDED when the recording is over, STOPPED when told to."""
        while not stop.is_set():
            try:
                frame = self._source.read(WAIT_S)
            except NoFrameYet:
                source = self._source.state
                self._tell_trouble(source.problems[-1] if source.problems else None)
                self._keep_up(CameraState.LOST if source.lost else CameraState.LIVE)
                continue
            if frame is None:
                return CameraState.STOPPED if stop.is_set() else CameraState.ENDED
            self._tell_trouble(None)
            step = self._handle(frame)
            if on_step is not None:
                on_step(step)
        return CameraState.STOPPED

    def _tell_trouble(self, trouble: str | None) -> None:
        """Say when a live camera gives no more frames, and when it does again; each once."""
        if trouble is not None and trouble != self._trouble:
            log.error("%s: %s", self.camera_id, trouble)
        elif trouble is None and self._trouble is not None:
            log.warning("%s: frames come again", self.camera_id)
        self._trouble = trouble

    def _handle(self, frame: Frame) -> Step:
        at, events, matches = self._advance(frame.at)
        seen = self._engine.analyse(frame.image)
        recognised = self._recognition.update(seen, at, size_wh=(frame.image.shape[1], frame.image.shape[0]))
        voided, told = self._take_back(recognised.retracted, at)
        events += told
        if self._doorway is not None:
            size_wh = (frame.image.shape[1], frame.image.shape[0])
            events += self._doorway.watch(points_of(seen, recognised.faces, size_wh), at)
        else:
            events += self._observe(recognised.sightings, at)
            self._end_tracks(recognised.ended)
        matches += recognised.matches
        self._meter.tick(at)
        self._writer.take_back(voided, at)
        self._writer.add(events, matches, recognised.evidence, at=at)
        self._keep_up(CameraState.LIVE)
        return Step(
            frame=frame,
            seen=seen,
            faces=recognised.faces,
            matches=matches,
            events=events,
            present=tuple(self._present.values()),
            retracted=voided,
        )

    def _take_back(self, retracted: Sequence[Retraction], at: datetime) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Undo what tracks told of people whom they did not show. Returns the events that were none, and the right."""
        voided: tuple[Event, ...] = ()
        told: tuple[Event, ...] = ()
        for each in retracted:
            if self._doorway is not None:
                wrong, right = self._doorway.take_back(each.track_id, each.person_id, each.into_id)
            else:
                wrong, right = self._leave_out(each, at)
            voided, told = voided + wrong, told + right
            log.info("%s: %s did not show %s: taken back", self.camera_id, each.track_id, each.person_id)
        return voided, told

    def _leave_out(self, wrong: Retraction, at: datetime) -> tuple[tuple[Event, ...], tuple[Event, ...]]:
        """Make a person's presence in the room anew without what a track said of them."""
        person_id = wrong.person_id
        back = self._reassignments.take_back(
            wrong.track_id, person_id, self._present.pop(person_id, None), now=at, watched_since=self._watched_since
        )
        if back.presence is not None:
            self._present[person_id] = back.presence
        if self._left.get(person_id) in {event.at for event in back.voided if event.kind is EventKind.EXIT}:
            del self._left[person_id]
        self._note_exits(back.told)
        if self._zones is not None:
            gone, over = self._zones.take_back(wrong.track_id, person_id, wrong.into_id)
            self._writer.drop_stays(gone)
            self._writer.add_stays(over)
        return self._as_told(back.voided), self._as_told(back.told)

    def _end_tracks(self, track_ids: Sequence[str]) -> None:
        """What these tracks told cannot turn any more."""
        self._reassignments.end(track_ids)
        if self._zones is not None:
            self._zones.end(track_ids)

    def _advance(self, frame_at: datetime) -> tuple[datetime, tuple[Event, ...], tuple[Match, ...]]:
        """Go on to the time of the next frame, never back but where the clock was set.

        Returns that time, the exits of those whom a gap in between ended, and what tracks came to that it ended.
        """
        last, at = self._at, frame_at
        if last is not None and timedelta(0) < last - at <= BLIND_AFTER:
            at = last
        if last is None:
            self._resume(at)
        self._at = at
        if last is not None and at < last:
            log.warning(
                "%s: the clock went back %.0f s; visits begin anew", self.camera_id, (last - at).total_seconds()
            )
            matches, events = self._recognition.end(), self._end_presences(last)
            self._left.clear()
            self._reassignments.clear()
            return at, events, matches
        events = self._take_up(at)
        if last is None:
            seen_at = max((each.seen_at for each in self._present.values()), default=at)
            return at, events + self._end_or_bridge(seen_at, at), ()
        if at - last > BLIND_AFTER:
            log.warning("%s: no frame for %.0f s", self.camera_id, (at - last).total_seconds())
            events += self._end_or_bridge(last, at)
        return at, events, ()

    def _take_up(self, at: datetime) -> tuple[Event, ...]:
        """Go on with presences of an earlier run as soon as the frames have come to where they begin."""
        events: tuple[Event, ...] = ()
        for each in [each for each in self._ahead.values() if each.entered_at <= at]:
            del self._ahead[each.person_id]
            if each.person_id in self._present:
                events += self._exit_of(each)
            else:
                self._present[each.person_id] = each
                log.info("%s: taking up the open presence of %s", self.camera_id, each.person_id)
        return events

    def _resume(self, at: datetime) -> None:
        """Go on from what an earlier run knew of the line and the zones."""
        if self._doorway is not None:
            self._doorway.resume(self._store.cameras.line_states(site_id=self.site_id, camera_id=self.camera_id), at)
        if self._zones is not None:
            stays = self._store.cameras.zone_stays(site_id=self.site_id, camera_id=self.camera_id, over=False)
            self._zones.resume(stays, at)

    def _end_or_bridge(self, last: datetime, at: datetime) -> tuple[Event, ...]:
        """Nothing was seen between `last` and `at`: too long to know who stayed, or short enough to say nothing."""
        if at - last > self._resume_within:
            return self._end_presences(last)
        self._watched_since = at
        return ()

    def _end_presences(self, last: datetime) -> tuple[Event, ...]:
        """Everybody leaves at the last sighting, as seen from the last frame at `last`."""
        self._watched_since = None
        if self._doorway is not None:
            return self._doorway.watch((), last, ended=True)
        return self._observe((), last, ended=True)

    def _observe(self, sightings: Sequence[Sighting], at: datetime, *, ended: bool = False) -> tuple[Event, ...]:
        before = self._present
        self._present, events = observe(
            before,
            sightings,
            now=at,
            site_id=self.site_id,
            camera_id=self.camera_id,
            exit_after=self._exit_after,
            ended=ended,
            left=self._left,
            watched_since=self._watched_since,
        )
        if self._zones is not None:
            self._writer.add_stays(self._zones.watch(sightings, at, ended=ended))
        self._reassignments.note(before, sightings, self._present, events)
        self._note_exits(events)
        self._left = {key: left_at for key, left_at in self._left.items() if at - left_at <= self._resume_within}
        return self._as_told(events)

    def _as_told(self, events: tuple[Event, ...]) -> tuple[Event, ...]:
        """What a camera of this role tells of the events of a room."""
        return events if self._tells is None else only(events, self._tells)

    def _note_exits(self, events: Sequence[Event]) -> None:
        self._left |= {event.person_id: event.at for event in events if event.kind is EventKind.EXIT}

    def _exit_of(self, presence: Presence) -> tuple[Event, ...]:
        """The exit of somebody who is in sight under another presence: at the last sighting, inferred."""
        _, events = observe(
            {presence.person_id: presence},
            (),
            now=presence.seen_at,
            site_id=self.site_id,
            camera_id=self.camera_id,
            exit_after=self._exit_after,
            ended=True,
        )
        self._reassignments.note({presence.person_id: presence}, (), {}, events)
        return self._as_told(events)

    def _keep_up(self, state: CameraState, problem: str | None = None) -> None:
        self._remember()
        if self._writer.keep_up(self._open_presences(), state, problem):
            self._follow_people()

    def _remember(self) -> None:
        """Have the next write hold where tracks stand and who is in zones.

        Before the first frame only the store knows that, of an earlier run: it stays as it is.
        """
        if self._at is None:
            return
        if self._doorway is not None:
            self._writer.line_states = self._doorway.line_states
        if self._zones is not None:
            self._writer.open_stays = self._zones.open

    def _open_presences(self) -> Collection[Presence]:
        return {**self._ahead, **self._present}.values()

    def _follow_people(self) -> None:
        """Go on under the other id with people who were merged meanwhile, and without those who were forgotten."""
        for gone in [each for each in self._present.values() if self._known.person(each.person_id) is None]:
            try:
                person = self._store.people.get(gone.person_id)
            except StoreError:
                return  # the next write tells of it, and this is tried again after it
            del self._present[gone.person_id]
            self._reassignments.move(gone.person_id, None if person is None else person.person_id)
            if person is None:
                continue
            moved = replace(gone, person_id=person.person_id)
            twin = self._present.get(person.person_id)
            if twin is not None:
                moved, earlier = (moved, twin) if moved.seen_at > twin.seen_at else (twin, moved)
                self._writer.add(self._exit_of(earlier), ())
            self._present[person.person_id] = moved

    def _finish(self, state: CameraState, problem: str | None, on_step: OnStep | None) -> None:
        matches = self._recognition.end()
        events: tuple[Event, ...] = ()
        if state is CameraState.ENDED and self._at is not None:
            events = self._end_presences(self._at)
        self._writer.add(events, matches)
        self._remember()
        self._writer.finish(self._open_presences(), state, problem)
        self._tell_rest(on_step, events, matches)

    def _tell_rest(self, on_step: OnStep | None, events: tuple[Event, ...], matches: tuple[Match, ...]) -> None:
        """Say what came of the last frames when no more come."""
        if on_step is not None and (events or matches):
            present = tuple(self._present.values())
            on_step(Step(frame=None, seen=None, faces=(), matches=matches, events=events, present=present))
