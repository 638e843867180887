"""Time zone, noise levels and rules of the simulated scenarios."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from tracker.presence.rules import Rules
from tracker.simulation.scenario import Noise, Scenario

ZONE = ZoneInfo("Europe/Berlin")
LEVELS = {
    "none": Noise(),
    "light": Noise(miss=0.01, confuse=0.002, skew=timedelta(seconds=0.5), duplicate=0.01),
    "target": Noise(miss=0.05, confuse=0.01, skew=timedelta(seconds=2), duplicate=0.01),
    "heavy": Noise(miss=0.1, confuse=0.03, skew=timedelta(seconds=2), duplicate=0.02, outage=timedelta(minutes=10)),
    "storm": Noise(miss=0.2, confuse=0.05, skew=timedelta(seconds=5), duplicate=0.05, outage=timedelta(minutes=30)),
}


def rules_of(scenario: Scenario, noise: Noise) -> Rules:
    """The rules of a site with this scenario: doors and rooms, closing time, clock skew."""
    doors = frozenset(scenario.door_ids)
    return Rules(
        entrances=doors,
        exits=doors,
        rooms=frozenset(scenario.room_ids),
        closes_at=scenario.profile.closes,
        zone=scenario.zone,
        skew=max(noise.skew, timedelta(seconds=2)),
    )
