"""What an agent says of its work to whoever watches it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from config.errors import CameraError
from tracker.cameras.frames import Frame
from tracker.identity.recognition import FaceName
from tracker.presence.events import Event, Match
from tracker.presence.room import Presence
from tracker.vision.engine import AnalysedFaces


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Step:
    """What one frame led to, for whoever watches the agent at work; `frame` and `seen` are None where frames end.

    faces: one for each face of the frame. matches: decisions about tracks. present: who is in sight now. withdrawn:
    events told before, of a person whom the track did not show after all.
    """

    frame: Frame | None
    seen: AnalysedFaces | None
    faces: tuple[FaceName, ...]
    matches: tuple[Match, ...]
    events: tuple[Event, ...]
    present: tuple[Presence, ...]
    retracted: tuple[Event, ...] = ()


OnStep: TypeAlias = Callable[[Step], None]
"""Told of every step."""
OnFailure: TypeAlias = Callable[[CameraError], None]
"""Told when a camera fails that will be opened again when this returns."""
