"""Shared settings of a site, as a machine uses them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.errors import SettingsError
from config.settings import Settings
from tracker.presence.coverage import CoverageSpan
from tracker.presence.health import CameraState
from tracker.presence.rules import Rules, encode_rules
from tracker.store.inbox import Incoming
from tracker.store.observation import Observation
from tracker.store.site_settings import coverage_at_site, rules_at_site, settings_at_site
from tracker.store.store import Store

RULES = Rules(
    merge_gap=timedelta(seconds=77),
    closes_at=time(22, 30),
    zone=ZoneInfo("Asia/Tokyo"),
    entrances=frozenset({"in"}),
    exits=frozenset({"out"}),
    rooms=frozenset({"bar"}),
)
DOCUMENT = {
    "name": "The gym",
    "time_zone": "Asia/Tokyo",
    "capacity": 80,
    "rules": encode_rules(RULES),
    "settings": {"presence": {"min_visit_s": 60}},
}


@pytest.fixture
def flags(tmp_path: Path) -> dict[str, dict[str, object]]:
    store = {"url": "firestore://my-gym-1234", "file": str(tmp_path / "copy.sqlite3")}
    return {"store": store, "site": {"id": "gym"}}


def store_with(flags: dict[str, dict[str, object]], document: dict[str, Any]) -> Store:
    store = Store(Path(str(flags["store"]["file"]))).open()
    store.inbox.apply(Incoming(at=datetime.now(UTC), site={"gym": document}))
    return store


def test_shared_settings_apply_where_the_machine_has_none(flags: dict[str, dict[str, object]]) -> None:
    with store_with(flags, DOCUMENT) as store:
        found, refused = settings_at_site(None, flags)
        assert refused == {}
        assert (found.site.name, found.site.capacity, found.site.zone.key) == ("The gym", 80, "Asia/Tokyo")
        assert (found.presence.min_visit_s, found.presence.merge_gap_s) == (60, 77)
        assert rules_at_site(found, store) == replace(RULES, min_visit=timedelta(seconds=60))


def test_shared_settings_are_distinct_from_local_ones(flags: dict[str, dict[str, object]]) -> None:
    with store_with(flags, DOCUMENT):
        found, _ = settings_at_site(None, {**flags, "presence": {"merge_gap_s": 77}})
    assert (found.site.name, found.site.model_fields_set) == ("The gym", {"id"})
    assert (found.presence.min_visit_s, found.presence.model_fields_set) == (60, {"merge_gap_s"})


def test_camera_settings_name_the_ways_in(flags: dict[str, dict[str, object]], tmp_path: Path) -> None:
    file = tmp_path / "edge.toml"
    file.write_text('[[camera]]\nid = "front"\nsource = "0"\nrole = "entrance"\n')
    with store_with(flags, DOCUMENT) as store:
        found, _ = settings_at_site(file, flags)
        rules = rules_at_site(found, store)
    assert (rules.entrances, rules.exits, rules.rooms) == ({"front"}, set(), set())


def test_shared_settings_invalid_on_this_machine_are_ignored(flags: dict[str, dict[str, object]]) -> None:
    with store_with(flags, {"settings": {"match": {"stranger_distance": 0.56}, "quality": {"min_width": 40}}}):
        found, refused = settings_at_site(None, {**flags, "match": {"max_distance": 0.58}})
    assert found.match.max_distance == 0.58
    assert found.quality.min_width == 40
    assert list(refused) == ["match"]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"rules": "{}"},
        {"rules": 7},
        {"rules": '{"closes_at": "late"}'},
        {"rules": "[" * 9000},
        {"rules": encode_rules(RULES).replace("57600.0", "1e15")},
        {"rules": encode_rules(RULES).replace("Asia/Tokyo", "Europe")},
        {"time_zone": "Europe"},
        {"name": ["x"], "time_zone": 5, "capacity": "many"},
        {"settings": [1]},
        {},
    ],
    ids=lambda spoilt: str(spoilt)[:40],
)
def test_an_invalid_site_document_is_ignored(flags: dict[str, dict[str, object]], spoilt: Any) -> None:
    with store_with(flags, spoilt) as store:
        found, _ = settings_at_site(None, flags)
        assert found.presence == Settings().presence
        assert rules_at_site(found, store).entrances == frozenset()


def test_invalid_local_settings_are_an_error(flags: dict[str, dict[str, object]]) -> None:
    with store_with(flags, DOCUMENT), pytest.raises(SettingsError, match="merge_gap_s"):
        settings_at_site(None, {**flags, "presence": {"merge_gap_s": -5}})


def test_a_store_of_one_machine_shares_nothing(tmp_path: Path) -> None:
    found, refused = settings_at_site(None, {"store": {"url": f"sqlite:///{tmp_path / 'own.sqlite3'}"}})
    assert (found.site.name, refused) == ("My site", {})
    assert not (tmp_path / "own.sqlite3").exists()


@pytest.mark.parametrize(
    ("silent_s", "state", "source", "watches_on"),
    [
        (240, CameraState.LIVE, "", True),
        (2000, CameraState.LIVE, "", False),
        (240, CameraState.LOST, "", False),
        (240, CameraState.LIVE, "0", False),
    ],
    ids=["between-reports", "silent-for-long", "lost", "of-this-machine"],
)
def test_coverage_of_a_remote_camera_extends_between_heartbeats(
    flags: dict[str, dict[str, object]],
    records: Any,
    silent_s: float,
    state: CameraState,
    source: str,
    watches_on: bool,
) -> None:
    health = replace(records.health(frames=600, state=state), source=source)
    spans = [
        CoverageSpan(site_id="gym", camera_id="front", started_at=records.at(start), ended_at=records.at(end))
        for start, end in ((0, 100), (300, 590))
    ]
    now = records.at(600 + silent_s)
    with store_with(flags, {}) as store:
        for watch in spans:
            store.record(Observation(health=health, coverage=[watch]))
        found = coverage_at_site(settings_at_site(None, flags)[0], store, now)
    assert [each.ended_at for each in found] == [records.at(100), now if watches_on else records.at(590)]
