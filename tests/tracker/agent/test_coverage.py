"""The coverage that an agent records."""

from __future__ import annotations

from pathlib import Path

from tests.tracker.fake_cameras import ADA, AgentHarness, at, scene, seconds
from tracker.presence.coverage import Coverage


def test_outages_between_frames_and_between_runs_are_found_in_the_store(tmp_path: Path) -> None:
    harness = AgentHarness(tmp_path / "gym.sqlite3")
    harness.play([*scene(0, 100, ADA, fps=1), *scene(400, 500, fps=1)])
    harness.play(scene(530, 600, fps=1))
    assert [(seconds(each.started_at), seconds(each.ended_at)) for each in harness.store.cameras.coverage("gym")] == [
        (0, 100), (400, 500), (530, 600),
    ]  # fmt: skip
    outages = Coverage(harness.store.cameras.coverage("gym"), now=at(600)).outages(at(0), at(600))
    assert [(seconds(each.started_at), seconds(each.ended_at)) for each in outages] == [(100, 400)]
