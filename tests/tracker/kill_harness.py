"""Kills agents at random instants and looks at what is left: run by test_kill.py in a process of its own.

Each trial forks an agent over a copy of a prepared store and kills it: either from outside after a random time, or by
its own hand before a random statement of a write, its COMMIT included. Then the next agent runs.
Prints one JSON line: how many trials, how many agents died in mid-run, and what was wrong.
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
IN_SIGHT = {ADA: [(1, 6), (9.5, 12)], BOB: [(2, 14), (27, 30)], EVE: [(3, 8)]}
SLACK_S = 7.0
"""A name takes a few sightings, and a presence is stored every five seconds."""


def room(start_s: float = 0.0, end_s: float = END_S) -> list[ScriptStep]:
    """Two members and a stranger come and go; two frames a second."""
    frames = []
    for index in range(round(start_s * 2), round(end_s * 2) + 1):
        moment = index / 2
        places = [who if any(a <= moment <= b for a, b in stays) else 0 for who, stays in IN_SIGHT.items()]
        frames.append((moment, picture(*places)))
    return list(frames)


def door() -> list[ScriptStep]:
    """Ada goes in, Bob goes out."""
    return [*walk(0, range(20, 90, 10)), *empty(4, 8), *walk(9, range(80, 10, -10), name="bob"), *empty(13, 20)]


class Trial:
    """A store of its own, and agents over it."""

    def __init__(self, template: Path, folder: Path, kind: type[AgentHarness]) -> None:
        self.path = folder / "footfall.sqlite3"
        shutil.copy(template, self.path)
        self._kind = kind

    def run(
        self, script: Sequence[ScriptStep], *, seen: Callable[[], None] = lambda: None, fatal: int | None = None
    ) -> int:
        """One agent over the script, in this process. fatal: the statement of a write before which it dies.

        Returns how many statements the writes had.
        """
        harness = self._kind(self.path, presence=PRESENCE)
        with harness.store:
            statements = _count(harness.store, fatal or 0)
            cues: list[ScriptStep] = [each for cue in script for each in (seen, cue)]
            if isinstance(harness, RoleCamera):
                harness.watch(cues)
            else:
                harness.agent(ScriptedCamera(cues)).run(threading.Event())
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


def _count(store: Store, fatal: int) -> list[int]:
    """Counts down with each statement of a write; this process dies when none is left."""
    left = [fatal]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    with store.database.writing() as writing:
        writing.connection.set_trace_callback(count)
    return left


def wrongs(path: Path) -> list[str]:
    """What no store may ever be, wherever an agent was killed."""
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


def history(path: Path) -> tuple[list[Event], list[Session], int]:
    with Store(path).open(create=False) as store:
        found = store.sessions.select(site_id="gym", rules=RULES, now=at(100))
        return store.events.select(), found, len(store.people.all())


def played_again(
    trial: Trial, script: Sequence[ScriptStep], truth: tuple[list[Event], list[Session], int]
) -> list[str]:
    """A recording is played from its start: what is in the store must be what one run would have reported."""
    trial.run(script)
    found = history(trial.path)
    return [] if found == truth else [f"played again: {reported(found[0])} instead of {reported(truth[0])}"]


def gone_on(trial: Trial, frames: int, truth: tuple[list[Event], list[Session], int]) -> list[str]:
    """A live camera goes on with the next frame: the same visits, give or take what was not yet stored."""
    trial.run(room()[frames:] or room()[-1:])
    events, found, people = history(trial.path)
    wrong = [] if people == truth[2] else [f"gone on: {people} people"]
    pairs = list(zip(by_person(found), by_person(truth[1]), strict=False))
    if len(found) != len(truth[1]) or any(name(ours) != name(true) for ours, true in pairs):
        return [*wrong, f"gone on after {frames}: {reported(events)}"]
    for ours, true in pairs:
        if ours.ended_at is None or true.ended_at is None:
            wrong.append("gone on: a visit is open")
        elif max(abs(ours.started_at - true.started_at), abs(ours.ended_at - true.ended_at)).total_seconds() > SLACK_S:
            wrong.append(f"gone on after {frames}: {reported(events)}")
    return wrong + unpaired(events)


def name(visit: Session) -> str:
    """A member's id; a stranger who was not stored yet gets another one after the restart."""
    return visit.person_id if visit.person_id.startswith("p-") else "stranger"


