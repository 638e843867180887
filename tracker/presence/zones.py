"""Zones: named parts of what a room's camera sees, and how long who is in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TypeAlias

from tracker.presence.events import SCHEMA, CameraRef, as_utc, content_id, time_text
from tracker.presence.room import Sighting

ZoneAndPerson: TypeAlias = tuple[str, str]
"""(zone name, person_id)"""
SMALLEST = 0.0001
"""The smallest part of the frame that a zone may cover: a hundredth of it either way."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon in the frame. corners: (x, y) in fractions of it, in order, three or more; it closes by itself.

    Raises ValueError on an empty name, fewer corners, a corner outside 0..1, or a polygon of next to no area.
    """

    name: str
    corners: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not self.name.strip():
            raise ValueError("zone: expected a name that is not empty")
        if len(self.corners) < 3:
            raise ValueError(f"zone {self.name}: expected three corners or more, got {len(self.corners)}")
        if not all(0.0 <= part <= 1.0 for corner in self.corners for part in corner):
            raise ValueError(f"zone {self.name}: expected corners in fractions of the frame, 0 to 1")
        if abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in self._sides())) / 2 < SMALLEST:
            raise ValueError(f"zone {self.name}: expected corners that span a part of the frame, got next to none")

    def holds(self, x_frac: float, y_frac: float) -> bool:
        """Whether a place lies in the zone. Where the outline crosses itself, what is wound around twice is out."""
        inside = False
        for (x1, y1), (x2, y2) in self._sides():
            if (y1 > y_frac) is not (y2 > y_frac) and x_frac < x1 + (y_frac - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside

    def _sides(self) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
        return pairwise((*self.corners, self.corners[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneStay:
    """Somebody in a zone, from `started_at` to `seen_at`, UTC. over: that is all; without it they may still be there.

    stay_id: from site, camera, zone, person and start, so it stays as the stay goes on.
    """

    site_id: str
    camera_id: str
    zone: str
    person_id: str
    started_at: datetime
    seen_at: datetime
    over: bool = False
    schema: int = SCHEMA
    stay_id: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "started_at", as_utc(self.started_at))
        object.__setattr__(self, "seen_at", as_utc(self.seen_at))
        if self.started_at > self.seen_at:
            raise ValueError(
                f"started_at: expected {self.seen_at.isoformat()} or earlier, got {self.started_at.isoformat()}"
            )
        if not self.stay_id:
            parts = ("zone", self.site_id, self.camera_id, self.zone, self.person_id, time_text(self.started_at))
            object.__setattr__(self, "stay_id", content_id(*parts))


def linger(
    open_: Mapping[ZoneAndPerson, ZoneStay],
    sightings: Iterable[Sighting],
    *,
    camera: CameraRef,
    zones: Sequence[Zone],
    now: datetime,
    gap: timedelta = timedelta(seconds=5),
    ended: bool = False,
) -> tuple[dict[ZoneAndPerson, ZoneStay], tuple[ZoneStay, ...]]:
    """Open stays and what was seen since -> open stays, and those that are over, in order of their start.

    A stay begins with a sighting in the zone and ends at the last one there, once nobody saw the person in it for
    longer than `gap`, so that a step over its edge or a head turned away does not break it. Zones may overlap: a
    person may be in several. ended: there are no more frames.
    """
    now = as_utc(now)
    still_open, over = dict(open_), list[ZoneStay]()
    for sighting in sorted(sightings, key=lambda each: (each.seen_at, each.track_id)):
        for zone in zones:
            if not zone.holds(sighting.x_frac, sighting.y_frac):
                continue
            key = (zone.name, sighting.person_id)
            stay = still_open.get(key)
            if stay is not None and sighting.seen_at - stay.seen_at <= gap:
                still_open[key] = replace(stay, seen_at=max(stay.seen_at, sighting.seen_at))
                continue
            if stay is not None:
                over.append(stay)
            still_open[key] = _begun(zone, sighting, camera)
    for key, stay in list(still_open.items()):
        if ended or now - stay.seen_at > gap:
            over.append(still_open.pop(key))
    over.sort(key=lambda stay: (stay.started_at, stay.zone, stay.person_id))
    return still_open, tuple(replace(stay, over=True) for stay in over)


def _begun(zone: Zone, sighting: Sighting, camera: CameraRef) -> ZoneStay:
    """A stay from the sighting on; where the person was before a late name is not known to the zone."""
    return ZoneStay(
        site_id=camera.site_id,
        camera_id=camera.camera_id,
        zone=zone.name,
        person_id=sighting.person_id,
        started_at=sighting.seen_at,
        seen_at=sighting.seen_at,
    )
