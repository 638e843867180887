"""Visits as timelines; stories.py has the notation."""

from __future__ import annotations

import gc
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta, timezone
from itertools import permutations

import pytest

from tests.tracker.presence.stories import at, events_of, presence, timelines
from tracker.presence.events import SCHEMA, EventKind
from tracker.presence.rules import Rules
from tracker.presence.sessions import Segment, Session, SessionState, in_order, sessions

RULES = Rules()
HOUR = 3600


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a+0 a-600", ["0-600"], id="in-and-out"),
        pytest.param("a+0 b-600", ["0-600"], id="in-by-one-door-out-by-another"),
        pytest.param("a+0", ["0-"], id="still-in"),
        pytest.param("a+5 a-5", ["5-5"], id="one-sighting"),
        pytest.param("a+0 a-600 a+900 a-1000", ["0-600,900-1000"], id="back-at-the-merge-gap-is-the-same-visit"),
        pytest.param("a+0 a-600 a+901 a-1000", ["0-600", "901-1000"], id="back-after-the-merge-gap-is-another"),
        pytest.param("a+0 a-600 a+900", ["0-600,900-"], id="back-and-still-in"),
        pytest.param("a-600", ["?600-600"], id="exit-without-enter-is-a-visit"),
        pytest.param("a+0 a-60 a-4000:x", ["0-60", "?4000-4000"], id="exit-long-after-an-exit-is-another-visit"),
        pytest.param("a+0 a-60 a-100:x", ["0-60,100-100"], id="exit-soon-after-an-exit-is-the-same-visit"),
        pytest.param("a+0 a-60 a-60:x", ["0-60"], id="two-exits-at-once-are-one"),
        pytest.param("a-600 a+700 a-900", ["?600-600,700-900"], id="a-visit-whose-start-was-missed-goes-on"),
        pytest.param("a+0 a+100:x a-200:x", ["0-200"], id="enter-twice-goes-on"),
        pytest.param("a+0 a-~600", ["0-600?"], id="inferred-exit-is-kept"),
        pytest.param("a+~0 a-600", ["?0-600"], id="inferred-enter-is-kept"),
        pytest.param("a+0 a-~60 a+100 a-200", ["0-60,100-200"], id="only-the-last-exit-decides-inferred"),
        pytest.param("a+0 a-~60 a+100", ["0-60,100-"], id="an-open-visit-has-no-inferred-exit"),
    ],
)
def test_one_person_one_site(text: str, visits: list[str]) -> None:
    assert timelines(sessions(events_of(text), rules=RULES, now=at(5000))) == visits


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("a+0 b+60 b-600", ["0-600"], id="seen-by-another-camera-the-visit-goes-on"),
        pytest.param("a+0 b+60 a-90 b-600", ["0-600"], id="handed-over-with-both-in-sight"),
        pytest.param("a+0 b+60 a-90", ["0-"], id="lost-by-one-still-seen-by-the-later-one"),
        pytest.param("a+0 b+60 b-90 a-600", ["0-600"], id="a-glimpse-within-a-long-sight"),
        pytest.param("a+0 b+60 b-90 b+7000 b-7100 a-9000", ["0-9000"], id="glimpses-hours-apart-in-one-sight"),
        pytest.param("a+0 b+0 a-50 b-90", ["0-90"], id="two-cameras-at-once"),
        pytest.param("a+0 b+60 a-70:x", ["0-70"], id="walking-out-ends-it-for-every-camera"),
        pytest.param("a+0 b-60 b+4000 a-5000:x", ["0-60", "4000-5000"], id="two-doors-and-a-lunch-break"),
        pytest.param("a+0 b-60 b+4000 a-5000", ["0-60", "4000-5000"], id="same-track-names-join-not-what-doors-part"),
        pytest.param("a+0 b+60 b-600 c-4000", ["0-4000"], id="in-by-a-door-lost-by-the-room-out-by-a-door"),
        pytest.param("a+0 b+60 b-600 c-4000 c-4900:x", ["0-4000", "?4900-4900"], id="out-by-a-door-is-out"),
        pytest.param("a+0 b+0 a-50", ["0-"], id="two-cameras-at-once-and-one-still-sees"),
        pytest.param("a+0 b+10 b-20 b+60 a-100", ["0-"], id="a-gap-between-glimpses-was-none"),
        pytest.param("a+0 b+10 b-20 b+60 a-100 b-200", ["0-200"], id="handed-over-after-glimpses"),
        pytest.param(
            "a+0 b+10 b-20 b+7000 b-7100 c-7900",
            ["0-20", "7000-7100", "?7900-7900"],
            id="a-camera-of-an-earlier-visit-keeps-nobody-in",
        ),
        pytest.param("a+0 b+10 b-20 a+7000 a-7100", ["0-20", "7000-7100"], id="a-new-enter-of-a-track-is-a-new-sight"),
        pytest.param("a+0 b-100 a+100:x", ["0-"], id="out-by-one-door-and-in-by-another-in-one-instant"),
        pytest.param("a+0 a-100 a+100", ["0-"], id="out-and-in-in-one-instant-by-one-track"),
        pytest.param("a+0 a-100 b+100 b-200", ["0-200"], id="handed-over-in-one-instant"),
        pytest.param("a+0 a-100 a+100:x a-200:x", ["0-200"], id="out-and-in-in-one-instant"),
        pytest.param("a+0 b+50 b-50 a-100", ["0-100"], id="one-sighting-of-another-camera"),
        pytest.param("b-100 a+100", ["?100-"], id="out-by-one-and-in-by-another-in-one-instant"),
        pytest.param("a+5:x a-5:y", ["5-5"], id="in-and-out-at-once-by-two-tracks"),
    ],
)
def test_several_cameras(text: str, visits: list[str]) -> None:
    for events in permutations(events_of(text)) if len(events_of(text)) < 6 else [events_of(text)]:
        assert timelines(sessions(events, rules=RULES, now=at(10000))) == visits


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("a+0 a-100 b+102 b-200", ["0-200"], id="enter-dated-up-to-skew-late"),
        pytest.param("a+0 a-100 b+103 b-200", ["0-100", "103-200"], id="enter-dated-later-than-skew"),
        pytest.param("a+0 b+98 a-100 b-200", ["0-200"], id="enter-dated-up-to-skew-early"),
        pytest.param("a+0 b+98 a-100", ["0-"], id="enter-dated-early-and-still-in"),
        pytest.param("a+0 a-100 a+101:x a-200:x", ["0-100", "101-200"], id="one-camera-has-one-clock"),
        pytest.param("b-101 a+102 a-200", ["?101-200"], id="exit-dated-before-the-enter"),
        pytest.param("a+0 a-100 b-102", ["0-100,102-102"], id="two-cameras-report-one-exit"),
    ],
)
def test_skew_between_cameras(text: str, visits: list[str]) -> None:
    rules = replace(RULES, merge_gap=timedelta(0))
    for events in permutations(events_of(text)):
        assert timelines(sessions(events, rules=rules, now=at(10000))) == visits


