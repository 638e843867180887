"""Help: every command has an example that exists, and the common options."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tests.tracker.cli.conftest import ROOT, Run
from tests.tracker.cli.test_main import HEAVY
from tracker.cli.main import app


def commands(group: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Words and command, as the list of commands has it, of everything that can be called."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


LISTED = dict(commands(typer.main.get_command(app)))
COMMANDS: dict[tuple[str, ...], Any] = {path: command.load() for path, command in LISTED.items()}
each_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
LISTING = {
    "annotate", "compare", "demo", "doctor", "enroll", "models list", "models verify", "people list", "people show",
    "report today", "report visits", "track",
}  # fmt: skip


def test_all_commands_are_there() -> None:
    assert {" ".join(path) for path in COMMANDS} >= LISTING | {
        "dashboard", "models build", "models export", "people forget", "people merge", "people rename",
    }  # fmt: skip


@each_command
def test_help_shows_an_example_whose_flags_exist(path: tuple[str, ...], run: Run) -> None:
    done = run(*path, "--help")
    assert (done.code, done.err) == (0, "")
    _, example = re.split(r"Examples?: *\n", done.out)
    lines = re.findall(r"^ (footfall .*?) *$", example, re.MULTILINE)
    assert lines
    flags = {flag for parameter in COMMANDS[path].params for flag in parameter.opts}
    for line in lines:
        assert line.startswith(f"footfall {' '.join(path)}")
        assert set(re.findall(r"(?<= )--[a-z-]+", line)) <= flags


@each_command
def test_the_list_of_commands_has_the_first_line_of_each_help(path: tuple[str, ...]) -> None:
    assert COMMANDS[path].help.partition("\n")[0] == LISTED[path].help


def test_no_help_imports_a_large_package() -> None:
    code = (
        "import sys, typer\nfrom tracker.cli.main import app\n"
        "def load(group):\n"
        "    for each in group.commands.values():\n"
        "        load(each) if hasattr(each, 'commands') else each.load()\n"
        f"load(typer.main.get_command(app))\nprint(*sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == ""


@each_command
def test_help_describes_every_option(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert command.help
    assert [parameter.name for parameter in command.params if not getattr(parameter, "help", None)] == []


@each_command
def test_every_command_takes_store_and_settings(path: tuple[str, ...]) -> None:
    flags = {flag for parameter in COMMANDS[path].params for flag in parameter.opts}
    assert "--store" in flags
    assert "--settings" in flags or path == ("demo",), "the demo's settings are part of it"


@pytest.mark.parametrize("name", sorted(LISTING))
def test_everything_that_lists_or_reports_takes_json(name: str) -> None:
    assert "--json" in {flag for parameter in COMMANDS[tuple(name.split())].params for flag in parameter.opts}


def test_help_escapes_markup(run: Run) -> None:
    assert "[[camera]]" in run("track").refused(code=2)
