"""The simulated cameras: the events that they report, in order of arrival.

A door camera reports who crosses it. A room camera reports who comes into view and, after `EXIT_AFTER` out of view,
that they left, dated at the last sighting. Any report may be missed, attributed to somebody else or, for want of a
face, to somebody unidentified, dated by a wrong clock, delayed or lost by an outage, or delivered twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tracker.presence.events import CameraRef, Event, EventKind, unidentified_id
from tracker.presence.room import Presence
from tracker.simulation.camera_faults import Outage, OutageKind, clock_errors, outages_on
from tracker.simulation.people import SimulatedPerson
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.truth import Segment, ViewSpan

EXIT_AFTER = timedelta(seconds=30)
"""Time out of view after which a room camera reports an exit; views of one camera are further apart than this."""
_LATEST_REPEAT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraOutput:
    """The reports of all cameras for one day, up to a time.

    events: in order of arrival, duplicates included. presences: people in view of room cameras at that time. missed,
    confused: number of crossings and views that were not reported, or for the wrong person.
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


def camera_output_on(
    day: date,
    segments: Sequence[Segment],
    scenario: Scenario,
    noise: Noise,
    people: Mapping[str, SimulatedPerson],
    *,
    until: datetime,
) -> CameraOutput:
    """The reports for the segments of one day until a time (UTC). people: by person id."""
    simulator = _CameraSimulator(day, scenario, noise, people, until)
    for segment in segments:
        if segment.entered_at <= until:
            simulator.add(segment)
    return simulator.output()


class _CameraSimulator:
    """The cameras during one day. The number of random draws does not depend on the noise."""

    def __init__(
        self, day: date, scenario: Scenario, noise: Noise, people: Mapping[str, SimulatedPerson], until: datetime
    ) -> None:
        self._scenario, self._noise, self._people, self._until = scenario, noise, people, until
        self._rng, self._faces = scenario.rng("cameras", day), scenario.rng("faces", day)
        self._clock_errors = clock_errors(scenario, noise)
        self._outages = {outage.camera_id: outage for outage in outages_on(day, scenario, noise)}
        self._deliveries: list[_Delivery] = []
        self._presences: list[Presence] = []
        self._missed = self._confused = self._tracks = 0

    def add(self, segment: Segment) -> None:
        self._cross(EventKind.ENTER, segment.person_id, segment.entered_by, segment.entered_at)
        for view in segment.views:
            self._view(segment.person_id, view)
        self._cross(EventKind.EXIT, segment.person_id, segment.left_by, segment.left_at)

    def output(self) -> CameraOutput:
        self._deliveries.sort(key=lambda delivery: (delivery.arrives_at, delivery.event.at, delivery.event.event_id))
        return CameraOutput(
            events=tuple(delivery.event for delivery in self._deliveries),
            presences=tuple(self._presences),
            outages=tuple(self._outages.values()),
            missed=self._missed,
            confused=self._confused,
        )

    def _cross(self, kind: EventKind, person_id: str, camera_id: str, at: datetime) -> None:
        reported = self._reported(person_id)
        x_frac, y_frac = self._rng.uniform(0.3, 0.7), self._rng.uniform(0.4, 0.6)
        repeat_s, has_face = self._repeat_s(), self._has_face()
        if reported is None or at > self._until or self._blind(camera_id, at):
            return
        seen_at = at + self._clock_errors[camera_id]
        track_id = self._track(camera_id, seen_at)
        who = reported if has_face else self._nobody(camera_id, track_id)
        event = self._event(kind, who, camera_id, seen_at, track_id, x_frac, y_frac)
        self._deliver(event, at, repeat_s)

    def _view(self, person_id: str, view: ViewSpan) -> None:
        reported = self._reported(person_id)
        positions = [(self._rng.random(), self._rng.uniform(0.2, 0.8)) for _ in range(2)]
        repeats_s = [self._repeat_s(), self._repeat_s()]
        seen, has_face = self._visible(view), self._has_face()
        if reported is None or seen is None or seen.since > self._until:
            return
        camera_id, ahead = seen.camera_id, self._clock_errors[seen.camera_id]
        track_id = self._track(camera_id, seen.since + ahead)
        who = reported if has_face else self._nobody(camera_id, track_id)
        (x_in, y_in), (x_out, y_out) = positions
        entered = self._event(EventKind.ENTER, who, camera_id, seen.since + ahead, track_id, x_in, y_in)
        self._deliver(entered, seen.since, repeats_s[0])
        if seen.until + EXIT_AFTER > self._until:
            self._presences.append(
                Presence(
                    site_id=self._scenario.site_id,
                    camera_id=camera_id,
                    person_id=who,
                    track_id=track_id,
                    entered_at=seen.since + ahead,
                    seen_at=min(seen.until, self._until) + ahead,
                    x_frac=x_out,
                    y_frac=y_out,
                )
            )
            return
        left = self._event(EventKind.EXIT, who, camera_id, seen.until + ahead, track_id, x_out, y_out)
        self._deliver(left, seen.until + EXIT_AFTER, repeats_s[1])

    def _reported(self, person_id: str) -> str | None:
        """The person that the camera reports, None if it misses them."""
        missed = self._rng.random() < self._noise.miss
        confused = self._rng.random() < self._noise.confuse
        which = self._rng.random()
        lookalikes = self._people[person_id].lookalikes
        if missed:
            self._missed += 1
            return None
        if confused and lookalikes:
            self._confused += 1
            return lookalikes[int(which * len(lookalikes))]
        return person_id

    def _has_face(self) -> bool:
        return self._faces.random() >= self._noise.unseen_faces

    def _nobody(self, camera_id: str, track_id: str) -> str:
        return unidentified_id(CameraRef(self._scenario.site_id, camera_id), track_id)

    def _visible(self, view: ViewSpan) -> ViewSpan | None:
        """The part of a view outside the camera\'s outage; None if nothing remains.

        An outage in the middle of a view does not split it, as in the agent.
        """
        if not self._blind(view.camera_id, view.since) and not self._blind(view.camera_id, view.until):
            return view
        outage = self._outages[view.camera_id]
        since = outage.until if self._blind(view.camera_id, view.since) else view.since
        until = outage.since if self._blind(view.camera_id, view.until) else view.until
        return ViewSpan(camera_id=view.camera_id, since=since, until=until) if since < until else None

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
        repeated, later = self._rng.random() < self._noise.duplicate, self._rng.random()
        return later * _LATEST_REPEAT_S if repeated else None

    def _track(self, camera_id: str, at: datetime) -> str:
        self._tracks += 1
        return f"{camera_id}-{at:%Y%m%dT%H%M%S.%f}-{self._tracks}"

    def _event(
        self, kind: EventKind, person_id: str, camera_id: str, at: datetime, track_id: str, x: float, y: float
    ) -> Event:
        return Event(
            kind=kind,
            site_id=self._scenario.site_id,
            camera_id=camera_id,
            person_id=person_id,
            at=at,
            track_id=track_id,
            x_frac=round(x, 3),
            y_frac=round(y, 3),
        )