def by_person(visits: Sequence[Session]) -> list[Session]:
    return sorted(visits, key=lambda visit: (name(visit), visit.started_at))


def left_alone(trial: Trial, frames: int) -> list[str]:
    """Nobody is there when the camera looks again: whoever was in left when last seen."""
    with Store(trial.path).open(create=False) as store:
        open_ = store.cameras.presences()
    trial.run([(frames / 2 + second, picture()) for second in range(12)])
    events, found, _ = history(trial.path)
    ends = {(event.person_id, event.at) for event in events if event.kind == "exit"}
    wrong = [
        f"not closed when last seen: {reported(events)}" for each in open_ if (each.person_id, each.seen_at) not in ends
    ]
    if any(visit.ended_at is None for visit in found):
        wrong.append("left alone: a visit is open")
    return wrong + unpaired(events)


def unpaired(events: Sequence[Event]) -> list[str]:
    """Each person's events must be enter, exit, enter, exit."""
    for person_id in {event.person_id for event in events}:
        kinds = [event.kind for event in events if event.person_id == person_id]
        if kinds[0] != "enter" or any(one == other for one, other in pairwise(kinds)):
            return [f"lost or doubled: {reported(events)}"]
    return []


def reported(events: Sequence[Event]) -> list[str]:
    return [f"{event.person_id[:4]} {event.kind} {seconds(event.at):g}" for event in events]


class Stand:
    """What the trials of one kind start from: a prepared store, a script, and what one run over it reports."""

    def __init__(self, home: Path, kind: type[AgentHarness], script: list[ScriptStep]) -> None:
        self.kind = kind
        self.script = script
        self.template = home / f"{kind.__name__}.sqlite3"
        harness = kind(self.template)
        harness.enrol("Ada", ADA)
        harness.enrol("Bob", BOB)
        harness.store.sites.use_default_rules(RULES)
        harness.store.close()
        Trial(self.template, home, kind).run(script)  # what is slow the first time is over
        whole = Trial(self.template, home, kind)
        begun = time.perf_counter()
        self.statements = whole.run(script)
        self.length_s = time.perf_counter() - begun
        self.truth = history(whole.path)


def tried(stand: Stand, folder: Path, number: int, rng: random.Random) -> tuple[bool, list[str]]:
    """One trial: whether the agent died in mid-run, and what was wrong."""
    trial = Trial(stand.template, folder, stand.kind)
    fatal = rng.randrange(1, stand.statements) if number % 2 else None
    frames = trial.killed(stand.script, delay_s=rng.uniform(0, stand.length_s), fatal=fatal)
    wrong = wrongs(trial.path)
    if stand.kind is RoleCamera or frames is None or number % 3 == 0:
        wrong += played_again(trial, stand.script, stand.truth)
    elif number % 3 == 1:
        wrong += gone_on(trial, frames, stand.truth)
    else:
        wrong += left_alone(trial, frames)
    return frames is not None, wrong + wrongs(trial.path)


def main(kills: int, seed: int) -> None:
    rng = random.Random(seed)
    trials, died, wrong = 0, 0, list[str]()
    memory = Path("/dev/shm")  # noqa: S108 - a file system in memory, which outlives a killed process too
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as home:
        for part in ("truth", "trial"):
            (Path(home) / part).mkdir()
        stands = [
            Stand(Path(home) / "truth", kind, script) for kind, script in ((AgentHarness, room()), (RoleCamera, door()))
        ]
        while died < kills and trials < 2 * kills:
            folder = Path(tempfile.mkdtemp(dir=Path(home) / "trial"))
            was_killed, found = tried(stands[trials % 4 == 3], folder, trials, rng)
            died += was_killed
            wrong += [f"trial {trials}: {each}" for each in found]
            shutil.rmtree(folder)
            trials += 1
    truth = {stand.kind.__name__: reported(stand.truth[0]) for stand in stands}
    sys.stdout.write(json.dumps({"trials": trials, "died": died, "wrong": wrong, "truth": truth}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
