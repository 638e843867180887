"""Timing of calls that take turns."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tracker.bench.timing import Timing, in_turn, machine


def test_all_calls_take_turns_in_every_round_in_another_order() -> None:
    called: list[str] = []
    names = ("a", "b", "c")
    calls = {name: lambda name=name: called.append(name) for name in names}
    walls = in_turn(calls, rounds=20, rng=np.random.default_rng(1))
    rounds = [tuple(called[start : start + 3]) for start in range(0, 60, 3)]
    assert {tuple(sorted(each)) for each in rounds} == {names}
    assert len(set(rounds)) > 3
    assert {name: len(found) for name, found in walls.items()} == dict.fromkeys(names, 20)


def test_what_takes_longer_measures_longer() -> None:
    calls = {"quick": lambda: None, "slow": lambda: time.sleep(0.005)}
    walls = in_turn(calls, rounds=3, rng=np.random.default_rng(1))
    assert min(walls["slow"]) >= 4.5
    assert min(walls["quick"]) < 1


def test_median_and_percentile() -> None:
    assert Timing.of([*range(1, 101)]) == Timing(median_ms=50.5, p95_ms=pytest.approx(95.05), calls=100)
    assert Timing.of([]) is None


def test_the_machine_is_named() -> None:
    assert set(machine()) == {"processor", "system", "python", "load"}
    assert "cores" in str(machine()["processor"])
