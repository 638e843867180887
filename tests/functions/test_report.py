"""`report` answers what `footfall report ... --json` prints for the same events, to operators and admins alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import firebase_admin
import numpy as np
import pytest
from typer.testing import CliRunner
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from functions import reporting
from functions.database import delete_documents
from functions.days import update_days
from functions.schedule import run_all
from functions.site import site_of
from tests.firestore.fixtures import Firestore
from tests.functions.gym import BERLIN, SITE, Gym
from tests.functions.tokens import bearer
from tracker.cli import report as report_commands
from tracker.cli.main import app
from tracker.cloud import documents
from tracker.cloud.paths import Collection, heartbeat_id, path_of, site_path
from tracker.presence.calendar import day_range
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Action, CameraRef, Correction, Event, EventKind, unidentified_id
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, Role
from tracker.presence.rules import Rules, encode_rules
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.site import simulate
from tracker.store.observation import Observation
from tracker.store.store import Store

DAYS = 12
PLAN = Scenario(
    profile=PROFILES[ProfileName.OFFICE], people=9, days=DAYS, doors=1, rooms=0, first_day=date(2026, 3, 23),
    zone=BERLIN, site_id=SITE, seed=4,
)  # fmt: skip
RULES = Rules(
    zone=BERLIN,
    entrances=frozenset({"door-1"}),
    exits=frozenset({"door-1"}),
    counted=frozenset({"door-1"}),
    min_visit=timedelta(minutes=30),
)
NOW = datetime(2026, 4, 3, 9, 30, tzinfo=UTC)
"""On the last day, when some are in."""
SETTINGS = """
[site]
id = "gym"
name = "Gym"
time_zone = "Europe/Berlin"
capacity = 20
[presence]
min_visit_s = 1800
[[camera]]
id = "door-1"
source = "0"
role = "door"
line = [[0.1, 0.5], [0.9, 0.5]]
inside = "below"
"""


HEALTH = CameraHealth(
    site_id=SITE, camera_id="yard", source="0", state=CameraState.LOST, started_at=NOW, updated_at=NOW
)  # fmt: skip
"""A camera that failed and is still down, so that it was not taken down."""


class FixedClock(datetime):
    """The time at which both are both."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return NOW.astimezone(tz)


def unrecognised(event: Event) -> Event:
    """The same event of somebody whose face was not recognised."""
    nobody = unidentified_id(CameraRef(event.site_id, event.camera_id), event.track_id)
    return replace(event, person_id=nobody, event_id="")


@pytest.fixture(scope="module")
def history() -> tuple[list[Event], list[Person], list[CoverageSpan]]:
    """The events, people and coverage of a simulated office up to NOW."""
    simulated = people_of(PLAN)
    noise = Noise(miss=0.04, confuse=0.02, skew=timedelta(seconds=2))
    days = simulate(PLAN, noise, simulated, until=NOW)
    events = [event for day in days for event in day.camera_output.events if event.at <= NOW]
    events[::5] = map(unrecognised, events[::5])
    people = [person.record for person in simulated]
    people[0] = replace(people[0], role=Role.STAFF)
    people.append(replace(people[1], person_id="p-late", name="Late", created_at=NOW - timedelta(days=2)))
    spans = []
    for number in range(DAYS):
        since, until = day_range(PLAN.first_day + timedelta(days=number), BERLIN)
        if number == 2:
            spans.append(CoverageSpan(site_id=SITE, camera_id="yard", started_at=since, ended_at=until))
        if number != 4:  # nobody watched on that day
            noon = min(since + timedelta(hours=12), NOW)
            spans.append(CoverageSpan(site_id=SITE, camera_id="door-1", started_at=since, ended_at=noon))
            end = min(until - timedelta(hours=1), NOW)
            if end > noon + timedelta(hours=1):
                begin = noon + timedelta(hours=1)
                spans.append(CoverageSpan(site_id=SITE, camera_id="door-1", started_at=begin, ended_at=end))
    return events, people, [each for each in spans if each.ended_at <= NOW]


