"""The role of a room: who is in sight is present, who has not been seen for a while has left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from tracker.agent.reassignment import Reassignments
from tracker.agent.roles.role import Changes, RoleState, View
from tracker.agent.zones import StayChanges, ZoneStays
from tracker.identity.recognition import Retraction
from tracker.presence.events import CameraRef, EventKind
from tracker.presence.room import Presence, Sighting, observe
from tracker.presence.transitions import Transition
from tracker.presence.zones import ZoneStay


class Room:
    """Presences, and stays in zones where the room has any.

    resume_within: a name that comes late never reaches back over an exit that is no older than this.
    """

    def __init__(
        self, camera: CameraRef, *, exit_after: timedelta, resume_within: timedelta, zones: ZoneStays | None = None
    ) -> None:
        self._camera = camera
        self._exit_after = exit_after
        self._resume_within = resume_within
        self._zones = zones
        self._reassignments = Reassignments(camera, exit_after=exit_after)
        self._present: dict[str, Presence] = {}
        self._ahead: dict[str, Presence] = {}
        """Presences of an earlier run that begin later than the frames are now: a recording is played again."""
        self._stored_stays: tuple[ZoneStay, ...] = ()
        self._left: dict[str, datetime] = {}

    @property
    def state(self) -> RoleState:
        presences = {**self._ahead, **self._present}
        stays = self._stored_stays if self._zones is None else (*self._stored_stays, *self._zones.open)
        return RoleState(presences=tuple(presences.values()), stays=stays)

    def resume(self, state: RoleState) -> None:
        self._present, self._ahead = {}, {each.person_id: each for each in state.presences}
        self._left = {}
        self._reassignments.clear()
        if self._zones is not None:
            self._zones.resume(())
            self._stored_stays = state.stays

    def observe(self, view: View) -> Changes:
        changes = self._take_up(view.at)
        for each in view.retractions:
            changes += self._retract(each, view)
        changes += self._observe(view)
        self._reassignments.end(view.ended_tracks)
        if self._zones is not None:
            self._zones.end(view.ended_tracks)
        return changes

    def set_back(self, at: datetime) -> Changes:
        kept = {key: each for key, each in self._present.items() if each.entered_at <= at}
        late = [_sighting(each, at) for each in self._present.values() if each.entered_at > at]
        again, entered = observe({}, late, camera=self._camera, now=at, exit_after=self._exit_after)
        self._present = {key: replace(each, seen_at=min(each.seen_at, at)) for key, each in kept.items()} | again
        self._left = {key: left_at for key, left_at in self._left.items() if left_at <= at}
        self._reassignments.clear()
        stays = StayChanges() if self._zones is None else self._zones.set_back(at)
        return Changes(transitions=entered, stays=stays.over, dropped_stays=stays.dropped)

    def move(self, gone_id: str, into_id: str | None) -> Changes:
        self._reassignments.move(gone_id, into_id)
        gone = self._present.pop(gone_id, None)
        if gone is None or into_id is None:
            return Changes()
        moved, twin = replace(gone, person_id=into_id), self._present.get(into_id)
        if twin is None:
            self._present[into_id] = moved
            return Changes()
        earlier, self._present[into_id] = (twin, moved) if moved.seen_at > twin.seen_at else (moved, twin)
        return self._close(earlier)

    def _take_up(self, at: datetime) -> Changes:
        """Continue the presences and stays of an earlier run once the frames have come to where they begin."""
        changes = Changes()
        for each in [each for each in self._ahead.values() if each.entered_at <= at]:
            del self._ahead[each.person_id]
            if each.person_id in self._present:
                changes += self._close(each)
            else:
                self._present[each.person_id] = each
        if self._zones is not None and self._stored_stays:
            self._zones.resume(each for each in self._stored_stays if each.started_at <= at)
        self._stored_stays = ()
        return changes

    def _observe(self, view: View) -> Changes:
        before, sightings = self._present, (*view.sightings, *self._counted(view))
        self._present, transitions = observe(
            before,
            sightings,
            camera=self._camera,
            now=view.at,
            exit_after=self._exit_after,
            ended=view.ended,
            left=self._left,
            gap=view.gap,
        )
        self._reassignments.note(before, sightings, self._present, transitions)
        self._note_exits(transitions)
        self._left = {key: left_at for key, left_at in self._left.items() if view.at - left_at <= self._resume_within}
        stays = StayChanges()
        if self._zones is not None:
            stays = self._zones.observe(view.sightings, view.at, ended=view.ended)
        return Changes(transitions=transitions, stays=stays.over)

    def _counted(self, view: View) -> list[Sighting]:
        """Those without a name who are in sight for so long that they count as unidentified people."""
        return [each for each in view.unnamed if each.seen_at - each.since >= self._exit_after]

    def _retract(self, wrong: Retraction, view: View) -> Changes:
        """Derive a person's presence again without what the track showed."""
        person_id = wrong.person_id
        open_ = self._present.pop(person_id, None)
        found = self._reassignments.retract(wrong.track_id, person_id, open_, now=view.at, gap=view.gap)
        if found.presence is not None:
            self._present[person_id] = found.presence
        if self._left.get(person_id) in {each.at for each in found.retracted if each.kind is EventKind.EXIT}:
            del self._left[person_id]
        self._note_exits(found.transitions)
        stays = StayChanges()
        if self._zones is not None:
            stays = self._zones.retract(wrong.track_id, person_id, wrong.into_id)
        return Changes(
            transitions=found.transitions, retracted=found.retracted, stays=stays.over, dropped_stays=stays.dropped
        )

    def _close(self, presence: Presence) -> Changes:
        """The exit of somebody who is in sight under another presence: at the last sighting, inferred."""
        open_ = {presence.person_id: presence}
        _, transitions = observe(
            open_, (), camera=self._camera, now=presence.seen_at, exit_after=self._exit_after, ended=True
        )
        self._reassignments.note(open_, (), {}, transitions)
        return Changes(transitions=transitions)

    def _note_exits(self, transitions: Iterable[Transition]) -> None:
        self._left |= {each.person_id: each.at for each in transitions if each.kind is EventKind.EXIT}


def _sighting(presence: Presence, at: datetime) -> Sighting:
    """The presence as if it began at `at`."""
    return Sighting(
        person_id=presence.person_id,
        track_id=presence.track_id,
        since=at,
        seen_at=at,
        x_frac=presence.x_frac,
        y_frac=presence.y_frac,
    )