@pytest.mark.parametrize(
    ("text", "now_h", "visits"),
    [
        pytest.param("a+0", 16, ["0-"], id="open-until-max-visit"),
        pytest.param("a+0", 16.001, ["0-0?"], id="closed-at-the-enter-after-max-visit"),
        pytest.param("a+0 b+3600 a-7200", 18.001, ["0-7200?"], id="closed-at-the-last-evidence"),
        pytest.param("a+0 a+57600:x", 17, ["0-"], id="another-enter-at-max-visit-goes-on"),
        pytest.param("a+0 a+57601:x", 17, ["0-0?", "57601-"], id="another-enter-after-max-visit-is-another-visit"),
        pytest.param("a+0 a-57601:x", 17, ["0-0?", "?57601-57601"], id="walking-out-too-late-is-another-visit"),
        pytest.param("a+0 a-61200", 18, ["0-61200"], id="seventeen-hours-in-one-sight"),
        pytest.param("a+0 b+60 b-600 c-60000", 24, ["0-600", "?60000-60000"], id="door-too-long-after-the-room"),
        pytest.param(
            "a+0 b+90000 b-90060 a-90100",
            26,
            ["0-0?", "90000-90060,90100-90100"],
            id="an-unended-sight-is-forgotten",
        ),
        pytest.param("a+0:x a+90000:y a-90060:y", 26, ["0-0?", "90000-90060"], id="next-day-after-a-missed-exit"),
        pytest.param("a+0 a+90000 a-90060", 26, ["0-0?", "90000-90060"], id="next-day-with-the-same-track-name"),
    ],
)
def test_missed_exits(text: str, now_h: float, visits: list[str]) -> None:
    assert timelines(sessions(events_of(text), rules=RULES, now=at(now_h * HOUR))) == visits


