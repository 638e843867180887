"""A track that turns out to be somebody else's, and agents that are killed meanwhile.

Ada's face points along one axis, Zoe's is turned from it by 50 degrees. At 20 a face is Ada's, at 45 Zoe's, and both
are near enough to each other to be of one track.

Run by test_agent_turns.py in a process of its own: twenty agents die by their own hand, each before another statement
of their writes. Prints one JSON line: what was wrong, and who had come in as far as the stores reported then.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tests.tracker.fake_cameras import ADA, BLENDED, AgentHarness, ScriptStep, scene
from tests.tracker.kill_harness import RULES, Trial, history, played_again, wrongs

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
    truth = history(whole.path)
    left: set[tuple[str, ...]] = set()
    wrong: list[str] = []
    for number in range(KILLS):
        folder = home / str(number)
        folder.mkdir()
        trial = Trial(harness.path, folder, AgentHarness)
        fatal = 2 + number * (statements - 3) // (KILLS - 1)
        if trial.killed(script, delay_s=0, fatal=fatal) is None:
            wrong.append(f"not killed before statement {fatal} of {statements}")
        left.add(tuple(each.person_id for each in history(trial.path)[0] if each.kind == "enter"))
        wrong += [*wrongs(trial.path), *played_again(trial, script, truth)]
    sys.stdout.write(json.dumps({"wrong": wrong, "left": sorted(left)}) + "\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(Path(folder))
