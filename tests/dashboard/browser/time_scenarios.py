"""Named scripts for traces of a room: gaps, clocks and restarts, and what they are to lead to."""

from __future__ import annotations

from tests.dashboard.browser.scenarios import BLURRED, Scenario, ada, bob, eve, still
from tests.dashboard.browser.trace_cameras import Forget, Pause, Restart, Shot

_HOUR_S = 3600.0

TIME_SCENARIOS: dict[str, Scenario] = {
    "gap-shorter-than-merge-gap": Scenario(
        script=[*still(0, 3, ada()), *still(13, 15, ada()), *still(15.5, 20)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 15, False)],
    ),
    "gap-after-which-nobody-is-there": Scenario(
        script=[*still(0, 3, ada()), *still(13, 18)], reported=[("ada", "enter", 0, False), ("ada", "exit", 3, False)]
    ),
    "gap-longer-than-merge-gap": Scenario(
        script=[*still(0, 3, ada()), *still(40, 42, ada()), *still(42.5, 46)],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 3, True),
            ("ada", "enter", 40, False),
            ("ada", "exit", 42, False),
        ],
    ),
    "camera-lost-and-found": Scenario(
        script=[*still(0, 3, ada(), eve(500, **BLURRED)), Pause(), *still(9, 12, ada()), *still(12.5, 16)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 12, False)],
    ),
    "clock-set-back-a-little": Scenario(
        script=[*still(0, 4, ada()), *still(1, 6, ada()), *still(6.5, 10)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 6, False)],
    ),
    "five-seconds-are-no-gap-and-no-other-clock": Scenario(
        script=[*still(0, 1.5), *still(2, 6, ada()), *still(1, 9, ada()), *still(14, 16)],
        reported=[("ada", "enter", 2, False), ("ada", "exit", 9, False)],
    ),
    "clock-set-back-by-an-hour": Scenario(
        script=[
            *still(0, 2, ada()),
            *still(_HOUR_S, _HOUR_S + 2, ada(), bob()),
            *still(_HOUR_S + 2.5, _HOUR_S + 6, bob()),
            *still(10, 13, ada(), bob()),
            *still(13.5, 18),
        ],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 2, True),
            ("ada", "enter", 10, False),
            ("bob", "enter", 10, False),
            ("ada", "exit", 13, False),
            ("bob", "exit", 13, False),
        ],
    ),
    "voided-and-happened-after-all": Scenario(
        script=[
            *still(0, 20, step_s=4),
            *still(21, 23, ada()),
            *still(10, 18, step_s=4),
            *still(21, 23, ada()),
            *still(23.5, 28),
        ],
        reported=[
            ("ada", "enter", 10, False),
            ("ada", "exit", 10, False),
            ("ada", "enter", 21, False),
            ("ada", "exit", 23, False),
        ],
    ),
    "restarted-in-the-middle": Scenario(
        script=[*still(0, 3, ada()), Restart(), *still(5, 8, ada()), *still(8.5, 12)],
        reported=[("ada", "enter", 0, False), ("ada", "exit", 8, False)],
    ),
    "restarted-late": Scenario(
        script=[*still(0, 3, ada()), Restart(), *still(60, 63, ada()), *still(63.5, 68)],
        reported=[
            ("ada", "enter", 0, False),
            ("ada", "exit", 3, True),
            ("ada", "enter", 60, False),
            ("ada", "exit", 63, False),
        ],
    ),
    "restarted-with-an-earlier-clock": Scenario(
        script=[*still(100, 103, ada()), Restart(), *still(50, 53, bob()), *still(90, 110, ada(), step_s=1)],
        reported=[
            ("bob", "enter", 50, False),
            ("bob", "exit", 53, True),
            ("ada", "enter", 90, False),
            ("ada", "enter", 100, False),
            ("ada", "exit", 103, True),
            ("ada", "exit", 110, True),
        ],
    ),
    "clock-set-back-after-a-restart": Scenario(
        script=[*still(100, 103, ada()), *still(104, 108), Restart(), *still(109, 110), *still(50, 52)], reported=[]
    ),
    "equal-times": Scenario(
        script=[*still(0, 2, ada()), Shot(2, (ada(), bob())), Shot(2, (ada(), bob())), *still(2.5, 4, ada(), bob())],
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 2, False),
            ("ada", "exit", 4, True),
            ("bob", "exit", 4, True),
        ],
    ),
    "recording-ends": Scenario(
        script=still(0, 3, ada(), bob()),
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 0, False),
            ("ada", "exit", 3, True),
            ("bob", "exit", 3, True),
        ],
    ),
    "forgotten-meanwhile": Scenario(
        script=[*still(0, 3, ada(), bob()), Forget("ada"), *still(3.5, 9, ada(), bob()), *still(9.5, 14)],
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 0, False),
            ("?", "enter", 4, False),
            ("?", "exit", 9, False),
            ("bob", "exit", 9, False),
        ],
    ),
    "slow-camera": Scenario(
        script=[*still(0, 12, ada(), bob(400), step_s=2), *still(14, 20, step_s=2)],
        reported=[
            ("ada", "enter", 0, False),
            ("bob", "enter", 0, False),
            ("ada", "exit", 12, False),
            ("bob", "exit", 12, False),
        ],
    ),
}
