"""`footfall events void | restore | add | corrections`: corrections are stored and change the visits."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import ADA, BOB, NOON, AgentHarness
from tracker.cli.options import UsageError
from tracker.cli.times import parse_instant
from tracker.presence.events import OPERATOR, CameraRef, Event, EventKind, unidentified_id
from tracker.presence.rules import Rules, Site
from tracker.store.observation import Observation

PERSON = f"p-{ADA:012x}"


def event(kind: str, seconds: float, person: str = PERSON) -> Event:
    return Event(
        kind=EventKind(kind),
        site_id="gym",
        camera_id="front",
        person_id=person,
        at=NOON + timedelta(seconds=seconds),
        track_id="t",
    )


@pytest.fixture
def harness(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> AgentHarness:
    monkeypatch.setenv("FOOTFALL_SITE__TIME_ZONE", "Europe/Berlin")
    harness = AgentHarness(tmp_path / "store.sqlite3")
    harness.enrol("Ada", ADA)
    harness.enrol("Bob", BOB)
    harness.store.record(
        Observation(events=[event("enter", 0), event("exit", 600), event("enter", 7200), event("exit", 9000)])
    )
    return harness


def visits(harness: AgentHarness) -> list[tuple[str, float, float | None]]:
    return harness.visits(30_000)


def test_voided_events_make_no_visit_and_are_restored(run: Run, harness: AgentHarness) -> None:
    false_ones = [event(kind, seconds).event_id for kind, seconds in (("enter", 7200), ("exit", 9000))]
    done = run("events", "void", false_ones[0][:10], false_ones[1], "--by", "Ann", "--reason", "that was  her sister")
    assert (done.code, done.err) == (0, "")
    assert f"void by Ann: enter of Ada at 2026-03-02 15:00:00, camera front, event {false_ones[0][:8]}" in done.out
    assert "was   2026-03-02 15:00:00   15:30:00   30 min 00 s" in done.out
    assert visits(harness) == [(PERSON, 0, 600)]
    undo = done.out.splitlines()[-1].partition("footfall ")[2].split()
    assert undo == ["undo", "1"]
    assert run(*undo, "--by", "Bob").out == "change 1 is undone: voided events\n"
    assert visits(harness) == [(PERSON, 0, 600), (PERSON, 7200, 9000)]
    run("events", "void", *false_ones, "--by", "Ann")
    back = run("events", "restore", *false_ones).out
    assert "restored by" in back
    assert "is   2026-03-02 15:00:00   15:30:00   30 min 00 s" in back
    assert visits(harness) == [(PERSON, 0, 600), (PERSON, 7200, 9000)]


def test_an_event_of_somebody_unidentified_is_voided_and_has_no_visit(run: Run, harness: AgentHarness) -> None:
    wrong = event("enter", 100, unidentified_id(CameraRef("gym", "front"), "t"))
    harness.store.record(Observation(events=[wrong]))
    run("report", "explain", wrong.event_id).refused("the event is of somebody unidentified", code=2)
    done = run("events", "void", wrong.event_id, "--by", "Ann")
    assert (done.code, done.err) == (0, "")
    assert "Unidentified people have no visits" in done.out
    assert visits(harness) == [(PERSON, 0, 600), (PERSON, 7200, 9000)]
    assert wrong not in harness.store.events.select()


def test_an_exit_that_no_camera_saw(run: Run, harness: AgentHarness) -> None:
    harness.store.record(Observation(events=[event("enter", 20_000)]))
    assert visits(harness)[-1] == (PERSON, 20_000, None)
    done = run("events", "add", "exit", "ada", "--at", "2026-03-02T19:00", "--by", "Ann")
    assert (done.code, done.err) == (0, "")
    assert "added by Ann: exit of Ada at 2026-03-02 19:00:00, event " in done.out
    assert visits(harness)[-1] == (PERSON, 20_000, 21_600)
    again = run("events", "add", "exit", "Ada", "--at", "2026-03-02T18:00:00+00:00", "--by", "Bob")
    again.refused("is there already")
    undo = done.out.splitlines()[-1].partition("footfall ")[2].split()
    assert undo[0] == "undo"
    assert run(*undo).code == 0
    assert visits(harness)[-1] == (PERSON, 20_000, None)
    run("events", "add", "exit", "Ada", "--at", "2026-03-02T19:00").refused("was added and voided", "events restore")


def test_corrections_have_author_time_and_reason(run: Run, harness: AgentHarness) -> None:
    wrong = event("exit", 600).event_id
    run("events", "void", wrong, "--by", "Ann", "--reason", "a reflection")
    run("events", "restore", wrong)
    listed = run("events", "corrections", "--json").data
    assert [(each["action"], each["by"], each["reason"], each["holds"]) for each in listed] == [
        ("void", "Ann", "a reflection", False),
        ("add", getpass.getuser(), "", True),
    ]
    assert [each["said"] for each in listed] == ["void", "restore"]
    assert {each["event"]["event_id"] for each in listed} == {wrong}
    assert all(abs(datetime.now(UTC) - datetime.fromisoformat(each["at"])) < timedelta(minutes=1) for each in listed)
    printed = run("events", "corrections").out
    for words in ("Ann", "a reflection", "exit of Ada, 2026-03-02 13:10:00", "overruled since", wrong[:8]):
        assert words in printed


def test_an_added_and_voided_event_is_restored_not_added_again(run: Run, harness: AgentHarness) -> None:
    run("events", "add", "exit", "Ada", "--at", "2026-03-02T19:00", "--by", "Ann")
    (added,) = (each.event_id for each in harness.store.events.select() if each.track_id == OPERATOR)
    run("events", "void", added, "--by", "Bob")
    assert run("events", "restore", added, "--by", "Cy").out.startswith("restored by Cy: exit of Ada")
    printed = [line.split()[2:4] for line in run("events", "corrections").out.splitlines() if added[:8] in line]
    assert printed == [["Ann", "add"], ["Bob", "void"], ["Cy", "restore"]]
    assert [each["action"] for each in run("events", "corrections", "--json").data] == ["add", "void", "add"]


def test_a_dry_run_shows_the_same_and_writes_nothing(run: Run, harness: AgentHarness) -> None:
    words = ("events", "void", event("exit", 600).event_id, "--by", "Ann", "--json")
    version = harness.store.version()
    dry = run(*words, "--dry-run").data
    assert harness.store.version() == version
    done = run(*words).data
    assert (dry["written"], done["written"]) == (False, True)
    assert [[each["ended_at"] for each in dry["changes"][0][side]] for side in ("before", "after")] == [
        ["2026-03-02T12:10:00.000000Z", "2026-03-02T14:30:00.000000Z"],
        ["2026-03-02T14:30:00.000000Z"],
    ]
    assert dry["changes"] == done["changes"]
    assert "would be void by Ann" in run("events", "void", event("enter", 0).event_id, "--by", "Ann", "--dry-run").out


def test_one_wrong_id_among_several_leaves_all_as_they_were(run: Run, harness: AgentHarness) -> None:
    good = event("exit", 600).event_id
    run("events", "void", good, "nosuchid", "--by", "Ann").refused("no event has the id 'nosuchid'", code=2)
    assert harness.store.events.corrections() == []


def test_an_added_event_counts_at_its_camera(run: Run, harness: AgentHarness, tmp_path: Path) -> None:
    file = tmp_path / "gym.toml"
    file.write_text(
        '[[camera]]\nid = "out"\nsource = "0"\nrole = "exit"\n[[camera]]\nid = "hall"\nsource = "1"\n', encoding="utf-8"
    )
    words = ("events", "add", "enter", "Bob", "--at", "2026-03-02T13:00", "--settings", file)
    run(*words, "--camera", "out").refused("out is an exit, it has no enter", code=2)
    run(*words, "--camera", "attic").refused("no camera 'attic'", "hall, out", code=2)
    assert run(*words, "--camera", "hall").code == 0
    assert [each.camera_id for each in harness.store.events.select(person_id=f"p-{BOB:012x}")] == ["hall"]


def test_people_of_a_turnstile_have_an_id_only(run: Run, harness: AgentHarness) -> None:
    harness.store.record(Observation(events=[event("enter", 0, "card-17")]))
    assert run("events", "add", "exit", "card-17", "--at", "2026-03-02T13:30").code == 0
    assert ("card-17", 0, 1800) in visits(harness)
    assert [each.camera_id for each in harness.store.events.select(person_id="card-17")] == ["front", OPERATOR]


def test_an_event_of_another_site_is_on_the_clock_of_that_site(run: Run, harness: AgentHarness) -> None:
    harness.store.sites.save(Site(site_id="ny", name="New York", rules=Rules(zone=ZoneInfo("America/New_York"))))
    words = ("events", "add", "enter", "Ada", "--at", "2026-03-02T09:00", "--site")
    done = run(*words, "ny", "--by", "Ann")
    assert (done.code, done.err) == (0, "")
    assert "enter of Ada at 2026-03-02 09:00:00" in done.out
    (added,) = harness.store.events.select(site_id="ny")
    assert added.at == datetime(2026, 3, 2, 14, tzinfo=UTC)
    run(*words, "rome").refused("--site: no site 'rome'", "known are gym, ny", code=2)


def test_the_preview_uses_the_rules_of_the_site(run: Run, harness: AgentHarness) -> None:
    """Reports go by the rules in the store; the preview must not go by others."""
    rules = Rules(merge_gap=timedelta(hours=4), entrances=frozenset({"front"}), exits=frozenset({"front"}))
    harness.store.sites.save(Site(site_id="gym", name="Gym", rules=rules))
    leave = event("exit", 9000).event_id
    done = run("events", "void", leave, "--dry-run", "--json").data
    assert [len(done["changes"][0][side][0]["segments"]) for side in ("before", "after")] == [2, 2]


BAD = {
    "unknown-id": (("void", "zzz"), "no event has the id 'zzz'", 2),
    "empty-id": (("void", ""), "no event has the id ''", 2),
    "no-text": (("void", "\udce9"), "no event has the id", 2),
    "signed-with-nothing": (("void", "zzz", "--by", " "), "has no author", 2),
    "signed-as-the-system": (("void", "zzz", "--by", "Footfall"), "has no author", 2),
    "a-novel-for-a-name": (("void", "zzz", "--by", "n" * 501), "--by: expected up to 500", 2),
    "nobody": (("add", "exit", "Zoe", "--at", "2026-03-02T13:00"), "no person named 'Zoe'", 1),
    "a-day": (("add", "exit", "Ada", "--at", "2026-03-02"), "has no time of day", 2),
    "no-time": (("add", "exit", "Ada", "--at", "noon:ish"), "is not a time", 2),
    "to-come": (("add", "exit", "Ada", "--at", "2999-03-02T13:00"), "is in the future", 2),
    "before-cameras": (("add", "exit", "Ada", "--at", "1926-03-02T13:00"), "is before 1970", 2),
    "beyond-time": (("add", "exit", "Ada", "--at", "0001-01-01T00:00+23:00"), "is not a time", 2),
    "half-a-reason": (("add", "exit", "Ada", "--at", "2026-03-02T13:00", "--reason", "\udce9"), "--reason", 2),
}


@pytest.mark.parametrize(("words", "problem", "code"), BAD.values(), ids=BAD)
def test_bad_input_is_refused_and_nothing_is_written(
    words: tuple[str, ...], problem: str, code: int, run: Run, harness: AgentHarness
) -> None:
    version = harness.store.version()
    run("events", *words).refused(problem, code=code)
    assert harness.store.version() == version


def test_a_repeated_correction_is_refused(run: Run, harness: AgentHarness) -> None:
    one = event("exit", 600).event_id
    run("events", "restore", one).refused("is not void")
    run("events", "void", one, "--by", "Ann")
    run("events", "void", one, "--by", "Bob").refused("is void already", "corrections")
    assert len(harness.store.events.corrections()) == 1


def test_an_id_that_several_begin_with_needs_more_letters(run: Run, harness: AgentHarness) -> None:
    harness.store.record(
        Observation(events=[event("enter", 50_000 + each) for each in range(17)])
    )  # 16 letters: two begin alike
    ids = [each.event_id for each in harness.store.events.select()]
    start = next(each[0] for each in ids if sum(other[0] == each[0] for other in ids) > 1)
    run("events", "void", start).refused(f"several events have ids that start with '{start}'", code=2)


BERLIN = ZoneInfo("Europe/Berlin")
EVENING = datetime(2026, 11, 22, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("18:30", "2026-11-22T17:30:00+00:00"),
        ("18:30:15", "2026-11-22T17:30:15+00:00"),
        ("2026-07-01T18:30", "2026-07-01T16:30:00+00:00"),
        ("2026-07-01 18:30", "2026-07-01T16:30:00+00:00"),
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00+00:00"),
    ],
)
def test_times_are_on_the_sites_clock(text: str, moment: str) -> None:
    assert parse_instant(text, BERLIN, now=EVENING, option="--at") == datetime.fromisoformat(moment)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-03-29T02:30", "skipped"),
        ("2026-10-25T02:30", "twice"),
        ("20:30", "in the future"),
        ("1830", "not a time"),
        ("25:00", "not a time"),
    ],
)
def test_a_moment_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        parse_instant(text, BERLIN, now=EVENING, option="--at")
