"""Scripts for traces: people who walk past a camera that sees them well or badly, at regular and odd times."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.dashboard.browser.trace_cameras import SIZE_WH, Face, Forget, Pause, Restart, Script, Shot

_NOBODY = ""
_WHO = ("ada", "bob", "eve", "dan", "eve+30", _NOBODY)
_POOR: tuple[Mapping[str, float], ...] = (
    {"sharpness": 0.5},
    {"sharpness": 2.5, "brightness": 0.1, "contrast": 0.05},
    {"yaw": 30},
    {"yaw": 60},
    {"eyes": 0.1},
    {"contrast": 0.01, "brightness": 0.2},
    {"clipped": 0.625, "brightness": 0.7},
    {"pitch": -0.9},
    {"yaw": 80.5},
)
_PAUSES_S = (0, 0.05, 0.333333, 2, 4, 6, 25, 300, -0.5, -5, -8, -3600)
"""Odd times between frames."""


@dataclass(frozen=True)
class _Leg:
    """A part of somebody's way. turn: degrees, of a face between Ada's and Bob's. step_px: x and y, a frame."""

    who: str
    turn: int
    frames: int
    step_px: tuple[int, int]
    quality: Mapping[str, float]
    width: float


_legs = st.builds(
    _Leg,
    who=st.sampled_from(_WHO),
    turn=st.sampled_from((-25, -10, 0, 10, 25)),
    frames=st.integers(1, 14),
    step_px=st.tuples(st.sampled_from((-70, -25, -9, -2, 0, 2, 9, 25, 70)), st.sampled_from((-20, 0, 0, 20))),
    quality=st.one_of(st.just({}), st.just({}), st.sampled_from(_POOR)),
    width=st.sampled_from((80.0, 80.0, 61.0, 25.5, 130.0)),
)


@st.composite
def _ways(draw: st.DrawFn) -> list[Face | None]:
    """What is seen of one person, frame by frame: somebody else on each leg, or a face that slowly turns."""
    x, y = draw(st.sampled_from((60.3, 240, 310.7, 330, 400.1, 580))), draw(st.sampled_from((100, 233.4, 400.9)))
    degrees = draw(st.sampled_from((None, 0, 20, 45, 70)))
    seen: list[Face | None] = []
    for leg in draw(st.lists(_legs, min_size=1, max_size=6)):
        who = leg.who
        if degrees is not None:
            degrees = min(max(degrees + leg.turn, 0), 90)
            who = f"ada+{degrees}"
        for _ in range(leg.frames):
            x, y = min(max(x + leg.step_px[0], 0), SIZE_WH[0]), min(max(y + leg.step_px[1], 0), SIZE_WH[1])
            face = Face(who=who, x=x, y=y, width=leg.width, quality=leg.quality)
            seen.append(None if who == _NOBODY else face)
    return seen


@st.composite
def scripts(draw: st.DrawFn) -> Script:
    """Up to three people at once, in regular frames but for a few."""
    ways = draw(st.lists(_ways(), min_size=1, max_size=3))
    usual_s = draw(st.sampled_from((0.1, 0.1, 0.2, 0.5, 1.0, 3.0)))
    count = max(map(len, ways))
    odd_s = dict(draw(st.lists(st.tuples(st.integers(0, count), st.sampled_from(_PAUSES_S)), max_size=3)))
    between = st.sampled_from((Pause(), Restart(), Forget("ada"), Forget("bob")))
    others = dict(draw(st.lists(st.tuples(st.integers(0, count), between), max_size=2)))
    script: list[Shot | Forget | Pause | Restart] = []
    at_s = 7200.0
    for index in range(count):
        at_s += odd_s.get(index, usual_s)
        if index in others:
            script.append(others[index])
        faces = [way[index] for way in ways if index < len(way)]
        script.append(Shot(at_s, tuple(face for face in faces if face is not None)))
    return script
