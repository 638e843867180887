"""kill -9 at any instant: no event is lost or duplicated, open visits resume or close at the last sighting."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = 80


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and kill -9")
def test_an_agent_may_be_killed_at_any_instant() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.tracker.kill_harness", str(KILLS), "9"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["errors"] == []
    assert report["died"] == KILLS
    assert [each.split()[1] for each in report["truth"]["RoleCamera"]] == ["enter", "exit"]
    assert len(report["truth"]["AgentHarness"]) == 10
