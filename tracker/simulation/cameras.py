"""What cameras make of the truth: their events, in the order in which they arrive.

A camera at a door reports who crosses it. A camera in a room reports who comes into sight and, once they have been
unseen for `EXIT_AFTER`, that they were lost, dated at the last sighting. Every report may be missed, taken for
somebody else's, dated by a clock that is off, lost or late in an outage, or delivered twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracker.presence.events import Event, EventKind
from tracker.presence.room import Presence
from tracker.simulation.cast import Player
from tracker.simulation.condition import Outage, OutageKind, clock_errors, outages_on
from tracker.simulation.plan import Noise, Plan
from tracker.simulation.truth import Sight, Stay

EXIT_AFTER = timedelta(seconds=30)
"""Unseen for so long, somebody has left a room; stays in sight are further apart than this."""
_LATEST_REPEAT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """What the cameras of a place told of one day, up to a moment.

    events: in the order of arrival, repeats included. presences: whom rooms have in sight at that moment. missed,
    confused: how many crossings and stays in sight were not reported, or of the wrong person.
    """

    events: tuple[Event, ...]
    presences: tuple[Presence, ...]
    outages: tuple[Outage, ...]
    missed: int
    confused: int


@dataclass(frozen=True, slots=True)
class _Delivery:
    arrives_at: datetime
    event: Event


def reports_on(
    day: date, stays: Sequence[Stay], plan: Plan, noise: Noise, cast: Mapping[str, Player], *, until: datetime
) -> Reports:
    """What the cameras tell of the stays of one day until a moment (UTC). cast: by person id."""
    watch = _Watch(day, plan, noise, cast, until)
    for stay in stays:
        if stay.entered_at <= until:
            watch.follow(stay)
    return watch.reports()


class _Watch:
    """The cameras during one day. Chance is asked in the order of the truth, as often whatever the noise is."""

    def __init__(self, day: date, plan: Plan, noise: Noise, cast: Mapping[str, Player], until: datetime) -> None:
        self._plan, self._noise, self._cast, self._until = plan, noise, cast, until
        self._dice = plan.dice("cameras", day)
        self._ahead = clock_errors(plan, noise)
        self._outages = {outage.camera_id: outage for outage in outages_on(day, plan, noise)}
        self._deliveries: list[_Delivery] = []
        self._presences: list[Presence] = []
        self._missed = self._confused = self._tracks = 0

    def follow(self, stay: Stay) -> None:
        self._cross(EventKind.ENTER, stay.person_id, stay.entered_by, stay.entered_at)
        for sight in stay.sights:
            self._see(stay.person_id, sight)
        self._cross(EventKind.EXIT, stay.person_id, stay.left_by, stay.left_at)

    def reports(self) -> Reports:
        self._deliveries.sort(key=lambda delivery: (delivery.arrives_at, delivery.event.at, delivery.event.event_id))
        return Reports(
            events=tuple(delivery.event for delivery in self._deliveries),
            presences=tuple(self._presences),
            outages=tuple(self._outages.values()),
            missed=self._missed,
            confused=self._confused,
        )

    def _cross(self, kind: EventKind, person_id: str, camera_id: str, at: datetime) -> None:
        reported = self._reported(person_id)
        x_frac, y_frac = self._dice.uniform(0.3, 0.7), self._dice.uniform(0.4, 0.6)
        repeat_s = self._repeat_s()
        if reported is None or at > self._until or self._blind(camera_id, at):
            return
        seen_at = at + self._ahead[camera_id]
        event = self._event(kind, reported, camera_id, seen_at, self._track(camera_id, seen_at), x_frac, y_frac)
        self._deliver(event, at, repeat_s)

    def _see(self, person_id: str, sight: Sight) -> None:
        reported = self._reported(person_id)
        places = [(self._dice.random(), self._dice.uniform(0.2, 0.8)) for _ in range(2)]
        repeats_s = [self._repeat_s(), self._repeat_s()]
        seen = self._seen(sight)
        if reported is None or seen is None or seen.since > self._until:
            return
        camera_id, ahead = seen.camera_id, self._ahead[seen.camera_id]
        track_id = self._track(camera_id, seen.since + ahead)
        (x_in, y_in), (x_out, y_out) = places
        entered = self._event(EventKind.ENTER, reported, camera_id, seen.since + ahead, track_id, x_in, y_in)
        self._deliver(entered, seen.since, repeats_s[0])
        if seen.until + EXIT_AFTER > self._until:
            self._presences.append(
                Presence(
                    site_id=self._plan.site_id,
                    camera_id=camera_id,
                    person_id=reported,
                    track_id=track_id,
                    entered_at=seen.since + ahead,
                    seen_at=min(seen.until, self._until) + ahead,
                    x_frac=x_out,
                    y_frac=y_out,
                )
            )
            return
        left = self._event(EventKind.EXIT, reported, camera_id, seen.until + ahead, track_id, x_out, y_out)
        self._deliver(left, seen.until + EXIT_AFTER, repeats_s[1])

    def _reported(self, person_id: str) -> str | None:
        """Of whom the camera tells, None if it misses them."""
        missed = self._dice.random() < self._noise.miss
        confused = self._dice.random() < self._noise.confuse
        which = self._dice.random()
        doubles = self._cast[person_id].doubles
        if missed:
            self._missed += 1
            return None
        if confused and doubles:
            self._confused += 1
            return doubles[int(which * len(doubles))]
        return person_id

    def _seen(self, sight: Sight) -> Sight | None:
        """What is left of a sight when the camera is blind at its start, its end or throughout.

        Whoever is in sight before and after a short outage has one stay in sight, as the agent sees it.
        """
        if not self._blind(sight.camera_id, sight.since) and not self._blind(sight.camera_id, sight.until):
            return sight
        outage = self._outages[sight.camera_id]
        since = outage.until if self._blind(sight.camera_id, sight.since) else sight.since
        until = outage.since if self._blind(sight.camera_id, sight.until) else sight.until
        return Sight(camera_id=sight.camera_id, since=since, until=until) if since < until else None

    def _blind(self, camera_id: str, at: datetime) -> bool:
        outage = self._outages.get(camera_id)
        return outage is not None and outage.kind is OutageKind.BLIND and outage.since <= at < outage.until

    def _deliver(self, event: Event, known_at: datetime, repeat_s: float | None) -> None:
        outage = self._outages.get(event.camera_id)
        cut_off = outage is not None and outage.kind is OutageKind.CUT_OFF and outage.since <= known_at < outage.until
        arrives_at = outage.until if outage is not None and cut_off else known_at
        if arrives_at > self._until:
            return
        self._deliveries.append(_Delivery(arrives_at, event))
        if repeat_s is not None:
            self._deliveries.append(_Delivery(arrives_at + timedelta(seconds=repeat_s), event))

    def _repeat_s(self) -> float | None:
        repeated, later = self._dice.random() < self._noise.duplicate, self._dice.random()
        return later * _LATEST_REPEAT_S if repeated else None

    def _track(self, camera_id: str, at: datetime) -> str:
        self._tracks += 1
        return f"{camera_id}-{at:%Y%m%dT%H%M%S.%f}-{self._tracks}"

    def _event(
        self, kind: EventKind, person_id: str, camera_id: str, at: datetime, track_id: str, x: float, y: float
    ) -> Event:
        return Event(
            kind=kind,
            site_id=self._plan.site_id,
            camera_id=camera_id,
            person_id=person_id,
            at=at,
            track_id=track_id,
            x_frac=round(x, 3),
            y_frac=round(y, 3),
        )
