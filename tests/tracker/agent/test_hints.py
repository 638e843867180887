"""Hints about somebody who is in sight for long without a name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tracker.fake_cameras import ADA, BLURRED, BOB, AgentHarness, ScriptStep, scene, seconds
from tracker.agent.hints import UnnamedHints


def hints(harness: AgentHarness, script: list[ScriptStep]) -> list[tuple[float, str]]:
    """The second and the text of each hint."""
    given, found = UnnamedHints(), []
    for step in harness.play(script):
        text = given.next(step)
        if text is not None and step.frame is not None:
            found.append((seconds(step.frame.at), text))
    return found


@pytest.fixture
def harness(tmp_path: Path) -> AgentHarness:
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    return harness


def test_a_face_of_poor_quality_is_reported_once_with_what_to_do(harness: AgentHarness) -> None:
    (hint,) = hints(harness, scene(0, 300, BLURRED + ADA))
    assert hint == (
        20,
        "somebody is in sight for 20 s and has no name: too blurred (focus the camera, or give it more light)",
    )


def test_another_hint_comes_ten_minutes_later(harness: AgentHarness) -> None:
    found = hints(harness, [*scene(0, 25, BLURRED + ADA), *scene(26, 700), *scene(701, 730, BLURRED + ADA)])
    assert [second for second, _ in found] == [20, 721]


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(scene(0, 60, ADA), id="named"),
        pytest.param(scene(0, 60, BOB), id="visitor"),
        pytest.param(scene(0, 15, BLURRED + ADA), id="short"),
        pytest.param([*scene(0, 15, BLURRED + ADA), *scene(15.5, 60, ADA)], id="named-late"),
        pytest.param(scene(0, 60), id="nobody"),
    ],
)
def test_no_hint_where_none_is_needed(harness: AgentHarness, script: list[ScriptStep]) -> None:
    assert hints(harness, script) == []


def test_faces_that_are_neither_known_nor_strange_are_reported_with_the_reason(harness: AgentHarness) -> None:
    undecided = next(number for number in range(64, 83) if hints(harness, scene(0, 30, number)))
    (_, text) = hints(harness, scene(1000, 1030, undecided))[0]
    assert f"no name: {harness.store.people.all()[0].person_id} " in text
    assert "footfall track --explain" in text
