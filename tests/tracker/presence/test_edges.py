"""Values exactly at a limit: sides of lines, times of rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import permutations
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.presence.stories import at, events_of, presence, timelines
from tracker.presence.candidates import CandidateSession
from tracker.presence.line import BAND, CLEAR, Inside, Line, LineState, TrackPoint, cross
from tracker.presence.rules import Closings, Rules
from tracker.presence.sessions import Segment, run, sessions, without_duplicates

TOP = Line(start=(0.0, 0.0), end=(1.0, 0.0), inside=Inside.BELOW)
"""Along the upper edge of the frame, so that y is the depth, with nothing lost to rounding."""


def stood(depths: list[float], *, seconds: list[float] | None = None, tracks: str = "") -> dict[str, LineState]:
    """The line state of person p after these frames, all of track t unless tracks are named."""
    line_states: dict[str, LineState] = {}
    for index, depth in enumerate(depths):
        spot = TrackPoint(track_id=tracks[index] if tracks else "t", x_frac=0.5, y_frac=depth, person_id="p")
        moment = at(seconds[index] if seconds else index)
        line_states, _ = cross(line_states, [spot], line=TOP, at=moment, settle_after=timedelta(seconds=5))
    return line_states


def test_a_side_begins_at_the_edge_of_the_band() -> None:
    assert stood([BAND])["t"].held is not None
    assert stood([BAND - 1e-9])["t"].held is None


def test_one_frame_well_clear_is_enough_exactly_there() -> None:
    for depth, crossed in ((CLEAR, 1), (CLEAR - 1e-9, 0)):
        before = stood([-0.2])
        seen, _ = cross(before, [TrackPoint(track_id="t", x_frac=0.5, y_frac=depth, person_id="p")], line=TOP, at=at(1))
        assert len(cross(seen, (), line=TOP, at=at(2), ended=True)[1]) == crossed


def test_a_lost_track_can_be_resumed_while_it_is_kept() -> None:
    in_time = stood([-0.2, -0.2, -0.2, 0.2], seconds=[0, 1, 2, 7], tracks="aaab")
    assert in_time["b"].held is not None
    assert not in_time["b"].held.inside
    too_late = stood([-0.2, -0.2, -0.2, 0.2], seconds=[0, 1, 2, 7.001], tracks="aaab")
    assert too_late["b"].held is not None
    assert too_late["b"].held.inside


def test_the_shortest_line_there_may_be() -> None:
    assert Line(start=(0.0, 0.5), end=(0.05, 0.5), inside=Inside.BELOW).length == 0.05
    with pytest.raises(ValueError, match=r"^line: expected two points that lie apart by 0.05"):
        Line(start=(0.0, 0.5), end=(0.0499, 0.5), inside=Inside.BELOW)
    with pytest.raises(ValueError, match=r"^line: expected two points in fractions"):
        Line(start=(0.0, 0.5), end=(1.0001, 0.5), inside=Inside.BELOW)


def test_a_closing_time_with_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^closes_at: expected a time of day without a zone"):
        Rules(closes_at=time(23, tzinfo=UTC))


def test_a_site_that_never_closes_closes_at_the_end_of_time() -> None:
    never = Closings(Rules()).after(at(0))
    assert (never.year, never.tzinfo) == (9999, UTC)
    assert not Closings(Rules()).between(at(0), never)


@pytest.mark.parametrize("zone", ["Pacific/Honolulu", "Pacific/Kiritimati"])
def test_a_site_far_from_greenwich_closes_once_a_local_day(zone: str) -> None:
    there = ZoneInfo(zone)
    closings = Closings(Rules(closes_at=time(23, 30), zone=there))
    for hour in range(48):
        moment = datetime(2026, 1, 5, hour % 24, tzinfo=UTC) + timedelta(days=hour // 24)
        local = moment.astimezone(there)
        day = local.date() if local.time() < time(23, 30) else local.date() + timedelta(days=1)
        assert closings.after(moment) == datetime.combine(day, time(23, 30), there)


def test_closing_time_on_the_first_days_there_are() -> None:
    closings = Closings(Rules(closes_at=time(12)))
    assert closings.after(datetime(1, 1, 3, 13, tzinfo=UTC)).date() == date(1, 1, 4)


def test_a_segment_has_times_in_utc() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    segment = Segment(at(0).astimezone(tokyo), at(60).astimezone(tokyo))
    assert (segment.started_at.tzinfo, segment.ended_at) == (UTC, at(60))
    assert segment.ended_at is not None
    assert segment.ended_at.tzinfo is UTC
    assert Segment(at(0), None).ended_at is None
    for times in ((datetime(2026, 1, 5), None), (at(0), datetime(2026, 1, 5))):  # noqa: DTZ001 - what is refused
        with pytest.raises(ValueError, match="zone"):
            Segment(*times)


def test_one_of_two_events_with_one_id_is_kept() -> None:
    (event,) = events_of("a+0")
    rivals = [event, replace(event, x_frac=0.25), replace(event, y_frac=0.25), replace(event, x_frac=0.5)]
    assert len(set(rivals)) == 4
    assert len({without_duplicates(order)[0] for order in permutations(rivals)}) == 1


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("a+0 b+57600 b-57610 a-57620", ["0-57620"], id="a-sight-of-the-longest-visit-is-remembered"),
        pytest.param("a+0 b+10 a+20 c+57611 b-57620", ["0-57620"], id="the-oldest-sight-is-forgotten-first"),
        pytest.param("a+0 c+10 b+60 b-90 a-600", ["0-"], id="back-in-when-a-long-sight-ends-in-another"),
        pytest.param("a+0 b+50 b-50 c+60 a-70", ["0-"], id="a-glimpse-of-one-camera-ends-nothing-for-another"),
    ],
)
def test_sights_that_overlap(text: str, visits: list[str]) -> None:
    events = events_of(text)
    for order in permutations(events):
        assert timelines(sessions(order, rules=Rules(), now=events[-1].at + timedelta(seconds=60))) == visits


def test_every_sighting_before_an_event_counts() -> None:
    found = sessions(
        events_of("a+0 c+20 c-90"),
        rules=Rules(),
        now=at(100),
        presences=[presence("z", 30, 30), presence("a", 0, 80)],
    )
    assert timelines(found) == ["0-"]


def test_visits_of_one_instant_come_by_person_then_site() -> None:
    events = events_of("a+0", "b", "s") + events_of("a+0", "a", "t") + events_of("a+0", "a", "s")
    found = sessions(events, rules=Rules(), now=at(1))
    assert [(visit.person_id, visit.site_id) for visit in found] == [("a", "s"), ("a", "t"), ("b", "s")]


WATCHED = Rules(entrances=frozenset("I"), exits=frozenset("O"), rooms=frozenset("ab"))


def last_candidate(text: str, rules: Rules = WATCHED) -> CandidateSession:
    return run(events_of(text), rules=rules, now=at(100)).candidates[-1]


@pytest.mark.parametrize(
    ("text", "evidence_s", "in_sight"),
    [
        pytest.param("I+0", 0, False, id="came-in"),
        pytest.param("I+0 a+60", 60, True, id="in-sight"),
        pytest.param("I+0 a+60 a-90", 90, False, id="was-in-sight"),
        pytest.param("I+0 a+60 b+70 a-90", 90, True, id="another-still-has-them"),
        pytest.param("z+0 z-60", 60, False, id="a-camera-that-the-rules-do-not-know"),
        pytest.param("I+0 O-60", None, False, id="over"),
    ],
)
def test_evidence_that_keeps_a_visit_open(text: str, evidence_s: float | None, in_sight: bool) -> None:
    candidate = last_candidate(text)
    assert candidate.evidence_at == (None if evidence_s is None else at(evidence_s))
    assert candidate.in_sight == in_sight


@pytest.mark.parametrize("text", ["I+0", "O-0", "a+0 a-60"])
def test_one_way_that_is_watched_by_a_camera_of_its_own_proves_nothing(text: str) -> None:
    assert sessions(events_of(text), rules=WATCHED, now=at(50_000)) == []
    assert timelines(sessions(events_of("I+0 O-60"), rules=WATCHED, now=at(50_000))) == ["0-60"]


CLOSING = replace(WATCHED, closes_at=time(22))


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("a+0 b+50000 b-50060 b+50100:y b-50160:y a-55000", ["?0-55000?"], id="one-sight-and-two"),
        pytest.param("a+0 b+50000 b-50060 a-55000", [], id="one-sight-and-one"),
        pytest.param("a+0 z+50000 z-50060 a-55000", ["?0-55000?"], id="what-needs-no-proof"),
        pytest.param("I+0 a+60 b+50000 b-50060 a-55000", ["0-55000?"], id="came-in"),
        pytest.param("a+0 I+50000 a-55000", ["?0-55000?"], id="came-in-later"),
        pytest.param("z+0 z-30 a+60 b+50000 b-50060 a-55000", ["0-55000?"], id="needed-no-proof-before"),
    ],
)
def test_one_sighting_over_closing_time_joins_both_days(text: str, visits: list[str]) -> None:
    """The stories begin at 9; the site closes at 22, 46,800 s later, and one camera has the person all the while."""
    assert timelines(sessions(events_of(text), rules=CLOSING, now=at(90_000))) == visits
