from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.tracker.presence.timelines import DAY, MINUTE, NOON, PEOPLE, at, stay, visits_of
from tracker.presence import reports
from tracker.presence.dwell import Bin, dwell_of
from tracker.presence.sessions import Session


def minutes(*lengths: float) -> list[Session]:
    return visits_of(*(stay(f"p{n}", DAY, DAY + timedelta(minutes=m)) for n, m in enumerate(lengths)), now=at("23:00"))


def test_dwell_gives_median_mean_and_p90() -> None:
    dwell = dwell_of(minutes(40, 10, 20, 30))
    assert (dwell.visits, dwell.median_s, dwell.mean_s) == (4, 25 * MINUTE, 25 * MINUTE)
    assert dwell.p90_s == pytest.approx(37 * MINUTE)


def test_dwell_of_one_visit() -> None:
    dwell = dwell_of(minutes(10))
    assert (dwell.visits, dwell.median_s, dwell.p90_s) == (1, 600, 600)


def test_dwell_leaves_out_what_was_not_measured() -> None:
    found = visits_of(
        stay("ada", at("8:00"), at("8:10")),
        stay("bob", at("11:50"), None),
        stay("v-1", None, at("9:00")),
        stay("v-2", at("9:00"), at("9:00")),
        stay("v-3", at("8:00", day=-3), None),
        now=NOON,
    )
    dwell = reports.dwell(found, PEOPLE, since=at("0:00", day=-5), until=NOON)
    assert (dwell.visits, dwell.median_s) == (1, 600)


def test_dwell_is_net_unless_gross_is_asked_for() -> None:
    found = visits_of(stay("ada", at("8:00"), at("8:10")), stay("ada", at("8:14"), at("8:20")), now=NOON)
    assert reports.dwell(found, PEOPLE, since=DAY, until=NOON).median_s == 16 * MINUTE
    assert reports.dwell(found, PEOPLE, since=DAY, until=NOON, gross=True).median_s == 20 * MINUTE


def test_dwell_without_visits() -> None:
    dwell = reports.dwell([], [], since=DAY, until=NOON)
    assert (dwell.visits, dwell.median_s, dwell.mean_s, dwell.p90_s, dwell.bins) == (0, None, None, None, ())


@pytest.mark.parametrize(
    ("lengths_min", "width_s", "bins"),
    [
        pytest.param([1.5, 1.9], 10, 12, id="under-two-minutes"),
        pytest.param([2], 15, 9, id="a-length-on-an-edge-begins-a-bin"),
        pytest.param([5, 10, 59], 300, 12, id="under-an-hour"),
        pytest.param([5, 60], 600, 7, id="an-hour"),
        pytest.param([5, 900], 7200, 8, id="hours"),
    ],
)
def test_bins_are_round_and_few(lengths_min: list[float], width_s: float, bins: int) -> None:
    found = dwell_of(minutes(*lengths_min)).bins
    assert {each.to_s - each.from_s for each in found} == {width_s}
    assert len(found) == bins
    assert found[0].from_s == 0
    assert all(earlier.to_s == later.from_s for earlier, later in pairwise(found))
    for length_s in (length * MINUTE for length in lengths_min):
        assert any(each.from_s <= length_s < each.to_s and each.visits for each in found)
    assert sum(each.visits for each in found) == len(lengths_min)


def test_a_visit_of_weeks_still_fits_the_histogram() -> None:
    found = visits_of(
        stay("ada", DAY, DAY + timedelta(days=40)), stay("bob", DAY, at("1:00")), now=DAY + timedelta(days=41)
    )
    assert dwell_of(found).bins[0] == Bin(from_s=0, to_s=4 * 86400, visits=1)
    assert len(dwell_of(found).bins) == 11