@pytest.fixture
def both(
    gym: Gym,
    firestore_server: Firestore,
    history: tuple[list[Event], list[Person], list[CoverageSpan]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[BothReports]:
    """The same history in Firestore and in a machine's store."""
    events, people, spans = history
    voided = Correction(action=Action.VOID, event_id=events[30].event_id, by="op", at=NOW)
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # else Google's library looks for one of its machines first
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", firestore_server.project)
    monkeypatch.setattr(report_commands, "datetime", FixedClock)
    monkeypatch.setattr(reporting, "datetime", FixedClock)
    gym.rules, gym.now = RULES, NOW
    gym.open()
    _put(gym, events, people, spans, voided)
    settings = tmp_path / "footfall.toml"
    settings.write_text(SETTINGS, encoding="utf-8")
    with Store(tmp_path / "store.sqlite3", clock=lambda: NOW) as store:
        store.sites.use_default_rules(RULES)
        for person in people:
            store.people.add(person, np.zeros((0, 128), np.float32))
        store.record(Observation(events=events))
        store.record(Observation(health=HEALTH))
        for watch in spans:
            store.record(Observation(coverage=[watch]))
        store.events.correct([voided])
    yield BothReports(gym, firestore_server.project, settings, tmp_path / "store.sqlite3")
    if firebase_admin._apps:
        firebase_admin.delete_app(firebase_admin.get_app())


def _put(gym: Gym, events: list[Event], people: list[Person], spans: list[CoverageSpan], voided: Correction) -> None:
    gym.put(events)
    gym.put_correction(voided, events[30].person_id)
    batch = gym.client.batch()
    for person in people:
        place = gym.client.document(path_of(SITE, Collection.PEOPLE, person.person_id))
        batch.set(place, documents.person_document(person))
    for watch in spans:
        length = watch.ended_at - watch.started_at
        for share in (0.1, 0.5, 1.0):
            at = watch.started_at + length * share
            sign = {"camera_id": watch.camera_id, "at": at, "watch_started_at": watch.started_at, "watch_ended_at": at}
            sign["state"] = "lost" if watch.camera_id == "yard" else "live"
            path = path_of(SITE, Collection.HEARTBEATS, heartbeat_id(watch.camera_id, at))
            batch.set(gym.client.document(path), sign)
    batch.commit()
    last: dict[str, Event] = {event.person_id: event for event in events}
    gym.deliver(last.values())


class BothReports:
    """The reports of the function and of the command line over the same history."""

    def __init__(self, gym: Gym, project: str, settings: Path, store: Path) -> None:
        self.gym = gym
        self._project = project
        self._settings = settings
        self._store = store

    def function(self, kind: str, **parameters: str) -> tuple[int, Any]:
        builder = EnvironBuilder(
            query_string={"site": SITE, "kind": kind, **parameters},
            headers=bearer(self._project, sites={SITE: "operator"}),
        )
        answer = reporting.answer(Request(builder.get_environ()), self.gym.client)  # type: ignore[arg-type]
        return answer.status_code, json.loads(answer.get_data())

    def command_line(self, kind: str, **parameters: str) -> Any:
        options = [part for name, value in parameters.items() for part in _option(name, value)]
        store = f"sqlite:///{self._store}"
        command = ["report", kind, "--json", "--settings", str(self._settings), "--store", store, *options]
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def _option(name: str, value: str) -> list[str]:
    return [f"--{name}"] if value == "true" else [f"--{name}", value]


def rounded(value: Any) -> Any:
    """Numbers to the microsecond: sums in another order differ beyond."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return round(value, 6) if isinstance(value, float) else value


QUERIES: list[tuple[str, dict[str, str]]] = [
    ("today", {}),
    ("today", {"staff": "true"}),
    ("visits", {}),
    ("visits", {"from": "2026-03-25", "to": "2026-03-26T12:00"}),
    ("usage", {}),
    ("usage", {"by": "hour", "from": "2026-03-28", "to": "2026-03-30"}),
    ("usage", {"by": "week", "staff": "true"}),
    ("usage", {"by": "month"}),
    ("usage", {"from": "2026-03-27", "to": "2026-03-27"}),
    ("usage", {"from": "2026-03-25", "to": "2026-03-25"}),
    ("usage", {"from": "20260325", "to": "20260326"}),
    ("dwell", {}),
    ("dwell", {"from": "2026-03-23", "staff": "true"}),
    ("dwell", {"from": "2026-01-01", "to": "2026-01-03"}),
    ("occupancy", {}),
    ("occupancy", {"from": "2026-03-26T07:10", "to": "2026-03-27T18:00"}),
    ("people", {"from": "2026-03-23"}),
    ("people", {"from": "2026-03-26T09:00", "to": "2026-03-26T15:00"}),
    ("attendance", {"from": "2026-03-23"}),
    ("attendance", {"from": "2026-03-30", "to": "2026-03-31", "staff": "true"}),
    ("attendance", {}),
]


def test_every_report_is_what_the_command_line_prints(both: BothReports) -> None:
    different = []
    for kind, parameters in QUERIES:
        status, found = both.function(kind, **parameters)
        assert status == 200, found
        expected = both.command_line(kind, **parameters)
        if rounded(found) != rounded(expected):
            keys = [
                key for key in expected.keys() | found.keys() if rounded(expected.get(key)) != rounded(found.get(key))
            ]
            different.append((kind, parameters, {key: (found.get(key), expected.get(key)) for key in keys}))
    assert different == []


def test_the_compared_reports_are_not_empty(both: BothReports) -> None:
    _, usage = both.function("usage", **{"from": "2026-03-23"})
    assert sum(row["entries"] or 0 for row in usage["usage"]) > 30
    assert {row["watched"] for row in usage["usage"]} >= {0.0}
    assert usage["returning"] > 0
    assert usage["outages"]
    _, today = both.function("today")
    assert today["present"]
    _, attendance = both.function("attendance", **{"from": "2026-03-23"})
    statuses = {row["status"] for row in attendance["attendance"]}
    assert statuses == {"present", "absent", "not watched", "not enrolled", "not yet"}
    assert attendance["log"]


def test_where_a_machine_derives_the_sessions_the_report_is_the_same(both: BothReports) -> None:
    later = NOW + timedelta(hours=20)
    status, before = both.function("today")
    both.gym.open(derived_by="m-1")
    assert (status, before) == both.function("today")
    open_ones = [each for each in both.gym.sessions().values() if each["state"] == "open"]
    assert open_ones
    both.gym.now = later
    assert run_all(both.gym.client, now=later).closed == 0  # they are not ours to close


def test_a_range_with_too_much_in_it_is_refused(both: BothReports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.report_data.MAX_RECORDS", 20)
    status, found = both.function("usage", **{"from": "2026-03-23"})
    assert (status, "shorter range" in found["error"]) == (400, True)


LONG: list[dict[str, str]] = [
    {"kind": "usage", "by": "hour"},
    {"kind": "usage", "by": "day"},
    *({"kind": kind} for kind in ("occupancy", "people", "attendance")),
]


@pytest.mark.parametrize("parameters", LONG, ids=lambda parameters: "-".join(parameters.values()))
def test_a_report_with_too_many_rows_is_refused(both: BothReports, parameters: dict[str, str]) -> None:
    unset = Event(  # as of a clock that was never set
        kind=EventKind.ENTER, site_id=SITE, camera_id="door-1", person_id="ada",
        at=datetime(1970, 1, 1, 5, tzinfo=UTC), track_id="t",
    )  # fmt: skip
    both.gym.put([unset])
    status, found = both.function(**parameters, **{"from": "1970-01-01"})
    assert status == 400
    assert "ask for a shorter time, or for usage with a coarser 'by'" in found["error"]
    assert both.function(**parameters)[0] == 200
    assert both.function("usage", by="month", **{"from": "2000-01-01"})[0] == 200


def test_a_report_larger_than_an_answer_may_be_is_refused(both: BothReports, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MAX_ANSWER", 20_000)
    status, found = both.function("attendance", **{"from": "2026-03-23"})
    assert (status, "ask for a shorter range" in found["error"]) == (400, True)
    assert both.function("attendance", **{"from": "2026-04-03"})[0] == 200


@pytest.mark.parametrize("counted", [RULES.counted, frozenset()], ids=["crossings", "visits"])
def test_the_documents_of_days_have_the_figures_of_the_usage_report(both: BothReports, counted: frozenset[str]) -> None:
    both.gym.client.document(site_path(SITE)).update({"rules": encode_rules(replace(RULES, counted=counted))})
    site = site_of(SITE, both.gym.site_document())
    update_days(both.gym.client, site, now=NOW)
    _, found = both.function("usage", staff="true", **{"from": "2026-03-23"})
    days = both.gym.documents(Collection.DAYS)
    keys = ("entries", "exits", "visitors", "peak")
    rows = {row["period"]: {key: row[key] or 0 for key in keys} for row in found["usage"]}
    assert len(rows) > 10
    assert {day: {key: days[day][key] if day in days else 0 for key in keys} for day in rows} == rows
    recognised = {row["period"]: row["recognised"] for row in found["usage"] if row["recognised"] is not None}
    assert bool(recognised) is bool(counted)
    for day in days.keys() & recognised.keys():
        assert days[day]["entries"] - days[day]["unidentified"] == recognised[day]
    _, dwell = both.function("dwell", staff="true", **{"from": "2026-03-23"})
    sums = [(sum(day[key] for day in days.values()), measure) for key, measure in (("dwell_s", 0), ("gross_s", 1))]
    for total, place in sums:
        row = dwell["dwell"][place]
        assert total == pytest.approx(row["mean_s"] * row["visits"])


@pytest.mark.parametrize("parameters", LONG, ids=lambda parameters: "-".join(parameters.values()))
def test_a_range_of_any_length_without_records_is_short(both: BothReports, parameters: dict[str, str]) -> None:
    for collection in (Collection.EVENTS, Collection.HEARTBEATS, Collection.SESSIONS):
        delete_documents(both.gym.client, both.gym.client.collection(path_of(SITE, collection)).list_documents())
    status, found = both.function(**parameters, **{"from": "1970-01-01", "to": "9999-12-30"})
    assert (status, found["since"][:10], found["notes"]) == (200, "2026-04-02", [])


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"kind": "weather"}, "kind: unknown - expected one of today"),
        ({"kind": "usage", "by": "decade"}, "by: expected hour or day"),
        ({"kind": "dwell", "by": "day"}, "by: unknown parameter"),
        ({"kind": "today", "from": "2026-03-25"}, "from: unknown parameter"),
        ({"kind": "usage", "camera": "door-1"}, "camera: unknown parameter"),
        ({"kind": "usage", "staff": "maybe"}, "staff: expected true or false"),
        ({"kind": "usage", "from": "yesterday"}, "is not a date"),
        ({"kind": "usage", "from": "2026-W12"}, "from: 2026-W12 is a week, not a day"),
        ({"kind": "usage", "from": "2026-03-29T02:30"}, "from: the site's clock skipped 2026-03-29T02:30"),
        ({"kind": "usage", "from": "2099-01-01"}, "from is in the future"),
        ({"kind": "usage", "from": "2026-03-25", "to": "2026-03-20"}, "from is not before to"),
        ({"kind": "usage", "from": "9999-99-99T99:99"}, "is not a date"),
        ({"kind": "usage", "from": "1969-12-31"}, "from is before 1970"),
        ({"kind": "visits", "from": "0001-01-01T00:00+00:00"}, "from is before 1970"),
        ({"kind": "usage", "by": "hour", "from": "0001-01-01T00:00-12:00", "to": "9999-12-30"}, "from is before 1970"),
        ({"kind": "dwell", "to": "0001-01-02"}, "to is before 1970"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_malformed_request_is_refused_with_what_was_expected(
    both: BothReports, parameters: dict[str, str], word: str
) -> None:
    status, found = both.function(**parameters)
    assert status == 400
    assert word in found["error"]