def test_a_timed_out_visit_may_be_merged_by_the_rules() -> None:
    rules = Rules(max_visit=timedelta(minutes=1), merge_gap=timedelta(minutes=5))
    assert timelines(sessions(events_of("a+0 a+120:x a-150:x"), rules=rules, now=at(HOUR))) == ["0-0,120-150"]


@pytest.mark.parametrize(
    ("text", "seen_h", "visits"),
    [
        pytest.param("a+0", 3, ["0-"], id="keeps-a-visit-open"),
        pytest.param("a+0", 0.5, ["0-1800?"], id="dates-the-end-of-a-visit-without-exit"),
        pytest.param("a+0 a-60", 3, ["0-60"], id="opens-nothing-after-an-exit"),
        pytest.param("", 3, [], id="opens-nothing-by-itself"),
        pytest.param("a+0 b+60 b-90", 3, ["0-"], id="after-the-exit-of-one-camera-another-has-the-person"),
        pytest.param("a+0 a-60 b+36000", 0.01, ["0-60", "36000-"], id="before-the-exit-is-no-evidence"),
    ],
)
def test_being_in_view_of_a_camera_without_an_enter_is_evidence(text: str, seen_h: float, visits: list[str]) -> None:
    seen = [presence("z", seen_h * HOUR, seen_h * HOUR)]
    found = sessions(events_of(text), rules=RULES, now=at(17 * HOUR), presences=seen)
    assert timelines(found) == visits


def test_future_events_are_ignored() -> None:
    events = events_of("a+0 a-600 a+900 a-5000")
    assert timelines(sessions(events, rules=RULES, now=at(300))) == ["0-"]
    assert timelines(sessions(events, rules=RULES, now=at(600))) == ["0-600"]
    early = sessions(events_of("a+0"), rules=RULES, now=at(60), presences=[presence("a", 0, 90_000)])
    assert [(visit.ended_at, visit.gross_s) for visit in early] == [(None, 60)]


@pytest.mark.parametrize("door", [Rules(entrances=frozenset("g"), exits=frozenset("g")), RULES], ids=["door", "room"])
@pytest.mark.parametrize("camera", ["g", "@operator"])
def test_out_and_in_at_one_instant_at_a_door_is_one_visit(door: Rules, camera: str) -> None:
    day = events_of("g+0:t1 g-32400:t2")
    for first, second in (("x", "y"), ("y", "x")):
        both = [
            replace(day[0], kind=EventKind.EXIT, at=at(14400), camera_id=camera, track_id=first, event_id=""),
            replace(day[0], kind=EventKind.ENTER, at=at(14400), camera_id=camera, track_id=second, event_id=""),
        ]
        if camera == "g" and not door.exits:
            continue  # a room camera: a track that appears while another one vanishes is a handover
        (visit,) = sessions([*day, *both], rules=door, now=at(40_000))
        assert (visit.started_at, visit.ended_at, visit.dwell_s) == (at(0), at(32400), 32400)


def test_an_open_presence_is_continuous_evidence() -> None:
    events = events_of("a+0 b+60 b-90 b+7000 b-7100")
    assert timelines(sessions(events, rules=RULES, now=at(8000))) == ["0-90", "7000-7100"]
    found = sessions(events, rules=RULES, now=at(8000), presences=[presence("a", 0, 7999)])
    assert timelines(found) == ["0-"]
    assert found[0].dwell_s == 8000


