"""Every kind of frame source by its name: device, video file, folder of pictures, network address."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from config.addresses import is_address, is_login, redacted
from config.errors import CameraError
from tracker.cameras.clock import Clock, SystemClock
from tracker.cameras.folder import FolderSource
from tracker.cameras.frames import Frame, FrameSource, NoFrameYet, SourceState
from tracker.cameras.live import LiveSource
from tracker.cameras.recording import RecordingSource

__all__ = [
    "Clock",
    "FolderSource",
    "Frame",
    "FrameSource",
    "LiveSource",
    "NoFrameYet",
    "RecordingSource",
    "SourceState",
    "SystemClock",
    "is_live",
    "prepare_source",
]

_LIVE_SCHEMES = frozenset({"http", "https", "rtmp", "rtmps", "rtp", "rtsp", "rtsps", "srt", "tcp", "udp"})
_HIGHEST_DEVICE = 99


def is_live(source: str) -> bool:
    """Whether the source is a device or an address, which runs on by itself, and not a recording."""
    text = source.strip()
    return _is_number(text) or is_address(text) or text.startswith("/dev/")


def prepare_source(
    source: str,
    *,
    start_at: datetime | None = None,
    realtime: bool = True,
    fps: float | None = None,
    rotate: int = 0,
) -> FrameSource:
    """The source that the text names, not open yet.

    source: a device number ("0") or file ("/dev/video0"), an rtsp or http address, a video file, or a folder of
    pictures. start_at: when a recording begins (a live source has its own time and does not heed it); without it a
    recording starts now when played in real time, and ends now when not. fps: frames a second of recordings without
    time stamps. rotate: degrees clockwise by which frames are rotated, a multiple of 90.
    Raises CameraError for an address of an unknown kind. Its `open` raises CameraError for a device that is not there,
    RecordingError for a file or folder that is missing or unreadable, ValueError for a start without a zone.
    """
    text = source.strip()
    if not text:
        raise CameraError("no camera given", fix="give a device number, a video file, a folder or an address")
    if is_address(text):
        scheme = text.partition(":")[0].lower()
        if scheme not in _LIVE_SCHEMES:
            raise CameraError(f"{redacted(text)}: cannot open {scheme} addresses", fix="give an rtsp or http address")
        return LiveSource(text, rotate=rotate)
    if _is_number(text):
        if int(text) > _HIGHEST_DEVICE:
            raise CameraError(f"device {text}: no such camera", fix="give a small number such as 0, or a path: ./FILE")
        return LiveSource(int(text), rotate=rotate)
    if text.startswith("/dev/"):
        return LiveSource(text, rotate=rotate)
    path = Path(source).expanduser()
    if is_login(text) and not path.exists():
        raise CameraError("an address without its scheme", fix="begin it with rtsp:// or http://")
    if _is_folder(path):
        return FolderSource(path, start_at=start_at, realtime=realtime, fps=fps or 1.0, rotate=rotate)
    return RecordingSource(path, start_at=start_at, realtime=realtime, fps=fps, rotate=rotate)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False  # a name the system refuses: opening the recording reports it
