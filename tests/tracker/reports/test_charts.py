"""Plots from rows: traces and labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import plotly.graph_objects as go
import pytest

from tracker.reports import charts
from tracker.reports.charts import Blind
from tracker.reports.looks import PALETTES, Look, Scheme
from tracker.reports.sheets import Row

BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 3, 1, 23, tzinfo=UTC)
DAY = (MIDNIGHT, MIDNIGHT + timedelta(hours=14))
LOOKS = [Look(scheme, narrow) for scheme in Scheme for narrow in (False, True)]


def points(*people: int) -> list[Row]:
    """One point an hour."""
    return [{"at": MIDNIGHT + timedelta(hours=hour), "people": number} for hour, number in enumerate(people)]


def drawn(chart: Callable[..., charts.Chart], *given: Any, **named: Any) -> go.Figure:
    """The chart as Plotly reads it; an unknown property is an error."""
    return go.Figure(chart(*given, **named))


VISITS = {"visits": "visits"}


def bins(*visits: int, width_s: float = 600) -> list[Row]:
    return [{"from_s": width_s * n, "to_s": width_s * (n + 1), "visits": each} for n, each in enumerate(visits)]


def dwell(median_s: float | None = 900, p90_s: float | None = 1500) -> Row:
    return {"median_s": median_s, "p90_s": p90_s}


def test_occupancy_steps_in_the_time_of_the_site() -> None:
    figure = drawn(charts.occupancy, points(0, 2, 1), span=DAY, zone=BERLIN, capacity=None, look=Look())
    (line,) = figure.data
    assert line.line.shape == "hv"
    assert list(line.y) == [0, 2, 1]
    assert [at[11:16] for at in line.x] == ["00:00", "01:00", "02:00"]
    assert figure.layout.xaxis.tickformat == "%H:%M"


@pytest.mark.parametrize(("capacity", "shown"), [(None, False), (12, True), (100, False)])
def test_the_capacity_is_drawn_if_it_is_near_the_peak(capacity: int | None, shown: bool) -> None:
    figure = drawn(charts.occupancy, points(3, 9), span=DAY, zone=BERLIN, capacity=capacity, look=Look())
    texts = [each.text for each in figure.layout.annotations]
    assert texts == ([f"capacity {capacity}"] if shown else [])
    assert not shown or figure.layout.yaxis.range[1] > (capacity or 0)


def test_weeks_are_labelled_by_day_and_shorter_on_a_phone() -> None:
    week = (MIDNIGHT - timedelta(days=7), MIDNIGHT)
    wide, narrow = (
        drawn(charts.occupancy, points(1), span=week, zone=BERLIN, capacity=None, look=Look(narrow=narrow))
        for narrow in (False, True)
    )
    assert (wide.layout.xaxis.tickformat, narrow.layout.xaxis.tickformat) == ("%a %-d", "%a")


def test_footfall_shows_the_hours_that_people_come() -> None:
    hours = [0] * 24
    hours[9], hours[18] = 4, 10
    figure = drawn(charts.footfall_by_hour, hours, days=7, look=Look())
    (bars,) = figure.data
    assert list(bars.x) == list(range(9, 19))
    assert list(bars.y) == [4, *[0] * 8, 10]
    assert list(bars.customdata[0]) == ["09:00–10:00", "4 entries", "<br>0.6 a day"]


def test_a_quiet_day_still_shows_eight_hours() -> None:
    late = [0] * 23 + [2]
    assert list(drawn(charts.footfall_by_hour, late, days=1, look=Look()).data[0].x) == list(range(16, 24))
    assert len(drawn(charts.footfall_by_hour, [0] * 24, days=1, look=Look()).data[0].x) >= 8


def test_the_histogram_is_over_seconds_with_median_and_p90() -> None:
    figure = drawn(charts.dwell_histogram, bins(5, 9, 2), dwell(), series=VISITS, look=Look())
    (bars,) = figure.data
    assert list(bars.x) == [300, 900, 1500]
    assert list(bars.customdata[1]) == ["10 min to 20 min", "9 visits"]
    assert [shape.x0 for shape in figure.layout.shapes] == [900, 1500]
    assert [each.text for each in figure.layout.annotations] == ["median 15 min", "90 % under 25 min"]
    assert [each.xanchor for each in figure.layout.annotations] == ["left", "right"]


def test_no_visit_gives_an_empty_histogram_without_lines() -> None:
    figure = drawn(charts.dwell_histogram, [], dwell(None, None), series=VISITS, look=Look())
    assert not figure.layout.shapes
    assert figure.layout.xaxis.range == (0, 600)


@pytest.mark.parametrize(
    ("longest_s", "ticks"),
    [
        (12, ["0", "5 s", "10 s"]),
        (600, ["0", "2 min", "4 min", "6 min", "8 min", "10 min"]),
        (7200, ["0", "30 min", "60 min", "90 min", "120 min"]),
        (86400, ["0", "8 h", "16 h", "24 h"]),
        (9 * 86400, ["0", "2 d", "4 d", "6 d", "8 d"]),
        (90 * 86400, ["0", "90 d"]),
    ],
)
def test_ticks_of_lengths_are_few_and_round(longest_s: float, ticks: list[str]) -> None:
    figure = drawn(
        charts.dwell_histogram, bins(1, 1, width_s=longest_s / 2), dwell(), series=VISITS, look=Look(narrow=True)
    )
    assert list(figure.layout.xaxis.ticktext) == ticks


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_look_has_its_own_colours_and_no_fill_behind(look: Look) -> None:
    hours = [0, 3] * 12
    for figure in (
        drawn(charts.occupancy, points(1, 2), span=DAY, zone=BERLIN, capacity=2, look=look),
        drawn(charts.footfall_by_hour, hours, days=1, look=look),
        drawn(charts.dwell_histogram, bins(1, 2), dwell(), series=VISITS, look=look),
    ):
        common = figure.layout.template.layout
        assert common.font.color == PALETTES[look.scheme].text
        assert common.paper_bgcolor == "rgba(0,0,0,0)"
        assert not common.showlegend
        assert common.xaxis.fixedrange


def blind(from_h: float, to_h: float, share: float = 0) -> Blind:
    return Blind(since=MIDNIGHT + timedelta(hours=from_h), until=MIDNIGHT + timedelta(hours=to_h), share=share)


def test_unwatched_time_is_grey_and_zero_is_not_drawn_there() -> None:
    seen = points(0, 2, 0, 0, 0, 3, 3)
    figure = drawn(charts.occupancy, seen, span=DAY, zone=BERLIN, capacity=None, look=Look(), blind=[blind(3, 4.5)])
    (line,) = figure.data
    steps = [(at[11:16], people) for at, people in zip(line.x, line.y, strict=True)]
    assert steps == [
        ("00:00", 0), ("01:00", 2), ("02:00", 0), ("03:00", 0), ("03:00", None), ("04:00", None), ("04:30", 0),
        ("05:00", 3), ("06:00", 3),
    ]  # fmt: skip
    (grey,) = figure.layout.shapes
    assert (grey.x0[11:16], grey.x1[11:16], grey.opacity, grey.layer) == (
        "03:00", "04:30", 1, "below",
    )  # fmt: skip
    assert [each.text for each in figure.layout.annotations] == ["not watched"]


def test_known_occupancy_is_drawn_through_an_outage() -> None:
    figure = drawn(
        charts.occupancy, points(2, 2, 2), span=DAY, zone=BERLIN, capacity=None, look=Look(), blind=[blind(0.5, 1)]
    )
    assert None not in figure.data[0].y


def test_partly_watched_time_is_lighter_and_counts_are_drawn() -> None:
    figure = drawn(
        charts.occupancy,
        points(0, 0, 0),
        span=DAY,
        zone=BERLIN,
        capacity=None,
        look=Look(),
        blind=[blind(-9, 1, 0.5), blind(90, 99)],
    )
    (grey,) = figure.layout.shapes
    assert (grey.x0[11:16], grey.opacity) == ("00:00", 0.5)
    assert list(figure.data[0].y).count(None) == 0
    assert not figure.layout.annotations


def test_unwatched_hours_have_no_bar_and_are_in_range() -> None:
    hours: list[int] = [0] * 24
    hours[9], hours[10] = 4, 10
    watched: list[float | None] = [1.0] * 18 + [0.0, 0.25, *[None] * 4]
    watched[10] = 0.5
    figure = drawn(charts.footfall_by_hour, hours, days=2, look=Look(), watched=watched)
    (bars,) = figure.data
    assert list(bars.x) == list(range(9, 20))
    assert list(bars.y) == [4, 10, *[0] * 7, None, 0]
    assert [(shape.x0, shape.opacity) for shape in figure.layout.shapes] == [(9.5, 0.5), (17.5, 1), (18.5, 0.75)]
    assert [each[2] for each in bars.customdata[:2]] == ["<br>2.0 a day", "<br>10.0 a day<br>watched 50% of it"]


def test_an_hour_that_comes_twice_is_drawn_twice() -> None:
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)
    seen: list[Row] = [{"at": midnight + timedelta(minutes=30 * n), "people": n % 3} for n in range(12)]
    span = (midnight, midnight + timedelta(hours=6))
    figure = drawn(charts.occupancy, seen, span=span, zone=BERLIN, capacity=None, look=Look())
    (line,) = figure.data
    assert list(line.x) == sorted(set(line.x))
    assert [text for text in figure.layout.xaxis.ticktext if "02:00" in text] == ["02:00 CEST", "02:00 CET"]
    assert list(line.customdata)[4:8] == ["02:00 CEST", "02:30 CEST", "02:00 CET", "02:30 CET"]


def test_the_fill_does_not_cross_unwatched_time() -> None:
    seen = points(2, 0, 0, 2)
    figure = drawn(charts.occupancy, seen, span=DAY, zone=BERLIN, capacity=None, look=Look(), blind=[blind(1, 3)])
    assert list(figure.data[0].y) == [2, 0, None, None, 0, 2]
