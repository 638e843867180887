"""`footfall report`: figures as a table, JSON and CSV, over valid and invalid ranges."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from config.settings import SiteSettings
from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import face_of
from tracker.cli import extras, terminal
from tracker.cli.times import parse_time
from tracker.presence.coverage import CoverageSpan
from tracker.presence.events import CameraRef, Event, EventKind
from tracker.presence.people import Person, Role
from tracker.presence.room import Presence
from tracker.store.observation import Observation
from tracker.store.store import Store

NOW = datetime.now(UTC).replace(microsecond=0)
VISIT = [
    "session_id", "site_id", "person_id", "name", "kind", "role", "started_at", "ended_at", "dwell_s", "gross_s",
    "segments", "state", "enter_inferred", "exit_inferred", "bounce",
]  # fmt: skip
REPORT = {"report", "site_id", "time_zone", "since", "until", "now", "outages", "notes"}
TODAY = REPORT | {
    "day", "occupancy", "capacity", "capacity_share", "present", "entries", "visitors", "returning", "new",
    "median_dwell_s", "bounce_rate", "peak", "peak_at", "occupancy_steps", "recognised", "recognised_share",
    "recognised_inside",
}  # fmt: skip


def event(kind: EventKind, person_id: str, at: datetime, track_id: str, *, inferred: bool = False) -> Event:
    return Event(
        kind=kind, site_id="gym", camera_id="front", person_id=person_id, at=at, track_id=track_id, inferred=inferred
    )


@pytest.fixture
def gym(tmp_path: Path) -> None:
    """Ada was there two days ago; =Bob (staff) yesterday; Ada has been in for three minutes."""
    yesterday, earlier = NOW - timedelta(days=1), NOW - timedelta(days=2)
    since = datetime.now(UTC) - timedelta(minutes=3)
    with Store(tmp_path / "store.sqlite3") as store:
        for number, (person_id, name, role) in enumerate((("p-a", "Ada", Role.MEMBER), ("p-b", "=Bob", Role.STAFF))):
            person = Person(person_id=person_id, name=name, created_at=earlier, role=role, consented_at=earlier)
            store.people.add(person, face_of(number)[None])
        store.record(Observation(
            events=[
                event(EventKind.ENTER, "p-a", earlier, "t1"),
                event(EventKind.EXIT, "p-a", earlier + timedelta(minutes=2), "t1", inferred=True),
                event(EventKind.ENTER, "p-b", yesterday, "t2"),
                event(EventKind.EXIT, "p-b", yesterday + timedelta(minutes=5), "t2"),
                event(EventKind.ENTER, "p-a", since, "t3"),
            ],
            camera=CameraRef("gym", "front"),
            presences=[
                Presence(
                    site_id="gym", camera_id="front", person_id="p-a", track_id="t3", entered_at=since, seen_at=since,
                    x_frac=0.5, y_frac=0.5,
                )
            ],
        ))  # fmt: skip


pytestmark = pytest.mark.usefixtures("gym")


def test_today_lists_who_is_in_and_since_when(run: Run) -> None:
    Path("footfall.toml").write_text('[site]\ntime_zone = "UTC"\n', encoding="utf-8")
    report = run("report", "today", "--json").data
    assert set(report) == TODAY
    assert report["occupancy"] == 1
    assert [(row["name"], row["state"]) for row in report["present"]] == [("Ada", "open")]
    assert set(report["present"][0]) == set(VISIT)
    assert report["day"] == report["now"][:10]
    text = run("report", "today").out
    assert "in now 1" in text
    assert "Ada" in text
    assert "3 min" in text


def test_capacity_shows_how_full_it_is(run: Run) -> None:
    Path("footfall.toml").write_text(
        '[site]\nname = "The gym"\ncapacity = 4\ntime_zone = "Asia/Tokyo"\n', encoding="utf-8"
    )
    text = run("report", "today").out
    assert "The gym" in text
    assert "in now 1 of 4 (25%)" in text


def test_visits_of_the_last_week_are_listed_the_latest_first_without_staff(run: Run) -> None:
    report = run("report", "visits", "--json").data
    assert set(report) == REPORT | {"visits"}
    rows = report["visits"]
    assert [list(row) for row in rows] == [VISIT, VISIT]
    assert [(row["name"], row["state"], row["exit_inferred"]) for row in rows] == [
        ("Ada", "open", False), ("Ada", "closed", True),
    ]  # fmt: skip
    assert [row["name"] for row in run("report", "visits", "--staff", "--json").data["visits"]] == [
        "Ada",
        "=Bob",
        "Ada",
    ]


def test_table_of_visits_keeps_times_whole_on_a_narrow_screen(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal.console, "width", 80)
    Path("footfall.toml").write_text('[site]\ntime_zone = "UTC"\n', encoding="utf-8")
    lines = run("report", "visits", "--staff").out.splitlines()
    began = NOW - timedelta(days=1)
    assert any(f"{began:%Y-%m-%d %H:%M:%S}" in line and "5 min 00 s" in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert "staff" in "\n".join(lines)


def test_csv_has_a_header_times_of_the_site_and_no_formulas(run: Run) -> None:
    Path("footfall.toml").write_text('[site]\ntime_zone = "Asia/Kolkata"\n', encoding="utf-8")
    done = run("report", "visits", "--staff", "--csv")
    assert done.out.startswith("\ufeff"), "spreadsheets need the byte order mark"
    header, *rows = csv.reader(io.StringIO(done.out.removeprefix("\ufeff")))
    assert header == VISIT
    bob = dict(zip(header, rows[1], strict=True))
    assert (bob["name"], bob["role"], bob["dwell_s"]) == ("'=Bob", "staff", "300.0")
    assert bob["started_at"] == f"{NOW - timedelta(days=1, hours=-5, minutes=-30):%Y-%m-%dT%H:%M:%S}+05:30"
    assert "\r" not in done.out


def test_range_is_cut_to_days_on_the_clock_of_the_site(run: Run) -> None:
    Path("footfall.toml").write_text('[site]\ntime_zone = "UTC"\n', encoding="utf-8")
    day = f"{NOW - timedelta(days=2):%Y-%m-%d}"
    rows = run("report", "visits", "--from", day, "--to", day, "--json").data["visits"]
    assert [(row["name"], row["state"]) for row in rows] == [("Ada", "closed")]
    assert run("report", "visits", "--to", "2000-01-01", "--json").data["visits"] == []


def test_an_empty_range_names_the_range_of_the_visits(run: Run) -> None:
    done = run("report", "visits", "--to", "2000-01-01")
    assert done.code == 0
    assert f"try --from {NOW.astimezone() - timedelta(days=2):%Y-%m-%d}" in done.out
    assert run("report", "visits", "--to", "2000-01-01", "--csv").out == "\ufeff" + ",".join(VISIT) + "\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        pytest.param(("--from", "yesterday"), ("--from: 'yesterday' is not a date", "2026-01-31"), id="no-date"),
        pytest.param(("--to", "2026-02-30"), ("--to: '2026-02-30' is not a date",), id="no-such-day"),
        pytest.param(("--from", "31.01.2026"), ("is not a date",), id="other-order"),
        pytest.param(("--to", "9999-12-31"), ("is not a date",), id="end-of-time"),
        pytest.param(("--from", "0001-01-01T00:00-12:00"), ("--from is before 1970", "later"), id="year-1"),
        pytest.param(("--from", "1969-12-31"), ("--from is before 1970",), id="before-1970"),
        pytest.param(("--to", "0001-01-02"), ("--to is before 1970",), id="to-before-1970"),
        pytest.param(("--from", "x" * 10_000), ("is not a date",), id="long"),
        pytest.param(("--from", "2026-02-01", "--to", "2026-01-01"), ("not before --to",), id="swapped"),
        pytest.param(("--from", "9999-01-01"), ("--from is in the future", "has begun"), id="future"),
        pytest.param(("--json", "--csv"), ("--json and --csv",), id="two-forms"),
        pytest.param(("--xlsx", "visits.csv"), ("does not end in .xlsx", "report.xlsx"), id="no-workbook"),
        pytest.param(("--plot", "visits.gif"), ("neither in .html nor in .png",), id="no-picture"),
        pytest.param(("--camera", "cellar"), ("nothing is known of 'cellar'", "known are front"), id="no-camera"),
        pytest.param(("--site", "office"), ("nothing is known of 'office'", "known are gym"), id="no-site"),
    ],
)  # fmt: skip
def test_dates_that_are_none_are_wrong_use(flags: tuple[str, ...], words: tuple[str, ...], run: Run) -> None:
    assert len(run("report", "visits", *flags).refused(*words, code=2)) < 300


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_the_first_day_of_1970_is_a_date_everywhere(run: Run, zone: str) -> None:
    Path("footfall.toml").write_text(f'[site]\ntime_zone = "{zone}"\n', encoding="utf-8")
    assert len(run("report", "visits", "--from", "1970-01-01", "--json").data["visits"]) == 2
    assert run("report", "visits", "--to", "1970-01-02", "--json").data["visits"] == []


KINDS = [("usage", "--by", "hour"), ("occupancy",), ("attendance",), ("people",), ("people", "Ada")]


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
def test_a_range_of_any_length_without_records_is_short(run: Run, kind: tuple[str, ...]) -> None:
    with Store(Path("empty.sqlite3")) as store:
        store.people.add(Person(person_id="p-a", name="Ada", created_at=NOW, consented_at=NOW), face_of(0)[None])
    done = run("report", *kind, "--from", "1970-01-01", "--store", "sqlite:///empty.sqlite3", "--json")
    assert done.code == 0
    assert done.data["since"] > "2000"


@pytest.mark.parametrize("kind", KINDS, ids=" ".join)
@pytest.mark.parametrize("year", [1, 1970])
def test_a_report_with_too_many_rows_is_refused_with_a_fix(
    run: Run, tmp_path: Path, kind: tuple[str, ...], year: int
) -> None:
    with Store(tmp_path / "store.sqlite3") as store:
        store.record(Observation(events=[event(EventKind.ENTER, "p-a", datetime(year, 1, 1, 5, tzinfo=UTC), "t0")]))
    assert run("report", *kind, "--json").code == 0
    run("report", *kind, "--from", "1970-01-01").refused("one report", "shorter time", "coarser 'by'", code=1)


@pytest.mark.parametrize(
    ("text", "utc", "end_of_day"),
    [
        pytest.param("2026-01-31", "2026-01-30T23:00", False, id="day"),
        pytest.param("2026-01-31", "2026-01-31T23:00", True, id="whole-day"),
        pytest.param("2026-03-29", "2026-03-29T22:00", True, id="day-of-23-hours"),
        pytest.param("2026-01-31T08:00", "2026-01-31T07:00", True, id="moment"),
        pytest.param("2026-01-31T08:00+03:00", "2026-01-31T05:00", False, id="moment-with-a-zone"),
    ],
)
def test_moments_are_those_of_the_clock_on_the_wall(text: str, utc: str, end_of_day: bool) -> None:
    zone = SiteSettings(time_zone="Europe/Berlin").zone
    moment = parse_time(text, zone, option="--to", end_of_day=end_of_day)
    assert moment == datetime.fromisoformat(utc).replace(tzinfo=UTC)


REPORTS = [
    ("today",), ("usage", "--by", "hour"), ("usage", "--by", "week"), ("visits",), ("dwell",), ("attendance",),
    ("occupancy",), ("people",), ("people", "Ada"),
]  # fmt: skip
each_report = pytest.mark.parametrize("words", REPORTS, ids=" ".join)


@each_report
def test_every_report_has_every_form(words: tuple[str, ...], run: Run) -> None:
    assert run("report", *words).out
    assert set(run("report", *words, "--json").data) >= REPORT
    assert len(run("report", *words, "--csv").out.splitlines()[0].split(",")) > 3
    done = run("report", *words, "--xlsx", "out.xlsx", "--plot", "out.html")
    assert (done.code, done.out) == (0, "")
    assert done.err.splitlines() == ["wrote out.xlsx", "wrote out.html"]
    assert Path("out.xlsx").read_bytes().startswith(b"PK")
    assert Path("out.html").read_text(encoding="utf-8").startswith("<!doctype html>")


@each_report
def test_every_report_refuses_unwritable_files(words: tuple[str, ...], run: Run) -> None:
    run("report", *words, "--xlsx", "none/out.xlsx").refused("there is no folder none")
    Path("folder.html").mkdir()
    run("report", *words, "--plot", "folder.html").refused("is a folder")
    assert [path.name for path in Path().iterdir()] == ["folder.html"]


@each_report
def test_files_and_json_come_together(words: tuple[str, ...], run: Run) -> None:
    done = run("report", *words, "--xlsx", "out.xlsx", "--json")
    assert set(done.data) >= REPORT
    assert Path("out.xlsx").exists()


def test_people_are_found_by_name_and_id(run: Run) -> None:
    by_name, by_id = (run("report", "people", who, "--json").data for who in ("ada", "p-a"))
    assert (by_name["name"], by_name["visit_count"]) == ("Ada", 2)
    assert (by_id["person_id"], len(by_id["days"])) == ("p-a", len(by_name["days"]))
    run("report", "people", "Eve").refused("no person named 'Eve'", "people list")


def test_one_person_may_be_staff_without_asking_for_staff(run: Run) -> None:
    assert run("report", "people", "=Bob", "--json").data["visit_count"] == 1


def test_usage_counts_the_days(run: Run) -> None:
    Path("footfall.toml").write_text('[site]\ntime_zone = "UTC"\n', encoding="utf-8")
    rows = run("report", "usage", "--json").data["usage"]
    assert sum(row["entries"] for row in rows) == 2
    assert len(rows) == 3, "a range does not begin before the records do"
    assert sum(row["entries"] for row in run("report", "usage", "--staff", "--json").data["usage"]) == 3


def test_a_camera_alone_is_a_site_of_its_own(run: Run, tmp_path: Path) -> None:
    since = NOW - timedelta(hours=5)
    with Store(tmp_path / "store.sqlite3") as store:
        store.record(
            Observation(
                events=[
                    Event(kind=kind, site_id="gym", camera_id="back", person_id="p-a", at=at, track_id="t9")
                    for kind, at in ((EventKind.ENTER, since), (EventKind.EXIT, since + timedelta(minutes=1)))
                ]
            )
        )
    dwells = [row["dwell_s"] for row in run("report", "visits", "--camera", "back", "--json").data["visits"]]
    assert dwells == [60.0]
    assert "camera back" in run("report", "visits", "--camera", "back").out
    assert len(run("report", "visits", "--camera", "front", "--json").data["visits"]) == 2


def test_outages_are_reported_in_every_format(run: Run, tmp_path: Path) -> None:
    now = datetime.now(UTC)
    day = now - timedelta(days=1)
    with Store(tmp_path / "store.sqlite3") as store:
        for since, until in ((day - timedelta(hours=3), day), (day + timedelta(hours=2), now)):
            store.record(
                Observation(coverage=[CoverageSpan(site_id="gym", camera_id="front", started_at=since, ended_at=until)])
            )
    words = ("report", "usage", "--by", "day")
    assert "note: Camera front did not watch" in run(*words).out
    report = run(*words, "--json").data
    assert [outage["camera_id"] for outage in report["outages"]] == ["front"]
    done = run(*words, "--csv")
    assert "did not watch" not in done.out
    assert "note: Camera front did not watch" in done.err


def test_an_empty_store_prints_the_next_command(run: Run, tmp_path: Path) -> None:
    with Store(tmp_path / "empty.sqlite3"):
        pass
    for words in REPORTS[1:-1]:
        done = run("report", *words, "--store", f"sqlite:///{tmp_path / 'empty.sqlite3'}")
        assert done.code == 0
        assert "'footfall " in done.out


def test_missing_packages_are_reported_with_a_fix(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = {"pandas", "xlsxwriter", "plotly"}
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else name)
    for words in REPORTS:
        run("report", *words).refused("needs pandas", "footfall[reports]")
    missing -= {"pandas"}
    run("report", "today", "--xlsx", "out.xlsx").refused("needs xlsxwriter", "footfall[reports]")
    run("report", "today", "--plot", "out.html").refused("needs plotly", "footfall[reports]")
