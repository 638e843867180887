"""`python -m models`: the same as `footfall models`."""

from __future__ import annotations

import sys

import typer

from config.errors import FootfallError
from models.cli import app


def main() -> int:
    """Run the command line; on failure, print one line to stderr and return 1."""
    try:
        app(prog_name="python -m models")
    except FootfallError as error:
        typer.echo(f"error: {error}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
