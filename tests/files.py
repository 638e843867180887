"""Comparison of files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def digest(file: Path | bytes) -> tuple[int, str]:
    """Size and SHA-256 of a file or of its content.

    Compared in place of long bytes: where those differ, pytest works out the whole difference, which takes minutes.
    """
    content = file if isinstance(file, bytes) else file.read_bytes()
    return len(content), hashlib.sha256(content).hexdigest()
