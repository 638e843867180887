"""Which track showed whom in a room, so that a track can be taken out when it turns out to show somebody else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from tracker.presence.events import CameraRef, EventKind
from tracker.presence.room import Gap, Presence, Sighting, observe
from tracker.presence.transitions import Transition


@dataclass(frozen=True, slots=True, kw_only=True)
class Reassigned:
    """A person's presence without one track.

    retracted: transitions that did not happen. transitions: those that did, and were not reported yet. presence: the
    one that is open, None where only the track had the person in sight.
    """

    retracted: tuple[Transition, ...]
    transitions: tuple[Transition, ...]
    presence: Presence | None


@dataclass(slots=True)
class _Record:
    """One presence, open or over: in which stretches each track showed the person, and the transitions reported.

    stretches: in order of time, each a sighting from `since` to `seen_at`.
    """

    stretches: list[Sighting]
    reported: list[Transition]
    over: bool = False

    def is_of(self, presence: Presence) -> bool:
        first = self.stretches[0]
        return not self.over and (first.track_id, first.since) == (presence.track_id, presence.entered_at)

    def extend(self, sighting: Sighting) -> None:
        last = self.stretches[-1]
        if last.track_id != sighting.track_id:
            self.stretches.append(sighting)
        elif sighting.seen_at > last.seen_at:
            self.stretches[-1] = _prolonged(last, sighting)

    def shorten(self, live: Collection[str]) -> None:
        """Join the first stretches whose tracks have ended: those are never taken out."""
        while len(self.stretches) > 1 and not {self.stretches[0].track_id, self.stretches[1].track_id} & set(live):
            first, second = self.stretches[0], self.stretches.pop(1)
            if second.seen_at > first.seen_at:
                self.stretches[0] = _prolonged(first, second)


class Reassignments:
    """The presences of one room's camera that tracks in sight are part of. Not for several threads."""

    def __init__(self, camera: CameraRef, *, exit_after: timedelta) -> None:
        self._camera = camera
        self._exit_after = exit_after
        self._records: dict[str, list[_Record]] = {}
        self._live: set[str] = set()

    def note(
        self,
        before: Mapping[str, Presence],
        sightings: Iterable[Sighting],
        after: Mapping[str, Presence],
        transitions: Iterable[Transition],
    ) -> None:
        """Take in what `observe` made of presences: those before, what was seen, those after, and the transitions."""
        seen = {(each.person_id, each.track_id): each for each in sightings}
        for each in transitions:
            if each.kind is EventKind.ENTER:
                self._begin(seen.pop((each.person_id, each.track_id)), each)
            elif each.person_id in before:
                record = self._record_of(before[each.person_id])
                record.reported.append(each)
                record.over = True
        for (person_id, track_id), sighting in seen.items():
            if person_id in after:
                self._live.add(track_id)
                self._record_of(before.get(person_id, after[person_id])).extend(sighting)

    def end(self, track_ids: Collection[str]) -> None:
        """These tracks have ended: they keep the names that they have."""
        if not track_ids:
            return
        self._live.difference_update(track_ids)
        for person_id, records in list(self._records.items()):
            kept = [each for each in records if not each.over or self._has_live_track(each)]
            for record in kept:
                record.shorten(self._live)
            if kept:
                self._records[person_id] = kept
            else:
                del self._records[person_id]

    def clear(self) -> None:
        """All tracks and presences have ended."""
        self._records.clear()
        self._live.clear()

    def move(self, gone_id: str, into_id: str | None) -> None:
        """A person goes on under another id, as when two people were merged; None: the person was forgotten."""
        for record in self._records.pop(gone_id, []):
            if into_id is not None:
                record.stretches = [replace(each, person_id=into_id) for each in record.stretches]
                self._records.setdefault(into_id, []).append(record)

    def retract(
        self,
        track_id: str,
        person_id: str,
        presence: Presence | None,
        *,
        now: datetime,
        gap: Gap | None,
    ) -> Reassigned:
        """Derive the person's presences again without the track. presence: the one that is open."""
        kept: list[_Record] = []
        retracted: list[Transition] = []
        added: list[Transition] = []
        for record in self._records.pop(person_id, []):
            stretches = [each for each in record.stretches if each.track_id != track_id]
            if len(stretches) == len(record.stretches):
                kept.append(record)
                continue
            transitions, left = self._derived(stretches, record, now, gap)
            retracted += _without(record.reported, transitions)
            added += _without(transitions, record.reported)
            presence = presence if record.over else left
            if stretches:
                kept.append(_Record(stretches, transitions, over=left is None))
        if kept:
            self._records[person_id] = kept
        return Reassigned(retracted=tuple(retracted), transitions=tuple(added), presence=presence)

    def _begin(self, sighting: Sighting, enter: Transition) -> None:
        record = _Record([replace(sighting, since=enter.at)], [enter])
        self._records.setdefault(enter.person_id, []).append(record)
        self._live.add(enter.track_id)

    def _has_live_track(self, record: _Record) -> bool:
        return any(each.track_id in self._live for each in record.stretches)

    def _derived(
        self, stretches: Sequence[Sighting], record: _Record, now: datetime, gap: Gap | None
    ) -> tuple[list[Transition], Presence | None]:
        """The transitions of these stretches, and the presence that is open after them."""
        open_: dict[str, Presence] = {}
        transitions: list[Transition] = []
        for each in stretches:
            open_, more = self._observe(open_, [each], each.seen_at)
            transitions += more
        if record.over and stretches:
            open_, more = self._observe(open_, (), stretches[-1].seen_at, ended=True)
            transitions += [replace(each, inferred=record.reported[-1].inferred) for each in more]
        elif stretches:
            open_, more = self._observe(open_, (), now, gap=gap)
            transitions += more
        return transitions, next(iter(open_.values()), None)

    def _observe(
        self,
        open_: Mapping[str, Presence],
        sightings: Sequence[Sighting],
        now: datetime,
        *,
        ended: bool = False,
        gap: Gap | None = None,
    ) -> tuple[dict[str, Presence], tuple[Transition, ...]]:
        return observe(
            open_,
            sightings,
            camera=self._camera,
            now=now,
            exit_after=self._exit_after,
            ended=ended,
            gap=gap,
        )

    def _record_of(self, presence: Presence) -> _Record:
        """The record of an open presence; one that an earlier run began belongs to the track that began it."""
        own = self._records.setdefault(presence.person_id, [])
        for record in own:
            if record.is_of(presence):
                return record
        whole = Sighting(
            person_id=presence.person_id,
            track_id=presence.track_id,
            since=presence.entered_at,
            seen_at=presence.seen_at,
            x_frac=presence.x_frac,
            y_frac=presence.y_frac,
        )
        _, entered = self._observe({}, [whole], whole.seen_at)
        own.append(_Record([whole], list(entered)))
        return own[-1]


def _prolonged(stretch: Sighting, later: Sighting) -> Sighting:
    return replace(stretch, seen_at=later.seen_at, x_frac=later.x_frac, y_frac=later.y_frac)


def _without(transitions: Iterable[Transition], others: Iterable[Transition]) -> list[Transition]:
    keys = {each.key for each in others}
    return [each for each in transitions if each.key not in keys]
