"""`footfall events`: an export can be imported, bad lines are named, imports are atomic."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.event_json import NOON, WHOLE, event, lines
from tracker.presence.documents import encode
from tracker.store.observation import Observation
from tracker.store.store import Store


def imported(**counts: int) -> dict[str, object]:
    """What an import reports as JSON; counts that are not given are 0."""
    return {**dict.fromkeys(("lines", "new", "known", "refused", "people"), 0), "other_sites": {}, **counts}


@pytest.fixture
def store(environment: dict[str, str]) -> Iterator[Callable[[], Store]]:
    """The store that commands use, opened at first need."""
    path = Path(environment["FOOTFALL_STORE__URL"].removeprefix("sqlite:///"))
    opened: list[Store] = []

    def open_() -> Store:
        opened.append(Store(path).open())
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Text on stdin."""

    def type_(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return type_


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "events.jsonl"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_an_export_is_imported_unchanged(run: Run, store: Callable[[], Store], tmp_path: Path) -> None:
    events = [event(0), event(5, "exit"), event(7, person="Zoë \u2028")]
    with store() as opened:
        opened.record(Observation(events=events))
    first = run("events", "export")
    assert [json.loads(line) for line in first.out.rstrip().split("\n")] == [encode(each) for each in events]
    (tmp_path / "out.jsonl").write_text(first.out, encoding="utf-8")
    other = f"sqlite:///{tmp_path / 'other.sqlite3'}"
    done = run("events", "import", tmp_path / "out.jsonl", "--store", other, "--json")
    assert done.data == imported(lines=3, new=3, people=2)
    assert run("events", "export", "--store", other).out == first.out
    again = run("events", "import", tmp_path / "out.jsonl", "--store", other, "--json")
    assert again.data == imported(lines=3, known=3)


def test_tracks_ids_and_positions_are_optional(
    run: Run, store: Callable[[], Store], file: Callable[[str], Path]
) -> None:
    left = {**WHOLE, "kind": "exit", "at": "2026-01-05T13:30:00+01:00"}
    run("events", "import", file(lines(WHOLE, left)))
    with store() as opened:
        entered, gone = opened.events.select()
    assert (entered.site_id, entered.kind, entered.at) == ("gym", "enter", NOON)
    assert (gone.site_id, gone.kind, gone.at) == ("gym", "exit", NOON + timedelta(minutes=30))
    assert entered.track_id != gone.track_id
    assert len({entered.event_id, gone.event_id}) == 2


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_one_bad_line_rejects_the_import(
    way: str,
    run: Run,
    store: Callable[[], Store],
    file: Callable[[str], Path],
    typed: Callable[[str], None],
) -> None:
    text = lines(WHOLE, {**WHOLE, "kind": "entered"}, {**WHOLE, "person_id": "bob"})
    typed(text)
    done = run("events", "import", file(text) if way == "file" else "-")
    done.refused("1 of 3 lines", "nothing was imported", "--partial")
    assert "line 2: kind: expected enter or exit, got 'entered'" in done.err
    with store() as opened:
        assert opened.events.select() == []


@pytest.mark.parametrize("way", ["file", "stdin"])
def test_partial_keeps_the_good_lines_and_names_the_bad(
    way: str,
    run: Run,
    store: Callable[[], Store],
    file: Callable[[str], Path],
    typed: Callable[[str], None],
) -> None:
    text = lines(WHOLE) + "oops\n\n" + lines({**WHOLE, "person_id": "bob"})
    typed(text)
    done = run("events", "import", file(text) if way == "file" else "-", "--partial")
    assert done.code == 0
    assert "3 lines: 2 new events, 0 known already, 1 refused" in done.out
    assert "line 2: it is not JSON" in done.err
    with store() as opened:
        assert {each.person_id for each in opened.events.select()} == {"ada", "bob"}


def test_future_events_are_refused_beyond_a_minute(
    run: Run, store: Callable[[], Store], file: Callable[[str], Path]
) -> None:
    def dated(ahead_s: float) -> Path:
        return file(lines({**WHOLE, "at": (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat()}))

    done = run("events", "import", dated(3600))
    done.refused("1 of 1 lines refused")
    assert "is in the future" in done.err
    assert run("events", "import", dated(3600), "--partial").code == 0
    with store() as opened:
        assert opened.events.select() == []
    assert run("events", "import", dated(30)).code == 0


def test_good_lines_through_a_pipe_arrive(run: Run, typed: Callable[[str], None]) -> None:
    typed("\ufeff" + lines(WHOLE).replace("\n", "\r\n"))
    assert run("events", "import", "-", "--json").data == imported(lines=1, new=1, people=1)


def test_export_takes_days_of_the_sites_clock_and_one_site(run: Run, store: Callable[[], Store]) -> None:
    with store() as opened:
        opened.record(Observation(events=[event(-1440), event(0), event(1440), event(1, site="pool")]))

    def times(*words: str) -> list[str]:
        return [json.loads(line)["at"][:16] for line in run("events", "export", *words).out.splitlines()]

    assert times() == ["2026-01-04T12:00", "2026-01-05T12:00", "2026-01-05T12:01", "2026-01-06T12:00"]
    assert times("--site", "pool") == ["2026-01-05T12:01"]
    assert times("--from", "2026-01-05", "--to", "2026-01-05", "--site", "gym") == ["2026-01-05T12:00"]
    run("events", "export", "--from", "2026-01-06", "--to", "2026-01-05").refused("--from", code=2)


def test_export_into_a_file_and_into_a_folder_that_is_not_there(
    run: Run, store: Callable[[], Store], tmp_path: Path
) -> None:
    with store() as opened:
        opened.record(Observation(events=[event(0)]))
    done = run("events", "export", "--out", tmp_path / "e.jsonl")
    assert (done.code, done.out) == (0, "")
    assert json.loads((tmp_path / "e.jsonl").read_text())["person_id"] == "ada"
    run("events", "export", "--out", tmp_path / "nowhere" / "e.jsonl").refused("cannot be written")


@pytest.mark.parametrize("name", ["none.jsonl", "."])
def test_unreadable_input_is_refused(name: str, run: Run) -> None:
    run("events", "import", name).refused("cannot be read")


def test_an_invalid_store_is_refused_and_unchanged(run: Run, tmp_path: Path, file: Callable[[str], Path]) -> None:
    spoilt = tmp_path / "spoilt.sqlite3"
    spoilt.write_bytes(b"no store at all" * 100)
    run("events", "import", file(lines(WHOLE)), "--store", f"sqlite:///{spoilt}").refused("spoilt.sqlite3")
    assert spoilt.read_bytes() == b"no store at all" * 100
