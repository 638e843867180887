"""Replacing a folder by another one that is complete."""

from __future__ import annotations

from pathlib import Path

from config.errors import ModelError


def require_free(folder: Path, *, force: bool, option: str) -> None:
    """Raises ModelError for a folder that is not empty, unless `force`. option: how another folder is named."""
    free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not free and not force:
        raise ModelError(f"{folder} is not empty", fix=f"replace it with --force, or name another: {option}")


def replace(folder: Path, new: Path, *, old: Path) -> None:
    """Move `new` to `folder`, and what was there to `old`. Raises OSError; what was there is then back."""
    if not folder.exists():
        new.rename(folder)
        return
    folder.rename(old)
    try:
        new.rename(folder)
    except OSError:
        old.rename(folder)
        raise
