"""`footfall`: the command line, its one error handler and its exit codes.

0 done, 1 failed (one clear line on stderr with the fix), 2 wrong use, 130 stopped before it was done.
"""

from __future__ import annotations

import io
import logging
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer
from rich.logging import RichHandler
from rich.text import Text

import models.cli
from config.errors import FootfallError
from tracker.cli import (
    backup,
    calibrate,
    camera,
    cloud,
    corrections,
    dashboard,
    demo,
    doctor,
    evaluate,
    event_corrections,
    events,
    explain,
    people,
    pictures,
    report,
    simulate,
    sync,
    track,
    visitors,
)
from tracker.cli.door import UsageError, example
from tracker.cli.output import console, errors

app = typer.Typer(
    name="footfall",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Who is in, since when, and how the place is used - with your own cameras, on your own machine.",
    epilog="Start with `footfall demo`, then `footfall enroll` and `footfall track`.",
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


app.command("demo", epilog=example("footfall demo --fast"))(demo.demo)
app.command(
    "track",
    epilog=example(
        "footfall track --camera 0",
        "footfall track --camera rtsp://10.0.0.7/live --camera-id entrance",
        "footfall track --camera monday.mp4 --start 2026-01-31T08:00:00 --fast",
    ),
)(track.track)
app.command(
    "enroll",
    epilog=example("footfall enroll ada-1.jpg ada-2.jpg --name 'Ada Lovelace'", "footfall enroll people/"),
)(people.enroll)
people.app.command("visitors", epilog=example("footfall people visitors", "footfall people visitors --merge"))(
    visitors.visitors
)
people.app.command(
    "name",
    epilog=example(
        "footfall people name 'Visitor 3' --as 'the plumber'",
        "footfall people name 'Visitor 3' 'Visitor 5' --as 'Ada Lovelace' --consent",
    ),
)(visitors.name)
people.app.command("tidy", epilog=example("footfall people tidy", "footfall people tidy --days 7"))(visitors.tidy)
people.app.command(
    "not",
    epilog=example(
        "footfall people not 'Ada Lovelace' sister.jpg",
        "footfall people not 'Ada Lovelace' --track front-20260131T080000.000000-1",
    ),
)(corrections.deny)
people.app.command(
    "calibrate", epilog=example("footfall people calibrate --far 0.01", "footfall people calibrate --apply")
)(calibrate.calibrate)
app.add_typer(people.app, name="people")
app.command("evaluate", epilog=example("footfall evaluate --pairs pairs.csv --root pictures/ --plot roc.png"))(
    evaluate.evaluate
)
app.command("annotate", epilog=example("footfall annotate holiday/ --out drawn/"))(pictures.annotate)
app.command("compare", epilog=example("footfall compare passport.jpg visitor.jpg"))(pictures.compare)
report.app.command(
    "explain", epilog=example("footfall report explain 3f9c2ab1", "footfall report explain 3f9c --json")
)(explain.explain_visit)
app.add_typer(report.app, name="report")
app.add_typer(camera.app, name="camera")
events.app.command(
    "void", epilog=example("footfall events void 3f9c2ab1 --reason 'that was her sister'", "footfall events void 3f 9c")
)(event_corrections.void)
events.app.command("restore", epilog=example("footfall events restore 3f9c2ab1"))(event_corrections.restore)
events.app.command(
    "add",
    epilog=example(
        "footfall events add exit 'Ada Lovelace' --at 18:30 --reason 'left by the fire door'",
        "footfall events add enter 'Ada Lovelace' --at 2026-01-31T08:00 --by Ann",
    ),
)(event_corrections.add)
events.app.command("corrections", epilog=example("footfall events corrections --json"))(event_corrections.corrections)
app.add_typer(events.app, name="events")
app.command("simulate", epilog=example("footfall simulate --profile gym --store sqlite:///simulated.sqlite3"))(
    simulate.simulate
)
app.command("dashboard", epilog=example("footfall dashboard --port 8050"))(dashboard.dashboard)
app.add_typer(cloud.app, name="cloud")
app.add_typer(models.cli.app, name="models")
app.command("sync", epilog=example("footfall sync --store firestore://my-project", "footfall sync --follow"))(sync.sync)
app.command("status", epilog=example("footfall status", "footfall status --retry"))(sync.status)
app.command(
    "backup",
    epilog=example("footfall backup /mnt/usb/footfall-monday.sqlite3", "footfall backup latest.sqlite3 --force"),
)(backup.backup)
app.command("restore", epilog=example("footfall restore /mnt/usb/footfall-monday.sqlite3"))(backup.restore)
app.command("doctor", epilog=example("footfall doctor --camera 0"))(doctor.doctor)


def run() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # names of files and people may hold what it cannot say
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
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on; the last flush must not fail
        sys.exit(1)
    except Exception as error:  # the one broad catch: a fault of ours ends in one line, not in a dump
        logging.getLogger("footfall").info("internal error", exc_info=True)
        fix = "run 'footfall -v' with the same words for the details, and report them"
        fail(FootfallError(f"internal error: {type(error).__name__}: {error}", fix=fix))


def fail(error: FootfallError) -> None:
    """Say in one line on stderr what is wrong and how to mend it; exit code 2 for wrong use, else 1."""
    problem, fix = (" ".join(text.splitlines()) for text in (error.problem, error.fix))
    errors.print(Text.assemble(("error: ", "bold red"), problem, ("; fix: ", "bold"), fix), soft_wrap=True)
    sys.exit(2 if isinstance(error, UsageError) else 1)


if __name__ == "__main__":
    run()
