"""What an agent has found, on its way to the disk: kept and tried again until the store has taken it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from config.errors import PeopleError, StoreError
from tracker.agent.health import Meter
from tracker.cameras.clock import Clock
from tracker.identity.known import KnownPeople
from tracker.presence.events import ITSELF, Action, Correction, Event, Match
from tracker.presence.health import CameraState
from tracker.presence.line import LineState
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.vision.faces import FloatArray

log = logging.getLogger("footfall.agent")

SAVE_EVERY_S = 1.0
LONGEST_PAUSE_S = 30.0
LONGEST_BUSY_PAUSE_S = 4.0
PATIENCE_S = 0.5
"""How long a write waits for other writers while frames come."""
TOLD_AFTER_S = 5.0
"""A store that others keep for less is nothing to tell."""
MOST_WAITING = 100_000
_TIDY_EVERY_S = 3600.0
_NOT_THEIRS = "the faces of this track turned out to be somebody else's"
_THEIRS = "the faces of this track turned out to be this person's after all"


class Writer:
    """Writes the records of one camera, each time all that waits in one transaction. For one thread.

    When the store fails, the records stay in memory and are tried again after pauses that grow from one second to
    thirty, so that a full disk loses nothing. One that others keep is tried at least every four seconds, each time for
    half a second, so that it does not hold up the camera; the last write of a run waits as long as the store does.
    """

    def __init__(
        self,
        *,
        site_id: str,
        camera_id: str,
        store: Store,
        known: KnownPeople,
        meter: Meter,
        clock: Clock,
        evidence_days: int,
        visitor_days: int,
    ) -> None:
        """evidence_days: how long the vectors behind matches are kept, 0 for not at all. visitor_days: how long those
        of visitors who do not come again.
        """
        self._site_id = site_id
        self._camera_id = camera_id
        self._store = store
        self._known = known
        self._meter = meter
        self._clock = clock
        self._events: list[Event] = []
        self._matches: list[Match] = []
        self._evidence: dict[str, FloatArray] = {}
        self._evidence_for = timedelta(days=evidence_days)
        self._visitors_for = timedelta(days=visitor_days)
        self._tidy_s = 0.0
        self._next_s = 0.0
        self._pause_s = SAVE_EVERY_S
        self._failing_since_s: float | None = None
        self._told = False
        self._state: CameraState | None = None
        self._over: list[ZoneStay] = []
        self._dropped: list[str] = []
        self._corrections: list[Correction] = []
        self._voided: set[str] = set()
        self.line_states: Sequence[LineState] | None = None
        """Where tracks stand at a door, for the next write; None for no door."""
        self.open_stays: Sequence[ZoneStay] = ()
        """Who is in which zone, for the next write."""

    @property
    def waiting(self) -> int:
        """Events, matches and corrections that the store does not have yet."""
        return len(self._events) + len(self._matches) + len(self._corrections)

    def add(
        self,
        events: Sequence[Event],
        matches: Iterable[Match],
        evidence: Mapping[str, FloatArray] | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        """Keep these for the next write. evidence: vectors (N, D) behind matches, by match_id.

        at: when this was told, now without it; of an event that was taken back before this says that it is true.
        """
        self._events += events
        for event in events:
            if event.event_id in self._voided:
                self._voided.discard(event.event_id)
                self._correct(Action.ADD, event, at or self._clock.now())
        self._matches += matches
        if evidence and self._evidence_for:
            self._evidence |= evidence

    def take_back(self, events: Iterable[Event], at: datetime) -> None:
        """Have the next write void events that were told before, of a person whom the track did not show."""
        for event in events:
            self._voided.add(event.event_id)
            self._correct(Action.VOID, event, at)

    def _correct(self, action: Action, event: Event, at: datetime) -> None:
        self._corrections.append(
            Correction(
                action=action,
                event_id=event.event_id,
                by=ITSELF,
                at=at,
                reason=_NOT_THEIRS if action is Action.VOID else _THEIRS,
                event=event if action is Action.ADD else None,
            )
        )

    def drop_stays(self, stay_ids: Iterable[str]) -> None:
        """Have the next write remove stays in zones that were none."""
        self._dropped += stay_ids

    def add_stays(self, over: Iterable[ZoneStay]) -> None:
        """Keep stays in zones that are over for the next write."""
        self._over += over

    def keep_up(self, presences: Iterable[Presence], state: CameraState, problem: str | None = None) -> bool:
        """Write when something new must not wait, or the last write is a second old; True when that was done.

        problem: why the camera gives no frames, where the source does not say so itself.
        Raises StoreError only when more than MOST_WAITING records wait.
        """
        news = self.waiting > 0 or bool(self._known.unsaved_visitors or self._known.unsaved_merges)
        news = news or state is not self._state
        if self._clock.monotonic() < self._next_s and (self._failing_since_s is not None or not news):
            return False
        try:
            with self._store.patience(PATIENCE_S):
                self._write(presences, state, problem)
            self._known.refresh(self._store.people)
        except StoreError as error:
            self._put_off(error)
            return False
        if self._told:
            log.warning("%s: the store takes records again; nothing was lost", self._camera_id)
        self._failing_since_s, self._told, self._pause_s = None, False, SAVE_EVERY_S
        self._next_s = self._clock.monotonic() + SAVE_EVERY_S
        return True

    def finish(self, presences: Iterable[Presence], state: CameraState, problem: str | None = None) -> None:
        """The last write. Raises StoreError when it fails, and says how many events are lost with it."""
        try:
            self._write(presences, state, problem)
        except StoreError as error:
            lost = f"; {len(self._events)} events of {self._camera_id} are not stored" if self._events else ""
            raise type(error)(f"{error.problem}{lost}", fix=error.fix) from error

    def _put_off(self, error: StoreError) -> None:
        if self.waiting > MOST_WAITING:
            raise error
        now_s = self._clock.monotonic()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        if not self._told and (not error.retryable or now_s - self._failing_since_s >= TOLD_AFTER_S):
            log.error("%s: %s; records are kept in memory and tried again", self._camera_id, error)
            self._told = True
        longest_s = LONGEST_BUSY_PAUSE_S if error.retryable else LONGEST_PAUSE_S
        self._next_s = now_s + min(self._pause_s, longest_s)
        self._pause_s = min(2 * self._pause_s, longest_s)

    def _write(self, presences: Iterable[Presence], state: CameraState, problem: str | None) -> None:
        visitors, merges = self._known.unsaved_visitors, self._known.unsaved_merges
        self._store.record(
            Observation(
                events=self._events,
                matches=self._matches,
                evidence=self._evidence,
                site_id=self._site_id,
                camera_id=self._camera_id,
                presences=presences,
                line_states=self.line_states,
                zone_stays=[*self._over, *self.open_stays],
                dropped_stays=self._dropped,
                corrections=self._corrections,
                visitors=visitors,
                health=self._meter.health(state, problem=problem),
                watch=self._meter.watch,
            )
        )
        self._state = state
        self._known.visitors_saved(visitors)
        self._events.clear()
        self._matches.clear()
        self._over.clear()
        self._dropped.clear()
        self._corrections.clear()
        self._evidence.clear()
        for gone_id, into_id in merges:
            with suppress(PeopleError):  # somebody forgot or merged one of them meanwhile, which holds
                self._store.people.merge(gone_id, into_id)
        self._known.merges_saved(merges)
        if self._clock.monotonic() >= self._tidy_s:
            self._tidy_s = self._clock.monotonic() + _TIDY_EVERY_S
            self._store.matches.drop_evidence(self._clock.now() - self._evidence_for)
            watch = self._meter.watch
            if watch is not None:  # old recordings go by their own time, so that they know visitors of the day before
                self._store.people.expire_visitors(min(watch.ended_at, self._clock.now()) - self._visitors_for)
