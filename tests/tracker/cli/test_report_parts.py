"""`footfall report` of a part of a site: one camera, one way in or out, one zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.settings import load_settings
from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import face_of
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person
from tracker.presence.zones import ZoneStay
from tracker.store.observation import Observation
from tracker.store.site_settings import site_of
from tracker.store.store import Store

START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
SETTINGS = """
[site]
id = "gym"
time_zone = "UTC"
[[camera]]
id = "north"
source = "0"
role = "entrance"
[[camera]]
id = "south"
source = "1"
role = "entrance"
[[camera]]
id = "out"
source = "2"
role = "exit"
[[camera]]
id = "lounge"
source = "3"
zones = { sofa = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.9]], bar = [[0.6, 0.1], [0.9, 0.1], [0.9, 0.9]] }
"""


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def event(kind: str, person_id: str, minutes: float, camera_id: str, track_id: str = "") -> Event:
    return Event(
        kind=EventKind(kind),
        site_id="gym",
        camera_id=camera_id,
        person_id=person_id,
        at=at(minutes),
        track_id=track_id or f"{camera_id}-{minutes:g}",
    )


def in_zone(zone: str, person_id: str, since: float, until: float, *, over: bool = True) -> ZoneStay:
    return ZoneStay(
        site_id="gym",
        camera_id="lounge",
        zone=zone,
        person_id=person_id,
        started_at=at(since),
        seen_at=at(until),
        over=over,
    )


@pytest.fixture(autouse=True)
def gym(run: Run, tmp_path: Path) -> None:
    """Ada comes in by the north and sits in the lounge, Bob by the south and stays at the bar; both go by the exit."""
    Path("footfall.toml").write_text(SETTINGS, encoding="utf-8")
    with Store(tmp_path / "store.sqlite3") as store:
        store.sites.save(site_of(load_settings(Path("footfall.toml"), {})))
        for number, name in enumerate(("Ada", "Bob")):
            person = Person(person_id=f"p-{name.lower()}", name=name, created_at=START, consented_at=START)
            store.people.add(person, face_of(number)[None])
        store.record(
            Observation(
                events=[
                    event("enter", "p-ada", 0, "north"),
                    event("enter", "p-ada", 5, "lounge", "t1"),
                    event("exit", "p-ada", 25, "lounge", "t1"),
                    event("exit", "p-ada", 40, "out"),
                    event("enter", "p-bob", 10, "south"),
                    event("exit", "p-bob", 70, "out"),
                ],
                zone_stays=[
                    in_zone("sofa", "p-ada", 6, 12),
                    in_zone("sofa", "p-ada", 14, 20),
                    in_zone("bar", "p-bob", 170, 175, over=False),
                ],
            )
        )


def visits(run: Run, *words: str) -> list[tuple[str, float, float]]:
    """(name, minute of the start, net minutes) of each visit, the earliest first."""
    rows: list[dict[str, Any]] = run("report", "visits", *words, "--json").data["visits"]
    return sorted(
        (
            row["name"],
            (datetime.fromisoformat(row["started_at"]) - START) / timedelta(minutes=1),
            round(row["dwell_s"] / 60, 3),
        )
        for row in rows
    )


def test_ways_in_add_up_to_the_site(run: Run) -> None:
    north, south = visits(run, "--camera", "north"), visits(run, "--camera", "south")
    assert [name for name, _, _ in north] == ["Ada"]
    assert [name for name, _, _ in south] == ["Bob"]
    assert sorted(north + south) == visits(run)
    assert "in by camera north" in run("report", "usage", "--camera", "north").out


def test_a_way_out_has_the_visits_that_ended_there(run: Run) -> None:
    assert visits(run, "--camera", "out") == visits(run)
    assert "out by camera out" in run("report", "visits", "--camera", "out").out


def test_a_room_is_a_site_of_its_own(run: Run) -> None:
    assert visits(run, "--camera", "lounge") == [("Ada", 5, 20)]


def test_a_zone_is_a_room_of_its_own(run: Run) -> None:
    assert visits(run, "--zone", "sofa") == [("Ada", 6, 12)]
    assert run("report", "dwell", "--zone", "sofa", "--json").data["dwell"][1]["median_s"] == 14 * 60
    assert visits(run, "--zone", "sofa", "--camera", "lounge") == visits(run, "--zone", "sofa")


def test_somebody_still_in_a_zone_is_in(run: Run) -> None:
    assert run("report", "today", "--zone", "bar", "--json").data["occupancy"] == 1
    [(name, start, _)] = visits(run, "--zone", "bar")
    assert (name, start) == ("Bob", 170)


def test_unknown_zones_and_cameras_are_refused(run: Run) -> None:
    run("report", "visits", "--zone", "roof").refused("nothing is known of 'roof'", "bar, sofa", code=2)
    run("report", "visits", "--camera", "roof").refused("lounge, north, out, south", code=2)
    assert run("report", "visits", "--zone", "bar", "--camera", "north").code == 0
