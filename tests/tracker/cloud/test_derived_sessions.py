"""Sessions and days are written by the deriver that the site's document names, and by no other machine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE, Cloud, Machine, assert_same, visits, wait_until
from tracker.store.observation import Observation


@pytest.fixture
def cloud(firestore_server: Firestore) -> Iterator[Cloud]:
    found = Cloud(firestore_server)
    yield found
    found.close()


def test_sessions_are_uploaded_by_the_one_machine_that_claimed_the_site(
    machine: Machine, cloud: Cloud, tmp_path: Path
) -> None:
    machine.record(3)
    machine.drain()
    other = Machine(tmp_path / "other.sqlite3", machine.firestore)
    other.record(2, first=100)
    other.drain()
    site = cloud.document(f"sites/{SITE}")
    assert site is not None
    assert site["derived_by"] == machine.store.outbox.machine_id()
    assert len(cloud.documents("sessions")) == 3
    assert len(cloud.events()) == 10
    other.close()


def test_sessions_are_not_uploaded_if_the_functions_derive_them(machine: Machine, cloud: Cloud) -> None:
    for fields in ({"derived_by": "functions"}, {"visits_by": "functions"}):
        machine.firestore.client().document(f"sites/{SITE}").set(fields)
        machine.record(3)
        machine.drain()
        assert cloud.documents("sessions") == {}


def test_a_machine_that_is_named_later_uploads_all_sessions(machine: Machine, cloud: Cloud) -> None:
    site = machine.firestore.client().document(f"sites/{SITE}")
    site.set({"derived_by": "functions"})
    machine.record(3)
    machine.drain()
    site.set({"derived_by": machine.store.outbox.machine_id()})
    machine.drain()
    assert len(cloud.documents("sessions")) == 3
    assert_same(cloud, [machine.store])


def test_a_store_without_events_of_its_own_derives_no_sessions(machine: Machine, cloud: Cloud) -> None:
    machine.record(3)
    with machine.store.database.writing() as writing:
        writing.connection.execute("UPDATE events SET downloaded = changed")
    machine.drain()
    assert cloud.documents("sessions") == {}
    assert cloud.document(f"sites/{SITE}") is None


def test_a_site_without_a_document_gets_one_with_the_settings_of_the_deriving_machine(
    firestore_server: Firestore, tmp_path: Path
) -> None:
    fields = {"name": "The gym", "time_zone": "Europe/Berlin", "capacity": 40, "rules": "{}"}
    machine, cloud = Machine(tmp_path / "s.sqlite3", firestore_server, site=fields), Cloud(firestore_server)
    machine.record(1)
    machine.drain()
    found = cloud.document(f"sites/{SITE}")
    assert found is not None
    assert {name: found[name] for name in fields} == fields
    firestore_server.client().document(f"sites/{SITE}").update({"name": "Our gym"})
    machine.terms = replace(machine.terms, site=fields | {"name": "Another name"})
    machine.record(1, first=100)
    machine.drain()
    assert (cloud.document(f"sites/{SITE}") or {})["name"] == "Our gym"
    machine.close()
    cloud.close()


def test_a_day_has_its_figures_in_a_document_rewritten_hourly(machine: Machine, cloud: Cloud) -> None:
    (enter, leave), _ = visits(1)
    machine.now = leave.at + timedelta(minutes=1)
    machine.store.record(Observation(events=[enter, leave]))
    clock = [0.0]
    uploader = machine.uploader(monotonic=lambda: clock[0])
    machine.start(uploader)
    wait_until(lambda: len(cloud.documents("days")) == 1)
    (day,) = cloud.documents("days").values()
    assert (day["entries"], day["exits"], day["visitors"], day["peak"], day["measured"]) == (1, 1, 1, 1, 1)
    assert (day["dwell_s"], day["peak_at"]) == (1800.0, enter.at)
    later, _ = visits(1, first=60)
    machine.now = later[1].at + timedelta(minutes=1)
    machine.store.record(Observation(events=later))
    wait_until(lambda: len(cloud.documents("sessions")) == 2)
    assert [each["entries"] for each in cloud.documents("days").values()] == [1]
    clock[0] = 3601.0
    wait_until(lambda: [each["entries"] for each in cloud.documents("days").values()] == [2])
