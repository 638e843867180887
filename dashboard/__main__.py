"""`python -m dashboard`: the dashboard by itself, over the store of an agent."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from config.errors import FootfallError
from config.serving import Tls
from dashboard.server import serve
from tracker.store.site_settings import settings_at_site

_out = Console(soft_wrap=True, highlight=False)
_err = Console(stderr=True, soft_wrap=True, highlight=False)


def main(
    store: Annotated[str | None, typer.Option(help="Store: sqlite:///PATH.")] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on; 0.0.0.0 for all network interfaces.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free port.")] = None,
    tls: Annotated[Tls | None, typer.Option(help="Serve https with a certificate made here.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate for https (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Private key of the certificate (PEM).")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Serve other machines without users.")] = False,
    settings: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Serve the dashboard until Ctrl-C."""
    place = {"host": host, "port": port, "tls": tls, "tls_cert": tls_cert, "tls_key": tls_key}
    flags: dict[str, dict[str, object]] = {"store": {"url": store}, "dashboard": dict(place)}
    try:
        chosen, _ = settings_at_site(settings, flags)
        serve(
            chosen,
            announce=lambda address: _out.print(
                Text.assemble("Dashboard on ", (address, "bold"), "  (Ctrl-C stops it)")
            ),
            warn=lambda text: _err.print(Text(text)),
            reread=lambda: settings_at_site(settings, flags)[0],
            settings_file=settings,
            insecure=insecure,
        )
    except FootfallError as error:
        _err.print(Text.assemble(("error:", "bold red"), f" {error.problem}\n", ("fix:", "bold"), f"   {error.fix}"))
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
