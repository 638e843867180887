"""Kill agents at random instants and check the stores that they leave; test_kill.py runs it in its own process.

Each trial forks an agent over a copy of a prepared store. The agent is killed by a signal after a random time, or kills
itself before a random statement of a write, its COMMIT included. Then the next agent runs.
Prints one JSON line: trials, agents that died during their run, and errors.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from config.settings import PresenceSettings
from tests.tracker.fake_cameras import ADA, BOB, EVE, AgentHarness, ScriptedCamera, ScriptStep, at, picture, seconds
from tests.tracker.role_cameras import RoleCamera, empty, walk
from tracker.presence.events import Event
from tracker.presence.sessions import Session, sessions
from tracker.store.site_settings import rules_of
from tracker.store.store import Store

PRESENCE = PresenceSettings(exit_after_s=2.0, merge_gap_s=10.0)
RULES = rules_of(PRESENCE)
END_S = 34.0
VISIBLE_S = {ADA: [(1, 6), (9.5, 12)], BOB: [(2, 14), (27, 30)], EVE: [(3, 8)]}
SLACK_S = 7.0
"""A name takes a few sightings, and a presence is stored every five seconds."""


def room(start_s: float = 0.0, end_s: float = END_S) -> list[ScriptStep]:
    """Two members and a stranger enter and leave; two frames a second."""
    frames = []
    for index in range(round(start_s * 2), round(end_s * 2) + 1):
        moment = index / 2
        faces = [who if any(a <= moment <= b for a, b in stays) else 0 for who, stays in VISIBLE_S.items()]
        frames.append((moment, picture(*faces)))
    return list(frames)


def door() -> list[ScriptStep]:
    """Ada goes in, Bob goes out."""
    return [*walk(0, range(20, 90, 10)), *empty(4, 8), *walk(9, range(80, 10, -10), name="bob"), *empty(13, 20)]


class Trial:
    """A copy of a store, and the agents that run over it."""

    def __init__(self, template: Path, folder: Path, kind: type[AgentHarness]) -> None:
        self.path = folder / "footfall.sqlite3"
        shutil.copy(template, self.path)
        self._kind = kind

    def run(
        self, script: Sequence[ScriptStep], *, seen: Callable[[], None] = lambda: None, fatal: int | None = None
    ) -> int:
        """Run one agent over the script, in this process. fatal: the statement of a write before which it is killed.

        Returns the number of statements of its writes.
        """
        harness = self._kind(self.path, presence=PRESENCE)
        with harness.store:
            statements = _kill_before(harness.store, fatal or 0)
            steps: list[ScriptStep] = [each for step in script for each in (seen, step)]
            if isinstance(harness, RoleCamera):
                harness.watch(steps)
            else:
                harness.agent(ScriptedCamera(steps)).run(threading.Event())
        return -statements[0] + (fatal or 0)

    def killed(self, script: Sequence[ScriptStep], *, delay_s: float, fatal: int | None) -> int | None:
        """Run and kill an agent. Returns how many frames it was given, None if it had finished before."""
        read_end, write_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read_end)
            try:
                self.run(script, seen=lambda: os.write(write_end, b"."), fatal=fatal)
            finally:
                os._exit(0)
        os.close(write_end)
        os.read(read_end, 1)
        if fatal is None:
            time.sleep(delay_s)
            os.kill(child, signal.SIGKILL)
        frames = 1
        while chunk := os.read(read_end, 4096):
            frames += len(chunk)
        os.close(read_end)
        _, status = os.waitpid(child, 0)
        return frames if os.WIFSIGNALED(status) else None


def _kill_before(store: Store, fatal: int) -> list[int]:
    """Kill this process before statement `fatal` of its writes. Returns the counter of statements that are left."""
    left = [fatal]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with store.database.writing() as writing:
        writing.connection.set_trace_callback(count)
    return left


def violations(path: Path) -> list[str]:
    """Invariants of a store that do not hold."""
    found = []
    with sqlite3.connect(path) as connection:
        if connection.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            found.append("the file is damaged")
    connection.close()
    with Store(path).open(create=False) as store:
        batch = sessions(store.events.select(), rules=RULES, now=at(100), presences=store.cameras.presences())
        if store.sessions.select(site_id="gym", rules=RULES, now=at(100)) != batch:
            found.append("the visits are not those of the events")
    return found


def recorded(path: Path) -> tuple[list[Event], list[Session], int]:
    with Store(path).open(create=False) as store:
        found = store.sessions.select(site_id="gym", rules=RULES, now=at(100))
        return store.events.select(), found, len(store.people.all())


def replay_errors(
    trial: Trial, script: Sequence[ScriptStep], truth: tuple[list[Event], list[Session], int]
) -> list[str]:
    """A recording is played from its start: what is in the store must equal the result of one uninterrupted run."""
    trial.run(script)
    found = recorded(trial.path)
    return [] if found == truth else [f"played again: {summary(found[0])} instead of {summary(truth[0])}"]


def resume_errors(trial: Trial, frames: int, truth: tuple[list[Event], list[Session], int]) -> list[str]:
    """A live camera continues with the next frame: the same visits, within what was not stored yet."""
    trial.run(room()[frames:] or room()[-1:])
    events, found, people = recorded(trial.path)
    errors = [] if people == truth[2] else [f"resumed: {people} people"]
    pairs = list(zip(ordered(found), ordered(truth[1]), strict=False))
    if len(found) != len(truth[1]) or any(name(ours) != name(true) for ours, true in pairs):
        return [*errors, f"resumed after {frames}: {summary(events)}"]
    for ours, true in pairs:
        if ours.ended_at is None or true.ended_at is None:
            errors.append("resumed: a visit is open")
        elif max(abs(ours.started_at - true.started_at), abs(ours.ended_at - true.ended_at)).total_seconds() > SLACK_S:
            errors.append(f"resumed after {frames}: {summary(events)}")
    return errors + pairing_errors(events)


def name(visit: Session) -> str:
    """A member's id; a stranger who was not stored yet gets another id after the restart."""
    return visit.person_id if visit.person_id.startswith("p-") else "stranger"


