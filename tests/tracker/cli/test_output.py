"""Output of commands: every format from one table, repeated hours with their zone, control characters escaped."""

from __future__ import annotations

import csv
import io
import logging
import re
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from rich.cells import cell_len

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import AgentHarness
from tracker.cli import terminal
from tracker.cli.logs import start_logging
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person, PersonKind
from tracker.store.observation import Observation
from tracker.store.store import Store

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
HOSTILE = [
    pytest.param("esc\x1b[31mRED\x1b]0;title\x07", id="escape"),
    pytest.param("cr\rOVERWRITE", id="carriage-return"),
    pytest.param("nul\0x", id="nul"),
    pytest.param("\u202egnp.exe", id="direction-override"),
    pytest.param("c1\x9b31m", id="c1-control"),
]


at = datetime.fromisoformat


def visit(person_id: str, entered: str, left: str) -> list[Event]:
    return [
        Event(kind=kind, site_id="gym", camera_id="gate", person_id=person_id, at=at(text), track_id="t1")
        for kind, text in ((EventKind.ENTER, entered), (EventKind.EXIT, left))
    ]


@pytest.fixture
def repeated_hour(tmp_path: Path, run: Run) -> Run:
    """Somebody in from 02:50 of summer time to 02:10 of winter time, 20 minutes."""
    Path("footfall.toml").write_text('[site]\ntime_zone = "Europe/Berlin"\n', encoding="utf-8")
    with Store(tmp_path / "store.sqlite3") as store:
        store.record(Observation(events=visit("fold", "2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00")))
    return run


def test_the_repeated_hour_has_its_zone(repeated_hour: Run) -> None:
    day = ("--from", "2026-10-25", "--to", "2026-10-25")
    (line,) = [each for each in repeated_hour("report", "visits", *day).out.splitlines() if "20 min" in each]
    assert "2026-10-25 02:50:00 CEST" in line
    assert "02:10:00 CET" in line
    text = repeated_hour("report", "visits", *day, "--csv").out.removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text))
    assert (row["started_at"], row["ended_at"]) == ("2026-10-25T02:50:00+02:00", "2026-10-25T02:10:00+01:00")
    hours = repeated_hour("report", "usage", "--by", "hour", *day).out
    assert "02:00 CEST" in hours
    assert "02:00 CET" in hours


def test_events_of_the_repeated_hour_have_their_zone(repeated_hour: Run) -> None:
    visits = repeated_hour("report", "visits", "--from", "2026-10-25", "--to", "2026-10-25", "--json").data["visits"]
    text = repeated_hour("report", "explain", visits[0]["session_id"]).out
    assert "02:50:00 CEST" in text
    assert "02:10:00 CET" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_control_characters_reach_neither_terminal_nor_csv_and_json_escapes_them(
    name: str, tmp_path: Path, run: Run
) -> None:
    since = at("2026-11-02T08:00:00+00:00")
    person = Person(person_id="v-1", name=name, kind=PersonKind.VISITOR, created_at=since)
    with Store(tmp_path / "store.sqlite3") as store:
        events = [*visit("v-1", "2026-11-02T08:00+00:00", "2026-11-02T09:00+00:00")]
        store.record(Observation(events=events, visitors=[(person, np.zeros((0, 128), np.float32))]))
    day = ("--from", "2026-11-02", "--to", "2026-11-02")
    for words in (("report", "visits", *day), ("people", "list", "--visitors"), ("people", "show", "v-1")):
        for form in ((), ("--json",), ("--csv",)):
            if form == ("--csv",) and words[1] == "show":
                continue
            done = run(*words, *form)
            assert done.code == 0, done.err
            assert CONTROL.search(done.out + done.err) is None
            if form == ("--json",):
                assert name in texts_of(done.data)
    assert CONTROL.search(run("people", "rename", "v-1", "Ada").out) is None


def test_control_characters_reach_no_error(run: Run, tmp_path: Path) -> None:
    AgentHarness(tmp_path / "store.sqlite3").store.close()
    line = run("people", "show", "x\x1b[31m").refused("no person named")
    assert CONTROL.search(line) is None


