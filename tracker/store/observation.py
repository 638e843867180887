"""What one step of an agent found, written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import Correction, Event, Match
from tracker.presence.health import CameraHealth
from tracker.presence.line import LineState
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Facts and state of one camera.

    Events and matches whose ids are known are skipped. presences: replace all open presences of that site and
    camera, which must both be given; None leaves them. visitors: each with all vectors (N, D) kept for them;
    a visitor whom somebody named, merged or enrolled meanwhile stays so. evidence: vectors (N, D) behind matches,
    by match_id. watch: since when and until when a camera watched; one with a known start makes that longer, never
    shorter. line_states: replace all that a door knows of its tracks, like presences. zone_stays: added, or brought
    up to date, after those of the ids `dropped_stays` are gone. corrections: of what an agent reported before; one of
    an event that is not there any more does nothing.

    Raises ValueError on presences or line states without their site and camera.
    """

    events: Iterable[Event] = ()
    matches: Iterable[Match] = ()
    camera_id: str | None = None
    site_id: str | None = None
    presences: Iterable[Presence] | None = None
    visitors: Iterable[tuple[Person, NDArray[np.float32]]] = ()
    health: CameraHealth | None = None
    watch: CoverageSpan | None = None
    line_states: Iterable[LineState] | None = None
    zone_stays: Iterable[ZoneStay] = ()
    evidence: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    dropped_stays: Iterable[str] = ()
    corrections: Iterable[Correction] = ()

    def __post_init__(self) -> None:
        if (self.presences is not None or self.line_states is not None) and None in (self.site_id, self.camera_id):
            raise ValueError("presences, line_states: expected site_id and camera_id beside them")
