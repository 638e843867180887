"""Coverage of cameras in the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracker.presence.coverage import CoverageSpan
from tracker.store.observation import Observation
from tracker.store.store import Store


def watch(records: Any, start: float, end: float, camera_id: str = "front", site_id: str = "gym") -> CoverageSpan:
    return CoverageSpan(site_id=site_id, camera_id=camera_id, started_at=records.at(start), ended_at=records.at(end))


def test_a_coverage_span_grows_and_never_shrinks(store: Store, records: Any, reopened: Callable[[], Store]) -> None:
    for end in (10, 30, 20):
        store.record(Observation(coverage=[watch(records, 0, end)]))
    assert reopened().cameras.coverage() == [watch(records, 0, 30)]


def test_each_start_is_a_separate_coverage_span(store: Store, records: Any) -> None:
    parts = [watch(records, 500, 600), watch(records, 0, 30), watch(records, 0, 30, "back")]
    for part in parts:
        store.record(Observation(coverage=[part]))
    assert store.cameras.coverage("gym") == [parts[2], parts[1], parts[0]]


def test_coverage_of_another_site_is_separate(store: Store, records: Any) -> None:
    store.record(Observation(coverage=[watch(records, 0, 30, site_id="office")]))
    assert store.cameras.coverage("gym") == []
    assert len(store.cameras.coverage("office")) == len(store.cameras.coverage()) == 1