def test_a_presence_seen_since_outlasts_the_exit_of_another_camera() -> None:
    found = sessions(events_of("a+0 b+60 b-90"), rules=RULES, now=at(100), presences=[presence("a", 0, 80)])
    assert timelines(found) == ["0-"]


def test_a_presence_that_a_later_exit_ends_is_one_stay() -> None:
    events = events_of("a+0 b+60 b-90 b+7000 b-7100 a-9000")
    found = sessions(events, rules=RULES, now=at(9100), presences=[presence("a", 0, 7500)])
    assert timelines(found) == ["0-9000"]


def test_the_camera_with_the_latest_sighting_keeps_the_person() -> None:
    seen = [presence("a", 0, 80), presence("b", 60, 85)]
    assert timelines(sessions(events_of("a+0 b+60 b-90"), rules=RULES, now=at(100), presences=seen)) == ["0-"]


def test_a_presence_dates_the_end_of_a_visit_without_exit() -> None:
    found = sessions(events_of("a+0"), rules=RULES, now=at(17 * HOUR), presences=[presence("a", 0, 80)])
    assert timelines(found) == ["0-80?"]


def test_a_stale_presence_does_not_keep_a_person_in() -> None:
    found = sessions(events_of("a+0 b+60 b-90"), rules=RULES, now=at(100), presences=[presence("a", 0, 30)])
    assert timelines(found) == ["0-90"]


def test_a_presence_of_seventeen_hours_is_one_open_visit() -> None:
    found = sessions(events_of("a+0"), rules=RULES, now=at(17 * HOUR), presences=[presence("a", 0, 17 * HOUR - 1)])
    assert timelines(found) == ["0-"]


def test_net_dwell_leaves_the_gap_out_and_gross_does_not() -> None:
    (visit,) = sessions(events_of("a+0 a-600 a+700 a-1000"), rules=RULES, now=at(5000))
    assert (visit.dwell_s, visit.gross_s) == (900, 1000)
    assert (visit.started_at, visit.ended_at, visit.state) == (at(0), at(1000), SessionState.CLOSED)


def test_an_open_visit_runs_to_now() -> None:
    (visit,) = sessions(events_of("a+0 a-600 a+700"), rules=RULES, now=at(1000))
    assert (visit.dwell_s, visit.gross_s) == (900, 1000)
    assert (visit.ended_at, visit.state) == (None, SessionState.OPEN)


@pytest.mark.parametrize(
    ("text", "bounce", "dwell_known"),
    [
        pytest.param("a+0 a-59", True, True, id="shorter"),
        pytest.param("a+0 a-60", False, True, id="long-enough"),
        pytest.param("a+0 a-30 a+200 a-229", True, True, id="the-gap-does-not-count"),
        pytest.param("a+0", False, False, id="not-over"),
        pytest.param("a-60", False, False, id="nobody-saw-the-enter"),
        pytest.param("a+0 a-~30", True, True, id="inferred-exit-with-a-length"),
        pytest.param("a+0 a-~0", False, False, id="only-the-enter-is-known"),
        pytest.param("a+0 a-~0.5", True, True, id="half-a-second-is-a-length"),
        pytest.param("a+0 a-0", True, True, id="seen-once"),
    ],
)
def test_bounces_are_kept_and_flagged(text: str, bounce: bool, dwell_known: bool) -> None:
    (visit,) = sessions(events_of(text), rules=replace(RULES, min_visit=timedelta(minutes=1)), now=at(5000))
    assert (visit.bounce, visit.dwell_known) == (bounce, dwell_known)


def test_the_id_of_a_visit_stays_as_it_goes_on_and_differs_from_all_others() -> None:
    events = events_of("a+0 a-60 a+100 a-200 a+9000 a-9100")
    ids = [[visit.session_id for visit in sessions(events[:n], rules=RULES, now=at(10000))] for n in range(1, 7)]
    assert ids[0] == ids[1] == ids[2] == ids[3]
    assert ids[4] == ids[5] != ids[3]
    assert ids[5][0] == ids[0][0]
    others = sessions(events_of("a+0", "q") + events_of("a+0", site="t") + events_of("a+0"), rules=RULES, now=at(100))
    assert len({visit.session_id for visit in others}) == 3


