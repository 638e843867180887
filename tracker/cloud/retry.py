"""How long to wait before the next try."""

from __future__ import annotations

from collections.abc import Iterator

from google.api_core.retry import exponential_sleep_generator


class Backoff:
    """Pauses between retries, which double up to `longest_s`, each anywhere between 0 and that ("full jitter").

    Machines that lost the network together do not retry together.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, first_s: float = 0.5, longest_s: float = 60.0) -> None:
        self._range = (first_s, longest_s)
        self.reset()

    def next_s(self) -> float:
        """The pause after one more failure."""
        self.failures += 1
        return next(self._pauses)

    def reset(self) -> None:
        """Start again after a success."""
        self.failures = 0
        self._pauses: Iterator[float] = exponential_sleep_generator(*self._range)
