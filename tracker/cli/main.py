"""`footfall`: the command line, its one error handler and its exit codes.

0 done, 1 failed (one clear line on stderr with the fix), 2 wrong use, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import logging
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.logging import RichHandler
from rich.text import Text

import models.cli
from config.errors import FootfallError
from tracker.cli import dashboard, demo, doctor, people, pictures, report, track
from tracker.cli.output import console, errors

app = typer.Typer(
    name="footfall",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Who is in, since when, and how the place is used - with your own cameras, on your own machine.",
    epilog="Start with [bold]footfall demo[/], then [bold]footfall enroll[/] and [bold]footfall track[/].",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"footfall {version('footfall')}")
        raise typer.Exit


@app.callback()
def _every_command(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more on stderr.")] = False,
) -> None:
    handler = RichHandler(console=errors, show_path=False, rich_tracebacks=False)
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(message)s", datefmt="%H:%M:%S", handlers=[handler], force=True)


app.command("demo")(demo.demo)
app.command("track")(track.track)
app.command("enroll")(people.enroll)
app.add_typer(people.app, name="people")
app.command("annotate")(pictures.annotate)
app.command("compare")(pictures.compare)
app.add_typer(report.app, name="report")
app.command("dashboard")(dashboard.dashboard)
app.add_typer(models.cli.app, name="models")
app.command("doctor")(doctor.doctor)


def run() -> None:
    """Entry point of the console script."""
    try:
        app()
    except FootfallError as error:
        fail(error)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:  # the one broad catch: a fault of ours ends in one line, not in a dump
        logging.getLogger("footfall").info("internal error", exc_info=True)
        fix = "run it again with -v for the details, and report them"
        fail(FootfallError(f"internal error: {type(error).__name__}: {error}", fix=fix))


def fail(error: FootfallError) -> None:
    """Say what is wrong and how to mend it on stderr, and end with exit code 1."""
    line = Text.assemble(("error: ", "bold red"), error.problem, ("\n  fix: ", "bold"), error.fix)
    errors.print(line, soft_wrap=True)
    sys.exit(1)


if __name__ == "__main__":
    run()
