"""Named scripts for traces of an entrance, an exit and a door, with what they are to lead to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from config.settings import CameraRole, CameraSettings
from tests.dashboard.browser.scenarios import BLURRED, DULL, ROOM, Scenario, ada, eve, still, turned
from tests.dashboard.browser.trace_cameras import Face, Restart, Shot

ENTRANCE = CameraSettings(id="entrance", source="0", role=CameraRole.ENTRANCE)
EXIT = CameraSettings(id="exit", source="0", role=CameraRole.EXIT)
DOOR = CameraSettings(id="door", source="0", role=CameraRole.DOOR, line=((0.5, 0.0), (0.5, 1.0)), inside="right")
SLANT = DOOR.model_copy(update={"line": ((0.3, 0.1), (0.7, 0.95)), "inside": "left", "hold_frames": 2})
ROLES = {"room": ROOM, "entrance": ENTRANCE, "exit": EXIT, "door": DOOR, "slanting-door": SLANT}

_LINE_X = 320.0
NOBODY = still(60, 70, step_s=1)
INWARD = (200, 230, 260, 290, 350, 380, 410, 440)


def walk(start: float, xs: Iterable[float], who: str = "ada", step_s: float = 0.25, **quality: float) -> list[Shot]:
    """Somebody goes from x to x."""
    return [Shot(start + index * step_s, (Face(who=who, x=x, quality=quality),)) for index, x in enumerate(xs)]


def both(one: Sequence[Shot], other: Sequence[Shot]) -> list[Shot]:
    """Two walks at the same times."""
    return [Shot(first.at_s, (*first.faces, *second.faces)) for first, second in zip(one, other, strict=True)]


DOOR_SCENARIOS: dict[str, Scenario] = {
    # -- an entrance and an exit
    "entrance-counts-a-stranger-at-once": Scenario(
        role=ENTRANCE, script=[*still(0, 1.5, eve()), *still(2, 8)], reported=[("?", "enter", 0, False)]
    ),
    "entrance-counts-once-within-exit-after": Scenario(
        role=ENTRANCE,
        script=[*still(0, 1, ada()), *still(1.5, 3), *still(3.5, 5, ada()), *still(5.5, 10)],
        reported=[("ada", "enter", 0, False)],
    ),
    "entrance-renames-a-stranger": Scenario(
        role=ENTRANCE,
        script=[
            *still(0, 0.75, turned(40), step_s=0.25),
            *still(1, 8, turned(20, **DULL), step_s=0.25),
            *still(8.5, 12),
        ],
        reported=[("ada", "enter", 0, False)],
    ),
    "exit-is-seen-and-never-inferred": Scenario(
        role=EXIT, script=still(0, 3, ada(), eve()), reported=[("?", "exit", 3, False), ("ada", "exit", 3, False)]
    ),
    # -- a door
    "walks-in": Scenario(role=DOOR, script=walk(0, INWARD), reported=[("ada", "enter", 1, False)]),
    "walks-out": Scenario(role=DOOR, script=walk(0, INWARD[::-1]), reported=[("ada", "exit", 1, False)]),
    "jitter-on-the-line": Scenario(
        role=DOOR, script=walk(0, [200, 250, *[_LINE_X + 15, _LINE_X - 15] * 8, 250, 200]), reported=[]
    ),
    "stands-on-the-line": Scenario(
        role=DOOR, script=walk(0, [220, 260, 300, *[_LINE_X + 2] * 20, 300, 260]), reported=[]
    ),
    "gap-keeps-the-side": Scenario(
        role=DOOR,
        script=[*walk(0, [200, 230, 260]), *still(1, 3), *walk(3.25, [380, 410, 440]), *NOBODY],
        reported=[("ada", "enter", 3.25, False)],
    ),
    "few-frames-of-two-tracks-make-a-side": Scenario(
        role=DOOR,
        script=[*walk(0, [291, 292]), *still(0.5, 2.5), *walk(2.75, [293, 296, 347, 347, 347, 349]), *NOBODY],
        reported=[("ada", "enter", 3.25, False)],
    ),
    "far-side-of-an-earlier-track-is-enough": Scenario(
        role=DOOR,
        script=[
            *walk(0, [310, 312, 250, 312]),
            *still(1, 2.75),
            *walk(3, [292, 312, 312, 347, 347, 347, 349]),
            *NOBODY,
        ],
        reported=[("ada", "enter", 3.75, False)],
    ),
    "lost-for-too-long": Scenario(
        role=DOOR,
        script=[*walk(0, [200, 230, 260]), *still(1, 8), *walk(8.25, [380, 410, 440]), *NOBODY],
        reported=[],
    ),
    "two-cross-at-once": Scenario(
        role=DOOR,
        script=[*both(walk(0, INWARD), walk(0, INWARD[::-1], who="bob")), *NOBODY],
        reported=[("ada", "enter", 1, False), ("bob", "exit", 1, False)],
    ),
    "crosses-back-at-once": Scenario(
        role=DOOR,
        script=walk(0, [*INWARD, *INWARD[::-1]]),
        reported=[("ada", "enter", 1, False), ("ada", "exit", 3, False)],
    ),
    "name-comes-after-the-crossing": Scenario(
        role=DOOR,
        script=[*walk(0, INWARD, **BLURRED), *walk(2, [440] * 4), *still(3.5, 5)],
        reported=[("ada", "enter", 1, False)],
    ),
    "name-never-comes": Scenario(role=DOOR, script=[*walk(0, INWARD, **BLURRED), *NOBODY], reported=[]),
    "stranger-crosses": Scenario(
        role=DOOR, script=[*walk(0, INWARD, who="eve"), *NOBODY], reported=[("?", "enter", 1, False)]
    ),
    "stranger-who-crossed-gets-a-name": Scenario(
        role=DOOR,
        script=[*walk(0, INWARD, who="ada+40"), *walk(2, [440] * 40, who="ada+18", **DULL), *NOBODY],
        reported=[("ada", "enter", 1, False)],
    ),
    "crossing-is-given-to-another-person": Scenario(
        role=DOOR,
        script=[
            *walk(0, INWARD[:3], who="ada+20"),
            *walk(0.75, INWARD[3:], who="ada+42", **DULL),
            *walk(2, [440] * 20, who="ada+68", **DULL),
            *NOBODY,
        ],
        reported=[("bob", "enter", 1, False)],
    ),
    "passes-the-end-of-the-line": Scenario(
        role=DOOR.model_copy(update={"line": ((0.5, 0.6), (0.5, 0.9))}), script=[*walk(0, INWARD), *NOBODY], reported=[]
    ),
    "runs-through": Scenario(
        role=DOOR, script=[*walk(0, [150, 180, 460, 490]), *still(1, 8)], reported=[("ada", "enter", 0.5, False)]
    ),
    "side-is-kept-over-a-restart": Scenario(
        role=DOOR,
        script=[*walk(0, INWARD[:4]), Restart(), *walk(2, INWARD[4:]), *NOBODY],
        reported=[("ada", "enter", 2, False)],
    ),
    "clock-set-back-at-a-door": Scenario(
        role=DOOR,
        script=[*walk(30, INWARD), *walk(10, INWARD[::-1]), *still(12, 20)],
        reported=[("ada", "exit", 11, False)],
    ),
    "slanting-line": Scenario(
        role=SLANT, script=[*walk(0, INWARD[::-1]), *NOBODY], reported=[("ada", "enter", 1, False)]
    ),
}
