"""Several agents side by side in one process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from config.errors import CameraError, FootfallError
from tracker.agent.loop import WAIT_S, Agent
from tracker.agent.step import Step
from tracker.cameras.live import FIRST_PAUSE_S, LONGEST_PAUSE_S

log = logging.getLogger("footfall.agent")


def run_all(
    agents: Sequence[Agent], stop: threading.Event, on_step: Callable[[Agent, Step], None]
) -> list[FootfallError]:
    """Run agents side by side, a thread each; return when all are over, with the errors that ended some of them.

    A camera that fails does not stop the others: beside others, one that may come back is tried again for ever, and
    an error that ends one is logged at once. `stop` ends all of them, and so does a fault of ours, which is raised.
    """
    failures: list[FootfallError] = []
    with ThreadPoolExecutor(len(agents), thread_name_prefix="agent") as pool:
        running = {pool.submit(_persist, agent, stop, on_step, alone=len(agents) == 1): agent for agent in agents}
        try:
            while running:
                done, _ = wait(running, WAIT_S, FIRST_COMPLETED)
                for future in done:
                    agent, error = running.pop(future), _failure(future)
                    failures += [] if error is None else [error]
                    if error is not None and running:
                        log.error("%s: %s", agent.camera_id, error)
                if stop.is_set():
                    for agent in running.values():
                        agent.wake()
        except BaseException:
            stop.set()
            for agent in agents:
                agent.wake()
            raise
    return failures


def _persist(agent: Agent, stop: threading.Event, on_step: Callable[[Agent, Step], None], *, alone: bool) -> None:
    """Run one agent; beside others its camera is opened again after growing pauses for as long as it fails."""
    pause_s = FIRST_PAUSE_S

    def pause(error: CameraError) -> None:
        nonlocal pause_s
        log.error("%s: %s; trying again in %.1f s", agent.camera_id, error.problem, pause_s)
        stop.wait(pause_s)
        pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    try:
        agent.run(stop, lambda step: on_step(agent, step), None if alone else pause)
    except CameraError:
        if not stop.is_set():
            raise


def _failure(future: Future[None]) -> FootfallError | None:
    """What ended an agent early; a fault of ours is raised."""
    error = future.exception()
    if error is None or isinstance(error, FootfallError):
        return error
    raise error
