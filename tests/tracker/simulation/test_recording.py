"""A simulated site in a store: complete, or not there; and its totals."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.errors import StoreError
from tracker.presence.people import PersonKind
from tracker.simulation.people import people_of
from tracker.simulation.profiles import PROFILES, ProfileName
from tracker.simulation.recording import recording
from tracker.simulation.scenario import Noise, Scenario
from tracker.simulation.settings import SUFFIX
from tracker.simulation.site import Totals, simulate
from tracker.store.store import Store

SCENARIO = Scenario(
    profile=PROFILES[ProfileName.GYM],
    people=20,
    days=2,
    doors=1,
    rooms=1,
    first_day=date(2026, 1, 5),
    zone=ZoneInfo("Europe/Zurich"),
)
PEOPLE = people_of(SCENARIO)


def test_a_recorded_site_has_the_events_of_its_days_and_the_people_in_them(tmp_path: Path) -> None:
    path, totals = tmp_path / "site.sqlite3", Totals(until=SCENARIO.ends_at)
    with recording(path, SCENARIO, PEOPLE, until=SCENARIO.ends_at) as record:
        for day in simulate(SCENARIO, Noise(), PEOPLE):
            record(day)
            totals.add(day)
    with Store(path).open(create=False) as store:
        events, visitors = store.events.select(), store.people.all(kind=PersonKind.VISITOR)
        cameras = {each.camera_id for each in store.cameras.health(SCENARIO.site_id)}
    assert (totals.days, totals.inside, totals.missed) == (2, 0, 0)
    assert 0 < totals.most <= totals.segments
    assert len(events) == totals.events > 0
    assert {each.person_id for each in visitors} <= {each.person_id for each in events}
    assert cameras == set(SCENARIO.camera_ids)


def test_an_interrupted_recording_leaves_no_store(tmp_path: Path) -> None:
    def interrupted() -> None:
        with recording(tmp_path / "site.sqlite3", SCENARIO, PEOPLE, until=SCENARIO.ends_at) as record:
            record(next(simulate(SCENARIO, Noise(), PEOPLE)))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_store_in_use_and_a_settings_file_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "site.sqlite3"
    path.with_suffix(SUFFIX).write_text("[site]\n")
    with (
        pytest.raises(StoreError, match="exists already"),
        recording(path, SCENARIO, PEOPLE, until=SCENARIO.ends_at),
    ):
        pass
    assert [each.name for each in tmp_path.iterdir()] == [f"site{SUFFIX}"]
