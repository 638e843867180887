"""Selection: exactly the sessions of the range, of long and open visits, other sites and other rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.settings import CameraSettings, PresenceSettings, Settings, SiteSettings
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import ANONYMOUS_PREFIX, CameraRef, Event, EventKind
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.rules import Rules, Site
from tracker.reports.periods import Period
from tracker.reports.selection import NotRecordedError, ReportQuery, select, site_of_report
from tracker.reports.sheets import Report
from tracker.reports.tables import today_report, usage_report, visits_report
from tracker.store.observation import Observation
from tracker.store.site_settings import site_of
from tracker.store.store import Store

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 29, 11, tzinfo=UTC)
DAY = datetime(2026, 11, 29, tzinfo=BERLIN)


def at(days: int, hour: int, minute: int = 0) -> datetime:
    """A time on the day so many days before today, in Berlin."""
    return DAY - timedelta(days=days) + timedelta(hours=hour, minutes=minute)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.sqlite3", clock=lambda: NOW) as opened:
        yield opened


def settings(**more: object) -> Settings:
    site = SiteSettings(id="gym", name="The gym", time_zone="Europe/Berlin", capacity=10)
    return Settings(site=site, **more)


def visit(
    store: Store, person: str, begin: datetime, end: datetime | None, *, camera: str = "door", site: str = "gym"
) -> None:
    moments = [(EventKind.ENTER, begin), *([(EventKind.EXIT, end)] if end else [])]
    store.record(
        Observation(
            events=[
                Event(kind=kind, site_id=site, camera_id=camera, person_id=person, at=moment, track_id=f"{begin}")
                for kind, moment in moments
            ]
        )
    )


def query(first_days_ago: int, **more: object) -> ReportQuery:
    return ReportQuery(since=at(first_days_ago, 0), until=NOW, **more)


def rows(report: Report) -> list[tuple[str, bool]]:
    return [(row["person_id"], row["ended_at"] is None) for row in report.main.rows]


def test_somebody_in_for_days_is_shown_in_every_range(store: Store) -> None:
    store.sites.save(Site(site_id="gym", rules=Rules(max_visit=timedelta(days=5), zone=BERLIN)))
    visit(store, "res", at(3, 8), None)
    site = site_of_report(settings(), store)
    today = today_report(select(store, site, ReportQuery(), NOW))
    assert [(row["person_id"], row["started_at"]) for row in today.main.rows] == [("res", at(3, 8))]
    assert today.figures[1].value == 1
    for days in (0, 1, 7, 40):
        assert rows(visits_report(select(store, site, query(days), NOW))) == [("res", True)]


def test_a_visit_longer_than_the_range_and_the_month_is_shown(store: Store) -> None:
    store.sites.save(Site(site_id="gym", rules=Rules(max_visit=timedelta(days=90), zone=BERLIN)))
    visit(store, "guest", at(60, 8), at(1, 9))
    site = site_of_report(settings(), store)
    assert rows(visits_report(select(store, site, query(2), NOW))) == [("guest", False)]
    assert rows(visits_report(select(store, site, query(0), NOW))) == []


def test_a_short_max_visit_hides_nobody_at_midnight(store: Store) -> None:
    late = datetime(2026, 11, 28, 23, 10, tzinfo=UTC)  # ten past midnight in Berlin
    store.sites.save(Site(site_id="gym", rules=Rules(max_visit=timedelta(hours=2), zone=BERLIN)))
    visit(store, "owl", at(1, 23, 30), None)
    found = today_report(select(store, site_of_report(settings(), store), ReportQuery(), late))
    assert rows(found) == [("owl", True)]


def test_a_visit_after_more_than_a_year_is_returning(store: Store) -> None:
    visit(store, "old", at(400, 8), at(400, 9))
    visit(store, "old", at(0, 8), at(0, 9))
    visit(store, "new", at(0, 8), at(0, 9))
    found = usage_report(select(store, site_of_report(settings(), store), query(7), NOW), Period.DAY)
    figures = {figure.key: figure.value for figure in found.figures}
    assert (figures["visitors"], figures["returning"], figures["new"]) == (2, 1, 1)


def test_another_site_has_its_own_name_capacity_clock_and_rules(store: Store) -> None:
    new_york = ZoneInfo("America/New_York")
    rules = Rules(zone=new_york, min_visit=timedelta(minutes=30))
    store.sites.save(Site(site_id="ny", name="New York", capacity=3, rules=rules))
    visit(store, "nyer", at(1, 15), at(1, 15, 10), site="ny")
    site = site_of_report(settings(), store, "ny")
    assert (site.name, site.capacity, site.zone) == ("New York", 3, new_york)
    found = visits_report(select(store, site, query(7), NOW))
    assert (found.site_name, found.capacity, found.zone) == ("New York", 3, new_york)
    assert found.main.rows[0]["bounce"]


def test_an_undescribed_site_does_not_get_the_name_of_another(store: Store) -> None:
    visit(store, "nyer", at(1, 15), at(1, 16), site="ny")
    site = site_of_report(settings(), store, "ny")
    assert (site.name, site.capacity, site.zone.key) == ("ny", None, "UTC")
    with pytest.raises(NotRecordedError, match="nothing is known of 'office'"):
        site_of_report(settings(), store, "office")


def test_other_rules_in_the_settings_are_noted_until_a_write(store: Store) -> None:
    visit(store, "ada", at(0, 8), at(0, 8, 5))
    changed = settings(presence=PresenceSettings(min_visit_s=600))
    site = site_of_report(changed, store)
    found = visits_report(select(store, site, query(0), NOW))
    assert "other rules for visits" in found.notes[-1]
    assert not found.main.rows[0]["bounce"]
    store.sites.save(site_of(changed))
    found = visits_report(select(store, site_of_report(changed, store), query(0), NOW))
    assert not any("other rules" in note for note in found.notes)
    assert found.main.rows[0]["bounce"]


def test_settings_without_rules_read_a_store_without_a_note(store: Store) -> None:
    store.sites.save(Site(site_id="gym", rules=Rules(min_visit=timedelta(minutes=9), entrances=frozenset({"door"}))))
    assert site_of_report(settings(), store).notes == ()


def test_a_door_has_the_visits_that_began_or_ended_there(store: Store) -> None:
    rules = Rules(zone=BERLIN, entrances=frozenset({"in", "side"}), exits=frozenset({"out"}))
    store.sites.save(Site(site_id="gym", rules=rules))
    visit(store, "ada", at(0, 8), None, camera="in")
    visit(store, "bob", at(0, 9), None, camera="side")
    store.record(
        Observation(
            events=[
                Event(
                    kind=EventKind.EXIT, site_id="gym", camera_id="out", person_id="ada", at=at(0, 10), track_id="t"
                )
            ]
        )
    )  # fmt: skip
    site = site_of_report(settings(), store)
    people = {}
    for camera in ("in", "side", "out"):
        found = visits_report(select(store, site, query(0, camera_id=camera), NOW))
        people[camera] = [row["person_id"] for row in found.main.rows]
    assert people == {"in": ["ada"], "side": ["bob"], "out": ["ada"]}


def test_a_room_includes_long_presences(store: Store) -> None:
    store.sites.save(Site(site_id="gym", rules=Rules(zone=BERLIN, rooms=frozenset({"hall"}))))
    entered = at(2, 9)
    presence = Presence(
        site_id="gym", camera_id="hall", person_id="res", track_id=f"{entered}", entered_at=entered, seen_at=NOW,
        x_frac=0.5, y_frac=0.5,
    )  # fmt: skip
    visit(store, "res", entered, None, camera="hall")
    store.record(Observation(camera=CameraRef("gym", "hall"), presences=[presence]))
    site = site_of_report(settings(), store)
    found = visits_report(select(store, site, query(0, camera_id="hall"), NOW))
    assert [(row["person_id"], row["started_at"]) for row in found.main.rows] == [("res", entered)]
    with pytest.raises(NotRecordedError, match="nothing is known of 'cellar'"):
        select(store, site, query(0, camera_id="cellar"), NOW)


def test_a_camera_of_the_settings_without_records_is_known(store: Store) -> None:
    camera = CameraSettings(id="yard", source="0")
    site = site_of_report(settings(camera=(camera,)), store)
    assert visits_report(select(store, site, query(0, camera_id="yard"), NOW)).main.rows == []


def test_coverage_is_that_of_the_whole_history(store: Store) -> None:
    for days in range(40, -1, -1):
        span = CoverageSpan(site_id="gym", camera_id="door", started_at=at(days, 6), ended_at=min(at(days, 20), NOW))
        store.record(Observation(coverage=[span]))
    site = site_of_report(settings(), store)
    part, whole = (store.cameras.coverage("gym", since=since, until=NOW) for since in (at(2, 0), None))
    assert len(part) < 6 < len(whole)
    found = select(store, site, query(2), NOW)
    assert found.coverage.recorded_since == at(40, 6)
    assert [round(each.length_s / 3600) for each in found.coverage.outages(at(2, 0), NOW)] == [6, 10, 10]


def test_the_person_of_a_report_has_all_visits(store: Store) -> None:
    visit(store, "ada", at(400, 8), at(400, 9))
    visit(store, "bob", at(0, 8), at(0, 9))
    found = select(store, site_of_report(settings(), store), query(0, person_id="ada"), NOW)
    assert len(found.frames.visits) == 1
    assert found.person("ada") == Person(person_id="ada", name="ada", created_at=datetime.min.replace(tzinfo=UTC))
    assert found.person(f"{ANONYMOUS_PREFIX}1").name == "Forgotten person"
