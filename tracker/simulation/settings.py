"""The settings file of a simulated site, for dashboard and reports: its doors, rooms and hours."""

from __future__ import annotations

import json
import math
from pathlib import Path

from tracker.simulation.camera_faults import source_of
from tracker.simulation.scenario import Scenario

SUFFIX = ".settings.toml"
_HEAD = "# Written by footfall simulate"


def is_ours(file: Path) -> bool:
    """Whether a simulation wrote this settings file. Raises OSError."""
    return file.read_bytes().startswith(_HEAD.encode())


def settings_text(
    scenario: Scenario, *, zone: str, most: int, everybody: bool = False, store: Path | None = None
) -> str:
    """The content of the file.

    zone: name of the time zone. most: people inside at once. everybody: cameras count people who are not recognised,
    too. store: SQLite file, if any.
    """
    lines = [
        f"{_HEAD}: the site in the file beside it.",
        "[site]",
        f"id = {json.dumps(scenario.site_id)}",
        f"name = {json.dumps(f'Simulated {scenario.profile.name}')}",
        f"time_zone = {json.dumps(zone)}",
        f"capacity = {_capacity(most)}",
        *([] if store is None else ["[store]", f"url = {json.dumps(f'sqlite:///{store.absolute()}')}"]),
        "[presence]",
        f'closes_at = "{scenario.profile.closes:%H:%M}"',
    ]
    for camera_id in scenario.camera_ids:
        lines += ["[[camera]]", f'id = "{camera_id}"', f'source = "{source_of(camera_id, scenario)}"']
        lines.append(f'count = "{"bodies" if everybody else "faces"}"')
        if camera_id in scenario.door_ids:
            lines += ['role = "door"', "line = [[0.1, 0.5], [0.9, 0.5]]", 'inside = "below"']
    return "\n".join(lines) + "\n"


def _capacity(most: int) -> int:
    """A plausible capacity of a site with at most so many people at once."""
    return max(10, math.ceil(most * 1.3 / 5) * 5)
