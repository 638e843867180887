"""What kinds of places there are: when they open, who comes, when and for how long, and what cameras see of it."""

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
    """A share of the arrivals (weights are relative) around an hour of the local day, normally spread."""

    hour: float
    spread_h: float
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time that varies: lognormal around its median, seconds, never outside [least_s, most_s]."""

    median_s: float
    sigma: float
    least_s: float
    most_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Going out during a visit with a chance (0..1). hour: around that local hour, None: at any time of the visit."""

    chance: float
    length: Span
    hour: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A kind of place.

    opens, closes: local; nobody comes less than `last_entry_s` before closing, and everybody is out at closing.
    weekdays: Monday first, how well each is visited, 0 (closed) .. 1. regulars, staff: their shares of the people,
    the others are strangers. regular_share, staff_share: the chance to come on a well-visited day; a stranger comes on
    1 + Poisson(stranger_returns) days. again: chance of a second visit on the same day. rooms: how many cameras watch
    the inside unless told otherwise. edge: out of sight after coming in and before leaving. sight, blind: how long one
    camera has somebody in view, and nobody has. overlap: chance that the next camera has somebody before the last one
    has lost them.
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
    stay: Span
    shift: Span
    pauses: tuple[Pause, ...]
    again: float
    rooms: int
    edge: Span
    sight: Span
    blind: Span
    overlap: float


_MINUTE, _HOUR = 60.0, 3600.0
_POP_OUT = Span(median_s=2.5 * _MINUTE, sigma=0.3, least_s=45, most_s=4.5 * _MINUTE)

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
        Peak(hour=7.3, spread_h=0.8, weight=0.28),
        Peak(hour=12.4, spread_h=0.9, weight=0.14),
        Peak(hour=18.2, spread_h=1.3, weight=0.48),
        Peak(hour=14.0, spread_h=4.0, weight=0.10),
    ),
    stay=Span(median_s=68 * _MINUTE, sigma=0.38, least_s=8 * _MINUTE, most_s=4 * _HOUR),
    shift=Span(median_s=7 * _HOUR, sigma=0.15, least_s=4 * _HOUR, most_s=9 * _HOUR),
    pauses=(Pause(chance=0.06, length=_POP_OUT),),
    again=0.02,
    rooms=2,
    edge=Span(median_s=5 * _MINUTE, sigma=0.4, least_s=20, most_s=15 * _MINUTE),
    sight=Span(median_s=4 * _MINUTE, sigma=0.8, least_s=3, most_s=25 * _MINUTE),
    blind=Span(median_s=80, sigma=0.7, least_s=35, most_s=10 * _MINUTE),
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
        Peak(hour=8.7, spread_h=0.7, weight=0.85),
        Peak(hour=13.3, spread_h=0.7, weight=0.15),
    ),
    stay=Span(median_s=7.5 * _HOUR, sigma=0.25, least_s=20 * _MINUTE, most_s=11 * _HOUR),
    shift=Span(median_s=8 * _HOUR, sigma=0.1, least_s=6 * _HOUR, most_s=10 * _HOUR),
    pauses=(
        Pause(chance=0.65, hour=12.4, length=Span(median_s=38 * _MINUTE, sigma=0.3, least_s=900, most_s=5400)),
        Pause(chance=0.25, length=Span(median_s=7 * _MINUTE, sigma=0.3, least_s=180, most_s=900)),
        Pause(chance=0.10, length=_POP_OUT),
    ),
    again=0.0,
    rooms=2,
    edge=Span(median_s=25, sigma=0.5, least_s=4, most_s=180),
    sight=Span(median_s=9 * _MINUTE, sigma=0.9, least_s=5, most_s=60 * _MINUTE),
    blind=Span(median_s=15 * _MINUTE, sigma=0.8, least_s=40, most_s=90 * _MINUTE),
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
        Peak(hour=11.0, spread_h=1.2, weight=0.35),
        Peak(hour=17.3, spread_h=1.3, weight=0.45),
        Peak(hour=14.0, spread_h=2.5, weight=0.20),
    ),
    stay=Span(median_s=13 * _MINUTE, sigma=0.7, least_s=60, most_s=1.5 * _HOUR),
    shift=Span(median_s=7.5 * _HOUR, sigma=0.1, least_s=5 * _HOUR, most_s=9 * _HOUR),
    pauses=(Pause(chance=0.03, length=_POP_OUT),),
    again=0.03,
    rooms=1,
    edge=Span(median_s=12, sigma=0.5, least_s=2, most_s=60),
    sight=Span(median_s=100, sigma=0.8, least_s=3, most_s=10 * _MINUTE),
    blind=Span(median_s=70, sigma=0.6, least_s=35, most_s=5 * _MINUTE),
    overlap=0.1,
)

PROFILES: Mapping[ProfileName, Profile] = {profile.name: profile for profile in (_GYM, _OFFICE, _SHOP)}
"""Every profile by name."""
