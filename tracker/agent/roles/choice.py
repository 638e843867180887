"""The role that the settings give a camera."""

from __future__ import annotations

from datetime import timedelta

from config.settings import CameraRole, CameraSettings, PresenceSettings
from tracker.agent.roles.door import Door
from tracker.agent.roles.passage import Passage
from tracker.agent.roles.role import Role
from tracker.agent.roles.room import Room
from tracker.agent.zones import zones_of
from tracker.presence.events import CameraRef, EventKind
from tracker.presence.line import Inside, Line

SETTLE_AFTER = timedelta(seconds=5)
"""A track that is unseen at a door for so long has ended."""
_PASSAGES = {CameraRole.ENTRANCE: EventKind.ENTER, CameraRole.EXIT: EventKind.EXIT}


def role_of(settings: CameraSettings, camera: CameraRef, *, presence: PresenceSettings, max_gap_s: float) -> Role:
    """max_gap_s: how long a track may go unseen."""
    line = line_of(settings)
    if line is not None:
        settle_after = max(SETTLE_AFTER, timedelta(seconds=2 * max_gap_s))
        return Door(line, hold=settings.hold_frames, settle_after=settle_after)
    room = Room(
        camera,
        exit_after=timedelta(seconds=presence.exit_after_s),
        resume_within=timedelta(seconds=presence.merge_gap_s),
        zones=zones_of(settings, camera),
    )
    kind = _PASSAGES.get(settings.role)
    return room if kind is None else Passage(room, kind)


def line_of(settings: CameraSettings) -> Line | None:
    """The line of a door, None for other roles."""
    if settings.line is None or settings.inside is None:
        return None
    return Line(start=settings.line[0], end=settings.line[1], inside=Inside(settings.inside))
