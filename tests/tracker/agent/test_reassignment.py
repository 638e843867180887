"""A retraction leaves what the other tracks would have recorded without the retracted track."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from config.settings import CameraSettings
from tests.tracker.fake_cameras import at, seconds
from tracker.agent.reassignment import Reassignments
from tracker.agent.zones import StayChanges, ZoneStays, zones_of
from tracker.presence.events import CameraRef
from tracker.presence.room import Presence, Sighting, observe
from tracker.presence.transitions import Transition

EXIT_AFTER = timedelta(seconds=30)
CAMERA = CameraRef("gym", "hall")
PEOPLE, TRACKS = ("ada", "bob"), ("t0", "t1", "t2")
Seen = tuple[int, tuple[tuple[str, str], ...]]
"""The second of a frame, and (person, track) of those in it."""


def frames() -> st.SearchStrategy[list[Seen]]:
    """Frames up to 50 s apart, each with nobody in two places, and no track of two people."""
    shown = st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from(TRACKS), max_size=2)
    apart = st.lists(st.tuples(st.sampled_from([1, 4, 20, 29, 30, 31, 50]), shown), min_size=1, max_size=25)

    def timed(steps: list[tuple[int, dict[str, str]]]) -> list[Seen]:
        found: list[Seen] = []
        for gap, people in steps:
            second = gap + (found[-1][0] if found else 0)
            kept = {track: person for person, track in people.items()}
            found.append((second, tuple((person, track) for track, person in kept.items())))
        return found

    return apart.map(timed)


def sightings(seen: Seen) -> list[Sighting]:
    second, people = seen
    return [
        Sighting(person_id=who, track_id=track, since=at(second), seen_at=at(second), x_frac=0.5, y_frac=0.5)
        for who, track in people
    ]


class Room:
    """A room as an agent keeps it."""

    def __init__(self, *, never: tuple[str, str] | None = None) -> None:
        """never: (person, track) who is not seen at all."""
        self.reassignments = Reassignments(CAMERA, exit_after=EXIT_AFTER)
        self.present: dict[str, Presence] = {}
        self.events: list[Transition] = []
        self._never = never

    def watch(self, script: Iterable[Seen]) -> None:
        for seen in script:
            found = [each for each in sightings(seen) if (each.person_id, each.track_id) != self._never]
            before = self.present
            self.present, events = observe(before, found, camera=CAMERA, now=at(seen[0]), exit_after=EXIT_AFTER)
            self.reassignments.note(before, found, self.present, events)
            self.events += events

    def retract(self, who: str, track: str, second: int) -> None:
        open_ = self.present.pop(who, None)
        back = self.reassignments.retract(track, who, open_, now=at(second), gap=None)
        if back.presence is not None:
            self.present[who] = back.presence
        self.events = [event for event in self.events if event not in back.retracted] + list(back.transitions)

    def reported(self) -> list[tuple[float, str, str, str]]:
        return sorted((seconds(each.at), each.kind, each.person_id, each.track_id) for each in self.events)


@given(frames(), frames(), st.sampled_from(PEOPLE), st.sampled_from(TRACKS))
def test_a_retraction_equals_a_history_without_the_track(
    before: list[Seen], after: list[Seen], who: str, track: str
) -> None:
    """A retraction between two frames, after which the room continues."""
    room, other = Room(), Room(never=(who, track))
    last = before[-1][0]
    later = [(last + second, tuple(each for each in people if each != (who, track))) for second, people in after]
    room.watch(before)
    room.retract(who, track, last)
    other.watch(before)
    assert room.present == other.present
    assert room.reported() == other.reported()
    room.watch(later)
    other.watch(later)
    assert (room.present, room.reported()) == (other.present, other.reported())


@given(frames(), st.sampled_from(PEOPLE), st.sampled_from(TRACKS), st.sets(st.sampled_from(TRACKS)))
def test_dropping_ended_tracks_changes_nothing(script: list[Seen], who: str, track: str, ended: set[str]) -> None:
    ended.discard(track)
    room, other = Room(), Room()
    for each in (room, other):
        each.watch(script)
    room.reassignments.end(ended)
    for each in (room, other):
        each.retract(who, track, script[-1][0])
    assert (room.present, room.reported()) == (other.present, other.reported())


def test_five_thousand_tracks_leave_nothing_behind() -> None:
    room = Room()
    for number in range(5000):
        room.watch([(number, (("ada", f"t{number}"),))])
        room.reassignments.end([f"t{number}"])
    room.watch([(6000, ())])
    room.reassignments.end(["t4999"])
    assert not room.reassignments._records
    assert not room.reassignments._live


# -- zones

HALL = CameraSettings(id="hall", source="0", zones={"all": ((0, 0), (1, 0), (1, 1), (0, 1))})


def hall() -> ZoneStays:
    zones = zones_of(HALL, CAMERA)
    assert zones is not None
    return zones


class Zone:
    """The stays of one zone as a store has them."""

    def __init__(self) -> None:
        self.zones = hall()
        self.over: dict[str, tuple[str, float, float]] = {}

    def watch(self, script: Sequence[Seen]) -> None:
        for seen in script:
            self._keep(self.zones.observe(sightings(seen), at(seen[0])))

    def _keep(self, changes: StayChanges) -> None:
        for stay_id in changes.dropped:
            self.over.pop(stay_id, None)
        for stay in changes.over:
            self.over[stay.stay_id] = (stay.person_id, seconds(stay.started_at), seconds(stay.seen_at))

    def retract(self, track: str, who: str, into: str | None) -> None:
        self._keep(self.zones.retract(track, who, into))

    def stays(self) -> list[tuple[str, float, float]]:
        open_ = [(each.person_id, seconds(each.started_at), seconds(each.seen_at)) for each in self.zones.open]
        return sorted([*self.over.values(), *open_])


@given(frames(), st.sampled_from(PEOPLE), st.sampled_from(TRACKS))
@example([(1, (("ada", "t0"),)), (3, (("ada", "t1"),)), (7, (("ada", "t0"),))], "ada", "t1")  # t1 bridged a gap of t0
def test_a_zone_stay_is_reassigned_with_its_track(script: list[Seen], who: str, track: str) -> None:
    """Into somebody who is there by this track alone: stays are those that would have been reported under that name."""
    room, other = Zone(), Zone()
    room.watch(script)
    room.retract(track, who, "zoe")
    right = {(who, track): ("zoe", track)}
    other.watch([(second, tuple(right.get(each, each) for each in people)) for second, people in script])
    assert [each for each in room.stays() if each[0] != "zoe"] == [each for each in other.stays() if each[0] != "zoe"]
    covered = [(start, end) for name, start, end in room.stays() if name == "zoe"]
    assert all(any(a <= start and end <= b for a, b in covered) for name, start, end in other.stays() if name == "zoe")


def test_a_zone_stay_without_a_person_is_deleted() -> None:
    zone = Zone()
    zone.watch([(0, (("ada", "t0"),)), (3, (("ada", "t0"),))])
    zone.retract("t0", "ada", None)
    assert zone.stays() == []


def test_a_reassigned_zone_stay_joins_an_existing_one() -> None:
    zone = Zone()
    zone.watch([(0, (("bob", "t1"),)), (3, (("bob", "t1"),)), (4, (("ada", "t0"),)), (7, (("ada", "t0"),))])
    zone.retract("t0", "ada", "bob")
    assert zone.stays() == [("bob", 0, 7)]
    zone.zones.end(["t0", "t1"])
    zone.watch([(60, ())])
    assert zone.stays() == [("bob", 0, 7)]
