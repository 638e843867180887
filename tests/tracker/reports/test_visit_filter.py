"""Visits that a reader searches, filters and sorts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.coverage import Coverage
from tracker.presence.events import time_text
from tracker.presence.people import Person, PersonKind, Role
from tracker.reports.data import ReportData, by_id
from tracker.reports.frames import Frames
from tracker.reports.visit_filter import Order, State, VisitFilter, Who, fold, in_order, matching

ZONE = ZoneInfo("Europe/Berlin")
SINCE, UNTIL = datetime(2026, 3, 1, 23, tzinfo=UTC), datetime(2026, 3, 8, 23, tzinfo=UTC)
NOW = datetime(2026, 3, 6, 12, tzinfo=UTC)
PEOPLE = (
    ("bjorn", "Björn Ólafsson", PersonKind.ENROLLED, Role.MEMBER),
    ("lukasz", "Łukasz Weiß", PersonKind.ENROLLED, Role.MEMBER),
    ("vera", "Vera Lindqvist", PersonKind.ENROLLED, Role.STAFF),
    ("v3", "Visitor 3", PersonKind.VISITOR, Role.MEMBER),
)
# person, start (UTC), minutes (None: still in), camera
VISITS = (
    ("bjorn", datetime(2026, 3, 1, 22, 30, tzinfo=UTC), 90, "front-door"),  # began the day before the range
    ("vera", datetime(2026, 3, 2, 7, 0, tzinfo=UTC), 480, "front-door"),
    ("lukasz", datetime(2026, 3, 2, 23, 15, tzinfo=UTC), 20, "Büro"),  # 00:15 on 3 March in Berlin
    ("v3", datetime(2026, 3, 5, 8, 5, tzinfo=UTC), 40, None),
    ("bjorn", datetime(2026, 3, 6, 11, 0, tzinfo=UTC), None, "front-door"),
)


@pytest.fixture
def data() -> ReportData:
    starts = [start for _, start, _, _ in VISITS]
    ends = [None if length is None else start + timedelta(minutes=length) for _, start, length, _ in VISITS]
    columns = {
        "session_id": [f"s{number}" for number in range(len(VISITS))],
        "person_id": [person for person, *_ in VISITS],
        "started_at": [time_text(at) for at in starts],
        "ended_at": [None if at is None else time_text(at) for at in ends],
        "segments": [None] * len(VISITS),
        "enter_inferred": [False] * len(VISITS),
        "exit_inferred": [False] * len(VISITS),
        "bounce": [False] * len(VISITS),
        "enter_camera_id": [camera for *_, camera in VISITS],
        "exit_camera_id": [None] * len(VISITS),
    }
    people = [
        Person(person_id=person_id, name=name, kind=kind, role=role, created_at=SINCE)
        for person_id, name, kind, role in PEOPLE
    ]
    return ReportData(
        site_id="gym",
        site_name="Gym",
        zone=ZONE,
        capacity=None,
        frames=Frames.of_columns([columns], now=NOW),
        people=by_id(people),
        coverage=Coverage([], now=NOW),
        since=SINCE,
        until=UNTIL,
        now=NOW,
    )


def found(data: ReportData, wanted: VisitFilter) -> list[str]:
    return matching(data, data.frames.visits, wanted)["session_id"].tolist()


@pytest.mark.parametrize(
    ("text", "folded"),
    [("Björn ÓLAFSSON", "bjorn olafsson"), ("Łukasz Weiß", "lukasz weiss"), ("İpek Øre", "ipek ore"), ("ﬁ", "fi")],
)
def test_accents_and_case_do_not_matter(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "sessions"),
    [
        ("", ["s0", "s1", "s2", "s3", "s4"]),
        ("bjorn", ["s0", "s4"]),
        ("OLAF björn", ["s0", "s4"]),
        ("lukasz weiss", ["s2"]),
        ("buro", ["s2"]),
        ("2026-03-03", ["s2"]),
        ("3 march", ["s2"]),
        ("03.03.2026", ["s2"]),
        ("tuesday", ["s2"]),
        ("00:15", ["s2"]),
        ("bjorn 6 mar", ["s4"]),
        ("front 08:", ["s1"]),
        ("visitor 3", ["s3"]),
        ("nobody", []),
    ],
)
def test_words_are_looked_for_in_names_cameras_and_local_times(
    data: ReportData, text: str, sessions: Sequence[str]
) -> None:
    assert found(data, VisitFilter(text=text)) == sessions


@pytest.mark.parametrize(
    ("wanted", "sessions"),
    [
        (VisitFilter(who=Who.STAFF), ["s1"]),
        (VisitFilter(who=Who.PUBLIC), ["s0", "s2", "s3", "s4"]),
        (VisitFilter(who=Who.MEMBERS), ["s0", "s2", "s4"]),
        (VisitFilter(who=Who.VISITORS), ["s3"]),
        (VisitFilter(state=State.INSIDE), ["s4"]),
        (VisitFilter(state=State.LEFT, person_id="bjorn"), ["s0"]),
        (VisitFilter(camera_id="Büro"), ["s2"]),
        (VisitFilter(begun=True), ["s1", "s2", "s3", "s4"]),
        (VisitFilter(hour=0), ["s2"]),
        (VisitFilter(hour=23), ["s0"]),
        (VisitFilter(dwell_s=(1200, 2400)), ["s2"]),
        (VisitFilter(dwell_s=(2400, 2401)), ["s3"]),
        (VisitFilter(dwell_s=(0, 1e9)), ["s0", "s1", "s2", "s3"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_conditions(data: ReportData, wanted: VisitFilter, sessions: Sequence[str]) -> None:
    assert found(data, wanted) == sessions


@pytest.mark.parametrize(
    ("order", "descending", "sessions"),
    [
        (Order.ENTERED, True, ["s4", "s3", "s2", "s1", "s0"]),
        (Order.ENTERED, False, ["s0", "s1", "s2", "s3", "s4"]),
        (Order.NAME, False, ["s4", "s0", "s2", "s1", "s3"]),
        (Order.NAME, True, ["s3", "s1", "s2", "s4", "s0"]),
        (Order.LEFT, True, ["s3", "s2", "s1", "s0", "s4"]),
        (Order.DWELL, True, ["s1", "s0", "s4", "s3", "s2"]),
        (Order.CAMERA, False, ["s2", "s4", "s1", "s0", "s3"]),
    ],
)
def test_order(data: ReportData, order: Order, descending: bool, sessions: Sequence[str]) -> None:
    assert in_order(data, data.frames.visits, order, descending=descending)["session_id"].tolist() == sessions