def test_visits_come_by_start_then_person() -> None:
    events = events_of("a+50", "a") + events_of("a+0", "z") + events_of("a+0 a-10", "b")
    found = sessions(events, rules=RULES, now=at(100))
    assert [visit.person_id for visit in found] == ["b", "z", "a"]


def test_visits_that_begin_at_one_instant_come_by_person() -> None:
    events = [event for person in "cab" for event in events_of("a+0 a-10", person)]
    found = sessions(events, rules=RULES, now=at(100))
    assert [visit.person_id for visit in found] == ["a", "b", "c"]
    assert in_order(reversed(found)) == found


def test_people_and_sites_are_independent() -> None:
    events = events_of("a+0", "p", "s") + events_of("a-60", "p", "t") + events_of("a+0 a-60", "q", "s")
    found = {
        (visit.site_id, visit.person_id): timelines([visit]) for visit in sessions(events, rules=RULES, now=at(100))
    }
    assert found == {("s", "p"): ["0-"], ("t", "p"): ["?60-60"], ("s", "q"): ["0-60"]}


def test_a_late_enter_completes_a_visit() -> None:
    events = events_of("a-600 a+0")
    assert timelines(sessions(events[:1], rules=RULES, now=at(1000))) == ["?600-600"]
    assert timelines(sessions(events, rules=RULES, now=at(1000))) == ["0-600"]


def test_of_two_events_with_one_id_the_same_counts_whatever_came_first() -> None:
    (enter,) = events_of("a+0")
    early, late = events_of("a-60")[0], events_of("a-90")[0]
    fields = ("at", "camera_id", "track_id", "inferred", "x_frac")
    rivals = [
        replace(late, event_id="one"),
        replace(early, event_id="one"),
        replace(early, event_id="one", inferred=True),
        replace(early, event_id="one", camera_id="z"),
        replace(early, event_id="one", track_id="z"),
        replace(early, event_id="one", x_frac=0.5),
    ]
    assert len({tuple(getattr(rival, name) for name in fields) for rival in rivals}) == len(rivals)
    results = [sessions([enter, *order], rules=RULES, now=at(5000)) for order in permutations(rivals)]
    assert all(result == results[0] for result in results)
    assert timelines(results[0]) == ["0-60"]


def test_now_and_sightings_may_be_in_any_zone_but_not_in_none() -> None:
    tokyo = at(100).astimezone(timezone(timedelta(hours=9)))
    assert timelines(sessions(events_of("a+0"), rules=RULES, now=tokyo)) == ["0-"]
    with pytest.raises(ValueError, match="zone"):
        sessions(events_of("a+0"), rules=RULES, now=at(0).replace(tzinfo=None))


@pytest.mark.parametrize("name", ["exit_after", "merge_gap", "min_visit", "max_visit", "skew"])
def test_rules_refuse_negative_times(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Rules(**{name: timedelta(seconds=-1)})


def test_visits_of_the_algorithm_are_like_any_others() -> None:
    """They are made in a quicker way, which must leave no trace."""
    assert {visit.schema for visit in sessions(events_of("a+0"), rules=RULES, now=at(1))} == {SCHEMA}
    for visit in sessions(events_of("a+0 a-60 a+100 a-200 b+900"), rules=RULES, now=at(1000)):
        fields = {name: getattr(visit, name) for name in Session.__dataclass_fields__}
        same = Session(**fields)
        assert (type(visit), visit, hash(visit), repr(visit)) == (Session, same, hash(same), repr(same))
        assert [type(segment) for segment in visit.segments] == [Segment] * len(visit.segments)
        assert replace(visit, bounce=True).bounce
        with pytest.raises(FrozenInstanceError):
            visit.bounce = True  # type: ignore[misc]
        with pytest.raises(FrozenInstanceError):
            visit.segments[0].ended_at = None  # type: ignore[misc]


def test_the_garbage_collector_is_unchanged_afterwards() -> None:
    for at_work in (True, False):
        (gc.enable if at_work else gc.disable)()
        try:
            sessions(events_of("a+0"), rules=RULES, now=at(1))
            assert gc.isenabled() is at_work
        finally:
            gc.enable()
