"""Parts of the browser camera's page that need no browser: problems in words, the line, the clock, the watch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from dashboard.app import create_app
from tests.dashboard.browser.javascript import Ask

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
ANDROID = "Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36"
ANDROID_FIREFOX = "Mozilla/5.0 (Android 14; Mobile; rv:127.0) Gecko/127.0 Firefox/127.0"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0"
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36"
SECOND = 1_000_000


@pytest.mark.parametrize(
    ("name", "problem", "retryable"),
    [
        ("NotAllowedError", "not allowed", False),
        ("NotReadableError", "in use", True),
        ("NotFoundError", "No camera", True),
        ("OverconstrainedError", "No camera", True),
        ("InventedError", "InventedError", True),
    ],
)
def test_why_there_is_no_camera(ask: Ask, name: str, problem: str, retryable: bool) -> None:
    error = ask({"call": "camera_error", "name": name, "agent": CHROME})["result"]
    assert problem in error["problem"]
    assert error["retryable"] is retryable
    assert error["fix"]


def test_each_browser_has_its_own_way_to_allow_the_camera(ask: Ask) -> None:
    agents = (IPHONE, ANDROID, ANDROID_FIREFOX, FIREFOX, SAFARI, CHROME)
    ways = [ask({"call": "allowing", "agent": agent})["result"] for agent in agents]
    assert len(set(ways)) == len(agents)
    assert [
        word in way
        for word, way in zip(("Website", "Permissions", "lock", "crossed", "menu", "icon"), ways, strict=True)
    ] == [True] * len(agents)


@pytest.mark.parametrize(
    ("page", "problem"),
    [
        ({"isSecureContext": False, "navigator": {}, "origin": "http://10.0.0.5:8050"}, "without https"),
        ({"isSecureContext": True, "navigator": {}, "origin": "https://gym"}, "gives pages no camera"),
    ],
)
def test_pages_to_which_browsers_give_no_camera(ask: Ask, page: dict[str, Any], problem: str) -> None:
    assert problem in ask({"call": "without_cameras", "page": page})["result"]["problem"]


@pytest.mark.parametrize(
    ("line", "sides"),
    [
        ([[0.1, 0.5], [0.9, 0.5]], ["above", "below"]),
        ([[0.5, 0.1], [0.5, 0.9]], ["left", "right"]),
        ([[0.1, 0.1], [0.9, 0.9]], ["above", "below", "left", "right"]),
        ([[0.5, 0.9], [0.45, 0.1]], ["left", "right"]),
    ],
)
def test_the_sides_that_a_line_parts(ask: Ask, line: list[list[float]], sides: list[str]) -> None:
    assert ask({"call": "sides", "line": line})["result"] == sides


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(
    ("line", "inside", "corners"),
    [
        ([[0.1, 0.5], [0.9, 0.5]], "below", [[0, 0.5], [0, 1], [1, 0.5], [1, 1]]),
        ([[0.1, 0.5], [0.9, 0.5]], "above", [[0, 0], [0, 0.5], [1, 0], [1, 0.5]]),
        ([[0.25, 0.1], [0.25, 0.9]], "left", [[0, 0], [0, 1], [0.25, 0], [0.25, 1]]),
        ([[0, 0], [1, 1]], "right", [[0, 0], [1, 0], [1, 1]]),
    ],
)
def test_inside_is_the_part_of_the_picture_on_that_side(
    ask: Ask, line: list[list[float]], inside: str, corners: list[list[float]], backwards: bool
) -> None:
    given = line[::-1] if backwards else line
    found = ask({"call": "inside", "line": given, "inside": inside})["result"]
    assert sorted([round(x, 9), round(y, 9)] for x, y in found) == corners


@pytest.mark.parametrize(
    ("seconds", "word"), [(0, None), (119, None), (-119, None), (185, "3 minutes fast"), (-3600, "60 minutes slow")]
)
def test_a_clock_that_is_off_is_reported(ask: Ask, seconds: int, word: str | None) -> None:
    answer = ask({"call": "clock", "server": "1970-01-01T01:00:00.000000Z", "here": 1000 * (3600 + seconds)})
    assert (answer["result"] is None) if word is None else (word in answer["error"])


def test_a_stretch_ends_after_a_minute_without_frames(ask: Ask) -> None:
    times = [0, 30 * SECOND, 60 * SECOND, 121 * SECOND, 122 * SECOND, 90 * SECOND]
    found = ask({"call": "watch", "times": times})["result"]
    spans = [(each["watch_started_at"], each["watch_ended_at"]) for each in found["over"]]
    assert spans == [
        ("1970-01-01T00:00:00.000000Z", "1970-01-01T00:01:00.000000Z"),
        ("1970-01-01T00:02:01.000000Z", "1970-01-01T00:02:02.000000Z"),
    ]
    assert found["now"]["watch_started_at"] == "1970-01-01T00:01:30.000000Z"
    assert {each["state"] for each in found["over"]} == {"lost"}


def test_frames_a_second_are_those_of_the_last_ten_seconds(ask: Ask) -> None:
    times = [number * SECOND // 5 for number in range(200)]
    assert ask({"call": "watch", "times": times})["result"]["fps"] == 5


def test_frames_of_earlier_workers_count(ask: Ask) -> None:
    assert ask({"call": "watch", "times": [0, SECOND], "frames": 40})["result"]["frames"] == 42
    assert ask({"call": "watch", "times": [0, SECOND]})["result"]["frames"] == 2


def test_hosting_serves_the_page_with_the_policy_of_the_dashboard(tmp_path: Path) -> None:
    hosting = json.loads((Path(__file__).parents[3] / "firebase.json").read_text(encoding="utf-8"))["hosting"]
    theirs = {each["key"]: each["value"] for each in hosting["headers"][0]["headers"]}
    client = create_app(tmp_path / "store.sqlite3", Settings()).server.test_client()
    mine = client.get("/camera/style.css").headers
    for name in (
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Embedder-Policy",
        "Referrer-Policy",
        "X-Content-Type-Options",
    ):
        assert theirs[name] == mine[name]
    policies = [
        dict(part.strip().split(" ", 1) for part in each["Content-Security-Policy"].split(";"))
        for each in (theirs, mine)
    ]
    for directive in ("default-src", "script-src", "worker-src", "style-src", "object-src", "frame-ancestors"):
        assert policies[0][directive] == policies[1][directive]
    assert "https://firestore.googleapis.com" in policies[0]["connect-src"]
