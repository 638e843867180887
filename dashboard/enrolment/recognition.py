"""The networks of the dashboard: loaded when somebody is to be enrolled, dropped when nobody uses them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from config.errors import FootfallError, ModelError
from dashboard.enrolment.tidying import Tidying

if TYPE_CHECKING:
    from tracker.identity.shots import ShotEngine

IDLE_S = 600.0
"""So long after its last use the engine is dropped."""
_WAITING = 3
"""So many requests use the engine or wait for it; more are refused, so that they cannot block the pages."""
logger = logging.getLogger("footfall.dashboard")


class State(StrEnum):
    NONE = "none"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether pictures can be looked at; where that failed, the problem and its fix."""

    state: State
    problem: str = ""
    fix: str = ""


class BusyError(FootfallError):
    """The networks are loading, or too many use them; a retry may succeed."""

    retryable = True


class Recognition:
    """One engine for all enrolments, used by one at a time. Thread-safe.

    load: makes it; called in a thread of its own. is_current: whether people are recognised with its network still; one
    that is not current is dropped when it is wanted. monotonic: seconds that only grow.
    """

    def __init__(
        self,
        load: Callable[[], ShotEngine],
        *,
        is_current: Callable[[ShotEngine], bool] = lambda _: True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._is_current = is_current
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._use = threading.Lock()
        self._places = threading.BoundedSemaphore(_WAITING)
        self._readiness = Readiness(State.NONE)
        self._engine: ShotEngine | None = None
        self._used_at_s = 0.0
        self._tidying = Tidying(self.tidy)

    @property
    def readiness(self) -> Readiness:
        """As it is now."""
        return self._readiness

    def prepare(self) -> Readiness:
        """Begin to load the networks, unless they are there or on their way. Raises what `is_current` does."""
        with self._lock:
            self._used_at_s = self._monotonic()
            self._drop_outdated()
            if self._readiness.state not in {State.LOADING, State.READY}:
                self._readiness = Readiness(State.LOADING)
                threading.Thread(target=self._prepare, name="recognition", daemon=True).start()
            return self._readiness

    @contextmanager
    def engine(self) -> Iterator[ShotEngine]:
        """The engine, for one use.

        Raises BusyError while it is loading or too many want it, ModelError without it, and what `is_current` does.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError("too many pictures are being looked at", fix="try again in a moment")
        try:
            with self._use:
                yield self._loaded()
        finally:
            self._places.release()

    def tidy(self) -> bool:
        """Drop an engine that was not used for IDLE_S. Returns whether there is one still."""
        with self._lock:
            if self._engine is not None and self._monotonic() - self._used_at_s >= IDLE_S:
                self._engine, self._readiness = None, Readiness(State.NONE)
            return self._engine is not None

    def _drop_outdated(self) -> None:
        if self._engine is not None and not self._is_current(self._engine):
            self._engine, self._readiness = None, Readiness(State.NONE)

    def _loaded(self) -> ShotEngine:
        with self._lock:
            self._used_at_s = self._monotonic()
            self._drop_outdated()
            if self._engine is not None:
                return self._engine
            if self._readiness.state is State.FAILED:
                raise ModelError(self._readiness.problem, fix=self._readiness.fix)
        self.prepare()
        raise BusyError("recognition is being prepared", fix="try again in a moment")

    def _prepare(self) -> None:
        engine, found = (
            None,
            Readiness(State.FAILED, "recognition could not be prepared", "see the dashboard's messages"),
        )
        try:
            engine = self._load()
            found = Readiness(State.READY)
        except FootfallError as error:
            found = Readiness(State.FAILED, error.problem, error.fix)
            logger.warning("recognition cannot be used: %s", error)
        except ImportError as error:
            found = Readiness(State.FAILED, f"recognition needs {error.name}", "pip install 'footfall[edge]'")
            logger.warning("recognition cannot be used: %s", error)
        finally:
            with self._lock:
                self._engine, self._readiness, self._used_at_s = engine, found, self._monotonic()
        self._tidying.begin()
