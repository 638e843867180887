"""The count of people inside: by crossings of doors, with who is in view in rooms as evidence."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.presence.events import CameraRef, Event, EventKind, is_unidentified, unidentified_id
from tracker.presence.occupancy import Passage, View, in_view, inside, microseconds, resets, views
from tracker.presence.projection import project
from tracker.presence.rules import Rules
from tracker.presence.sessions import sessions

MINUTE = 60_000_000
DAY = 1440
DOOR = frozenset({"door"})
BERLIN = ZoneInfo("Europe/Berlin")


def unknown(number: int, camera: str = "door") -> str:
    return unidentified_id(CameraRef("s", camera), str(number))


def count(text: str, *, seen: str = "", anew: tuple[int, ...] = (0,), margin: float = 1) -> list[tuple[float, int]]:
    """The steps, in minutes. text: "a+5 ?-9" is ada in at 5 and somebody unidentified out at 9.

    seen: "a:r5-30" is ada in view of room r from 5 to 30.
    """
    crossings = [
        Passage(
            int(float(word[2:]) * MINUTE), word[1] == "+", "door", str(n), unknown(n) if word[0] == "?" else word[0]
        )
        for n, word in enumerate(text.split())
    ]
    looks = []
    for word in seen.split():
        since, until = word[3:].split("-")
        person = None if word[0] == "?" else word[0]
        looks.append(View(int(float(since) * MINUTE), int(float(until) * MINUTE), word[2], person))
    steps = inside(crossings, looks, resets_us=[each * MINUTE for each in anew], margin_us=int(margin * MINUTE))
    return [(at_us / MINUTE, people) for at_us, people in steps]


@pytest.mark.parametrize(
    ("text", "seen", "anew", "expected"),
    [
        pytest.param("a+5 a-9", "", (0,), [(0, 0), (5, 1), (9, 0)], id="named-in-and-out"),
        pytest.param("?+5 ?+6 ?-9", "", (0,), [(0, 0), (5, 1), (6, 2), (9, 1)], id="unidentified-in-and-out"),
        pytest.param("?+5 a-9", "", (0,), [(0, 0), (5, 1), (9, 0)], id="unidentified-in-named-out"),
        pytest.param("a+5 ?-9", "", (0,), [(0, 0), (5, 1), (9, 0)], id="named-in-unidentified-out"),
        pytest.param("?-3 a+5", "", (0,), [(0, 0), (5, 1)], id="a-missed-entry-is-no-debt"),
        pytest.param("a+5 b+8 a-9", "", (0, 600), [(0, 0), (5, 1), (8, 2), (9, 1), (600, 0)], id="reset"),
        pytest.param("a+5 ?+5 b-5", "", (0,), [(0, 0), (5, 1)], id="at-once"),
        pytest.param("", "a:r10-30", (0,), [(0, 0), (11, 1)], id="a-view-proves-a-missed-entry"),
        pytest.param("a+5", "a:r10-30", (0,), [(0, 0), (5, 1)], id="a-view-of-somebody-who-was-counted"),
        pytest.param("a+5", "a:r4.5-30", (0,), [(0, 0), (5, 1)], id="in-view-before-the-line"),
        pytest.param("a+5 a-40", "a:r6-40.5", (0,), [(0, 0), (5, 1), (40, 0)], id="in-view-behind-the-line"),
        pytest.param("a+5", "a:r10-30 ?:q12-28", (0,), [(0, 0), (5, 1)], id="one-person-at-two-cameras"),
        pytest.param("a+5", "a:r10-30 ?:r12-28", (0,), [(0, 0), (5, 1), (13, 2)], id="two-people-at-one-camera"),
        pytest.param("a+5", "a:r10-30 b:q12-28", (0,), [(0, 0), (5, 1), (13, 2)], id="two-names-at-two-cameras"),
        pytest.param("a+5 b+6", "a:r590-700", (0, 600), [(0, 0), (5, 1), (6, 2), (600, 1)], id="in-view-at-the-reset"),
    ],
)
def test_timelines(text: str, seen: str, anew: tuple[int, ...], expected: list[tuple[float, int]]) -> None:
    assert count(text, seen=seen, anew=anew) == expected


def test_somebody_without_a_name_in_view_of_two_cameras_is_one_person_at_least() -> None:
    both = [View(0, 10, "r", None), View(2, 8, "q", None)]
    assert list(in_view(both)) == [(0, 0, 1), (2, 0, 1), (8, 0, 1), (10, 0, 0)]
    named = [View(0, 10, "r", "ada"), View(2, 8, "q", "ada"), View(4, 6, "q", None)]
    assert list(in_view(named)) == [(0, 1, 0), (2, 1, 0), (4, 1, 2), (6, 1, 0), (8, 1, 0), (10, 0, 0)]


def seen(*passages: tuple[float, str, str], person: str | None = "ada") -> list[Passage]:
    """Events of room r: ("minute", "+" or "-", track)."""
    return [Passage(int(at * MINUTE), sign == "+", "r", track, person) for at, sign, track in passages]


@pytest.mark.parametrize(
    ("passages", "expected"),
    [
        pytest.param(seen((5, "+", "a"), (9, "-", "a")), [(5, 9)], id="enter-and-exit"),
        pytest.param(seen((5, "+", "a")), [(5, 100)], id="no-exit-ends-at-the-reset"),
        pytest.param(seen((110, "+", "a")), [(110, 170)], id="no-exit-and-no-reset"),
        pytest.param(seen((95, "+", "a"), (130, "-", "a")), [(95, 130)], id="over-the-reset"),
        pytest.param(seen((5, "+", "a"), (90, "-", "a")), [(5, 65)], id="no-longer-than-the-longest"),
        pytest.param(seen((5, "-", "a")), [], id="exit-alone"),
        pytest.param(seen((5, "+", "a"), (5, "-", "a")), [], id="no-length"),
        pytest.param(seen((5, "+", "a"), (6, "+", "a"), (9, "-", "a")), [(5, 9)], id="one-track-is-one-body"),
        pytest.param(
            seen((5, "+", "a"), (6, "+", "b"), (9, "-", "a"), (8, "-", "b")), [(5, 9), (6, 8)], id="two-tracks"
        ),
    ],
)
def test_views(passages: list[Passage], expected: list[tuple[float, float]]) -> None:
    found = views(passages, resets_us=[0, 100 * MINUTE], longest_us=60 * MINUTE)
    assert [(view.since_us / MINUTE, view.until_us / MINUTE) for view in found] == [
        (since, min(until, since + 60)) for since, until in expected
    ]


def test_a_name_wins_over_none_on_one_track() -> None:
    later = [*seen((5, "+", "a"), person=None), *seen((5, "+", "a"), (9, "-", "a"))]
    assert [view.person_id for view in views(later, resets_us=[0], longest_us=60 * MINUTE)] == ["ada"]


def test_resets_are_the_closings() -> None:
    rules = Rules(closes_at=time(22), zone=BERLIN)
    since = datetime(2026, 3, 28, 12, tzinfo=UTC)
    closings = [datetime(2026, 3, day, hour, tzinfo=UTC) for day, hour in ((27, 21), (28, 21), (29, 20))]  # summer time
    assert resets(rules, since, since + timedelta(days=2)) == closings
    assert resets(rules, since, since) == closings[:1]
    assert resets(rules, closings[1], closings[1]) == closings[1:2]


def test_a_site_that_never_closes_is_reset_at_four() -> None:
    noon = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert resets(Rules(zone=BERLIN), noon, noon) == [datetime(2026, 3, 28, 3, tzinfo=UTC)]


def test_microseconds_are_exact() -> None:
    at = datetime(2026, 3, 28, 12, 0, 0, 123457, tzinfo=UTC)
    assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds(at)) == at
    assert microseconds(at.astimezone(BERLIN)) == microseconds(at)


# -- what always holds

_CROSSINGS = st.lists(
    st.builds(
        lambda minute, enters, who: Passage(minute * MINUTE, enters, "door", f"t{minute}", who),
        st.integers(0, 3 * DAY),
        st.booleans(),
        st.sampled_from(["ada", "bob", None]),
    ),
    max_size=30,
)
_VIEWS = st.lists(
    st.builds(
        lambda since, length, camera, who: View(since * MINUTE, (since + length) * MINUTE, camera, who),
        st.integers(0, 3 * DAY),
        st.integers(1, 300),
        st.sampled_from(["r", "q"]),
        st.sampled_from(["ada", "bob", None]),
    ),
    max_size=12,
)
_RESETS = [0, DAY * MINUTE, 2 * DAY * MINUTE]


@settings(deadline=None, max_examples=150)
@given(_CROSSINGS, _VIEWS, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_nobody_is_below_zero(
    crossings: list[Passage], looks: list[View], random: Random
) -> None:
    steps = inside(crossings, looks, resets_us=_RESETS, margin_us=MINUTE)
    assert steps[0][0] == 0
    assert all(people >= 0 for _, people in steps)
    shuffled = random.sample(crossings, len(crossings)), random.sample(looks, len(looks))
    assert inside(*shuffled, resets_us=_RESETS, margin_us=MINUTE) == steps


@settings(deadline=None, max_examples=150)
@given(_CROSSINGS, _VIEWS)
def test_what_follows_a_reset_depends_on_nothing_before_it(crossings: list[Passage], looks: list[View]) -> None:
    whole = inside(crossings, looks, resets_us=_RESETS, margin_us=MINUTE)
    later = [each for each in crossings if each.at_us >= _RESETS[1]]
    rest = inside(later, looks, resets_us=_RESETS[1:], margin_us=MINUTE)
    before = [people for at_us, people in whole if at_us <= _RESETS[1]][-1]
    assert rest[0] == (_RESETS[1], before)
    assert rest[1:] == [step for step in whole if step[0] > _RESETS[1]]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.tuples(st.integers(0, DAY), st.integers(3, 300), st.booleans(), st.booleans()), max_size=20))
def test_it_is_the_true_number_where_every_crossing_is_seen(stays: list[tuple[int, int, bool, bool]]) -> None:
    """Whoever is recognised or not on the way in, in the room, or on the way out."""
    crossings, looks, truth = [], [], dict[int, int]()
    for number, (since, length, named_in, named_out) in enumerate(stays):
        name, nobody = f"p{number}", None
        start, end = since * MINUTE, (since + length) * MINUTE
        crossings.append(Passage(start, True, "door", f"i{number}", name if named_in else nobody))
        crossings.append(Passage(end, False, "door", f"o{number}", name if named_out else nobody))
        for camera, who in (("r", name if named_in else nobody), ("q", nobody)):
            looks.append(View(start, end, camera, who))
        truth[start], truth[end] = truth.get(start, 0) + 1, truth.get(end, 0) - 1
    steps = dict(inside(crossings, looks, resets_us=[0], margin_us=MINUTE))
    people = found = 0
    for at_us in sorted({*truth, *steps}):
        people, found = people + truth.get(at_us, 0), steps.get(at_us, found)
        assert found == people


# -- unidentified people have no sessions


def event(kind: str, minute: float, person: str) -> Event:
    at = datetime(2026, 3, 28, 9, tzinfo=UTC) + timedelta(minutes=minute)
    return Event(kind=EventKind(kind), site_id="s", camera_id="door", person_id=person, at=at, track_id=f"{minute}")


def test_unidentified_people_have_no_sessions() -> None:
    nobody, now = unknown(1), datetime(2026, 3, 28, 18, tzinfo=UTC)
    events = [event("enter", 0, nobody), event("enter", 1, "ada"), event("exit", 9, "ada"), event("exit", 12, nobody)]
    rules = Rules(entrances=DOOR, exits=DOOR)
    assert [each.person_id for each in sessions(events, rules=rules, now=now)] == ["ada"]
    assert project([events[0], events[3]], key=("s", nobody), rules=rules, now=now) == []


@pytest.mark.parametrize(
    "person_id", ["u-1001", "u-", "u-0123456789abcde", "u-0123456789ABCDEF", "u-0123456789abcdef0"]
)
def test_an_id_of_another_system_is_not_unidentified(person_id: str) -> None:
    assert not is_unidentified(person_id)
    assert is_unidentified(unknown(1))
