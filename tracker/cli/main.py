"""`footfall`: the command line, its one error handler and its exit codes.

0 done, 1 failed (one clear line on stderr with the fix), 2 wrong use, 130 interrupted.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from typing import Annotated

import typer

from config.errors import FootfallError
from tracker.cli.commands import MARKUP, Commands
from tracker.cli.logs import start_logging

app = typer.Typer(
    name="footfall",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=MARKUP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Who is in, since when, and how the place is used - with your own cameras, on your own machine.",
    epilog="Start with `footfall demo`, then `footfall enroll` and `footfall track`.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"footfall {version('footfall')}")
        raise typer.Exit


@app.callback()
def _every_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more to stderr.")] = False,
) -> None:
    start_logging(verbose=verbose)


def run() -> None:
    """Entry point of the console script."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # else it reads the metadata of all installed packages
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files may hold what the encoding lacks
    try:
        try:
            app(prog_name="footfall")
        finally:
            sys.stdout.flush()
    except FootfallError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # the reader is gone; the last flush must not fail
        sys.exit(1)
    except Exception as error:  # the one broad catch: a bug ends in one line, not in a traceback
        logging.getLogger("footfall").info("internal error", exc_info=True)
        fix = "run 'footfall -v' with the same words for the details, and report them"
        fail(FootfallError(f"internal error: {type(error).__name__}: {error}", fix=fix))


def fail(error: FootfallError) -> None:
    """Print the problem and its fix in one line on stderr; exit code 2 for wrong use, else 1."""
    from rich.text import Text

    from tracker.cli.options import UsageError
    from tracker.cli.output import note

    problem, fix = (" ".join(text.splitlines()) for text in (error.problem, error.fix))
    note(Text.assemble(("error: ", "bold red"), problem, ("; fix: ", "bold"), fix))
    sys.exit(2 if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    run()
