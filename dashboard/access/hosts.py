"""The names by which browsers may address the dashboard.

A page of another site can point its own name at this machine (DNS rebinding) and would then be of the same origin as
the dashboard. Its name is still in the Host header.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^:\[\]/@]+)(?::[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on this address."""
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


class Hosts:
    """The Host headers that are accepted: IP addresses, this machine's names, and the names that are given.

    names: besides those of the machine, such as that of a reverse proxy; without a port.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        own = socket.gethostname()
        self._names = {name.lower().rstrip(".") for name in ("localhost", own, f"{own}.local", *names)}

    def accept(self, host: str) -> bool:
        """Whether a Host header is one of these; an address cannot be rebound, so every address is."""
        match = _HOST.fullmatch(host.lower())
        if match is None:
            return False
        return _address(match["name"]) is not None or match["name"].rstrip(".") in self._names


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
