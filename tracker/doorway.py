"""What a camera with a role of its own remembers between frames: sides of a door's line, stays in a room's zones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import numpy as np

from config.settings import CameraSettings
from tracker.faces.engine import Seen
from tracker.identity.recognition import FaceName
from tracker.presence.crossing import Inside, Line, Spot, Standing
from tracker.presence.events import Event
from tracker.presence.passages import go_through
from tracker.presence.room import Sighting
from tracker.presence.zones import Zone, ZoneAndPerson, ZoneStay, linger

SETTLE_AFTER = timedelta(seconds=5)


class Doorway:
    """A line that people go over, and where their tracks stand. `standings` is all that it remembers."""

    def __init__(self, line: Line, *, hold: int, site_id: str, camera_id: str, settle_after: timedelta) -> None:
        self._line = line
        self._hold = hold
        self._site_id = site_id
        self._camera_id = camera_id
        self._settle_after = settle_after
        self._standings: dict[str, Standing] = {}

    @property
    def standings(self) -> Sequence[Standing]:
        return list(self._standings.values())

    def resume(self, standings: Iterable[Standing], at: datetime) -> None:
        """Go on from what an earlier run knew at `at`; what it knew later is of a recording now played once more."""
        self._standings = {each.track_id: each for each in standings if each.seen_at <= at}

    def watch(self, spots: Iterable[Spot], at: datetime, *, ended: bool = False) -> tuple[Event, ...]:
        """Who went over the line, now that tracks are where they are. ended: no more frames belong to these tracks."""
        self._standings, events = go_through(
            self._standings,
            spots,
            line=self._line,
            at=at,
            site_id=self._site_id,
            camera_id=self._camera_id,
            hold=self._hold,
            settle_after=self._settle_after,
            ended=ended,
        )
        return events


class ZoneWatch:
    """The zones of a room, and who is in them."""

    def __init__(self, zones: Sequence[Zone], *, site_id: str, camera_id: str) -> None:
        self._zones = zones
        self._site_id = site_id
        self._camera_id = camera_id
        self._open: dict[ZoneAndPerson, ZoneStay] = {}

    @property
    def open(self) -> Sequence[ZoneStay]:
        return list(self._open.values())

    def resume(self, stays: Iterable[ZoneStay], at: datetime) -> None:
        """Go on with open stays of an earlier run that had begun at `at`."""
        self._open = {(each.zone, each.person_id): each for each in stays if each.started_at <= at}

    def watch(self, sightings: Iterable[Sighting], at: datetime, *, ended: bool = False) -> tuple[ZoneStay, ...]:
        """The stays that are over now."""
        self._open, over = linger(
            self._open,
            sightings,
            zones=self._zones,
            now=at,
            site_id=self._site_id,
            camera_id=self._camera_id,
            ended=ended,
        )
        return over


def doorway_of(camera: CameraSettings, *, site_id: str, max_gap_s: float) -> Doorway | None:
    """The line of a door, None for a camera without one. max_gap_s: how long a track may go unseen."""
    if camera.line is None or camera.inside is None:
        return None
    line = Line(start=camera.line[0], end=camera.line[1], inside=Inside(camera.inside))
    settle_after = max(SETTLE_AFTER, timedelta(seconds=2 * max_gap_s))
    return Doorway(line, hold=camera.hold_frames, site_id=site_id, camera_id=camera.id, settle_after=settle_after)


def zones_of(camera: CameraSettings, *, site_id: str) -> ZoneWatch | None:
    """The zones of a room, None for a camera without any."""
    zones = [Zone(name, corners) for name, corners in camera.zones.items()]
    return ZoneWatch(zones, site_id=site_id, camera_id=camera.id) if zones else None


def spots_of(seen: Seen, faces: Sequence[FaceName], size_wh: tuple[int, int]) -> list[Spot]:
    """Where each face of a frame is, one to a track."""
    boxes = seen.faces.boxes
    places = np.clip((boxes[:, :2] + boxes[:, 2:]) / 2 / np.array(size_wh, np.float32), 0, 1)
    return [
        Spot(track_id=face.track_id, person_id=face.person_id, x_frac=float(x_frac), y_frac=float(y_frac))
        for face, (x_frac, y_frac) in zip(faces, places, strict=True)
    ]
