"""The log on stderr: coloured on a terminal; else a line a record, with the date, however long."""

from __future__ import annotations

import logging
import sys


def start_logging(*, verbose: bool) -> None:
    """Log warnings to stderr; verbose: information too."""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, handlers=[_Stderr()], force=True)


class _Stderr(logging.Handler):
    """Writes to stderr by a handler that is made, and its modules imported, for the first record."""

    def __init__(self) -> None:
        super().__init__()
        self._target: logging.Handler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self._target is None:
            self._target = _target()
        self._target.emit(record)


class _Formatter(logging.Formatter):
    """Formats records with control characters escaped and addresses redacted."""

    def format(self, record: logging.LogRecord) -> str:
        from config.addresses import without_secrets
        from tracker.reports.text import printable

        return printable(without_secrets(super().format(record)))


def _target() -> logging.Handler:
    if not sys.stderr.isatty():
        handler: logging.Handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
        return handler
    from rich.logging import RichHandler

    from tracker.cli.terminal import errors

    handler = RichHandler(console=errors, show_path=False, rich_tracebacks=False)
    handler.setFormatter(_Formatter("%(message)s", "%H:%M:%S"))
    return handler
