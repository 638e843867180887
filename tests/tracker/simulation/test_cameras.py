"""The simulated cameras, with and without faults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.tracker.simulation.places import place
from tracker.presence.events import CameraRef, Event, EventKind, is_unidentified, unidentified_id
from tracker.presence.health import CameraState
from tracker.simulation.camera_faults import Outage, OutageKind, clock_errors, coverage_of, health_of, outages_on
from tracker.simulation.people import people_of
from tracker.simulation.profiles import ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import Day, simulate

GYM = place(ProfileName.GYM)
TEN_MINUTES = timedelta(minutes=10)


def days_of(noise: Noise, scenario: Scenario = GYM, until: datetime | None = None) -> list[Day]:
    return list(simulate(scenario, noise, people_of(scenario), until=until))


def events_of(days: Sequence[Day]) -> list[Event]:
    return [event for day in days for event in day.camera_output.events]


def test_without_noise_every_crossing_and_view_is_reported_once() -> None:
    days = days_of(Noise())
    reported = Counter((event.kind, event.person_id, event.camera_id, event.at) for event in events_of(days))
    true = Counter[object]()
    for segment in (segment for day in days for segment in day.segments):
        true[EventKind.ENTER, segment.person_id, segment.entered_by, segment.entered_at] += 1
        true[EventKind.EXIT, segment.person_id, segment.left_by, segment.left_at] += 1
        for view in segment.views:
            true[EventKind.ENTER, segment.person_id, view.camera_id, view.since] += 1
            true[EventKind.EXIT, segment.person_id, view.camera_id, view.until] += 1
    assert reported == true


def test_views_start_and_end_under_one_track_and_doors_do_not_share_tracks() -> None:
    events = events_of(days_of(Noise()))
    kinds: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda event: event.at):
        kinds.setdefault(event.track_id, []).append(event.kind)
    cameras = {event.track_id: event.camera_id for event in events}
    assert {tuple(found) for track, found in kinds.items() if cameras[track].startswith("room")} == {("enter", "exit")}
    assert {len(found) for track, found in kinds.items() if cameras[track].startswith("door")} == {1}


def test_higher_miss_rate_misses_a_superset() -> None:
    some, more = ({event.event_id for event in events_of(days_of(Noise(miss=miss)))} for miss in (0.05, 0.2))
    whole = len(events_of(days_of(Noise())))
    assert 0.03 < 1 - len(some) / whole < 0.07
    assert 0.16 < 1 - len(more) / whole < 0.24
    at = {event.at for event in events_of(days_of(Noise(miss=0.05)))}
    assert {event.at for event in events_of(days_of(Noise(miss=0.2)))} < at


def test_confused_people_are_reported_as_a_lookalike() -> None:
    true = {(event.kind, event.camera_id, event.at): event.person_id for event in events_of(days_of(Noise()))}
    days = days_of(Noise(confuse=0.1))
    lookalikes = {person.record.person_id: person.lookalikes for person in people_of(GYM)}
    wrong = [
        (true[event.kind, event.camera_id, event.at], event.person_id)
        for event in events_of(days)
        if true[event.kind, event.camera_id, event.at] != event.person_id
    ]
    assert 0.07 < len(wrong) / len(true) < 0.13
    assert all(taken_for in lookalikes[person] for person, taken_for in wrong)
    assert sum(day.camera_output.confused for day in days) > 0


def test_a_passage_without_a_face_is_of_somebody_unidentified() -> None:
    """Everything else about it stays the same, and the two ends of a view have one id."""
    days = days_of(Noise(unseen_faces=0.4))
    faces, none = (
        [each for each in events_of(days) if is_unidentified(each.person_id) is gone] for gone in (False, True)
    )
    assert 0.35 < len(none) / (len(faces) + len(none)) < 0.45
    passages, without = (
        sorted((each.at, each.kind, each.track_id) for each in events_of(found)) for found in (days, days_of(Noise()))
    )
    assert passages == without
    assert {each.person_id for each in none} == {
        unidentified_id(CameraRef(GYM.site_id, each.camera_id), each.track_id) for each in none
    }
    more = {each.event_id for each in events_of(days_of(Noise(unseen_faces=0.7)))}
    assert {each.event_id for each in none} < more


def test_clock_errors_are_constant_and_within_the_skew() -> None:
    ahead = clock_errors(GYM, Noise(skew=timedelta(seconds=2)))
    assert set(ahead) == {"door-1", "door-2", "room-1", "room-2"}
    assert len(set(ahead.values())) == 4
    assert max(ahead.values()) - min(ahead.values()) <= timedelta(seconds=2)
    right = {(event.camera_id, event.at) for event in events_of(days_of(Noise()))}
    off = {(event.camera_id, event.at) for event in events_of(days_of(Noise(skew=timedelta(seconds=2))))}
    assert off == {(camera_id, at + ahead[camera_id]) for camera_id, at in right}


def test_blind_camera_reports_nothing() -> None:
    noise = Noise(outage=TEN_MINUTES)
    days = days_of(noise)
    blind = [outage for day in days for outage in day.camera_output.outages if outage.kind is OutageKind.BLIND]
    assert blind
    for outage in blind:
        reported = [event for event in events_of(days) if outage.since < event.at < outage.until]
        assert outage.camera_id not in {event.camera_id for event in reported}
    lost = {event.at for event in events_of(days_of(Noise()))} - {event.at for event in events_of(days)}
    assert lost
    assert all(any(outage.since <= at <= outage.until for outage in blind) for at in lost)


def test_offline_camera_reports_everything_late() -> None:
    scenario = replace(GYM, days=1)
    (day,) = days_of(Noise(outage=timedelta(hours=3)), scenario)
    outage = next(found for found in day.camera_output.outages if found.kind is OutageKind.CUT_OFF)
    events = list(day.camera_output.events)
    mine = [event for event in events if event.camera_id == outage.camera_id]
    late = [event for event in mine if outage.since < event.at < outage.until]
    assert late
    before = [event for event in events[: events.index(late[0])] if event not in mine]
    assert max(event.at for event in before) > late[0].at
    without = days_of(Noise(), scenario)[0].camera_output.events
    assert {event.at for event in mine} == {event.at for event in without if event.camera_id == outage.camera_id}


def test_outage_kinds_alternate() -> None:
    noise = Noise(outage=TEN_MINUTES)
    kinds = [
        {outage.camera_id: outage.kind for outage in outages_on(day, GYM, noise)}["door-1"] for day in GYM.all_days
    ]
    assert set(kinds) == set(OutageKind)
    assert all(earlier is not later for earlier, later in pairwise(kinds))
    assert outages_on(GYM.first_day, GYM, Noise()) == ()


def test_duplicates_are_the_same_events_later() -> None:
    events = events_of(days_of(Noise(duplicate=0.1)))
    counts = Counter(event.event_id for event in events)
    assert set(counts.values()) == {1, 2}
    assert 0.07 < sum(count == 2 for count in counts.values()) / len(counts) < 0.13
    assert set(counts) == {event.event_id for event in events_of(days_of(Noise()))}


def test_until_truncates_the_day_and_leaves_people_in_view() -> None:
    evening = datetime(2026, 1, 7, 18, 0, tzinfo=UTC)
    last = days_of(Noise(), until=evening)[-1]
    assert last.date.isoformat() == "2026-01-07"
    assert max(event.at for event in last.camera_output.events) <= evening
    inside = {segment.person_id for segment in last.segments if segment.left_at > evening}
    seen = {presence.person_id for presence in last.camera_output.presences}
    assert seen
    assert seen <= inside
    open_tracks = {presence.track_id for presence in last.camera_output.presences}
    reported = Counter(event.track_id for event in last.camera_output.events if event.track_id in open_tracks)
    assert reported == Counter(open_tracks)
    assert all(presence.seen_at <= evening for presence in last.camera_output.presences)


def test_blind_camera_has_state_lost() -> None:
    noise = Noise(outage=TEN_MINUTES)
    outage = next(found for found in outages_on(GYM.first_day, GYM, noise) if found.kind is OutageKind.BLIND)
    health = {each.camera_id: each for each in health_of(GYM, [outage], until=outage.since + timedelta(minutes=1))}
    assert health[outage.camera_id].state is CameraState.LOST
    assert health[outage.camera_id].last_frame_at == outage.since
    assert {each.state for camera_id, each in health.items() if camera_id != outage.camera_id} == {CameraState.LIVE}


def test_coverage_excludes_blind_outages() -> None:
    noise = Noise(outage=TEN_MINUTES)
    outages = [outage for day in GYM.all_days for outage in outages_on(day, GYM, noise)]
    blind = [
        (each.since, each.until) for each in outages if (each.camera_id, each.kind) == ("door-1", OutageKind.BLIND)
    ]
    spans = [each for each in coverage_of(GYM, outages, until=GYM.ends_at) if each.camera_id == "door-1"]
    assert [(before.ended_at, after.started_at) for before, after in pairwise(spans)] == blind
    assert (spans[0].started_at, spans[-1].ended_at) == (
        datetime(2026, 1, 4, 23, tzinfo=UTC),
        GYM.ends_at,
    )
    in_the_middle = blind[0][0] + TEN_MINUTES / 2
    assert coverage_of(GYM, outages, until=in_the_middle)[0].ended_at == blind[0][0]


def test_coverage_ends_with_a_lasting_outage() -> None:
    blind = Outage(
        camera_id="door-1", since=GYM.ends_at - TEN_MINUTES, until=GYM.ends_at + TEN_MINUTES, kind=OutageKind.BLIND
    )
    spans = [each for each in coverage_of(GYM, [blind], until=GYM.ends_at) if each.camera_id == "door-1"]
    assert [watch.ended_at for watch in spans] == [blind.since]


@pytest.mark.parametrize(
    "wrong", [{"miss": 1.1}, {"confuse": -0.1}, {"duplicate": 2}, {"skew": -TEN_MINUTES}, {"outage": -TEN_MINUTES}]
)
def test_noise_out_of_range_is_rejected(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Noise(**wrong)
