"""A point may have its own band: how near the line it is on neither side. Depths are in hundredths of the frame."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tracker.presence.line import BAND, Crossing, Inside, Line, LineState, TrackPoint, cross

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
LEVEL = Line(start=(0.2, 0.5), end=(0.8, 0.5), inside=Inside.BELOW)


@pytest.mark.parametrize(
    ("band", "depths", "crossed_at"),
    [
        pytest.param(0.1, (-12, -9, 9, 12), [3], id="wider"),
        pytest.param(0.1, (-12, -9, 0, 9, 8, 9), [], id="wider-and-not-clear-of-it"),
        pytest.param(0.01, (-2, 2), [1], id="narrower"),
        pytest.param(BAND, (-2, 2), [], id="default"),
    ],
)
def test_a_side_is_reached_beyond_the_band(band: float, depths: tuple[float, ...], crossed_at: list[int]) -> None:
    line_states: dict[str, LineState] = {}
    found: list[Crossing] = []
    for second, depth in enumerate(depths):
        point = TrackPoint(track_id="t", x_frac=0.5, y_frac=0.5 + depth / 100, band=band)
        at = START + timedelta(seconds=second)
        line_states, crossings = cross(line_states, [point], line=LEVEL, at=at, hold=1)
        found += [crossing for _, crossing in crossings]
    assert [(each.at - START).total_seconds() for each in found] == crossed_at
    assert all(each.inward for each in found)
