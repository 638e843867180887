"""Files that are written from a dataset: complete or not at all, never through links, never over others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from config.errors import PictureError


@contextmanager
def placing(path: Path) -> Iterator[Path]:
    """A file beside `path` that takes its place at the end; its folders are made. Raises PictureError."""
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        yield beside
        beside.replace(path)  # of a link the link itself, never the picture that it leads to
    except OSError as error:
        raise PictureError(
            f"{path}: cannot be written ({error.strerror or error})", fix="check rights, free space and names"
        ) from error
    finally:
        with suppress(OSError):  # the folder may not exist
            beside.unlink(missing_ok=True)
