"""Sources release file descriptors."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from config.errors import FootfallError
from tests.tracker.cameras.test_live import unopened
from tests.tracker.sources import open_source
from tracker.cameras.sources import LiveSource


@pytest.mark.skipif(psutil.WINDOWS, reason="counts Unix file descriptors")
def test_files_opened_read_refused_and_closed_leave_no_descriptor_behind(
    clip: Callable[..., Path], tmp_path: Path
) -> None:
    film, text = clip(), tmp_path / "text.mp4"
    text.write_text("no film")

    def use() -> None:
        whole = open_source(str(film), realtime=False)
        while whole.read() is not None:
            pass
        part = open_source(str(film), realtime=False)
        part.read()
        part.close()
        with pytest.raises(FootfallError):
            open_source(str(text))

    use()
    before = psutil.Process().num_fds()
    for _ in range(20):
        use()
    assert psutil.Process().num_fds() <= before


def test_cameras_opened_and_closed_leave_no_thread_behind() -> None:
    before = threading.active_count()
    for _ in range(20):
        camera = LiveSource("rtsp://nowhere/", opener=unopened)
        camera.open()
        camera.close()
    assert threading.active_count() <= before
