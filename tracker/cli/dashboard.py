"""`footfall dashboard`: runs the module `dashboard`, which the tracker never imports."""

from __future__ import annotations

import runpy
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from config.errors import FootfallError
from config.serving import Tls
from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.options import Reading
from tracker.cli.output import note
from tracker.cli.replica import following


@command("footfall dashboard --port 8050", "footfall dashboard --host 0.0.0.0 --tls self-signed")
def dashboard(
    access: Reading,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = None,
    tls: Annotated[
        Tls | None, typer.Option(help="Serve https with a certificate that this machine makes itself.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option("--tls-cert", metavar="FILE", help="Certificate for https (PEM, with the chain).")
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option("--tls-key", metavar="FILE", help="Private key of the certificate (PEM).")
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Open the pages to the network also while there are no users.")
    ] = False,
) -> None:
    """Serve the dashboard: who is in now, visits, usage.

    Without users (`footfall users add`) only this machine can open it. Ctrl-C stops it. With a shared store it is live:
    what any machine uploads is on the page within two seconds.
    """
    require_dashboard()
    flags = {"--store": access.store, "--settings": access.settings, "--host": host, "--port": port}
    flags |= {"--tls": tls, "--tls-cert": tls_cert, "--tls-key": tls_key}
    sys.argv = ["footfall dashboard", *arguments(flags), *(["--insecure"] if insecure else [])]
    with following(access):
        runpy.run_module("dashboard", run_name="__main__", alter_sys=True)


@contextmanager
def background_dashboard(settings: Path, host: str, port: int) -> Iterator[None]:
    """The dashboard in a process of its own while inside; on another port where this one is in use."""
    if port and not _is_free(host, port):
        port = 0
    words = [sys.executable, "-P", "-m", "dashboard", "--settings", str(settings), "--port", str(port)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line:
                raise FootfallError("the dashboard did not start", fix="run 'footfall dashboard' to see why")
            note(line.strip())
            yield
        finally:
            process.terminate()


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def arguments(flags: Mapping[str, object]) -> list[str]:
    """Command-line words for the flags that have a value."""
    return [word for flag, value in flags.items() if value is not None for word in (flag, str(value))]


def require_dashboard() -> None:
    """Raises SettingsError where the packages of the dashboard are not installed."""
    modules = ("argon2", "cryptography", "dash", "dash_mantine_components", "plotly", "uvicorn")
    require("the dashboard", "dashboard", *modules)
