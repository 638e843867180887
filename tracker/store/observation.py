"""What one step of an agent found, written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, Correction, Event, Match
from tracker.presence.health import CameraHealth
from tracker.presence.line import LineState
from tracker.presence.people import Person
from tracker.presence.room import Presence
from tracker.presence.zones import ZoneStay

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tracker.presence.audience import AudienceGroup


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Facts and state of one camera.

    Events and matches whose ids are known are skipped. presences: replace all open presences of `camera`; None leaves
    them. visitors: each with all vectors (N, D) kept for them;
    a visitor whom somebody named, merged or enrolled meanwhile stays so. evidence: vectors (N, D) behind matches,
    by match_id. coverage: when cameras watched; a span with a known start makes that one longer, never
    shorter. line_states: replace all of `camera`, like presences. zone_stays: added, or updated, after those of the
    ids `dropped_stays` are removed. corrections: of events that an agent reported before; one of an event that is not
    there any more is skipped. audience: each group replaces what was stored of it.

    Raises ValueError on presences or line states without their camera.
    """

    events: Iterable[Event] = ()
    matches: Iterable[Match] = ()
    camera: CameraRef | None = None
    presences: Iterable[Presence] | None = None
    visitors: Iterable[tuple[Person, NDArray[np.float32]]] = ()
    health: CameraHealth | None = None
    coverage: Iterable[CoverageSpan] = ()
    line_states: Iterable[LineState] | None = None
    zone_stays: Iterable[ZoneStay] = ()
    evidence: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    dropped_stays: Iterable[str] = ()
    corrections: Iterable[Correction] = ()
    audience: Sequence[AudienceGroup] = ()

    def __post_init__(self) -> None:
        if (self.presences is not None or self.line_states is not None) and self.camera is None:
            raise ValueError("presences, line_states: expected their camera beside them")
