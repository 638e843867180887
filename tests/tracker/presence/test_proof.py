"""Proof of visits where rooms and the ways in and out are all watched: a camera may mistake one person for another.

"D" is a door (a way in and out), "a" and "b" are rooms, "z" is a camera that the rules do not name.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, time, timedelta
from itertools import permutations

import pytest

from tests.tracker.presence.stories import START, at, events_of, presence, timelines
from tracker.presence.candidates import Reason
from tracker.presence.events import OPERATOR
from tracker.presence.explain import explain, in_words, uncounted
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

HOUR = 3600
RULES = Rules(entrances=frozenset("D"), exits=frozenset("D"), rooms=frozenset("ab"))
UNPROVEN = [
    pytest.param("a+0 a-60", id="one-sight"),
    pytest.param("a+0 a-60 b+100 b-900", id="two-sights"),
    pytest.param("a-60", id="lost-by-a-room-once"),
    pytest.param("D+0", id="coming-in"),
    pytest.param("D+0 D+200:x", id="coming-in-twice-within-the-merge-gap"),
    pytest.param("D-600", id="going-out"),
    pytest.param("D-600 D-700:x", id="going-out-twice"),
    pytest.param("D-0 D+301", id="out-and-later-in"),
    pytest.param("a+0 a-60 D+361", id="a-sight-and-later-in"),
    pytest.param("a+0 a-60 D-7261", id="a-sight-and-out-two-hours-later"),
    pytest.param("D-0 a+301 a-400", id="out-and-later-a-sight"),
]


@pytest.mark.parametrize("text", UNPROVEN)
def test_unproven_events_make_no_visit(text: str) -> None:
    for events in permutations(events_of(text)):
        assert sessions(events, rules=RULES, now=at(20 * HOUR)) == []
        assert sessions(events, rules=replace(RULES, rooms=frozenset()), now=at(20 * HOUR))
        alone = uncounted(events, rules=RULES, now=at(20 * HOUR))
        assert [event for event, _ in alone] == sorted(events, key=lambda event: event.at)


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("D+0 D-600", ["0-600"], id="in-and-out"),
        pytest.param("a+0 a-3000 D-3300", ["?0-3300"], id="a-sight-and-out"),
        pytest.param("a+0 a-60 D-7260", ["?0-7260"], id="out-two-hours-after-the-sight"),
        pytest.param("D+0 a+60 a-90", ["0-90?"], id="in-and-a-sight"),
        pytest.param("D+0 a-60", ["0-60?"], id="in-and-lost-by-a-room"),
        pytest.param("a-60 D-90", ["?60-90"], id="lost-by-a-room-and-out"),
        pytest.param("D-600 a+900 a-960", ["?600-600,900-960?"], id="out-and-a-sight-within-the-merge-gap"),
        pytest.param("a+0 a-60 a+100:y a-160:y b+200 b-300", ["?0-300?"], id="three-sights"),
        pytest.param("a-60 a-90:y b-300", ["?60-300?"], id="lost-three-times"),
        pytest.param("a+0 a-60 b+7260 b-7300 a+7400:y a-7500:y", ["?0-7500?"], id="sights-two-hours-apart"),
        pytest.param("a+0 a-60 b+7261 b-7300 a+7400:y a-7500:y", [], id="sights-more-than-two-hours-apart"),
        pytest.param("D+0 D+5000 D-6000", ["5000-6000"], id="in-again-without-a-sight-between"),
        pytest.param("D+0 a+60 a-90 D+5000 D-6000", ["0-90?", "5000-6000"], id="in-again-after-a-sight"),
        pytest.param("D+0 a+60 a-90 D-600 b+5000 b-5100", ["0-600"], id="seen-once-more-long-after-going-out"),
        pytest.param("D+0 a+60 a-90 D-600 D-5000", ["0-600"], id="out-once-more-long-after-going-out"),
        pytest.param("D+0 a+60 a-90 D-600 D+5000", ["0-600"], id="in-once-more-and-then-unseen"),
        pytest.param("a+0 a-60 D+5000 a+5060:y a-5070:y D-6000", ["5000-6000"], id="a-sight-long-before-coming-in"),
        pytest.param("D+0 a+50000 a-50060", ["0-50060?"], id="seen-first-long-after-coming-in"),
        pytest.param("D+0 D-50000", ["0-50000"], id="in-and-out-and-never-seen"),
        pytest.param("D+0 a+60 a-90 D-50000", ["0-50000"], id="out-long-after-the-last-sight"),
        pytest.param("a+0 D-10800", ["?0-10800"], id="in-one-sight-for-three-hours"),
        pytest.param("z+0 z-60", ["0-60?"], id="a-camera-that-the-rules-do-not-know"),
        pytest.param("z-60", ["?60-60?"], id="lost-by-a-camera-that-the-rules-do-not-know"),
    ],
)
def test_evidence_that_proves_a_visit(text: str, visits: list[str]) -> None:
    for events in permutations(events_of(text)) if len(events_of(text)) < 6 else [events_of(text)]:
        assert timelines(sessions(events, rules=RULES, now=at(300 * HOUR))) == visits


@pytest.mark.parametrize(
    ("text", "visits"),
    [
        pytest.param("a+0 D+300 D-600", ["0-600"], id="seen-by-the-room-before-the-door"),
        pytest.param("a+0 D+301 D-600", ["301-600"], id="seen-by-the-room-long-before-the-door"),
        pytest.param("a+0 a-200 D+400 D-600", ["?0-600"], id="the-door-long-after-the-first-sight"),
        pytest.param("a+0 D+~2 D-600", ["?0-600"], id="the-door-did-not-see-it-either"),
        pytest.param("D+~0 a+2 D-600", ["?0-600"], id="an-inferred-enter-stays-one"),
        pytest.param("D-0 D+100 D-600", ["?0-0,100-600"], id="what-began-with-an-exit-began-unseen"),
        pytest.param("a+0 a-60 D-90 D+100 D-600", ["?0-90,100-600"], id="coming-back-is-not-coming-in"),
    ],
)
def test_whether_somebody_was_seen_coming_in(text: str, visits: list[str]) -> None:
    assert timelines(sessions(events_of(text), rules=RULES, now=at(20 * HOUR))) == visits


@pytest.mark.parametrize(
    ("text", "now_s", "visits"),
    [
        pytest.param("D+0", 2 * HOUR, ["0-"], id="came-in-two-hours-ago"),
        pytest.param("D+0", 2 * HOUR + 1, [], id="came-in-longer-ago-and-never-seen"),
        pytest.param("a+0", 60, [], id="in-sight-once"),
        pytest.param("a+0 a-60 b+70 b-80 a+90:y", 95, ["?0-"], id="in-sight-for-the-third-time"),
        pytest.param("D+0 a+60 a-3300", 3300 + 2 * HOUR, ["0-"], id="unseen-for-two-hours"),
        pytest.param("D+0 a+60 a-3300", 3301 + 2 * HOUR, ["0-3300?"], id="unseen-for-longer"),
        pytest.param("D+0 a+60", 15 * HOUR, ["0-"], id="in-sight-all-day"),
        pytest.param("D+0 a+60", 60 + 16 * HOUR, ["0-"], id="in-sight-up-to-the-longest-visit"),
        pytest.param("D+0 a+60", 61 + 16 * HOUR, ["0-60?"], id="in-sight-for-too-long"),
        pytest.param("D+0 a+60 D-90 D+100:x", 200, ["0-90,100-"], id="back-in"),
    ],
)
def test_who_is_in_now(text: str, now_s: float, visits: list[str]) -> None:
    assert timelines(sessions(events_of(text), rules=RULES, now=at(now_s))) == visits


def test_a_ghost_is_not_in_until_the_site_closes() -> None:
    rules = replace(RULES, closes_at=time(22))
    for text in ("a+0 a-60", "D+0"):
        assert timelines(sessions(events_of(text), rules=rules, now=at(6 * HOUR))) == []


def test_an_unproven_visit_ended_by_closing_time_proves_nothing_the_next_day() -> None:
    rules = replace(RULES, closes_at=time(22), max_unseen=timedelta(days=2))
    events = events_of("a+0 a-60 b+100 b-160 a+86400:y a-86460:y")
    assert timelines(sessions(events, rules=rules, now=at(30 * HOUR))) == []
    assert timelines(
        sessions(events, rules=replace(rules, max_visit=timedelta(days=2), closes_at=None), now=at(30 * HOUR))
    )


def test_being_in_sight_now_keeps_somebody_in() -> None:
    events = events_of("D+0 a+60")
    assert timelines(sessions(events, rules=RULES, now=at(20 * HOUR), presences=[presence("a", 60, 19 * HOUR)])) == [
        "0-"
    ]
    seen = [presence("b", 3 * HOUR, 3 * HOUR)]
    assert timelines(sessions(events_of("D+0 a+60 a-90"), rules=RULES, now=at(4 * HOUR), presences=seen)) == ["0-"]


@pytest.mark.parametrize("text", ["D+0", "D-0"])
def test_events_added_by_an_operator_need_no_proof(text: str) -> None:
    events = [replace(event, camera_id=OPERATOR, event_id="") for event in events_of(text)]
    assert len(sessions(events, rules=RULES, now=at(20 * HOUR))) == 1


def test_one_sighting_across_unproven_visits_joins_their_proof() -> None:
    events = events_of("a+0 b+10 b-20 D+1000 D+2000:x a-3000")
    assert timelines(sessions(events, rules=RULES, now=at(3000))) == ["?0-"]
    assert timelines(sessions(events_of("D+0 a+600 D+1000:x a-3000"), rules=RULES, now=at(3000))) == ["0-"]


@pytest.mark.parametrize("missing", ["entrances", "exits", "rooms"])
def test_partly_watched_sites_need_no_proof(missing: str) -> None:
    assert RULES.proves
    some = replace(RULES, **{missing: frozenset()})
    assert not some.proves
    for text in ("a+0 a-60", "D+0", "D-600"):
        assert len(sessions(events_of(text), rules=some, now=at(HOUR))) == 1
    assert timelines(sessions(events_of("D+0"), rules=some, now=at(15 * HOUR))) == ["0-"]


def test_how_long_silence_is_being_in_where_rooms_are_watched() -> None:
    assert RULES.over_at(at(0)) == at(2 * HOUR)
    assert RULES.over_at(at(0), in_sight=True) == at(16 * HOUR)
    assert replace(RULES, max_visit=timedelta(hours=1)).over_at(at(0)) == at(HOUR)
    assert replace(RULES, closes_at=time(10), zone=UTC).over_at(at(0)) == at(HOUR) - timedelta(microseconds=1)
    assert replace(RULES, rooms=frozenset()).over_at(at(0)) == at(16 * HOUR)


def test_why_an_event_counts_in_no_visit() -> None:
    events = (
        events_of("D+0 D-600 b+5000 b-5100 D+20000 D-40000:x")
        + events_of("D-0", "q")
        + events_of("D+9000 D+30000:x", "q")
    )
    alone = uncounted(reversed(events), rules=RULES, now=at(40 * HOUR))
    assert [(event.person_id, (event.at - START).total_seconds(), because) for event, because in alone] == [
        ("q", 0, Reason.EXIT_ALONE),
        ("p", 5000, Reason.SIGHT_ALONE),
        ("p", 5100, Reason.SIGHT_ALONE),
        ("q", 9000, Reason.ENTER_ALONE),
        ("q", 30000, Reason.ENTER_ALONE),
    ]
    assert len({in_words(because, RULES) for _, because in alone}) == 3
    assert "2 h" in in_words(Reason.SIGHT_ALONE, RULES)
    assert "no visit" in in_words(Reason.ENTER_ALONE, RULES)


def test_an_explanation_leaves_out_what_does_not_count() -> None:
    events = events_of("D+0 a+60 a-90 D-600 b+5000 b-5100 D+20000 D-20600")
    first, second = sessions(events, rules=RULES, now=at(40 * HOUR))
    told_first = explain(first.session_id, events, rules=RULES, now=at(40 * HOUR))
    assert [(event.at - START).total_seconds() for event, _ in told_first.events] == [0, 60, 90, 600]
    told_second = explain(second.session_id, events, rules=RULES, now=at(40 * HOUR))
    assert [(event.at - START).total_seconds() for event, _ in told_second.events] == [20000, 20600]
    lone = next(event for event in events if event.camera_id == "b")
    with pytest.raises(LookupError, match="no visit"):
        explain(lone.event_id, events, rules=RULES, now=at(40 * HOUR))


def test_silence_is_named_as_the_end() -> None:
    events = events_of("a+0 a-60 b+100 b-160 a+200:y a-300:y")
    (visit,) = sessions(events, rules=RULES, now=at(10 * HOUR))
    found = explain(visit.session_id, events, rules=RULES, now=at(10 * HOUR))
    assert [(each.edge, each.reason) for each in found.boundaries] == [
        ("start", Reason.CAME_IN_UNSEEN),
        ("end", Reason.SILENT),
    ]
    assert found.boundaries[1].event is not None
    assert found.boundaries[1].event.at == at(300)
    assert "2 h" in in_words(Reason.SILENT, RULES)
