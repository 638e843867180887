"""What a room's tracks had told of whom, so that it can be taken back when one turns out to show somebody else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.presence.events import Event, EventKind
from tracker.presence.room import Presence, Sighting, observe


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassigned:
    """What is left when a track has no more say in where a person was.

    voided: events that did not happen. told: events that did, and were not told so. presence: the person's own, None
    where nobody but the track had them in sight.
    """

    voided: tuple[Event, ...]
    told: tuple[Event, ...]
    presence: Presence | None


@dataclass(slots=True)
class _Stay:
    """One presence, open or over: what each track has to do with it, in order of time, and the events told of it.

    A claim is a stretch in which one track showed the person, from `since` to `seen_at`.
    """

    reassignments: list[Sighting]
    told: list[Event]
    over: bool = False

    def begun_as(self, presence: Presence) -> bool:
        first = self.reassignments[0]
        return not self.over and (first.track_id, first.since) == (presence.track_id, presence.entered_at)


class Reassignments:
    """The presences of one room's camera in which tracks that go on have a say. Not for several threads."""

    def __init__(self, *, site_id: str, camera_id: str, exit_after: timedelta) -> None:
        self._site_id = site_id
        self._camera_id = camera_id
        self._exit_after = exit_after
        self._stays: dict[str, list[_Stay]] = {}
        self._live: set[str] = set()

    def note(
        self,
        before: Mapping[str, Presence],
        sightings: Iterable[Sighting],
        after: Mapping[str, Presence],
        events: Iterable[Event],
    ) -> None:
        """Take in what `observe` made of presences: those before, what was seen, those after, and the events."""
        seen = {(each.person_id, each.track_id): each for each in sightings}
        for event in events:
            own = self._stays.setdefault(event.person_id, [])
            if event.kind is EventKind.ENTER:
                sighting = seen.pop((event.person_id, event.track_id))
                own.append(_Stay([replace(sighting, since=event.at)], [event]))
                self._live.add(event.track_id)
            elif event.person_id in before:
                stay = self._stay_of(before[event.person_id])
                stay.told.append(event)
                stay.over = True
        for (person_id, track_id), sighting in seen.items():
            if person_id in after:
                self._live.add(track_id)
                self._go_on(self._stay_of(before.get(person_id, after[person_id])), sighting)

    def end(self, track_ids: Collection[str]) -> None:
        """These tracks are over: what they told holds."""
        if not track_ids:
            return
        self._live.difference_update(track_ids)
        for person_id, stays in list(self._stays.items()):
            kept = [
                stay
                for stay in stays
                if not stay.over or any(each.track_id in self._live for each in stay.reassignments)
            ]
            for stay in kept:
                self._shorten(stay.reassignments)
            if kept:
                self._stays[person_id] = kept
            else:
                del self._stays[person_id]

    def clear(self) -> None:
        """All tracks are over, and all presences."""
        self._stays.clear()
        self._live.clear()

    def move(self, gone_id: str, into_id: str | None) -> None:
        """Presences go on under another id, as when two people were made one; None: the person was forgotten."""
        for stay in self._stays.pop(gone_id, []):
            if into_id is not None:
                stay.reassignments = [replace(each, person_id=into_id) for each in stay.reassignments]
                self._stays.setdefault(into_id, []).append(stay)

    def take_back(
        self,
        track_id: str,
        person_id: str,
        presence: Presence | None,
        *,
        now: datetime,
        watched_since: datetime | None,
    ) -> Reassigned:
        """Make the person's presences anew without what the track said of them. presence: the one that is open."""
        kept: list[_Stay] = []
        voided: list[Event] = []
        told: list[Event] = []
        for stay in self._stays.pop(person_id, []):
            reassignments = [each for each in stay.reassignments if each.track_id != track_id]
            if len(reassignments) == len(stay.reassignments):
                kept.append(stay)
                continue
            events, left = self._replayed(reassignments, stay, now, watched_since)
            ids, told_ids = {each.event_id for each in events}, {each.event_id for each in stay.told}
            voided += [each for each in stay.told if each.event_id not in ids]
            told += [each for each in events if each.event_id not in told_ids]
            presence = presence if stay.over else left
            if reassignments:
                kept.append(_Stay(reassignments, events, over=left is None))
        if kept:
            self._stays[person_id] = kept
        return Reassigned(voided=tuple(voided), told=tuple(told), presence=presence)

    def _replayed(
        self, reassignments: Sequence[Sighting], stay: _Stay, now: datetime, watched_since: datetime | None
    ) -> tuple[list[Event], Presence | None]:
        """The events of these claims, and the presence that is open after them."""
        open_: dict[str, Presence] = {}
        events: list[Event] = []
        for claim in reassignments:
            open_, more = self._observed(open_, [claim], claim.seen_at)
            events += more
        if stay.over and reassignments:
            open_, more = self._observed(open_, (), reassignments[-1].seen_at, ended=True)
            events += [replace(each, inferred=stay.told[-1].inferred) for each in more]
        elif reassignments:
            open_, more = self._observed(open_, (), now, watched_since=watched_since)
            events += more
        return events, next(iter(open_.values()), None)

    def _observed(
        self,
        open_: Mapping[str, Presence],
        sightings: Sequence[Sighting],
        now: datetime,
        *,
        ended: bool = False,
        watched_since: datetime | None = None,
    ) -> tuple[dict[str, Presence], tuple[Event, ...]]:
        return observe(
            open_,
            sightings,
            now=now,
            site_id=self._site_id,
            camera_id=self._camera_id,
            exit_after=self._exit_after,
            ended=ended,
            watched_since=watched_since,
        )

    def _stay_of(self, presence: Presence) -> _Stay:
        """The stay of an open presence; one that an earlier run began is all of the track that began it."""
        own = self._stays.setdefault(presence.person_id, [])
        for stay in own:
            if stay.begun_as(presence):
                return stay
        claim = Sighting(
            person_id=presence.person_id,
            track_id=presence.track_id,
            since=presence.entered_at,
            seen_at=presence.seen_at,
            x_frac=presence.x_frac,
            y_frac=presence.y_frac,
        )
        _, entered = self._observed({}, [claim], claim.seen_at)
        own.append(_Stay([claim], list(entered)))
        return own[-1]

    @staticmethod
    def _go_on(stay: _Stay, sighting: Sighting) -> None:
        last = stay.reassignments[-1]
        if last.track_id != sighting.track_id:
            stay.reassignments.append(sighting)
        elif sighting.seen_at > last.seen_at:
            stay.reassignments[-1] = replace(
                last, seen_at=sighting.seen_at, x_frac=sighting.x_frac, y_frac=sighting.y_frac
            )

    def _shorten(self, reassignments: list[Sighting]) -> None:
        """Make one of the first claims whose tracks are over: nothing of them is taken back any more."""
        while len(reassignments) > 1 and not {reassignments[0].track_id, reassignments[1].track_id} & self._live:
            first, second = reassignments[0], reassignments.pop(1)
            if second.seen_at > first.seen_at:
                reassignments[0] = replace(first, seen_at=second.seen_at, x_frac=second.x_frac, y_frac=second.y_frac)
