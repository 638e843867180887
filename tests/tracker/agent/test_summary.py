"""The summary of a tracked recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.fake_cameras import ADA, BLURRED, BOB, AgentHarness, ScriptStep, scene
from tracker.agent.summary import Summary


@pytest.mark.parametrize(
    ("cues", "expected"),
    [
        pytest.param([], None, id="no-frame"),
        pytest.param(scene(0, 0.1), "1 frame, no face found", id="empty-frame"),
        pytest.param(scene(0, 2), "5 frames, no face found", id="empty-room"),
        pytest.param([*scene(0, 5, ADA), *scene(5.5, 9)], "19 frames, 1 track, it has a name", id="named"),
        pytest.param(scene(0, 5, ADA, BOB), "11 frames, 2 tracks, each has a name", id="both-named"),
        pytest.param(scene(0, 5, BLURRED + ADA), "11 frames, 1 track, nobody named: too blurred", id="too-poor"),
        pytest.param(
            scene(0, 5, ADA, BLURRED + BOB), "11 frames, 2 tracks, 1 without a name: too blurred", id="one-too-poor"
        ),
        pytest.param(
            [*scene(0, 1, BOB), *scene(1.5, 6)],
            "13 frames, 1 track, nobody named: a stranger so far: 3 of 4 good sightings",
            id="too-short",
        ),
        pytest.param([*scene(0, 0.5, BOB), *scene(1, 6)], "13 frames, faces only for a moment", id="a-flicker"),
    ],
)
def test_summary_has_frames_tracks_and_reasons(tmp_path: Path, cues: list[ScriptStep], expected: str | None) -> None:
    harness, summary = AgentHarness(tmp_path / "store.sqlite3"), Summary()
    harness.enrol("Ada", ADA)
    for step in harness.play(cues):
        summary.add(step)
    assert summary.line() == expected
