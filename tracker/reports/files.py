"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.errors import ReportError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path` to write to; it takes the place of `path` when all went well, else it is removed.

    Raises ReportError when the file cannot be written there.
    """
    try:
        target = path.resolve()  # a link stays a link
        if target.is_dir():
            raise ReportError(f"{path} is a folder", fix="give the name of a file in it")
        handle, name = tempfile.mkstemp(prefix=".footfall-", suffix=target.suffix, dir=target.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    os.close(handle)
    written = Path(name)
    try:
        yield written
        mode = target.stat().st_mode if target.exists() else 0o666 & ~_umask()
        written.chmod(mode & 0o777)
        written.replace(target)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            written.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> ReportError:
    if not path.parent.is_dir():
        return ReportError(f"{path}: there is no folder {path.parent}", fix="make it, or give another path")
    reason = error.strerror or str(error)
    return ReportError(f"{path} cannot be written ({reason})", fix="close it elsewhere, or give another path")


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
