"""Named scripts for traces of a room: whom the tracks show, and what that is to lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from config.settings import CameraSettings, TrackSettings
from tests.dashboard.browser.trace_cameras import PEOPLE, TRACK, Enrolled, Face, Script, Shot

ROOM = CameraSettings(id="room", source="0")

BLURRED, _ASIDE, _COVERED = {"sharpness": 0.5}, {"yaw": 60.0}, {"eyes": 0.1}
DULL = {"sharpness": 1.6}
"""Good enough, with half the weight."""
NEAR_ADA = Face(who="ada", x=120, width=200)
"""Too large to continue as a face of the usual size."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """reported: (name, "?" for somebody unidentified; kind; second; inferred) of the events that hold in the end."""

    role: CameraSettings = ROOM
    script: Script
    reported: Sequence[tuple[str, str, float, bool]]
    people: Sequence[Enrolled] = PEOPLE
    track: TrackSettings = field(default=TRACK)


def still(start: float, end: float, *faces: Face, step_s: float = 0.5) -> list[Shot]:
    """The same faces from start to end, inclusive."""
    return [Shot(start + index * step_s, faces) for index in range(round((end - start) / step_s) + 1)]


def ada(x: float = 300, **quality: float) -> Face:
    return Face(who="ada", x=x, quality=quality)


def bob(x: float = 500, **quality: float) -> Face:
    return Face(who="bob", x=x, quality=quality)


def eve(x: float = 120, **quality: float) -> Face:
    return Face(who="eve", x=x, quality=quality)


def turned(degrees: int, x: float = 300, **quality: float) -> Face:
    """Between Ada at 0 and Bob at 90 degrees; from 32 to 58 like neither."""
    return Face(who=f"ada+{degrees}", x=x, quality=quality)


NAME_SCENARIOS: dict[str, Scenario] = {
    "enters-and-leaves-at-the-first-and-last-sighting": Scenario(
        script=[*still(0, 1), *still(1.5, 6, ada()), *still(6.5, 12)],
        reported=[("ada", "enter", 1.5, False), ("ada", "exit", 6, False)],
    ),
    "in-sight-until-exit-after": Scenario(
        script=[*still(0, 3, ada()), *still(3.5, 5.5), *still(5.9, 8, ada()), *still(8.5, 11, step_s=0.25)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 7.9, False)],
    ),
    "late-name-applied-back": Scenario(
        script=[*still(0, 2, ada(**BLURRED)), *still(2.5, 4, ada()), *still(4.5, 9)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 4, False)],
    ),
    "late-name-never-reaches-back-over-an-exit": Scenario(
        script=[
            *still(0, 2, ada(100), ada(500, **BLURRED)),
            *still(2.5, 6, ada(500, **BLURRED)),
            *still(6.5, 8, ada(500)),
            *still(8.5, 12),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "enter", 2, False),
            ("ada", "exit", 2, False),
            ("ada", "exit", 8, False),
        ],
    ),
    "another-name-turns-out-right": Scenario(
        script=[
            *still(0, 0.5, turned(20), step_s=0.25),
            *still(0.75, 2.25, turned(42, **DULL), step_s=0.25),
            *still(2.5, 7, turned(68, **DULL), step_s=0.25),
            *still(7.5, 12),
        ],
        reported=[("bob", "enter", 0, False), ("bob", "exit", 7, False)],
    ),
    "name-was-right-until-somebody-else-came": Scenario(
        script=[
            *still(0, 4, turned(20, **DULL), step_s=0.25),
            *still(4.25, 9, turned(44, **DULL), step_s=0.25),
            *still(9.25, 14, turned(68), step_s=0.25),
            *still(14.5, 19),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 9.25, False),
            ("ada", "exit", 12.75, False),
            ("bob", "exit", 14, False),
        ],
    ),
    "wrong-track-began-the-presence": Scenario(
        script=[
            *still(0, 0.5, turned(20, 500), step_s=0.25),
            *still(0.75, 1, turned(42, 500, **DULL), step_s=0.25),
            *still(1.25, 2.5, turned(42, 500, **DULL), ada(120), step_s=0.25),
            *still(2.75, 8, turned(68, 500, **DULL), ada(120), step_s=0.25),
            *still(8.5, 14),
        ],
        reported=[
            ("bob", "enter", 0, False),
            ("ada", "enter", 1.25, False),
            ("ada", "exit", 8, False),
            ("bob", "exit", 8, False),
        ],
    ),
    "wrong-track-joined-two-presences": Scenario(
        script=[
            *still(0, 1, ada(120), step_s=0.25),
            *still(1.25, 1.75, turned(20, 500), step_s=0.25),
            *still(2, 6, turned(40, 500, **DULL)),
            *still(6.25, 7, turned(40, 500, **DULL), ada(120), step_s=0.25),
            *still(7.25, 12, turned(64, 500), ada(120), step_s=0.25),
            *still(12.5, 17),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 1, False),
            ("bob", "enter", 1.25, False),
            ("ada", "enter", 6.25, False),
            ("ada", "exit", 12, False),
            ("bob", "exit", 12, False),
        ],
    ),
    "wrong-track-had-left-in-between": Scenario(
        script=[
            *still(0, 5.8, turned(20), step_s=2.9),
            *still(8.7, 8.7),
            *still(11.6, 17.4, turned(42, **DULL), step_s=2.9),
            *still(20.3, 58, turned(62), step_s=2.9),
            *still(61, 67, step_s=2.9),
        ],
        reported=[("bob", "enter", 0, False), ("bob", "exit", 58, False)],
    ),
    "taken-out-of-a-presence-with-another-track": Scenario(
        script=[
            *still(0, 2, ada(120)),
            *still(2.5, 3, turned(20, 500), step_s=0.25),
            *still(3.25, 5, turned(42, 500, **DULL), step_s=0.25),
            *still(5.25, 9, turned(68, 500, **DULL), step_s=0.25),
            *still(9.5, 14),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 2, False),
            ("bob", "enter", 2.5, False),
            ("bob", "exit", 9, False),
        ],
    ),
    "wrong-track-prolonged-what-is-over": Scenario(
        script=[
            *still(0, 2.9, NEAR_ADA, step_s=2.9),
            *still(5.8, 8.7, turned(20, 500), step_s=2.9),
            *still(11.6, 11.6),
            *still(14.5, 20.3, turned(42, 500, **DULL), step_s=2.9),
            *still(23.2, 61, turned(62, 500), step_s=2.9),
            *still(64, 70, step_s=2),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 2.9, False),
            ("bob", "enter", 5.8, False),
            ("bob", "exit", 60.9, False),
        ],
    ),
    "wrong-track-between-two-presences": Scenario(
        script=[
            *still(0, 3.1, NEAR_ADA, step_s=3.1),
            *still(6.2, 9.3, turned(20, 500), step_s=3.1),
            *still(12.4, 12.4, NEAR_ADA),
            *still(15.5, 21.3, NEAR_ADA, turned(42, 500, **DULL), step_s=2.9),
            *still(24.2, 59, NEAR_ADA, turned(62, 500), step_s=2.9),
            *still(62, 70, step_s=2),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 3.1, False),
            ("bob", "enter", 6.2, False),
            ("ada", "enter", 12.4, False),
            ("ada", "exit", 59, False),
            ("bob", "exit", 59, False),
        ],
    ),
    "stranger-counts-since-the-track-began": Scenario(
        script=[*still(0, 6, eve()), *still(6.5, 12)], reported=[("?", "enter", 0, False), ("?", "exit", 6, False)]
    ),
    "stranger-counts-anew-on-each-track": Scenario(
        script=[*still(0, 4, eve()), *still(4.5, 6.5), *still(7, 11, eve()), *still(11.5, 15)],
        reported=[
            ("?", "enter", 0, False),
            ("?", "exit", 4, False),
            ("?", "enter", 7, False),
            ("?", "exit", 11, False),
        ],
    ),
    "stranger-in-sight-for-less-than-exit-after": Scenario(script=[*still(0, 2.5, eve()), *still(3, 6)], reported=[]),
    "stranger-turns-out-to-be-known": Scenario(
        script=[
            *still(0, 5, turned(40)),
            *still(5.5, 16, turned(20, **DULL), step_s=0.25),
            *still(16.5, 20),
        ],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 16, False)],
    ),
    "stranger-was-somebody-else": Scenario(
        script=[
            *still(0, 8, turned(40), step_s=0.25),
            *still(8.25, 18, turned(20), step_s=0.25),
            *still(18.5, 24),
        ],
        reported=[
            ("?", "enter", 0, False),
            ("ada", "enter", 8.5, False),
            ("?", "exit", 14, False),
            ("ada", "exit", 18, False),
        ],
    ),
    "nobody-is-enrolled": Scenario(
        script=[*still(0, 6, ada()), *still(6.5, 12)],
        reported=[("?", "enter", 0, False), ("?", "exit", 6, False)],
        people=(),
    ),
    "near-the-limit-only": Scenario(script=[*still(0, 6, turned(30)), *still(6.5, 9)], reported=[]),
    "undecided-between-two": Scenario(
        script=[*still(0, 6, turned(45)), *still(6.5, 9)],
        reported=[],
        people=(
            Enrolled(who="ada", person_id="p-ada", faces=("ada+27",)),
            Enrolled(who="bob", person_id="p-bob", faces=("ada+63",)),
        ),
    ),
    "own-limit-and-a-face-marked-as-not-theirs": Scenario(
        script=[*still(0, 4, turned(20, 150), turned(70, 450)), *still(4.5, 9)],
        reported=[("?", "enter", 0, False), ("?", "exit", 4, False)],
        people=(
            Enrolled(who="ada", person_id="p-ada", negatives=("ada+22",)),
            Enrolled(who="bob", person_id="p-bob", limit=0.3),
        ),
    ),
    "everybody-is-marked-as-somebody-else": Scenario(
        script=[*still(0, 5, ada()), *still(5.5, 9)],
        reported=[("?", "enter", 0, False), ("?", "exit", 5, False)],
        people=(Enrolled(who="ada+5", person_id="p-ada", negatives=("ada",)),),
    ),
    "turned-and-covered-faces-are-no-strangers": Scenario(
        script=[*still(0, 6, eve(120, **_ASIDE), Face(who="dan", x=450, quality=_COVERED)), *still(6.5, 9)], reported=[]
    ),
    "turned-faces-name-somebody-known": Scenario(
        script=[*still(0, 4, ada(300, **_ASIDE)), *still(4.5, 9)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 4, False)],
    ),
    "one-person-is-in-one-place": Scenario(
        script=[*still(0, 4, ada(100), turned(10, 500)), *still(4.5, 9)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 4, False)],
    ),
    "settled-tracks-are-looked-at-now-and-then": Scenario(
        script=[*still(0, 6, ada(), bob(), step_s=0.1), *still(6.5, 11)],
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 0, False),
            ("ada", "exit", 6, False),
            ("bob", "exit", 6, False),
        ],
    ),
}
