"""The audience on the command line: counted by 'track', reported in groups, checked by 'doctor'."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.vision.scenes import TESTDATA
from tracker.presence.audience import Attribute, AudienceGroup
from tracker.presence.events import CameraRef
from tracker.presence.health import CameraHealth, CameraState
from tracker.store.observation import Observation
from tracker.store.store import Store

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = ("--from", "2026-03-02", "--to", "2026-03-02")


def group(people: Mapping[str, int], hour: int = 0, attribute: Attribute = Attribute.EXPRESSION) -> AudienceGroup:
    at = NINE + hour * HOUR
    return AudienceGroup(site_id="gym", camera_id="front", hour=at, since=NINE, attribute=attribute, people=people)


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """Three hours of a morning, of which one had four people. The setting is on."""
    del run  # which clears the environment first
    monkeypatch.setenv("FOOTFALL_SITE__TIME_ZONE", "UTC")
    monkeypatch.setenv("FOOTFALL_SITE__KIND", "gym")
    monkeypatch.setenv("FOOTFALL_AUDIENCE__EXPRESSION", "true")
    health = CameraHealth(
        site_id="gym", camera_id="front", source="0", state=CameraState.LIVE, last_frame_at=None, fps=0, frames=0,
        dropped=0, started_at=NINE, updated_at=NINE,
    )  # fmt: skip
    with Store(tmp_path / "store.sqlite3").open() as store:
        groups = [
            group({"happy": 8, "neutral": 6, "sad": 1}),
            group({"happy": 4}, 1),
            group({"neutral": 9, "happy": 5}, 2),
            group({"18-34": 15}, attribute=Attribute.AGE),
        ]
        store.record(Observation(camera=CameraRef("gym", "front"), health=health, audience=groups))


@pytest.mark.usefixtures("counted")
def test_hours_below_five_people_are_left_out_and_days_are_sums_of_the_others(run: Run) -> None:
    by_hour = run("report", "audience", "--by", "hour", *DAY, "--json").data
    rows = [(row["period"][11:], row["label"], row["people"]) for row in by_hour["audience"]]
    assert rows == [
        ("09:00", "18-34", 15), ("09:00", "happy", 8), ("09:00", "other", 7),
        ("11:00", "happy", 5), ("11:00", "neutral", 9),
    ]  # fmt: skip
    by_day = run("report", "audience", *DAY, "--json").data
    days = {(row["attribute"], row["label"]): row["people"] for row in by_day["audience"]}
    assert days == {
        ("age", "18-34"): 15, ("expression", "happy"): 13, ("expression", "neutral"): 9, ("expression", "other"): 7,
    }  # fmt: skip
    assert by_day["total"] == [{key: row[key] for key in by_day["total"][0]} for row in by_day["audience"]]
    shares = [row["share"] for row in by_day["audience"] if row["attribute"] == "expression"]
    assert sum(shares) == pytest.approx(1)


@pytest.mark.usefixtures("counted")
def test_the_report_has_every_form(run: Run) -> None:
    table = run("report", "audience", *DAY, "--camera", "front")
    assert "neutral" in table.out
    assert "fewer than 5 people are left out" in table.out + table.err
    lines = run("report", "audience", *DAY, "--csv").out.splitlines()
    assert lines[0].lstrip("\ufeff") == "period,started_at,ended_at,attribute,label,people,share"
    assert len(lines) == 5
    done = run("report", "audience", *DAY, "--xlsx", "out.xlsx", "--plot", "out.html")
    assert done.err.splitlines() == ["wrote out.xlsx", "wrote out.html"]
    run("report", "audience", "--camera", "attic").refused("attic", "front", code=2)
    run("report", "audience", "--from", "soon").refused("--from", code=2)


@pytest.mark.usefixtures("counted")
def test_an_empty_report_names_the_reason(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = run("report", "audience", "--from", "2026-03-03", "--to", "2026-03-03")
    assert "No hour of this range had 5 people" in waiting.out
    monkeypatch.setenv("FOOTFALL_AUDIENCE__EXPRESSION", "false")
    off = run("report", "audience", "--from", "2026-03-03", "--to", "2026-03-03")
    assert "No audience is counted: set expression or age to true" in off.out


@pytest.mark.skipif(not TESTDATA, reason="FOOTFALL_TESTDATA is not set: no test clips")
def test_a_man_who_smiles_is_counted_and_not_reported(
    run: Run, monkeypatch: pytest.MonkeyPatch, every_model: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("FOOTFALL_MODELS__DIR", str(every_model))
    for name, value in {"SITE__KIND": "shop", "AUDIENCE__EXPRESSION": "true", "AUDIENCE__AGE": "true"}.items():
        monkeypatch.setenv(f"FOOTFALL_{name}", value)
    clip = Path(TESTDATA or "") / "man_d_nodding.gif"
    start = datetime.now(UTC) - timedelta(minutes=1)  # of an hour that is over nothing would be left
    assert run("track", "--camera", clip, "--start", start.isoformat(), "--fast").code == 0
    with Store(tmp_path / "store.sqlite3").open() as store:
        groups = store.audience.groups("gym", since=start - HOUR, until=start + HOUR)
    assert {each.attribute: sum(each.people.values()) for each in groups} == {Attribute.EXPRESSION: 1, Attribute.AGE: 1}
    assert groups[1].people == {"happy": 1}
    assert run("report", "audience", "--json").data["audience"] == []


def test_the_doctor_checks_the_networks_of_an_audience(
    run: Run, monkeypatch: pytest.MonkeyPatch, every_model: Path
) -> None:
    monkeypatch.setenv("FOOTFALL_AUDIENCE__AGE", "true")
    found = {row["check"]: row for row in run("doctor", "--json").data}["audience"]
    assert found["outcome"] == "failed"
    assert "footfall models build --audience" in found["fix"]
    monkeypatch.setenv("FOOTFALL_MODELS__DIR", str(every_model))
    found = {row["check"]: row for row in run("doctor", "--json").data}["audience"]
    assert (found["outcome"], found["detail"]) == ("ok", "age, counted by the hour in groups")
