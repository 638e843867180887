"""Figures of a site whose doors count everybody: from a store, in memory, and in reports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pytest

from config.settings import Settings
from tracker.presence.events import OPERATOR, Action, CameraRef, Correction, Event, EventKind, unidentified_id
from tracker.presence.people import Person, PersonKind, Role
from tracker.presence.rules import Rules
from tracker.reports import measures, occupancy
from tracker.reports.frames import Frames, rows_of
from tracker.reports.periods import Period
from tracker.reports.selection import ReportQuery, select, site_of_report
from tracker.reports.session_cache import SessionCache
from tracker.reports.sheets import Report
from tracker.reports.tables import occupancy_report, people_report, today_report, usage_report
from tracker.store.observation import Observation
from tracker.store.store import Store

DAY = datetime(2026, 3, 10, tzinfo=UTC)
NOW = DAY + timedelta(hours=20)
DOORS = frozenset({"door", "gate"})
COUNTED = Rules(entrances=DOORS, exits=DOORS, counted=DOORS, closes_at=time(22))
WITH_ROOM = replace(COUNTED, rooms=frozenset({"hall"}))
FACES = replace(COUNTED, counted=frozenset({"door"}))
ROOMS = Rules(rooms=frozenset({"hall", "bar"}))
_NO_VECTORS = np.zeros((0, 128), np.float32)


def nobody(track: str, camera: str = "door") -> str:
    return unidentified_id(CameraRef("main", camera), track)


def event(kind: str, hour: float, person: str, camera: str = "door", track: str = "") -> Event:
    """An event; person "?" is somebody unidentified on the track."""
    track = track or f"{camera}-{hour}-{person}-{kind}"
    return Event(
        kind=EventKind(kind),
        site_id="main",
        camera_id=camera,
        person_id=nobody(track, camera) if person == "?" else person,
        at=DAY + timedelta(hours=hour),
        track_id=track,
    )


def came(hour: float, person: str, camera: str = "door") -> Event:
    return event("enter", hour, person, camera)


def went(hour: float, person: str, camera: str = "door") -> Event:
    return event("exit", hour, person, camera)


def seen(since: float, until: float, person: str, camera: str = "hall") -> list[Event]:
    track = f"{camera}-{since}-{person}"
    return [event("enter", since, person, camera, track), event("exit", until, person, camera, track)]


class Site:
    """A store and the reports on it."""

    def __init__(self, path: Path) -> None:
        self.now = NOW
        self.store = Store(path, clock=lambda: self.now).open()
        for person_id, role in (("ada", Role.MEMBER), ("bob", Role.MEMBER), ("sue", Role.STAFF)):
            person = Person(person_id=person_id, name=person_id.title(), created_at=DAY - timedelta(days=1), role=role)
            self.store.people.add(person, _NO_VECTORS)
        self.cache = SessionCache(self.store, "main")

    def record(self, *events: Event, rules: Rules = COUNTED) -> None:
        self.store.sites.use_default_rules(rules)
        self.store.record(Observation(events=events))

    def frames(self, query: ReportQuery, *, cached: bool = False) -> Frames:
        site = site_of_report(Settings(), self.store)
        return select(self.store, site, query, self.now, cache=self.cache if cached else None).frames

    def report(self, kind: str, *, staff: bool = False, camera: str | None = None, group: str | None = None) -> Report:
        site = site_of_report(Settings(), self.store)
        query = ReportQuery(since=DAY, until=DAY + timedelta(days=1), staff=staff, camera_id=camera, group=group)
        data = select(self.store, site, query, self.now)
        if kind == "usage":
            return usage_report(data, Period.DAY)
        return today_report(data) if kind == "today" else occupancy_report(data)


@pytest.fixture
def site(tmp_path: Path) -> Iterable[Site]:
    made = Site(tmp_path / "footfall.sqlite3")
    yield made
    made.store.close()


def figures(report: Report) -> dict[str, object]:
    return {figure.key: figure.value for figure in report.figures}


def words(report: Report) -> str:
    return ", ".join(figure.words or "" for figure in report.figures if figure.shown)


def steps(report: Report) -> list[tuple[float, int]]:
    return [((row["at"] - DAY) / timedelta(hours=1), row["people"]) for row in report.sheet("occupancy_steps").rows]


MORNING = [came(8, "ada"), came(8.5, "?"), came(9, "?"), came(9.5, "bob", "gate"), went(10, "?"), went(11, "bob")]


def test_everybody_who_crosses_a_door_counts(site: Site) -> None:
    site.record(*MORNING)
    found = figures(site.report("usage"))
    assert (found["entries"], found["recognised"], found["recognised_share"], found["exits"]) == (4, 2, 0.5, 2)
    assert (found["visitors"], found["bounce_rate"], found["peak"]) == (2, 0.0, 4)
    assert found["peak_at"] == DAY + timedelta(hours=9.5)
    assert "faces seen for 50% of entries" in words(site.report("usage"))


def test_each_door_has_its_share(site: Site) -> None:
    site.record(*MORNING)
    (row,) = site.report("usage").sheet("usage").rows
    assert (row["entries"], row["recognised"], row["recognised_share"]) == (4, 2, 0.5)
    doors = {row["camera_id"]: row for row in site.report("usage").sheet("doors").rows}
    assert {name: (row["entries"], row["recognised"], row["exits"]) for name, row in doors.items()} == {
        "door": (3, 1, 2),
        "gate": (1, 1, 0),
    }
    assert doors["gate"]["recognised_share"] == 1.0


def test_a_report_on_one_door_counts_who_crosses_it(site: Site) -> None:
    site.record(*MORNING)
    found = figures(site.report("usage", camera="door"))
    assert (found["entries"], found["exits"], found["recognised"], found["visitors"]) == (3, 2, 1, 1)
    assert figures(site.report("usage", camera="gate"))["entries"] == 1


def test_who_is_in_and_how_many_were_recognised(site: Site) -> None:
    site.record(*MORNING)
    report = site.report("today")
    assert steps(report) == [(0, 0), (8, 1), (8.5, 2), (9, 3), (9.5, 4), (10, 3), (11, 2), (20, 2)]
    assert (figures(report)["occupancy"], figures(report)["recognised_inside"]) == (2, 1)
    assert "in now 2, 1 of them recognised" in words(report)
    assert [row["name"] for row in report.main.rows] == ["Ada"]
    assert "1 more person is in whose face was not seen." in report.notes


def test_more_names_than_people_means_that_some_left_unrecognised(site: Site) -> None:
    site.record(came(8, "ada"), came(9, "bob"), went(10, "?"))
    report = site.report("today")
    assert (figures(report)["occupancy"], figures(report)["recognised_inside"]) == (1, 2)
    assert words(report).startswith("in now 1,")
    assert len(report.main.rows) == 2
    assert "At least 1 of these people has left unrecognised, by the count at the doors." in report.notes


def test_doors_count_staff_too(site: Site) -> None:
    site.record(came(8, "ada"), came(8.5, "sue"), came(9, "?"))
    report = site.report("today")
    assert (figures(report)["occupancy"], figures(report)["visitors"]) == (3, 1)
    assert [row["name"] for row in report.main.rows] == ["Ada"]
    assert "1 more person is in whose face was not seen." in report.notes
    assert "Doors count everybody: entries, exits and people in include staff." in report.notes
    assert not any("staff" in note for note in site.report("today", staff=True).notes)


def test_the_mean_is_over_time(site: Site) -> None:
    site.record(came(0, "?"), came(10, "?"), went(15, "?"))
    found = figures(site.report("occupancy"))
    assert found["mean"] == pytest.approx((20 + 5) / 20)
    rows = site.report("occupancy").main.rows
    assert [row["peak"] for row in rows if row["started_at"] == DAY + timedelta(hours=10)] == [2]


def test_the_count_is_reset_when_the_site_closes(site: Site) -> None:
    site.record(came(-8, "?"), came(-7, "ada"), came(8, "?"))
    assert steps(site.report("today")) == [(0, 0), (8, 1), (20, 1)]


def test_people_in_rooms_prove_a_missed_entry(site: Site) -> None:
    site.record(*seen(9, 12, "?"), *seen(9, 12, "ada"), came(13, "?"), rules=WITH_ROOM)
    assert figures(site.report("today"))["occupancy"] == 3
    assert figures(site.report("usage"))["entries"] == 1


def test_corrections_and_events_of_an_operator_count(site: Site) -> None:
    site.record(*MORNING)
    wrong = next(each for each in site.store.events.select() if each.at == DAY + timedelta(hours=9))
    left = event("exit", 12, "ada", OPERATOR)
    site.store.events.correct(
        [
            Correction(action=Action.VOID, event_id=wrong.event_id, by="ann", at=NOW),
            Correction(action=Action.ADD, event_id=left.event_id, event=left, by="ann", at=NOW),
        ]
    )
    found = figures(site.report("today"))
    assert (found["occupancy"], found["entries"]) == (0, 3)
    assert figures(site.report("usage"))["exits"] == 3


def test_a_late_name_changes_no_count(site: Site) -> None:
    site.record(*MORNING)
    before = figures(site.report("usage"))
    anonymous = next(each for each in site.store.events.select() if each.at == DAY + timedelta(hours=8.5))
    named = replace(anonymous, person_id="bob", event_id="")
    void = Correction(action=Action.VOID, event_id=anonymous.event_id, by="footfall", at=NOW)
    site.store.record(Observation(events=[named], corrections=[void]))
    after = figures(site.report("usage"))
    changed = {key for key in before if before[key] != after[key]}
    assert changed <= {"recognised", "recognised_share", "visitors", "new", "median_dwell_s"}
    assert (after["recognised"], after["entries"]) == (3, 4)


@pytest.mark.parametrize("rules", [FACES, Rules(), Rules(entrances=DOORS, counted=DOORS)])
def test_a_site_that_does_not_count_everybody_counts_visits(site: Site, rules: Rules) -> None:
    site.record(*MORNING, rules=rules)
    report = site.report("usage")
    found = figures(report)
    assert (found["recognised"], found["recognised_share"]) == (None, None)
    assert {sheet.name for sheet in report.sheets} == {"usage"}
    assert found["entries"] == len(site.store.sessions.select(site_id="main", now=NOW))
    assert figures(site.report("today"))["recognised_inside"] is None


def test_visits_count_until_somebody_unidentified_comes(site: Site) -> None:
    """As where a door may count everybody, but has no network for bodies, or did not yet run with one."""
    site.record(came(8, "ada"), went(8.9, "ada"), came(8.95, "ada"))
    found = figures(site.report("usage"))
    assert (found["entries"], found["recognised"], found["peak"]) == (1, None, 1)
    assert figures(site.report("usage", camera="door"))["recognised"] is None
    site.record(came(9, "?"))
    assert figures(site.report("usage"))["entries"] == 3


def test_usage_by_person_counts_visits(site: Site) -> None:
    site.record(*MORNING)
    site_, query = site_of_report(Settings(), site.store), ReportQuery(since=DAY, until=DAY + timedelta(days=1))
    report = people_report(select(site.store, site_, query, NOW))
    assert figures(report)["entries"] == sum(row["visits"] for row in report.main.rows) == 2


def test_a_group_counts_visits(site: Site) -> None:
    site.record(*MORNING)
    assert figures(site.report("usage", group="nobody"))["entries"] == 0
    assert figures(site.report("usage", group="nobody"))["recognised"] is None


# -- rooms without doors


def test_unidentified_people_in_view_of_a_room_are_in(site: Site) -> None:
    site.record(*seen(9, 12, "ada"), *seen(10, 11, "?"), *seen(14, 15, "bob"), rules=ROOMS)
    assert steps(site.report("today")) == [(0, 0), (9, 1), (10, 2), (11, 1), (12, 0), (14, 1), (15, 0), (20, 0)]
    found = figures(site.report("usage"))
    assert (found["entries"], found["recognised"], found["peak"]) == (2, None, 2)


def test_one_person_at_two_cameras_is_not_counted_twice(site: Site) -> None:
    site.record(*seen(9, 12, "ada"), *seen(10, 11, "?", "bar"), rules=ROOMS)
    assert steps(site.report("today")) == [(0, 0), (9, 1), (12, 0), (20, 0)]


def test_staff_in_view_are_left_out_of_the_people_in_rooms(site: Site) -> None:
    site.record(*seen(9, 12, "sue"), *seen(10, 11, "?"), rules=ROOMS)
    assert steps(site.report("today")) == [(0, 0), (10, 1), (11, 0), (20, 0)]
    assert steps(site.report("today", staff=True)) == [(0, 0), (9, 1), (10, 2), (11, 1), (12, 0), (20, 0)]


def test_nobody_recognised_is_no_lack_of_proof(site: Site) -> None:
    site.record(came(9, "?"), came(9.5, "?"))
    assert figures(site.report("today"))["occupancy"] == 2
    assert site.report("usage").sheet("usage").rows[0]["entries"] == 2
    assert "nobody was recognised" in site.report("usage").sheet("usage").empty


# -- kept in memory


def assert_same(got: Frames, wanted: Frames, edges: Sequence[datetime], now: datetime) -> None:
    assert got.steps.equals(wanted.steps)
    for each in (got, wanted):
        assert each.count is not None
    usages = [rows_of(measures.usage(each, edges, zone=UTC)) for each in (got, wanted)]
    means = [rows_of(occupancy.by_period(each, edges, now=now)) for each in (got, wanted)]
    assert repr(usages[0]) == repr(usages[1])
    assert repr(means[0]) == repr(means[1])


@pytest.mark.parametrize("rules", [WITH_ROOM, ROOMS])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_in_memory_is_what_is_stored(site: Site, seed: int, rules: Rules) -> None:
    random = Random(seed)
    site.record(*seen(8, 9, "?"), rules=rules)
    for _ in range(25):
        hour, person = random.choice([-600, -300, -100, -5, 0, 3]) + random.random() * 9, random.choice(["?", "ada"])
        events = site.store.events.select()
        match random.choice(["cross", "view", "view", "void", "wait", "stay", "merge"]):
            case "cross":
                site.record(random.choice([came, went])(hour, person, random.choice(["door", "gate"])), rules=rules)
            case "view":
                site.record(*seen(hour, hour + random.choice([0.1, 1, 30]), person), rules=rules)
            case "stay":
                site.record(seen(hour, hour + 1, person)[0], rules=rules)
            case "void":
                wrong = random.choice(events).event_id
                correction = Correction(action=Action.VOID, event_id=wrong, by="ann", at=site.now)
                site.store.events.correct([correction])
            case "merge" if random.random() < 0.3 and site.store.people.by_name("Bob"):
                site.store.people.merge("bob", "ada")
            case _:
                site.now += timedelta(hours=random.choice([1, 30]))
        days = random.choice([1, 3, 40])
        until = site.now.replace(hour=0, minute=0) + timedelta(days=random.choice([1, 1, -3]))
        query = ReportQuery(since=until - timedelta(days=days), until=until)
        edges = [until - timedelta(days=days), min(until, site.now)]
        assert_same(site.frames(query, cached=True), site.frames(query), edges, site.now)


# -- where unidentified people do not show


def test_unidentified_people_are_no_people(site: Site) -> None:
    site.record(*MORNING)
    assert {person.person_id for person in site.store.people.all()} == {"ada", "bob", "sue"}
    sessions = site.store.sessions.select(site_id="main", now=NOW)
    assert {each.person_id for each in sessions} == {"ada", "bob"}
    with site.store.sessions.snapshot("main") as snapshot:
        assert snapshot.has_unidentified()


def test_an_id_of_another_system_is_a_person(site: Site) -> None:
    site.store.people.add(Person(person_id="u-1001", name="Uma", created_at=DAY, kind=PersonKind.ENROLLED), _NO_VECTORS)
    site.record(came(8, "u-1001"), went(9, "u-1001"))
    assert [each.person_id for each in site.store.sessions.select(site_id="main", now=NOW)] == ["u-1001"]
    assert figures(site.report("usage"))["recognised_share"] is None
    site.record(came(10, "?"))
    assert figures(site.report("usage"))["recognised_share"] == 0.5
