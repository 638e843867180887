"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from google.api_core.retry import exponential_sleep_generator

FIRST_S = 0.5
LONGEST_S = 60.0


def exponential(first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> Callable[[], Iterator[float]]:
    """Pauses that double up to `longest_s`, each anywhere between 0 and that ("full jitter").

    Machines that lost the network together do not retry together.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    return lambda: exponential_sleep_generator(first_s, longest_s)


class Backoff:
    """Pauses between retries. pauses: makes their sequence, from the first again after a success."""

    def __init__(self, pauses: Callable[[], Iterator[float]] | None = None) -> None:
        self._make = pauses or exponential()
        self._pauses = self._make()
        self.failures = 0
        """Since the last success."""

    def next_s(self) -> float:
        """The pause after one more failure."""
        self.failures += 1
        return next(self._pauses)

    def reset(self) -> None:
        """Start again after a success."""
        if self.failures:
            self.failures = 0
            self._pauses = self._make()
