"""`python -m dashboard`: the dashboard by itself, over the store of an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from config.errors import FootfallError
from dashboard.server import serve
from tracker.store.site_settings import settings_at_site

_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)


def main(
    store: Annotated[str | None, typer.Option(help="Store: sqlite:///PATH.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all network interfaces.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free port.")] = None,
    settings: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Serve the dashboard until Ctrl-C."""
    try:
        flags: dict[str, dict[str, object]] = {"store": {"url": store}, "dashboard": {"host": host, "port": port}}
        chosen, _ = settings_at_site(settings, flags)
        serve(
            chosen,
            announce=_announce,
            reread=lambda: settings_at_site(settings, flags)[0],
            settings_file=settings,
        )
    except FootfallError as error:
        _err.print(f"[bold red]error:[/] {escape(error.problem)}\n[bold]fix:[/]   {escape(error.fix)}")
        raise typer.Exit(1) from error


def _announce(address: str) -> None:
    _out.print(f"Dashboard on [bold]{address}[/]  (Ctrl-C stops it)")


if __name__ == "__main__":
    typer.run(main)