@pytest.mark.parametrize(
    "last", [pytest.param("नमस्ते 🙂", id="lines"), pytest.param("two\nlines", id="cells-that-fold")]
)
def test_columns_are_aligned_beside_names_of_wide_characters(last: str, run: Run, tmp_path: Path) -> None:
    since = at("2026-11-02T08:00:00+00:00")
    names = ["Ada", "山田太郎", "Zoë" + chr(0x202E) + "b", last]
    with Store(tmp_path / "store.sqlite3") as store:
        for name in names:
            person = Person(person_id=f"p-{len(name)}", name=name, created_at=since)
            store.people.add(person, np.zeros((0, 128), np.float32))
    lines = [re.split(" kind | enrolled ", line) for line in run("people", "list").out.splitlines()]
    columns = [cell_len(parts[0]) for parts in lines if len(parts) == 2]
    assert columns == [columns[0]] * (1 + len(names))


@pytest.mark.parametrize(
    ("width", "titles", "left_out"),
    [
        pytest.param(120, ["name", "kind", "role", "groups", "vectors", "since"], None, id="all-fit"),
        pytest.param(80, ["name", "kind", "role", "groups", "vectors", "since"], None, id="names-fold"),
        pytest.param(50, ["name", "kind", "role", "groups"], "2 columns from 'vectors' to 'since'", id="last-ones-go"),
        pytest.param(20, ["name"], "5 columns from 'kind' to 'since'", id="one-is-left"),
    ],
)
def test_a_table_fits_the_terminal(
    width: int, titles: list[str], left_out: str | None, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = at("2026-11-02T08:00:00+00:00")
    with Store(tmp_path / "store.sqlite3") as store:
        for name, groups in (("Ada", ()), ("Oluwaseun Adeyemi-Richardson of Northside", ("Morning course",))):
            store.people.add(
                Person(person_id=f"p-{len(name)}", name=name, created_at=since, groups=groups),
                np.zeros((0, 128), np.float32),
            )
    monkeypatch.setattr(terminal.console, "width", width)
    done = run("people", "list")
    lines = done.out.splitlines()
    assert max(map(cell_len, lines)) <= width
    rule = next(number for number, line in enumerate(lines) if line.startswith("─"))
    assert re.split(r"\s{2,}", " ".join(lines[:rule]).strip()) == titles
    text = "".join(line[:12] if width == 20 else line for line in lines[rule + 1 :])
    assert "Oluwaseun" in text
    assert "valid until" not in done.out
    assert (left_out is None) is ("no room" not in done.err)
    assert left_out is None or f"note: no room for {left_out}: widen the terminal, or use --json" in done.err


def texts_of(data: object) -> list[str]:
    """All texts in a document."""
    if isinstance(data, dict):
        return [text for each in data.values() for text in texts_of(each)]
    if isinstance(data, list):
        return [text for each in data for text in texts_of(each)]
    return [str(data)]


@pytest.mark.parametrize("words", [("people", "list", "--visitors"), ("people", "visitors")], ids=" ".join)
def test_a_listing_is_a_table_json_or_csv(words: tuple[str, ...], tmp_path: Path, run: Run) -> None:
    since = at("2026-11-02T08:00:00+00:00")
    with Store(tmp_path / "store.sqlite3") as store:
        person = Person(person_id="v-1", name="=Visitor 1", kind=PersonKind.VISITOR, created_at=since)
        store.record(Observation(visitors=[(person, np.zeros((0, 128), np.float32))]))
    assert "=Visitor 1" in run(*words).out
    (document,) = run(*words, "--json").data
    text = run(*words, "--csv").out
    assert text.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert list(row) == list(document)
    assert (row["name"], document["name"]) == ("'=Visitor 1", "=Visitor 1")
    run(*words, "--json", "--csv").refused("cannot be used together", code=2)


def test_a_log_line_in_a_file_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        start_logging(verbose=True)
        logging.getLogger("footfall").warning("camera %s: %s", "front\x1b[31m", "word " * 60)
    finally:
        root.handlers[:], root.level = handlers, level
    (line,) = capsys.readouterr().err.splitlines()
    assert "WARNING camera front\\x1b[31m: word word" in line
    assert len(line) > 300
