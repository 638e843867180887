"""The networks of the dashboard: loaded once, used by few at a time, dropped when idle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from config.errors import ModelError
from dashboard.enrolment.recognition import IDLE_S, BusyError, Recognition, State
from dashboard.enrolment.tidying import Tidying
from tests.dashboard.enrolment.conftest import FakeEngine


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def prepared(recognition: Recognition, state: State = State.READY) -> None:
    recognition.prepare()
    until(lambda: recognition.readiness.state is state)


def test_the_engine_is_loaded_once_and_in_the_background() -> None:
    may_load, loads = threading.Event(), []

    def load() -> FakeEngine:
        may_load.wait(20)
        loads.append(FakeEngine())
        return loads[-1]

    recognition = Recognition(load)
    assert [recognition.prepare().state for _ in range(3)] == [State.LOADING] * 3
    with pytest.raises(BusyError), recognition.engine():
        pass
    may_load.set()
    until(lambda: recognition.readiness.state is State.READY)
    with recognition.engine() as engine:
        assert engine is loads[0]
    assert recognition.prepare().state is State.READY
    assert len(loads) == 1


def test_what_is_missing_is_said_with_its_fix_and_tried_again_when_asked() -> None:
    problems: list[Exception] = [
        ModelError("sface is missing", fix="run it"),
        ImportError("no", name="cv2"),
        ValueError(),
    ]

    def load() -> FakeEngine:
        if problems:
            raise problems.pop(0)
        return FakeEngine()

    recognition = Recognition(load)
    prepared(recognition, State.FAILED)
    assert (recognition.readiness.problem, recognition.readiness.fix) == ("sface is missing", "run it")
    with pytest.raises(ModelError, match="sface is missing"), recognition.engine():
        pass
    prepared(recognition, State.FAILED)
    assert "cv2" in recognition.readiness.problem


def test_an_idle_engine_is_dropped_and_loaded_again() -> None:
    clock, loads = Clock(), []

    def load() -> FakeEngine:
        loads.append(FakeEngine())
        return loads[-1]

    recognition = Recognition(load, monotonic=clock)
    prepared(recognition)
    clock.now_s = IDLE_S - 1
    with recognition.engine():
        pass
    clock.now_s = 2 * IDLE_S - 2
    assert recognition.tidy()
    clock.now_s = 2 * IDLE_S
    assert not recognition.tidy()
    assert recognition.readiness.state is State.NONE
    prepared(recognition)
    assert len(loads) == 2


@pytest.mark.parametrize("ask", ["prepare", "use"])
def test_an_engine_of_another_network_than_the_stores_is_loaded_again(ask: str) -> None:
    loads: list[FakeEngine] = []

    def load() -> FakeEngine:
        loads.append(FakeEngine())
        return loads[-1]

    recognition = Recognition(load, is_current=lambda engine: engine is not loads[0] or not changed.is_set())
    changed = threading.Event()
    prepared(recognition)
    with recognition.engine() as engine:
        assert engine is loads[0]
    changed.set()
    if ask == "use":
        with pytest.raises(BusyError), recognition.engine():
            pass
    else:
        assert recognition.prepare().state is State.LOADING
    until(lambda: recognition.readiness.state is State.READY)
    with recognition.engine() as engine:
        assert engine is loads[1]
    assert len(loads) == 2


def test_few_wait_for_the_engine_and_more_are_refused() -> None:
    recognition = Recognition(FakeEngine)
    prepared(recognition)
    release, used, refused = threading.Event(), [], []

    def use() -> None:
        try:
            with recognition.engine() as engine:
                used.append(engine)
                release.wait(20)
        except BusyError as error:
            refused.append(error)

    threads = [threading.Thread(target=use) for _ in range(10)]
    for thread in threads:
        thread.start()
    until(lambda: len(refused) == 7)
    assert len(used) == 1  # two more wait
    release.set()
    for thread in threads:
        thread.join(20)
    assert (len(used), len(refused)) == (3, 7)
    assert all(error.retryable for error in refused)


def test_tidying_goes_on_until_nothing_is_left() -> None:
    left = [True, True, False, True, False]
    calls: list[bool] = []

    def tidy() -> bool:
        calls.append(left[len(calls)])
        return calls[-1]

    tidying = Tidying(tidy, every_s=0.01)
    for _ in range(3):
        tidying.begin()
    until(lambda: len(calls) == 3)
    time.sleep(0.05)
    assert len(calls) == 3
    tidying.begin()
    until(lambda: len(calls) == 5)
