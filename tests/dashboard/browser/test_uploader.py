"""What the uploader of the browser camera does with each answer of the dashboard, in Node."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.node import Ask

EVENTS = ["e-1", "e-2"]
LONGEST_PAUSE_S = 60
TAKEN = [200, json.dumps({"rejected": [], "now": "2026-01-01T00:00:00.000000Z", "gallery_version": "1"})]


def delivered(ask: Ask, *answers: list[Any] | None, **given: int) -> dict[str, Any]:
    """What was sent until there are no more answers."""
    answer = ask({"call": "delivered", "ids": EVENTS, "answers": answers, **given})
    result: dict[str, Any] = answer["result"]
    return result


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [500, "{}"],
        [502, "<html>"],
        [429, "{}"],
        [401, "{}"],
        [403, "{}"],
        [200, "<html>"],
        [200, ""],
        [200, "[]"],
        [200, "{}"],
        [200, '{"rejected": null}'],
        [200, '{"rejected": {}}'],
    ],
    ids=lambda answer: "none" if answer is None else f"{answer[0]}-{answer[1]}",
)
def test_records_wait_until_the_dashboard_has_taken_them(ask: Ask, answer: list[Any] | None) -> None:
    before = delivered(ask, answer)
    assert (before["sent"], before["waiting"], before["rejected"]) == ([EVENTS], 2, [])
    after = delivered(ask, answer, TAKEN)
    assert (after["sent"], after["waiting"], after["rejected"]) == ([EVENTS, EVENTS], 0, [])
    assert after["problems"][-1] is None


def test_records_that_were_taken_are_not_sent_again(ask: Ask) -> None:
    found = delivered(ask, TAKEN)
    assert found == {"sent": [EVENTS], "problems": [], "waiting": 0, "rejected": []}


def test_an_hour_without_network_and_a_lost_answer_lose_nothing(ask: Ask) -> None:
    found = ask({"call": "delivered_after_an_hour_away"})["result"]
    appended, arrived = found["appended"], found["arrived"]
    assert len(appended) == 360
    assert arrived[0] == arrived[1]  # sent again, because nobody knows what became of it
    assert [each for batch in arrived[1:] for each in batch] == appended
    assert found["waiting"] == 0
    assert found["firstAfterS"] <= LONGEST_PAUSE_S
    assert found["allAfterS"] <= 2 * LONGEST_PAUSE_S + 5


def test_a_failure_of_the_browser_does_not_end_the_uploader(ask: Ask) -> None:
    found = delivered(ask, TAKEN, failures=2)
    assert (found["sent"], found["waiting"]) == ([EVENTS], 0)
    lost = "This browser failed: Connection to Indexed Database server lost"
    assert found["problems"] == [lost, lost, None]


def test_nothing_is_sent_before_the_uploader_is_ready(ask: Ask) -> None:
    found = delivered(ask, TAKEN, unready=2)
    assert found == {"sent": [EVENTS], "problems": ["not ready", "not ready", None], "waiting": 0, "rejected": []}


RIGHT, FAST = 0, -3


@pytest.mark.parametrize(
    ("steps", "problems", "asked"),
    [
        ([("start", RIGHT), ("ready", RIGHT), ("answer", RIGHT), ("ready", RIGHT)], [""] * 4, 1),
        ([("start", FAST)], ["3 minutes fast"], 1),
        (
            [("start", RIGHT), ("answer", FAST), ("ready", FAST), ("ready", None), ("ready", RIGHT), ("ready", RIGHT)],
            ["", "3 minutes fast", "3 minutes fast", "cannot be reached", "", ""],
            4,
        ),
        (
            [("start", None), ("ready", FAST), ("ready", FAST), ("ready", RIGHT), ("ready", RIGHT)],
            ["", "3 minutes fast", "3 minutes fast", "", ""],
            4,
        ),
    ],
    ids=["right", "off-at-the-start", "off-later", "off-after-a-start-without-network"],
)
def test_records_are_sent_only_by_a_clock_that_is_right(
    ask: Ask, steps: list[tuple[str, int | None]], problems: list[str], asked: int
) -> None:
    found = ask({"call": "connection_clock", "steps": steps})["result"]
    assert found["asked"] == asked
    for expected, problem in zip(problems, found["problems"], strict=True):
        assert problem is None if not expected else expected in problem
