"""Camera health: whether frames come, how many, and what is wrong if they do not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tracker.presence.events import SCHEMA, as_utc


class CameraState(StrEnum):
    LIVE = "live"
    LOST = "lost"
    ENDED = "ended"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraHealth:
    """The state of one camera at `updated_at`.

    source: what is watched, without user name or password. state: live (frames come), lost (it is tried again),
    ended (a recording is over), stopped (the agent was stopped). fps: frames handled a second, lately. frames,
    dropped: since `started_at`; dropped ones were too old to be worth handling. problem: why it is lost, in words.

    Raises ValueError on a naive time, an empty id or a negative number.
    """

    site_id: str
    camera_id: str
    source: str
    state: CameraState
    started_at: datetime
    updated_at: datetime
    last_frame_at: datetime | None = None
    fps: float = 0.0
    frames: int = 0
    dropped: int = 0
    problem: str | None = None
    schema: int = SCHEMA

    def __post_init__(self) -> None:
        object.__setattr__(self, "state", CameraState(self.state))
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        object.__setattr__(self, "updated_at", as_utc(self.updated_at))
        if self.last_frame_at is not None:
            object.__setattr__(self, "last_frame_at", as_utc(self.last_frame_at))
        for name in ("site_id", "camera_id"):
            if not getattr(self, name).strip():
                raise ValueError(f"{name}: expected a text that is not empty")
        for name in ("fps", "frames", "dropped"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


def unstopped(cameras: Iterable[CameraHealth]) -> frozenset[str]:
    """Ids of the cameras that nobody stopped: where they give no frames they have failed, and were not taken down."""
    return frozenset(each.camera_id for each in cameras if each.state in (CameraState.LIVE, CameraState.LOST))
