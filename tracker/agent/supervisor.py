"""Several agents side by side in one process."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from config.errors import CameraError, FootfallError
from tracker.agent.loop import WAIT_S, Agent, Step
from tracker.cameras.live import FIRST_PAUSE_S, LONGEST_PAUSE_S

log = logging.getLogger("footfall.agent")


def run_all(
    agents: Sequence[Agent], stop: threading.Event, on_step: Callable[[Agent, Step], None]
) -> list[FootfallError]:
    """Run agents side by side, a thread each; return when all are over, with the errors that ended some of them.

    A camera that fails does not stop the others: beside others, one that may come back is retried for ever, and
    an error that ends one is logged at once. `stop` ends all of them, and so does a bug, which is raised.
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
    """Run one agent; beside others its camera is opened again after a pause for as long as it fails."""
    reconnect = _Reconnect(agent, stop)

    def note(step: Step) -> None:
        if step.frame is not None:
            reconnect.reset()
        on_step(agent, step)

    try:
        agent.run(stop, note, None if alone else reconnect.pause)
    except CameraError:
        if not stop.is_set():
            raise


class _Reconnect:
    """Pauses before a failed camera is opened again: they double from one failure to the next without a frame."""

    def __init__(self, agent: Agent, stop: threading.Event) -> None:
        self._agent = agent
        self._stop = stop
        self._pause_s = FIRST_PAUSE_S

    def reset(self) -> None:
        """A frame came."""
        self._pause_s = FIRST_PAUSE_S

    def pause(self, error: CameraError) -> None:
        log.error("%s: %s; trying again in %.1f s", self._agent.camera_id, error.problem, self._pause_s)
        self._stop.wait(self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


def _failure(future: Future[None]) -> FootfallError | None:
    """What ended an agent early; a bug is raised."""
    error = future.exception()
    if error is None or isinstance(error, FootfallError):
        return error
    raise error
