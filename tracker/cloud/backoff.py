"""How long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Callable

FIRST_S = 0.5
LONGEST_S = 60.0


class Backoff:
    """Pauses that double up to `longest_s`, each somewhere between nothing and that ("full jitter").

    So machines that lost the cloud together do not come back together.
    Source: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(
        self,
        *,
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
        between: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._between = between
        self.failures = 0
        """Since the last success."""

    def next_s(self) -> float:
        """The pause after one more failure."""
        most_s = min(self._longest_s, self._first_s * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return self._between(0.0, most_s)

    def reset(self) -> None:
        """It worked."""
        self.failures = 0
