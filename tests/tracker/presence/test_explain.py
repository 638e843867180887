"""Explanations of visits."""

from __future__ import annotations

from datetime import time, timedelta

import pytest

from tests.tracker.presence.stories import START, at, events_of, presence
from tracker.presence.candidates import Reason
from tracker.presence.explain import Explanation, explain, in_words
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

RULES = Rules()
DOORS = Rules(entrances=frozenset("D"), exits=frozenset("D"))


def explained(text: str, *, rules: Rules = RULES, visit: int = 0, now: float = 10000) -> Explanation:
    events = events_of(text)
    ids = [session.session_id for session in sessions(events, rules=rules, now=at(now))]
    return explain(ids[visit], reversed(events + events_of("a+0 a-5", "other")), rules=rules, now=at(now))


def boundaries(found: Explanation) -> list[str]:
    return [
        f"{each.edge} {'' if each.at is None else f'{(each.at - START).total_seconds():g} '}{each.reason}"
        for each in found.boundaries
    ]


def effects(found: Explanation) -> list[str]:
    return [f"{event.camera_id}{(event.at - START).total_seconds():g} {because}" for event, because in found.events]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a+0 a-60", ["start 0 came_in", "end 60 lost"], id="a-room"),
        pytest.param("a+0 a-60:x", ["start 0 came_in", "end 60 went_out"], id="walking-out"),
        pytest.param("a+0", ["start 0 came_in", "end still_inside"], id="still-in"),
        pytest.param("a+~0 a-~60", ["start 0 came_in_unseen", "end 60 ended_unseen"], id="inferred"),
        pytest.param("a-60", ["start 60 left_only", "end 60 went_out"], id="only-the-exit"),
        pytest.param(
            "a+0 a-60 a+100 a-200",
            ["start 0 came_in", "pause 60 lost", "resume 100 came_back", "end 200 lost"],
            id="back-within-the-merge-gap",
        ),
        pytest.param("a+0 a-60 b+61 b-90", ["start 0 came_in", "end 90 lost"], id="handed-over"),
        pytest.param(
            "a+0 a-60 a-70:x",
            ["start 0 came_in", "pause 60 lost", "resume 70 went_out_again", "end 70 went_out_again"],
            id="out-twice",
        ),
    ],
)
def test_the_rule_behind_each_boundary(text: str, expected: list[str]) -> None:
    assert boundaries(explained(text)) == expected


def test_no_event_is_behind_the_end_of_a_visit_that_lasts() -> None:
    found = explained("a+0 b+60")
    assert [each.event is None for each in found.boundaries] == [False, True]


def test_a_visit_nobody_ended() -> None:
    assert boundaries(explained("a+0 b+60", now=60 + 16 * 3600 + 1)) == ["start 0 came_in", "end 60 gave_up"]
    closing = Rules(closes_at=time(20))
    found = explained("a+0 b+60", rules=closing, now=11 * 3600)
    assert boundaries(found) == ["start 0 came_in", "end 60 closed"]
    assert found.boundaries[1].event is not None
    assert found.boundaries[1].event.camera_id == "b"


def test_a_missed_exit_is_explained() -> None:
    found = explained("D+0 a+60 a-90 D+5000 D-6000", rules=DOORS)
    assert boundaries(found) == ["start 0 came_in", "end 90 missed_exit"]
    assert effects(found) == ["D0 came_in", "a60 seen_too", "a90 still_inside"]
    assert boundaries(explained("D+0 a+60 a-90 D+5000 D-6000", rules=DOORS, visit=1)) == [
        "start 5000 came_in",
        "end 6000 went_out",
    ]


def test_the_effect_of_each_event() -> None:
    found = explained("a+0 b+60 a-90 b-600 b+700 b-702 c-703 a+5000 a-5001")
    assert effects(found) == [
        "a0 came_in",
        "b60 seen_too",
        "a90 still_seen",
        "b600 lost",
        "b700 came_back",
        "b702 lost",
        "c703 went_out_again",
    ]
    assert effects(explained("D+0 a-60 D-90", rules=DOORS)) == ["D0 came_in", "a60 still_inside", "D90 went_out"]
    assert boundaries(explained("a-60 D-90", rules=DOORS)) == ["start 60 came_in_unseen", "end 90 went_out"]
    assert effects(explained("a-60 D-90", rules=DOORS)) == ["a60 came_in_unseen", "D90 went_out"]
    assert effects(explained("a+0 a-60 b+61")) == ["a0 came_in", "a60 lost", "b61 clocks"]
    assert effects(explained("a+0 a-60 b+60")) == ["a0 came_in", "a60 lost", "b60 at_once"]
    assert effects(explained("a+0 a-60 a+5000 a-5001", visit=1)) == ["a5000 came_in", "a5001 lost"]
    assert effects(explained("D+0 D-60 a-61", rules=DOORS)) == ["D0 came_in", "D60 went_out", "a61 late_loss"]


def test_the_last_evidence_is_named() -> None:
    rules = Rules(entrances=frozenset("D"), exits=frozenset("D"))
    found = explained("D+0 a+60 a-90", rules=rules, now=20 * 3600)
    assert boundaries(found) == ["start 0 came_in", "end 90 gave_up"]
    assert found.boundaries[1].event is not None
    assert (found.boundaries[1].event.camera_id, found.boundaries[1].event.kind) == ("a", "exit")


def test_the_boundaries_name_their_events() -> None:
    found = explained("a+0 a-60 a+100 b-200")
    assert [None if each.event is None else each.event.camera_id for each in found.boundaries] == ["a", "a", "a", "b"]
    assert [each.at for each in found.boundaries] == [each.event.at for each in found.boundaries if each.event]


def test_the_visit_is_the_one_that_the_batch_gives() -> None:
    events = events_of("a+0 a-60 a+100 b-200 a+9000")
    facts = {"rules": RULES, "now": at(9100), "presences": [presence("a", 9000, 9050)]}
    for session in sessions(events, **facts):
        assert explain(session.session_id, events, **facts).session == session


def test_a_sighting_is_explained_as_no_event() -> None:
    events = events_of("a+0")
    found = explain(events[0].event_id, events, rules=RULES, now=at(17 * 3600), presences=[presence("z", 50, 50)])
    assert boundaries(found) == ["start 0 came_in", "end 50 gave_up"]
    assert found.boundaries[1].event is None


@pytest.mark.parametrize("which", ["nothing", "a-60"])
def test_an_id_that_is_no_visit_is_refused(which: str) -> None:
    events = events_of("a+0 a-60")
    session_id = which if which == "nothing" else events[1].event_id
    with pytest.raises(LookupError, match=session_id):
        explain(session_id, events, rules=RULES, now=at(100))


def test_every_rule_has_a_text_with_the_settings_of_the_site() -> None:
    rules = Rules(merge_gap=timedelta(minutes=5), max_visit=timedelta(hours=16), closes_at=time(22, 30))
    words = {because: in_words(because, rules) for because in Reason}
    assert len(set(words.values())) == len(Reason)
    assert "5 min" in words[Reason.CAME_BACK]
    assert "16 h" in words[Reason.GAVE_UP]
    assert "2 s" in words[Reason.CLOCKS]
    assert "22:30" in words[Reason.CLOSED]
    assert "1.5 s" in in_words(Reason.CLOCKS, Rules(skew=timedelta(seconds=1.5)))
