"""Frame sources for tests."""

from __future__ import annotations

from datetime import datetime

from tracker.cameras.frames import FrameSource
from tracker.cameras.sources import prepare_source


def open_source(
    source: str, *, start_at: datetime | None = None, realtime: bool = True, rotate: int = 0
) -> FrameSource:
    """The source that the text names, already open."""
    opened = prepare_source(source, start_at=start_at, realtime=realtime, rotate=rotate)
    opened.open()
    return opened
