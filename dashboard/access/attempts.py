"""How often somebody may try to sign in: after some failures each attempt has to wait twice as long as the one before.

Kept in memory: a restart forgets it, and only who may restart the dashboard can do that.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_KEYS = 10_000
_FORGET_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Limit:
    """free: failures without a pause; longest_s: the longest pause."""

    free: int
    longest_s: float


_NAME = _Limit(free=5, longest_s=60.0)
"""Short, because whoever knows a name could lock its user out."""
_ADDRESS = _Limit(free=20, longest_s=900.0)
"""More, because a whole office may have one address."""


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_at_s: float = 0.0
    open_at_s: float = 0.0


class Attempts:
    """Failed sign-ins by name and by address. Thread-safe. monotonic: seconds that only grow."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._failures: OrderedDict[tuple[_Limit, str], _Failures] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """How many names and addresses are remembered."""
        return len(self._failures)

    def begin(self, name: str, address: str) -> float:
        """Seconds to wait before the next attempt; 0 where this one may go on.

        One that may go on counts as failed until `succeed`, so that many at once cannot pass together.
        """
        with self._lock:
            now_s = self._monotonic()
            found = [(limit, self._of(limit, key, now_s)) for limit, key in _keys(name, address)]
            wait_s = max(failures.open_at_s for _, failures in found) - now_s
            if wait_s > 0:
                return wait_s
            for limit, failures in found:
                failures.count += 1
                failures.last_at_s = now_s
                over = failures.count - limit.free
                failures.open_at_s = now_s + min(2.0 ** min(over, 20), limit.longest_s) if over >= 0 else 0.0
            return 0.0

    def succeed(self, name: str, address: str) -> None:
        """Forget the failures of the name, and the attempt that was none."""
        with self._lock:
            (_, name_key), (_, address_key) = _keys(name, address)
            self._failures.pop((_NAME, name_key), None)
            failures = self._failures.get((_ADDRESS, address_key))
            if failures is not None:
                failures.count -= 1
                failures.open_at_s = 0.0

    def _of(self, limit: _Limit, key: str, now_s: float) -> _Failures:
        failures = self._failures.setdefault((limit, key), _Failures(last_at_s=now_s))
        if now_s - failures.last_at_s > _FORGET_AFTER_S:
            failures = self._failures[limit, key] = _Failures(last_at_s=now_s)
        self._failures.move_to_end((limit, key))
        if len(self._failures) > _MOST_KEYS:
            self._failures.popitem(last=False)
        return failures


def _keys(name: str, address: str) -> tuple[tuple[_Limit, str], tuple[_Limit, str]]:
    return (_NAME, name), (_ADDRESS, _network(address))


def _network(address: str) -> str:
    """The address, for IPv6 the network of 64 bits that one subscriber has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
