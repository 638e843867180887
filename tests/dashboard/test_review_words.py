"""Cards of the review in words."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard import review_words as words
from tracker.identity.review import Likeness, Resemblance
from tracker.presence.events import Match
from tracker.presence.habit import Habit
from tracker.presence.people import Person, PersonKind
from tracker.presence.sessions import Segment, Session, SessionState
from tracker.review.doubts import DoubtfulVisit
from tracker.review.strangers import Stranger

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 16, 12, tzinfo=UTC)


def stranger(*numbers: int, **more: object) -> Stranger:
    people = tuple(
        Person(person_id=f"v-{number}", name=f"Visitor {number}", created_at=NOW, kind=PersonKind.VISITOR)
        for number in numbers
    )
    usual: dict[str, object] = {
        "visits": 6, "first_seen": NOW - timedelta(days=20), "last_seen": NOW - timedelta(hours=20), "habit": Habit(),
        "camera_id": "door-1", "vectors": 4, "like": None,
    }  # fmt: skip
    return Stranger(people=people, **(usual | more))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((12,), "Visitor 12"),
        ((1, 2), "Visitor 1 and Visitor 2"),
        ((1, 2, 3), "Visitor 1, Visitor 2 and Visitor 3"),
        ((1, 2, 3, 4, 5), "Visitor 1, Visitor 2 and 3 more"),
    ],
)
def test_stranger_has_the_labels_of_the_visitors(numbers: tuple[int, ...], expected: str) -> None:
    assert words.stranger_name(stranger(*numbers)) == expected


@pytest.mark.parametrize(
    ("habit", "camera_id", "expected"),
    [
        (Habit(weekdays=(1, 3), around=time(18, 12)), "door-1", "6 visits, mostly Tue and Thu around 18:10, by door-1"),
        (Habit(weekdays=(0, 1, 2)), None, "6 visits, mostly Mon, Tue and Wed"),
        (Habit(around=time(7, 0)), None, "6 visits, mostly around 07:00"),
        (Habit(), "door-1", "6 visits, by door-1"),
    ],
)
def test_visits_of_a_stranger(habit: Habit, camera_id: str | None, expected: str) -> None:
    assert words.stranger_visits(stranger(1, habit=habit, camera_id=camera_id)) == expected


@pytest.mark.parametrize(
    ("visits", "last_h", "expected"),
    [
        (6, 20, "First seen 24 Feb, last yesterday 17:00"),
        (6, 2, "First seen 24 Feb, last today 11:00"),
        (1, 2, "Seen once, 24 Feb 13:00"),
    ],
)
def test_when_a_stranger_was_seen(visits: int, last_h: float, expected: str) -> None:
    seen = stranger(1, visits=visits, last_seen=NOW - timedelta(hours=last_h))
    assert words.stranger_seen(seen, ZONE, NOW) == expected


@pytest.mark.parametrize(
    ("resemblance", "expected"),
    [
        (Resemblance.STRONG, "Probably Ben (0.98)"),
        (Resemblance.NEAR, "Looks like Ben (0.98)"),
        (Resemblance.SLIGHT, "Looks a little like Ben (0.98)"),
        (None, ""),
    ],
)
def test_whom_a_stranger_resembles(resemblance: Resemblance | None, expected: str) -> None:
    like = None if resemblance is None else Likeness(person_id="p-ben", distance=0.981, resemblance=resemblance)
    assert words.likeness_words(stranger(1, like=like), {"p-ben": "Ben"}) == expected


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (0.041, "Distance 0.97 of at most 1.05; the next person is 0.04 farther"),
        (-0.041, "Distance 0.97 of at most 1.05; another is 0.04 nearer"),
        (None, "Distance 0.97 of at most 1.05"),
    ],
)
def test_figures_of_a_doubtful_visit(margin: float | None, expected: str) -> None:
    match = Match(
        site_id="gym", camera_id="door-1", track_id="t", at=NOW, person_id="p-ann", distance=0.968, margin=margin,
        quality=0.5, authorised=True, reason="",
    )  # fmt: skip
    visit = Session(
        session_id="e", site_id="gym", person_id="p-ann", started_at=NOW, ended_at=None, dwell_s=0, gross_s=0,
        segments=(Segment(NOW, None),), enter_inferred=False, exit_inferred=False, state=SessionState.OPEN,
    )  # fmt: skip
    ann = Person(person_id="p-ann", name="Ann", created_at=NOW)
    doubtful = DoubtfulVisit(person=ann, visit=visit, match=match, doubt=0.5, limit=1.05, matches=(match,))
    assert words.visit_figures(doubtful, {}) == expected
