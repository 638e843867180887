"""Profiles of places: opening hours, visitors, arrival times, lengths of visits, and camera coverage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from enum import StrEnum


class ProfileName(StrEnum):
    GYM = "gym"
    OFFICE = "office"
    SHOP = "shop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peak:
    """A normal distribution of arrivals around a local hour, with a relative weight."""

    hour: float
    stddev_h: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """A log-normal duration in seconds, clipped to [min_s, max_s]."""

    median_s: float
    sigma: float
    min_s: float
    max_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """A break outside during a visit. hour: around that local hour, None for any time of the visit."""

    chance: float
    length: Duration
    hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of place.

    opens, closes: local time; nobody arrives less than `last_entry_s` before closing, and everybody leaves by closing.
    weekdays: Monday first, relative attendance, 0 (closed) .. 1. regulars, staff: shares of the people; the others are
    strangers. regular_share, staff_share: probability of a visit on a day of full attendance; a stranger visits on
    1 + Poisson(stranger_returns) days. second_visit: probability of a second visit on a day. rooms: default number of
    room cameras. entry_delay: time out of view after entering and before leaving. view_length, gap_length: duration of
    a view, and of the gap after it. overlap: probability that the next view starts before the last one ends.
    """

    name: ProfileName
    opens: time
    closes: time
    last_entry_s: float
    weekdays: tuple[float, ...]
    regulars: float
    staff: float
    regular_share: float
    staff_share: float
    stranger_returns: float
    arrivals: tuple[Peak, ...]
    visit_length: Duration
    shift_length: Duration
    breaks: tuple[Break, ...]
    second_visit: float
    rooms: int
    entry_delay: Duration
    view_length: Duration
    gap_length: Duration
    overlap: float


_MINUTE, _HOUR = 60.0, 3600.0
_SHORT_BREAK = Duration(median_s=2.5 * _MINUTE, sigma=0.3, min_s=45, max_s=4.5 * _MINUTE)

_GYM = Profile(
    name=ProfileName.GYM,
    opens=time(6),
    closes=time(22),
    last_entry_s=0.5 * _HOUR,
    weekdays=(1.0, 0.95, 0.95, 0.9, 0.8, 0.6, 0.5),
    regulars=0.8,
    staff=0.03,
    regular_share=0.38,
    staff_share=0.7,
    stranger_returns=0.4,
    arrivals=(
        Peak(hour=7.3, stddev_h=0.8, weight=0.28),
        Peak(hour=12.4, stddev_h=0.9, weight=0.14),
        Peak(hour=18.2, stddev_h=1.3, weight=0.48),
        Peak(hour=14.0, stddev_h=4.0, weight=0.10),
    ),
    visit_length=Duration(median_s=68 * _MINUTE, sigma=0.38, min_s=8 * _MINUTE, max_s=4 * _HOUR),
    shift_length=Duration(median_s=7 * _HOUR, sigma=0.15, min_s=4 * _HOUR, max_s=9 * _HOUR),
    breaks=(Break(chance=0.06, length=_SHORT_BREAK),),
    second_visit=0.02,
    rooms=2,
    entry_delay=Duration(median_s=5 * _MINUTE, sigma=0.4, min_s=20, max_s=15 * _MINUTE),
    view_length=Duration(median_s=4 * _MINUTE, sigma=0.8, min_s=3, max_s=25 * _MINUTE),
    gap_length=Duration(median_s=80, sigma=0.7, min_s=35, max_s=10 * _MINUTE),
    overlap=0.15,
)

_OFFICE = Profile(
    name=ProfileName.OFFICE,
    opens=time(6, 30),
    closes=time(20),
    last_entry_s=1 * _HOUR,
    weekdays=(0.95, 1.0, 1.0, 0.95, 0.8, 0.0, 0.0),
    regulars=0.85,
    staff=0.03,
    regular_share=0.75,
    staff_share=0.9,
    stranger_returns=0.5,
    arrivals=(
        Peak(hour=8.7, stddev_h=0.7, weight=0.85),
        Peak(hour=13.3, stddev_h=0.7, weight=0.15),
    ),
    visit_length=Duration(median_s=7.5 * _HOUR, sigma=0.25, min_s=20 * _MINUTE, max_s=11 * _HOUR),
    shift_length=Duration(median_s=8 * _HOUR, sigma=0.1, min_s=6 * _HOUR, max_s=10 * _HOUR),
    breaks=(
        Break(chance=0.65, hour=12.4, length=Duration(median_s=38 * _MINUTE, sigma=0.3, min_s=900, max_s=5400)),
        Break(chance=0.25, length=Duration(median_s=7 * _MINUTE, sigma=0.3, min_s=180, max_s=900)),
        Break(chance=0.10, length=_SHORT_BREAK),
    ),
    second_visit=0.0,
    rooms=2,
    entry_delay=Duration(median_s=25, sigma=0.5, min_s=4, max_s=180),
    view_length=Duration(median_s=9 * _MINUTE, sigma=0.9, min_s=5, max_s=60 * _MINUTE),
    gap_length=Duration(median_s=15 * _MINUTE, sigma=0.8, min_s=40, max_s=90 * _MINUTE),
    overlap=0.05,
)

_SHOP = Profile(
    name=ProfileName.SHOP,
    opens=time(9),
    closes=time(20),
    last_entry_s=10 * _MINUTE,
    weekdays=(0.6, 0.6, 0.65, 0.75, 0.9, 1.0, 0.0),
    regulars=0.15,
    staff=0.02,
    regular_share=0.25,
    staff_share=0.7,
    stranger_returns=0.6,
    arrivals=(
        Peak(hour=11.0, stddev_h=1.2, weight=0.35),
        Peak(hour=17.3, stddev_h=1.3, weight=0.45),
        Peak(hour=14.0, stddev_h=2.5, weight=0.20),
    ),
    visit_length=Duration(median_s=13 * _MINUTE, sigma=0.7, min_s=60, max_s=1.5 * _HOUR),
    shift_length=Duration(median_s=7.5 * _HOUR, sigma=0.1, min_s=5 * _HOUR, max_s=9 * _HOUR),
    breaks=(Break(chance=0.03, length=_SHORT_BREAK),),
    second_visit=0.03,
    rooms=1,
    entry_delay=Duration(median_s=12, sigma=0.5, min_s=2, max_s=60),
    view_length=Duration(median_s=100, sigma=0.8, min_s=3, max_s=10 * _MINUTE),
    gap_length=Duration(median_s=70, sigma=0.6, min_s=35, max_s=5 * _MINUTE),
    overlap=0.1,
)

PROFILES: Mapping[ProfileName, Profile] = {profile.name: profile for profile in (_GYM, _OFFICE, _SHOP)}
"""Every profile by name."""
