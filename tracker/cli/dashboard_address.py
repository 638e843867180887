"""The address under which other machines reach the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.errors import SettingsError

if TYPE_CHECKING:
    from config.serving import DashboardSettings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def base_of(address: str | None, dashboard: DashboardSettings) -> str:
    """What links begin with: the given address, else that of the settings. Raises SettingsError where it is none."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address or _address_of(dashboard))
        is_base = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
    except ValueError:
        is_base = False
    if not is_base:
        raise SettingsError(
            f"--address {address!r} is no address of a dashboard", fix="give one as https://gym.example/"
        )
    return parts.geturl().rstrip("/")


def is_only_here(dashboard: DashboardSettings) -> bool:
    """Whether no other machine reaches it."""
    return dashboard.host in _LOOPBACK


def _address_of(dashboard: DashboardSettings) -> str:
    """The address by the settings; other machines know this one by its name."""
    import socket

    scheme = "http" if dashboard.tls is None and dashboard.tls_cert is None else "https"
    host = socket.gethostname() if dashboard.host in ("0.0.0.0", "::") else dashboard.host  # noqa: S104 - read
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{dashboard.port}{dashboard.base_path}"
