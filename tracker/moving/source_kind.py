"""The kinds of sources that people are imported from; apart from what reads them, for the help of the command."""

from __future__ import annotations

from enum import StrEnum


class SourceKind(StrEnum):
    """What a source holds."""

    PICTURES = "pictures"
    DATABASE = "database"
    VECTORS = "vectors"
