"""Writes what an agent finds into the store: at once what must not wait, and again what the store did not take."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from config.errors import PeopleError, StoreError
from tracker.agent.health import Meter
from tracker.agent.roles.role import Changes, RoleState
from tracker.cameras.clock import Clock
from tracker.identity.known import KnownPeople
from tracker.presence.events import ITSELF, Action, CameraRef, Correction, Event, Match
from tracker.presence.health import CameraState
from tracker.presence.line import Crossing
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.vision.faces import FloatArray

if TYPE_CHECKING:
    from tracker.agent.audience import Audience
    from tracker.presence.audience import AudienceGroup

log = logging.getLogger("footfall.agent")

IN_SIGHT_EVERY_S = 5.0
"""How often state is written while somebody is in sight: a visit that a killed agent left open may be so much short."""
IDLE_EVERY_S = 30.0
"""How often health and coverage are written while nobody is in sight and nothing is new."""
LOOK_EVERY_S = 1.0
"""How often people and galleries are read again, where others changed them."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
LONGEST_BUSY_PAUSE_S = 4.0
PATIENCE_S = 0.5
"""How long a write waits for other writers while frames come."""
LOGGED_AFTER_S = 5.0
"""A store that other programs keep busy for less is not logged."""
MOST_PENDING = 100_000
_TIDY_EVERY_S = 3600.0
_NOT_THEIRS = "the faces of this track turned out to be somebody else's"
_THEIRS = "the faces of this track turned out to be this person's after all"
_IN_THE_FUTURE = "the clock of the camera was set back: this had not happened yet"


_Urgent: TypeAlias = tuple[CameraState, bool, frozenset[str], frozenset[Crossing]]
"""What is written at once when it changes: the camera's state, whether frames have come, who is in sight, and the
crossings that count when no name comes."""


