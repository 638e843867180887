"""Reassigned tracks, and agents that are killed during the reassignment.

Ada's face vector is one axis, Zoe's is rotated from it by 50 degrees. A vector at 20 degrees is Ada's, at 45 Zoe's, and
both are near enough to each other to belong to one track.

test_turns.py runs it in its own process: twenty agents kill themselves, each before another statement of their writes.
Prints one JSON line: the errors, and who had entered according to the stores then.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.tracker.fake_cameras import ADA, BLENDED, AgentHarness, ScriptStep, scene
from tests.tracker.kill_harness import RULES, Trial, recorded, replay_errors, violations

LIKE_ADA, LIKE_ZOE, ZOE = BLENDED + 4, BLENDED + 9, BLENDED + 10
TURNS: list[ScriptStep] = [*scene(10, 12, LIKE_ADA), *scene(12.5, 20, LIKE_ZOE)]
"""Ada by five faces, then Zoe."""
KILLS = 20


def main(home: Path) -> None:
    harness = AgentHarness(home / "template.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Zoe", ZOE)
    harness.store.sites.use_default_rules(RULES)
    harness.store.close()
    script = [*TURNS, *scene(20.5, 30)]
    whole = Trial(harness.path, home, AgentHarness)
    statements = whole.run(script)
    truth = recorded(whole.path)
    left: set[tuple[str, ...]] = set()
    errors: list[str] = []
    for number in range(KILLS):
        folder = home / str(number)
        folder.mkdir()
        trial = Trial(harness.path, folder, AgentHarness)
        fatal = 2 + number * (statements - 3) // (KILLS - 1)
        if trial.killed(script, delay_s=0, fatal=fatal) is None:
            errors.append(f"not killed before statement {fatal} of {statements}")
        left.add(tuple(each.person_id for each in recorded(trial.path)[0] if each.kind == "enter"))
        errors += [*violations(trial.path), *replay_errors(trial, script, truth)]
    sys.stdout.write(json.dumps({"errors": errors, "left": sorted(left)}) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
