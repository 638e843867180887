"""`footfall dashboard`: runs the module `dashboard`, which the tracker never imports."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from tracker.cli.command import command
from tracker.cli.extras import require
from tracker.cli.options import Reading
from tracker.cli.replica import following


@command("footfall dashboard --port 8050")
def dashboard(
    access: Reading,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 picks a free one.")] = None,
) -> None:
    """Serve the dashboard: who is in now, visits, usage.

    Ctrl-C stops it. With a shared store it is live: what any machine uploads is on the page within two seconds.
    """
    require_dashboard()
    flags = {"--store": access.store, "--settings": access.settings, "--host": host, "--port": port}
    sys.argv = ["footfall dashboard", *arguments(flags)]
    with following(access):
        runpy.run_module("dashboard", run_name="__main__", alter_sys=True)


def arguments(flags: Mapping[str, object]) -> list[str]:
    """Command-line words for the flags that have a value."""
    return [word for flag, value in flags.items() if value is not None for word in (flag, str(value))]


def require_dashboard() -> None:
    """Raises SettingsError where the packages of the dashboard are not installed."""
    require("the dashboard", "dashboard", "dash", "dash_mantine_components", "dash_ag_grid", "plotly")
