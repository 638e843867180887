"""`footfall people edit`, and groups and validity in other commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, BOB, AgentHarness, scene


@pytest.fixture
def gym(tmp_path: Path) -> None:
    """Ada and Bob are enrolled and were here on 2026-03-02."""
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    harness.play([*scene(0, 60, ADA, fps=1), *scene(62, 90, BOB, fps=1), *scene(90, 300, fps=0.25)])
    harness.store.close()


def shown(run: Run, who: str = "Ada") -> dict[str, Any]:
    data = run("people", "show", who, "--json").data
    assert isinstance(data, dict)
    return data


@pytest.mark.usefixtures("gym")
def test_a_profile_is_edited_step_by_step(run: Run) -> None:
    done = run(
        "people", "edit", "Ada", "--group", " Morning  course", "--group", "Yoga", "--valid-from", "2026-01-01",
        "--valid-until", "2026-12-31", "--role", "staff", "--no-access", "--json",
    )  # fmt: skip
    profile = {name: done.data[name] for name in ("role", "access", "groups", "valid_from", "valid_until")}
    assert profile == {
        "role": "staff", "access": False, "groups": ["Morning course", "Yoga"],
        "valid_from": "2026-01-01", "valid_until": "2026-12-31",
    }  # fmt: skip
    again = run("people", "edit", "Ada", "--remove-group", "YOGA", "--valid-from", "none", "--access")
    assert again.code == 0
    assert "groups: Morning course\n" in again.out
    assert "valid from: -\n" in again.out
    now = shown(run)
    assert (now["groups"], now["valid_from"], now["access"]) == (["Morning course"], None, True)


@pytest.mark.usefixtures("gym")
@pytest.mark.parametrize(
    ("words", "problem", "code"),
    [
        pytest.param((), "nothing to change", 2, id="nothing"),
        pytest.param(("--valid-until", "soon"), "'soon' is not a day", 2, id="no-day"),
        pytest.param(("--group", "a/b"), "slash", 2, id="slash"),
        pytest.param(("--remove-group", "Yoga"), "Ada is not in the group 'Yoga'", 1, id="not-in-it"),
        pytest.param(("--valid-from", "2026-02-01", "--valid-until", "2026-01-01"), "valid_until", 1, id="backwards"),
    ],
)
def test_an_edit_that_is_wrong_is_refused(words: tuple[str, ...], problem: str, code: int, run: Run) -> None:
    run("people", "edit", "Ada", *words).refused(problem, code=code)
    assert shown(run)["groups"] == []


@pytest.mark.usefixtures("gym")
def test_a_list_and_reports_are_of_one_group(run: Run) -> None:
    run("people", "edit", "Bob", "--group", "Yoga", "--group", "Rowing")
    assert [row["name"] for row in run("people", "list", "--group", "yoga", "--json").data] == ["Bob"]
    assert '"Rowing, Yoga"' in run("people", "list", "--csv").out
    assert "Nobody is in the group 'Judo'." in run("people", "list", "--group", "Judo").out
    day = ("--from", "2026-03-02", "--to", "2026-03-02")
    whole = run("report", "usage", *day, "--json").data
    group = run("report", "usage", *day, "--group", "YOGA", "--json").data
    assert [sum(row["entries"] for row in each["usage"]) for each in (whole, group)] == [2, 1]
    attendance = run("report", "attendance", *day, "--group", "Yoga", "--json").data
    assert {row["name"] for row in attendance["attendance"]} == {"Bob"}
    assert "only the group Yoga" in run("report", "attendance", *day, "--group", "Yoga").out
    assert "Nobody is in the group Judo" in run("report", "attendance", *day, "--group", "Judo").out


def test_people_are_enrolled_with_groups_and_a_last_day(run: Run, pictures: Path) -> None:
    done = run("enroll", pictures / "ada.png", "--name", "Ada", "--group", "Yoga", "--valid-until", "2026-12-31")
    assert done.code == 0
    ada = shown(run)
    assert (ada["groups"], ada["valid_from"], ada["valid_until"]) == (["Yoga"], None, "2026-12-31")
    assert ada["consent_by"]
    more = run("enroll", pictures / "ada-dark.png", "--name", "Ada", "--add", "--group", "Rowing")
    more.refused("--group", code=2)
    backwards = ("--valid-from", "2026-02-01", "--valid-until", "2026-01-01")
    run("enroll", pictures / "bob.jpg", "--name", "Bob", *backwards).refused("valid_until", code=2)
