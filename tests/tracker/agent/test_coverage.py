"""What an agent leaves behind about when it watched."""

from __future__ import annotations

from pathlib import Path

from tests.tracker.puppets import ADA, Stage, at, scene, seconds
from tracker.presence.coverage import Coverage


def test_outages_between_frames_and_between_runs_are_found_in_the_store(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "gym.sqlite3")
    stage.play([*scene(0, 100, ADA, fps=1), *scene(400, 500, fps=1)])
    stage.play(scene(530, 600, fps=1))
    assert [(seconds(each.started_at), seconds(each.ended_at)) for each in stage.store.cameras.coverage("gym")] == [
        (0, 100), (400, 500), (530, 600),
    ]  # fmt: skip
    outages = Coverage(stage.store.cameras.coverage("gym"), now=at(600)).outages(at(0), at(600))
    assert [(seconds(each.started_at), seconds(each.ended_at)) for each in outages] == [(100, 400)]
