"""Check of a camera or recording: whether it gives a frame."""

from __future__ import annotations

from config.addresses import redacted
from config.findings import Finding, Outcome
from tracker.cameras.frames import Frame, FrameSource, NoFrameYet
from tracker.cameras.sources import is_live, prepare_source

FRAME_WAIT_S = 10.0
KEY_FRAME_WAIT_S = 25.0
"""On top of it, for a stream that is connected: its first picture comes with a key frame."""


def check_camera(source: str) -> Finding:
    """Whether the source gives a frame in time. Raises CameraError, RecordingError."""
    name = f"camera {redacted(source)}"
    opened = prepare_source(source, realtime=False)
    opened.open()
    try:
        frame = _first_frame(opened)
    finally:
        problems = opened.state.problems
        opened.close()
    if frame is None:
        detail = problems[-1] if problems else f"no frame within {FRAME_WAIT_S + KEY_FRAME_WAIT_S:g} s"
        return Finding(check=name, outcome=Outcome.FAILED, detail=detail, fix="check address, cable and power")
    height, width = frame.image.shape[:2]
    return Finding(check=name, detail=f"{'live' if is_live(source) else 'recording'}, {width}x{height}")


def _first_frame(source: FrameSource) -> Frame | None:
    """None without one in time; sooner where the source reports a problem."""
    for wait_s in (FRAME_WAIT_S, KEY_FRAME_WAIT_S):
        try:
            return source.read(wait_s)
        except NoFrameYet:
            if source.state.problems:
                return None
    return None
