"""Serve the dashboard until it is stopped."""

from __future__ import annotations

import ctypes
import errno
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import uvicorn

from config.errors import SettingsError, StoreError
from config.settings import Settings
from dashboard.access.guard import MAX_BODY_BYTES
from dashboard.access.hosts import is_loopback
from dashboard.app import create_app
from dashboard.connection import limits
from dashboard.enrolment.routes import MAX_PICTURE_BYTES
from dashboard.gateway import Gateway, Uploads
from tracker.store.store import Store

if TYPE_CHECKING:
    from dashboard.tls import Certificate

THREADS = 8
BODY_TIMEOUT_S = 30.0
UPLOADS = 4
"""Pictures of more than MAX_BODY_BYTES that are received or looked at at once."""
_STOP_AFTER_S = 3
_BACKLOG = 512
_M_ARENA_MAX = -8
"""As in glibc's malloc.h."""
_ARENAS = 2

logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # it warns of every malformed request


def serve(
    settings: Settings,
    *,
    announce: Callable[[str], None],
    warn: Callable[[str], None],
    reread: Callable[[], Settings] | None = None,
    settings_file: Path | None = None,
    insecure: bool = False,
) -> None:
    """Listen on the address of `settings.dashboard`; pass the address to `announce`; return on Ctrl-C or SIGTERM.

    insecure: serve other machines also while there are no users. warn: called with what makes that, or http, unsafe,
    and with the fingerprint of a certificate that was made here.
    Raises SettingsError when the port is taken, not allowed, or the host is none of this machine, when other machines
    could read everything, and when a certificate cannot be used.
    """
    place = settings.dashboard
    _limit_arenas()
    is_open = _require_users(settings, insecure=insecure)
    certificate = _certificate(settings)
    application = create_app(settings.store.path, settings, reread, settings_file, always_sign_in=not is_open).server
    gateway = Gateway(
        application,
        threads=THREADS,
        max_body_bytes=MAX_BODY_BYTES,
        body_timeout_s=BODY_TIMEOUT_S,
        uploads=Uploads(path="/pictures", max_body_bytes=MAX_PICTURE_BYTES, at_once=UPLOADS),
    )
    listener = _listen(place.host, place.port)
    gc.freeze()  # what was imported lives as long as the server: an answer of many rows need not wade through it
    signal.signal(signal.SIGTERM, _stop)
    address = _address(place.host, listener.getsockname()[1], "http" if certificate is None else "https")

    def started() -> None:
        announce(address)
        for text in _warnings(settings, certificate, is_open=is_open):
            warn(text)

    try:
        _Server(_config(gateway, certificate), started).run(sockets=[listener])
    except KeyboardInterrupt:
        return
    finally:
        gateway.close()
        listener.close()


class _Server(uvicorn.Server):
    """Calls `started` when it serves and handles signals."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._started()


def _certificate(settings: Settings) -> Certificate | None:
    if settings.dashboard.tls is None and settings.dashboard.tls_cert is None:
        return None
    from dashboard.tls import certificate_of  # here, because http needs no cryptography

    return certificate_of(settings.dashboard)


def _config(gateway: Gateway, certificate: Certificate | None) -> uvicorn.Config:
    return uvicorn.Config(
        gateway,
        loop="asyncio",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=["127.0.0.1", "::1"],
        backlog=_BACKLOG,
        timeout_graceful_shutdown=_STOP_AFTER_S,
        ssl_certfile=None if certificate is None else certificate.cert,
        ssl_keyfile=None if certificate is None else certificate.key,
        **limits(),
    )


def _limit_arenas() -> None:
    """Limit the memory pools of glibc's malloc: its default of 16 keeps 70 MB more after a year was on show."""
    limit = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if limit is not None:
        limit(_M_ARENA_MAX, _ARENAS)


def _require_users(settings: Settings, *, insecure: bool) -> bool:
    """Whether pages are open without a sign-in as long as there are no users.

    Raises SettingsError where there are none and other machines could read everything.
    """
    if insecure or is_loopback(settings.dashboard.host):
        return True
    try:
        with Store(settings.store.path).open(create=False) as store:
            has_users = store.users.exist()
    except StoreError:
        has_users = False
    if not has_users:
        raise SettingsError(
            f"there are no users, so anybody on the network could read everything on {settings.dashboard.host}",
            fix="run 'footfall users add NAME --role admin' first; --insecure serves without sign-in",
        )
    return False


def _warnings(settings: Settings, certificate: Certificate | None, *, is_open: bool) -> list[str]:
    found = []
    if certificate is not None and certificate.self_signed:
        found.append(f"The certificate has the SHA-256 fingerprint {certificate.fingerprint}")
    if not is_loopback(settings.dashboard.host):
        if is_open:
            found.append("Warning: without users anybody on the network can read everything on these pages")
        if certificate is None:
            found.append("Warning: without https anybody on the network can read along; see --tls self-signed")
    return found


def _listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises SettingsError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_listener(host, port, error) from error
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _no_listener(host, port, error) from error
    return listener


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _address(host: str, port: int, scheme: str) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read
    return f"{scheme}://{name}:{port}/"


def _no_listener(host: str, port: int, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(
            f"port {port} on {host} is in use", fix=f"give another one, for instance --port {port + 1}, or --port 0"
        )
    if error.errno == errno.EACCES:
        return SettingsError(f"port {port} is not for ordinary users", fix="give one above 1023 with --port")
    return SettingsError(f"cannot listen on {host}:{port} ({error})", fix="give an address of this machine to --host")
