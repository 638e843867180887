"""Serve the dashboard until it is stopped."""

from __future__ import annotations

import errno
import gc
import logging
import signal
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from waitress import create_server

from config.errors import SettingsError
from config.settings import Settings
from dashboard.app import create_app

THREADS = 8

logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns at each request that waits for a thread


def serve(
    settings: Settings,
    *,
    announce: Callable[[str], None],
    reread: Callable[[], Settings] | None = None,
    settings_file: Path | None = None,
) -> None:
    """Listen on the address of `settings.dashboard`; pass the address to `announce`; return on Ctrl-C or SIGTERM.

    Raises SettingsError when the port is taken, not allowed, or the host is none of this machine.
    """
    host, port = settings.dashboard.host, settings.dashboard.port
    application = create_app(settings.store.path, settings, reread, settings_file).server
    try:
        listener = create_server(application, host=host, port=port, threads=THREADS, ident=None)
    except (OSError, ValueError) as error:
        raise _no_listener(host, port, error) from error
    gc.freeze()  # what was imported lives as long as the server: an answer of many rows need not wade through it
    signal.signal(signal.SIGTERM, _stop)
    try:
        announce(_address(host, _port(listener, port)))
        listener.run()
    except KeyboardInterrupt:
        return
    finally:
        listener.close()


def _stop(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _port(listener: object, asked: int) -> int:
    """The port in use, which the system chose when 0 was asked for."""
    return int(getattr(listener, "effective_port", 0) or asked)


def _address(host: str, port: int) -> str:
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - read
    return f"http://{name}:{port}/"


def _no_listener(host: str, port: int, error: OSError | ValueError) -> SettingsError:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return SettingsError(
            f"port {port} on {host} is in use", fix=f"give another one, for instance --port {port + 1}, or --port 0"
        )
    if code == errno.EACCES:
        return SettingsError(f"port {port} is not for ordinary users", fix="give one above 1023 with --port")
    return SettingsError(f"cannot listen on {host}:{port} ({error})", fix="give an address of this machine to --host")
