"""`footfall simulate`: the same options give the same site, in a store, in a file and as ground truth."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.settings import CameraRole, load_settings
from tests.tracker.cli.conftest import Run
from tracker.presence.events import time_text
from tracker.presence.people import PersonKind, Role
from tracker.presence.rules import Rules
from tracker.store.store import Store

PAST = ("--profile", "gym", "--people", "40", "--days", "4", "--start", "2026-01-05", "--seed", "3")
NOISE = ("--miss", "0.05", "--confuse", "0.02", "--skew", "2s", "--outage", "10m", "--duplicate", "0.05")


def objects(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_equal_options_give_equal_events_and_another_seed_others(run: Run, tmp_path: Path) -> None:
    for name, more in (("a", ()), ("b", ()), ("c", ("--seed", "4"))):
        done = run("simulate", *PAST, *NOISE, "--out", tmp_path / f"{name}.jsonl", *more)
        assert done.code == 0
    texts = [(tmp_path / f"{name}.jsonl").read_bytes() for name in "abc"]
    assert texts[0] == texts[1] != texts[2]


def test_a_store_holds_people_events_and_cameras_and_the_file_the_same_events(run: Run, tmp_path: Path) -> None:
    path, out = tmp_path / "made.sqlite3", tmp_path / "e.jsonl"
    done = run("simulate", *PAST, *NOISE, "--store", f"sqlite:///{path}", "--out", out, "--json")
    written = objects(out)
    assert isinstance(done.data, dict)
    assert done.data["events"] == len(written)
    with Store(path).open(create=False) as store:
        events, people, cameras = store.events.select(), store.people.all(), store.cameras.health("gym")
    assert {event.event_id for event in events} == {document["event_id"] for document in written}
    assert len(events) < len(written)
    assert {event.person_id for event in events} <= {person.person_id for person in people}
    assert {(person.kind, person.role) for person in people} == {
        (PersonKind.ENROLLED, Role.STAFF), (PersonKind.ENROLLED, Role.MEMBER), (PersonKind.VISITOR, Role.MEMBER),
    }  # fmt: skip
    assert {health.camera_id for health in cameras} == {"door-1", "room-1", "room-2"}


def test_the_written_settings_describe_the_site(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "made.sqlite3"
    done = run("simulate", *PAST, "--doors", "2", "--store", f"sqlite:///{path}")
    file = path.with_name("made.settings.toml")
    assert str(file) in done.out
    settings = load_settings(file)
    assert {camera.id: camera.role for camera in settings.camera} == {
        "door-1": CameraRole.DOOR, "door-2": CameraRole.DOOR, "room-1": CameraRole.ROOM, "room-2": CameraRole.ROOM,
    }  # fmt: skip
    assert (settings.site.id, settings.presence.closes_at) == ("gym", "22:00")
    assert f"sqlite:///{path}" in file.read_text(encoding="utf-8")
    assert settings.site.capacity is not None
    assert settings.site.capacity >= 10
    assert run("report", "today", "--settings", file, "--store", f"sqlite:///{path}").code == 0


def test_settings_that_are_there_already_are_left_alone(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "made.settings.toml"
    mine.write_text("[site]\n")
    run("simulate", *PAST, "--store", f"sqlite:///{tmp_path / 'made.sqlite3'}").refused("exists already")
    assert mine.read_text() == "[site]\n"


def _visits(run: Run, *where: object) -> list[object]:
    report = run("report", "visits", *where, "--from", "2026-01-01", "--to", "2026-02-01", "--json").data
    assert isinstance(report, dict)
    return list(report["visits"])


@pytest.mark.parametrize("way", ["store", "file"])
def test_reports_without_settings_show_the_same_visits(run: Run, tmp_path: Path, way: str) -> None:
    store, file = f"sqlite:///{tmp_path / 'made.sqlite3'}", tmp_path / "events.jsonl"
    if way == "store":
        assert run("simulate", *PAST, "--store", store).code == 0
        settings = tmp_path / "made.settings.toml"
    else:
        done = run("simulate", *PAST, "--out", file)
        settings = tmp_path / "events.settings.toml"
        assert f"footfall events import {file} --settings {settings}" in done.out
        assert run("events", "import", file, "--settings", settings, "--store", store).code == 0
    named = _visits(run, "--settings", settings, "--store", store)
    assert named
    assert _visits(run, "--store", store) == named


def test_settings_beside_events_are_renewed_unless_somebody_else_wrote_them(run: Run, tmp_path: Path) -> None:
    file, beside = tmp_path / "events.jsonl", tmp_path / "events.settings.toml"
    assert run("simulate", *PAST, "--out", file, "--doors", "1").code == 0
    assert run("simulate", *PAST, "--out", file, "--doors", "2").code == 0
    assert beside.read_text().count('role = "door"') == 2
    beside.write_text("[site]\n")
    run("simulate", *PAST, "--out", file).refused("was not written by footfall simulate", code=2)
    assert beside.read_text() == "[site]\n"


def test_an_interrupted_simulation_is_removed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tracker.simulation.site.Totals.add", interrupted)
    done = run("simulate", *PAST, "--store", f"sqlite:///{tmp_path / 'made.sqlite3'}")
    assert done.code == 130
    assert "incomplete and was removed" in done.err
    assert list(tmp_path.glob("made*")) == []


def test_somebody_is_in_now_where_the_last_day_is_today(run: Run, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'made.sqlite3'}"
    done = run(
        "simulate", "--profile", "gym", "--days", "3", "--store", store, "--truth", tmp_path / "t.jsonl", "--json"
    )
    assert isinstance(done.data, dict)
    inside = [stay for stay in objects(tmp_path / "t.jsonl") if stay["left_at"] is None]
    assert done.data["inside"] == len(inside)
    with Store(tmp_path / "made.sqlite3").open(create=False) as opened:
        assert {presence.person_id for presence in opened.cameras.presences()} <= {stay["person_id"] for stay in inside}


def test_visits_of_a_simulated_store_are_those_of_its_truth(run: Run, tmp_path: Path) -> None:
    path, words = tmp_path / "made.sqlite3", ("--people", "30", "--days", "3", "--rooms", "0", "--start", "2026-01-05")
    store = f"sqlite:///{path}"
    run("simulate", "--profile", "shop", *words, "--store", store, "--truth", tmp_path / "t.jsonl")
    with Store(path).open(create=False) as opened:
        found = opened.sessions.select(site_id="gym", rules=Rules(), now=datetime(2026, 1, 8, tzinfo=UTC))
    segments = {(time_text(each.started_at), time_text(each.ended_at)) for one in found for each in one.segments}
    assert segments == {(stay["entered_at"], stay["left_at"]) for stay in objects(tmp_path / "t.jsonl")}
    assert run("report", "visits", "--store", store, "--from", "2026-01-05", "--to", "2026-01-08", "--json").code == 0


def test_people_without_a_face_are_counted_at_the_doors(run: Run, tmp_path: Path) -> None:
    store, truth = ("--store", f"sqlite:///{tmp_path / 'made.sqlite3'}"), tmp_path / "truth.jsonl"
    assert run("simulate", *PAST, "--unseen-faces", "0.4", *store, "--truth", truth).code == 0
    range_ = ("--from", "2026-01-05", "--to", "2026-01-08", "--staff", *store)
    found = run("report", "usage", *range_, "--json").data
    assert found["entries"] == found["exits"] == len(objects(truth))
    assert found["recognised_share"] == pytest.approx(0.6, abs=0.1)
    assert [row["camera_id"] for row in found["doors"]] == ["door-1"]
    text = run("report", "usage", *range_).out
    assert f"faces seen for {found['recognised_share']:.0%} of entries" in text
    assert "mount the camera" in text.replace("\n", " ")
    rows = run("report", "usage", *range_, "--csv").out.splitlines()
    assert rows[0].split(",")[4:7] == ["entries", "recognised", "recognised_share"]


def test_events_go_to_stdout_and_notes_to_stderr(run: Run) -> None:
    done = run("simulate", *PAST, "--out", "-")
    assert {json.loads(line)["site_id"] for line in done.out.splitlines()} == {"gym"}
    assert "40 people" in done.err or "people on 4 days" in done.err


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "nothing to write to"),
        (("--out", "x", "--truth", "x"), "the same file"),
        (("--out", "x", "--skew", "2"), "--skew"),
        (("--out", "x", "--outage", "soon"), "--outage"),
        (("--out", "x", "--start", "2999-01-01"), "is in the future"),
        (("--out", "x", "--start", "yesterday"), "--start"),
        (("--out", "x", "--start", "9999-12-30"), "--start"),
    ],
    ids=["nowhere", "one-file", "no-unit", "no-length", "future", "no-date", "end-of-time"],
)
def test_invalid_options_are_refused(words: tuple[str, ...], problem: str, run: Run) -> None:
    run("simulate", "--profile", "gym", *words).refused(problem, code=2)


def test_a_store_with_records_is_not_changed(run: Run, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'made.sqlite3'}"
    assert run("simulate", *PAST, "--store", store).code == 0
    run("simulate", *PAST, "--store", store).refused("holds people or events already")


def test_a_file_that_cannot_be_written_is_named(run: Run, tmp_path: Path) -> None:
    run("simulate", *PAST, "--out", tmp_path / "nowhere" / "e.jsonl").refused("cannot be written")