def ordered(visits: Sequence[Session]) -> list[Session]:
    return sorted(visits, key=lambda visit: (name(visit), visit.started_at))


def closing_errors(trial: Trial, frames: int) -> list[str]:
    """Nobody is in view after the restart: people who were in left at their last stored sighting."""
    with Store(trial.path).open(create=False) as store:
        open_ = store.cameras.presences()
    trial.run([(frames / 2 + second, picture()) for second in range(12)])
    events, found, _ = recorded(trial.path)
    ends = {(event.person_id, event.at) for event in events if event.kind == "exit"}
    errors = [
        f"not closed when last seen: {summary(events)}" for each in open_ if (each.person_id, each.seen_at) not in ends
    ]
    if any(visit.ended_at is None for visit in found):
        errors.append("after closing: a visit is open")
    return errors + pairing_errors(events)


def pairing_errors(events: Sequence[Event]) -> list[str]:
    """Each person's events must be enter, exit, enter, exit."""
    for person_id in {event.person_id for event in events}:
        kinds = [event.kind for event in events if event.person_id == person_id]
        if kinds[0] != "enter" or any(one == other for one, other in pairwise(kinds)):
            return [f"lost or duplicate: {summary(events)}"]
    return []


def summary(events: Sequence[Event]) -> list[str]:
    return [f"{event.person_id[:4]} {event.kind} {seconds(event.at):g}" for event in events]


class Scenario:
    """The start of all trials of one kind: a prepared store, a script, and the records of an uninterrupted run."""

    def __init__(self, home: Path, kind: type[AgentHarness], script: list[ScriptStep]) -> None:
        self.kind = kind
        self.script = script
        self.template = home / f"{kind.__name__}.sqlite3"
        harness = kind(self.template)
        harness.enrol("Ada", ADA)
        harness.enrol("Bob", BOB)
        harness.store.sites.use_default_rules(RULES)
        harness.store.close()
        Trial(self.template, home, kind).run(script)  # warm up
        whole = Trial(self.template, home, kind)
        begun = time.perf_counter()
        self.statements = whole.run(script)
        self.length_s = time.perf_counter() - begun
        self.truth = recorded(whole.path)


def run_trial(scenario: Scenario, folder: Path, number: int, rng: random.Random) -> tuple[bool, list[str]]:
    """One trial: whether the agent died during its run, and the errors found."""
    trial = Trial(scenario.template, folder, scenario.kind)
    fatal = rng.randrange(1, scenario.statements) if number % 2 else None
    frames = trial.killed(scenario.script, delay_s=rng.uniform(0, scenario.length_s), fatal=fatal)
    errors = violations(trial.path)
    if scenario.kind is RoleCamera or frames is None or number % 3 == 0:
        errors += replay_errors(trial, scenario.script, scenario.truth)
    elif number % 3 == 1:
        errors += resume_errors(trial, frames, scenario.truth)
    else:
        errors += closing_errors(trial, frames)
    return frames is not None, errors + violations(trial.path)


def main(kills: int, seed: int) -> None:
    rng = random.Random(seed)
    trials, died, errors = 0, 0, list[str]()
    memory = Path("/dev/shm")  # noqa: S108 - a file system in memory, which outlives a killed process too
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        for part in ("truth", "trial"):
            (Path(home) / part).mkdir()
        scenarios = [
            Scenario(Path(home) / "truth", kind, script)
            for kind, script in ((AgentHarness, room()), (RoleCamera, door()))
        ]
        while died < kills and trials < 2 * kills:
            folder = Path(tempfile.mkdtemp(dir=Path(home) / "trial"))
            was_killed, found = run_trial(scenarios[trials % 4 == 3], folder, trials, rng)
            died += was_killed
            errors += [f"trial {trials}: {each}" for each in found]
            shutil.rmtree(folder)
            trials += 1
    truth = {scenario.kind.__name__: summary(scenario.truth[0]) for scenario in scenarios}
    sys.stdout.write(json.dumps({"trials": trials, "died": died, "errors": errors, "truth": truth}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
