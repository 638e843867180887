"""The passphrase of a gallery file: typed without being shown, or from a file; never on the command line."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated

import typer

from config.errors import PeopleError
from tracker.cli.options import UsageError

PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="Read the passphrase from the first line of a file instead of asking for it; - is stdin.",
    ),
]

_LONGEST_LINE = 10_000


def new_passphrase(file: Path | None) -> str:
    """A passphrase that is typed twice, or of a file. Raises PeopleError for a weak one, and UsageError."""
    from tracker.moving.sealed import checked_passphrase

    if file is not None:
        return checked_passphrase(_first_line(file))
    first = checked_passphrase(_asked("Passphrase of the file: "))
    if _asked("The same again: ") != first:
        raise PeopleError("the two passphrases differ", fix="start again, and type the same passphrase twice")
    return first


def known_passphrase(file: Path | None) -> str:
    """The passphrase of a file that exists. Raises UsageError without a terminal, PeopleError."""
    return _asked("Passphrase of the file: ") if file is None else _first_line(file)


def _asked(prompt: str) -> str:
    if not sys.stdin.isatty():
        raise UsageError(
            "there is no terminal to type a passphrase on", fix="give --passphrase-file FILE, or - for stdin"
        )
    return getpass.getpass(prompt)


def _first_line(file: Path) -> str:
    try:
        if str(file) == "-":
            text = sys.stdin.readline(_LONGEST_LINE)
        else:
            with file.open(encoding="utf-8") as opened:
                text = opened.readline(_LONGEST_LINE)
        text.encode()  # stdin may hand on bytes that are no text
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text in UTF-8"
        raise PeopleError(f"{file}: cannot be read ({reason})", fix="give a file with the passphrase") from error
    return text.removeprefix("\ufeff").rstrip("\r\n")