@dataclass(slots=True)
class _Pending:
    """Records that the store does not have yet."""

    events: list[Event] = field(default_factory=list)
    matches: list[Match] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    stays: list[ZoneStay] = field(default_factory=list)
    dropped_stays: list[str] = field(default_factory=list)
    evidence: dict[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many there are; vectors are counted with their matches."""
        facts = len(self.events) + len(self.matches) + len(self.corrections)
        return facts + len(self.stays) + len(self.dropped_stays)


@dataclass(slots=True)
class Outcome:
    """What the writer made of changes: new events, events that did not happen after all, and all corrections."""

    events: list[Event] = field(default_factory=list)
    retracted: list[Event] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)


class Writer:
    """Writes the records of one camera, each time all that is pending in one transaction. For one thread.

    A commit costs a flush of the disk, so it waits until something is new that must not be lost: an event, a match, a
    correction, a stay that is over, a visitor, the first frame, another camera state, other people in sight, a crossing
    that counts without a name. State is refreshed every IN_SIGHT_EVERY_S while somebody is in sight, health and
    coverage every IDLE_EVERY_S otherwise.

    When the store fails, records stay in memory and are tried again after pauses that grow from one second to thirty,
    so that a full disk loses nothing. A store that others keep busy is tried at least every four seconds, each time for
    half a second, so that it does not hold up the camera; the last write of a run waits as long as the store does.
    """

    def __init__(
        self,
        camera: CameraRef,
        *,
        store: Store,
        known: KnownPeople,
        meter: Meter,
        clock: Clock,
        evidence_days: int,
        visitor_days: int,
        audit_days: int,
        audience: Audience | None = None,
    ) -> None:
        """evidence_days: how long the vectors behind matches are kept, 0 for not at all. visitor_days: how long those
        of visitors who do not come again. audit_days: how long the record of who changed what. audience: whose counts
        are written too.
        """
        self._camera = camera
        self._store = store
        self._known = known
        self._meter = meter
        self._clock = clock
        self._evidence_for = timedelta(days=evidence_days)
        self._visitors_for = timedelta(days=visitor_days)
        self._audit_for = timedelta(days=audit_days)
        self._audience = audience
        self._pending = _Pending()
        self._voided: set[str] = set()
        self._set_back_to: datetime | None = None
        self._outcome = Outcome()
        self._written_s: float | None = None
        self._written: _Urgent | None = None
        self._look_s = 0.0
        self._tidy_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._retry_s = 0.0
        self._failing_since_s: float | None = None
        self._logged = False

    def add(
        self,
        changes: Changes,
        matches: Iterable[Match] = (),
        evidence: Mapping[str, FloatArray] | None = None,
        *,
        at: datetime | None = None,
    ) -> None:
        """Stamp transitions into events and keep all of it for the next write.

        evidence: vectors (N, D) behind matches, by match_id. at: the time of corrections, now without it. An earlier
        event that did not happen is voided; one that was voided before and happened after all is added back.
        """
        when = at or self._clock.now()
        self._void([each.event(self._camera) for each in changes.retracted], when, _NOT_THEIRS)
        events = [each.event(self._camera) for each in changes.transitions]
        self._pending.events += events
        self._outcome.events += events
        for event in events:
            if event.event_id in self._voided:
                self._voided.discard(event.event_id)
                self._correct(Action.ADD, event, when, _THEIRS)
        self._pending.matches += matches
        self._pending.stays += changes.stays
        self._pending.dropped_stays += changes.dropped_stays
        if evidence and self._evidence_for:
            self._pending.evidence |= evidence

    def set_back(self, at: datetime) -> None:
        """The clock was set back to `at`: have the next write void the camera's events that lie in the future now."""
        self._void([each for each in self._pending.events if each.at > at], at, _IN_THE_FUTURE)
        self._set_back_to = at

    def outcome(self) -> Outcome:
        """What was made of all changes since the last call."""
        outcome, self._outcome = self._outcome, Outcome()
        return outcome

    def keep_up(self, state: RoleState, camera_state: CameraState, problem: str | None = None) -> bool:
        """Write what is due and read who is known; True when that was read.

        problem: why the camera gives no frames, where the source does not report it. Raises StoreError only when more
        than MOST_PENDING records are pending.
        """
        now_s = self._clock.monotonic()
        due = self._is_due(state, camera_state, now_s)
        if now_s < self._retry_s or not (due or now_s >= self._look_s):
            return False
        try:
            with self._store.patience(PATIENCE_S):
                if due:
                    self._write(state, camera_state, problem)
            self._known.refresh(self._store.people)
        except StoreError as error:
            self._put_off(error)
            return False
        self._look_s = self._clock.monotonic() + LOOK_EVERY_S
        self._recover()
        return True

    def finish(self, state: RoleState, camera_state: CameraState, problem: str | None = None) -> None:
        """The last write of a run. Raises StoreError with the number of records that are not stored."""
        try:
            self._write(state, camera_state, problem)
            self._store.audience.seal(self._clock.now())  # a recording has many hours that are over
        except StoreError as error:
            count = len(self._pending)
            lost = f"; {count} records of {self._camera.camera_id} are not stored" if count else ""
            raise type(error)(f"{error.problem}{lost}", fix=error.fix) from error

    def _is_due(self, state: RoleState, camera_state: CameraState, now_s: float) -> bool:
        unsaved = self._known.unsaved_visitors or self._known.unsaved_merges or self._unsaved_audience
        news = self._pending or self._set_back_to is not None or unsaved
        if news or self._written_s is None or self._written != self._urgent(state, camera_state):
            return True
        return now_s - self._written_s >= (IDLE_EVERY_S if state.is_empty else IN_SIGHT_EVERY_S)

    @property
    def _unsaved_audience(self) -> tuple[AudienceGroup, ...]:
        return () if self._audience is None else self._audience.unsaved

    def _urgent(self, state: RoleState, camera_state: CameraState) -> _Urgent:
        return (
            camera_state,
            bool(self._meter.coverage),
            frozenset(each.person_id for each in state.presences),
            frozenset(waiting for each in state.line_states if each.counted_as for waiting in each.waiting),
        )

    def _put_off(self, error: StoreError) -> None:
        if len(self._pending) > MOST_PENDING:
            raise error
        now_s = self._clock.monotonic()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        if not self._logged and (not error.retryable or now_s - self._failing_since_s >= LOGGED_AFTER_S):
            log.error("%s: %s; records are kept in memory and tried again", self._camera.camera_id, error)
            self._logged = True
        longest_s = LONGEST_BUSY_PAUSE_S if error.retryable else LONGEST_PAUSE_S
        self._retry_s = now_s + min(self._pause_s, longest_s)
        self._pause_s = min(2 * self._pause_s, longest_s)

    def _recover(self) -> None:
        if self._logged:
            log.warning("%s: the store takes records again; nothing was lost", self._camera.camera_id)
        self._failing_since_s, self._logged, self._pause_s, self._retry_s = None, False, FIRST_PAUSE_S, 0.0

    def _write(self, state: RoleState, camera_state: CameraState, problem: str | None) -> None:
        self._drop_future()
        visitors, merges = self._known.unsaved_visitors, self._known.unsaved_merges
        pending, coverage, audience = self._pending, self._meter.coverage, self._unsaved_audience
        self._store.record(
            Observation(
                camera=self._camera,
                events=pending.events,
                matches=pending.matches,
                evidence=pending.evidence,
                presences=state.presences,
                line_states=state.line_states,
                zone_stays=[*pending.stays, *state.stays],
                dropped_stays=pending.dropped_stays,
                corrections=pending.corrections,
                visitors=visitors,
                health=self._meter.health(camera_state, problem=problem),
                coverage=coverage,
                audience=audience,
            )
        )
        self._pending = _Pending()
        self._written_s, self._written = self._clock.monotonic(), self._urgent(state, camera_state)
        self._meter.coverage_stored(coverage)
        self._known.visitors_saved(visitors)
        if self._audience is not None:
            self._audience.saved(audience)
        self._merge(merges)
        self._tidy()

    def _drop_future(self) -> None:
        """After the clock was set back: what the store has of this camera and of a later time did not happen."""
        at, camera = self._set_back_to, self._camera
        if at is None:
            return
        stored = self._store.events.select(site_id=camera.site_id, since=at)
        stays = self._store.cameras.zone_stays(site_id=camera.site_id, camera_id=camera.camera_id, since=at)
        self._void([each for each in stored if each.camera_id == camera.camera_id and each.at > at], at, _IN_THE_FUTURE)
        self._pending.dropped_stays += [each.stay_id for each in stays if each.started_at > at]
        self._set_back_to = None

    def _merge(self, merges: Sequence[tuple[str, str]]) -> None:
        for gone_id, into_id in merges:
            with suppress(PeopleError):  # somebody forgot or merged one of them meanwhile, which takes precedence
                self._store.people.merge(gone_id, into_id)
        self._known.merges_saved(merges)

    def _tidy(self) -> None:
        """Erase vectors and audit rows that are too old, once an hour."""
        if self._clock.monotonic() < self._tidy_s:
            return
        self._tidy_s = self._clock.monotonic() + _TIDY_EVERY_S
        self._store.matches.drop_evidence(self._clock.now() - self._evidence_for)
        self._store.audit.drop(self._clock.now() - self._audit_for)
        self._store.audience.seal(self._clock.now())  # also what was counted before the setting was turned off
        for span in self._meter.coverage[-1:]:  # recordings go by their own time, to know visitors of the day before
            self._store.people.expire_visitors(min(span.ended_at, self._clock.now()) - self._visitors_for)

    def _void(self, events: Sequence[Event], at: datetime, reason: str) -> None:
        for event in events:
            self._voided.add(event.event_id)
            self._correct(Action.VOID, event, at, reason)
        self._outcome.retracted += events

    def _correct(self, action: Action, event: Event, at: datetime, reason: str) -> None:
        correction = Correction(
            action=action,
            event_id=event.event_id,
            by=ITSELF,
            at=at,
            reason=reason,
            event=event if action is Action.ADD else None,
        )
        self._pending.corrections.append(correction)
        self._outcome.corrections.append(correction)
