"""The address under which other machines reach the dashboard of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.serving import DashboardSettings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def address_of(place: DashboardSettings) -> str:
    """The address of the dashboard by its settings; other machines know this one by its name."""
    import socket

    scheme = "http" if place.tls is None and place.tls_cert is None else "https"
    host = socket.gethostname() if place.host in ("0.0.0.0", "::") else place.host  # noqa: S104 - read
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{place.port}{place.base_path}"


def is_only_here(place: DashboardSettings) -> bool:
    """Whether no other machine reaches it."""
    return place.host in _LOOPBACK
