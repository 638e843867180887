"""Check of a camera or recording: whether it gives a frame."""

from __future__ import annotations

from config.findings import Finding, Outcome
from tracker.cameras.capture import redacted
from tracker.cameras.frames import NoFrameYet
from tracker.cameras.sources import is_live, open_source

FRAME_WAIT_S = 10.0


def check_camera(source: str) -> Finding:
    """Whether the source gives a frame within FRAME_WAIT_S. Raises CameraError, RecordingError."""
    name = f"camera {redacted(source)}"
    opened = open_source(source, realtime=False)
    try:
        frame = opened.read(FRAME_WAIT_S)
    except NoFrameYet:
        frame = None
    finally:
        problems = opened.state.problems
        opened.close()
    if frame is None:
        detail = problems[-1] if problems else f"no frame within {FRAME_WAIT_S:g} s"
        return Finding(check=name, outcome=Outcome.FAILED, detail=detail, fix="check address, cable and power")
    height, width = frame.image.shape[:2]
    return Finding(check=name, detail=f"{'live' if is_live(source) else 'recording'}, {width}x{height}")
