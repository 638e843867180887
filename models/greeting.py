"""LiteRT greets on stderr when a process allocates its first network, and has no switch for that.

The line would stand in the middle of progress bars and beside the one line that an error is.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_TEXT = b"Created TensorFlow Lite XNNPACK delegate"
_LOCK = threading.Lock()
_STDERR = 2
_heard = threading.Event()


@contextmanager
def unheard() -> Iterator[None]:
    """Keep the greeting out of what the first block run under this writes to stderr; everything else passes."""
    if _heard.is_set():
        yield
        return
    with _LOCK, tempfile.TemporaryFile() as aside:
        original = _turned(aside.fileno())
        try:
            yield
        finally:
            _heard.set()
            if original is not None:
                os.dup2(original, _STDERR)
                os.close(original)
                aside.seek(0)
                for line in aside:
                    if _TEXT not in line:
                        os.write(_STDERR, line)


def _turned(target: int) -> int | None:
    """Turn stderr to another file; returns the original, None where a service has no stderr."""
    try:
        original = os.dup(_STDERR)
    except OSError:
        return None
    os.dup2(target, _STDERR)
    return original
