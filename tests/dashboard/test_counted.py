"""Pages of a site whose doors count everybody, recognised or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient

from config.settings import Settings
from dashboard.app import create_app
from tests.dashboard import gym
from tests.dashboard.callbacks import UPDATE, asked
from tests.dashboard.conftest import with_token
from tracker.presence.events import CameraRef, Event, EventKind, unidentified_id
from tracker.presence.people import Person
from tracker.store.observation import Observation
from tracker.store.site_settings import site_of
from tracker.store.store import Store

ENTER, EXIT = EventKind.ENTER, EventKind.EXIT


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    zone = gym.midday_zone(datetime.now(UTC))
    door = {"id": "front-door", "source": "0", "role": "door", "line": [[0, 0.5], [1, 0.5]], "inside": "below"}
    return Settings.model_validate(
        {
            "site": {"id": gym.SITE, "time_zone": zone, "capacity": 10},
            "store": {"url": f"sqlite:///{tmp_path / 'footfall.sqlite3'}"},
            "camera": [door],
        }
    )


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    """Ada came in an hour ago."""
    with gym.open_store(settings.store.path) as opened:
        opened.sites.save(site_of(settings))
        ada = Person(person_id="p-ada", name="Ada", created_at=ago(9000), consented_at=ago(9000))
        opened.record(
            Observation(events=[gym.event(ENTER, "p-ada", ago(60))], visitors=[(ada, np.zeros((1, 128), np.float32))])
        )
        yield opened


@pytest.fixture
def client(store: Store, settings: Settings) -> FlaskClient:
    return with_token(create_app(store.path, settings).server.test_client())


def ago(minutes: float) -> datetime:
    return datetime.now(UTC) - timedelta(minutes=minutes)


def unseen(kind: EventKind, minutes: float) -> Event:
    """Somebody whose face is not seen crosses the line, so many minutes ago."""
    track_id = f"front-door-{minutes}"
    person_id = unidentified_id(CameraRef(gym.SITE, "front-door"), track_id)
    return gym.event(kind, person_id, ago(minutes))


def shown(client: FlaskClient, *names: str) -> str:
    """What the callbacks with these outputs answer, as text."""
    answers = [client.post(UPDATE, json=asked(client, name, {"url": "", "history": 1, "pulse": "1"})) for name in names]
    assert {answer.status_code for answer in answers} == {200}
    return json.dumps([answer.json for answer in answers])


def feed(client: FlaskClient) -> str:
    """The entries and exits of the page Now, as text."""
    return json.dumps(json.loads(shown(client, "now-events"))[0]["response"]["now-events"]["children"])


def test_people_whose_faces_were_not_seen_are_in(store: Store, client: FlaskClient) -> None:
    store.record(Observation(events=[unseen(ENTER, minutes) for minutes in (50, 40, 30)] + [unseen(EXIT, 20)]))
    now = shown(client, "now-tiles", "now-inside")
    assert "2 more people are in whose faces were not seen." in now
    assert "1 recognised" in now
    assert "1 person recognised \\u00b7 faces seen for 25%" in now.replace("25 %", "25%")
    assert json.dumps("30% of 10")[1:-1] in now.replace("30 %", "30%")
    page = client.get("/roll-call").text
    assert "2 more people are in whose faces were not seen." in page
    assert "in the building by name, 3 by the count" in page
    assert client.get("/display.json").json == {
        "number": "3", "of": "of 10", "words": "7 free", "percent": 30, "level": "calm",
    }  # fmt: skip


def test_the_feed_has_those_who_were_not_recognised(store: Store, client: FlaskClient) -> None:
    store.record(Observation(events=[unseen(ENTER, minutes) for minutes in range(1, 12)]))
    assert feed(client).count('"Somebody"') == 8
    store.record(Observation(events=[gym.event(EXIT, "p-ada", ago(0.5))]))
    assert feed(client).count('"Somebody"') == 7
    assert feed(client).count("visit=") == 1


def test_who_left_unrecognised_is_listed_and_not_counted(store: Store, client: FlaskClient) -> None:
    store.record(Observation(events=[unseen(EXIT, 20)]))
    now = shown(client, "now-tiles", "now-inside")
    assert "At least 1 of these people has left unrecognised, by the count at the doors." in now
    assert "Ada" in now
    assert "At least 1 of these people has left" in client.get("/roll-call").text
    assert client.get("/display.json").json["number"] == "0"  # type: ignore[index]


def test_usage_says_of_each_door_how_many_faces_it_sees(store: Store, client: FlaskClient) -> None:
    store.record(Observation(events=[unseen(ENTER, minutes / 2) for minutes in range(1, 40)]))
    usage = shown(client, "usage-tiles")
    assert "front-door" in usage
    assert "everybody is counted" in usage
    assert "To recognise more people, mount the camera" in usage
    assert "40" in usage


def test_a_site_that_counts_visits_has_no_doors_on_the_page(settings: Settings) -> None:
    faces = settings.model_copy(update={"camera": [settings.camera[0].model_copy(update={"count": "faces"})]})
    with gym.open_store(settings.store.path) as opened:
        opened.sites.save(site_of(faces))
        opened.record(Observation(events=[gym.event(ENTER, "p-ada", ago(60)), unseen(ENTER, 30)]))
        client = with_token(create_app(opened.path, faces).server.test_client())
        assert "everybody is counted" not in shown(client, "usage-tiles")
        assert "not seen" not in shown(client, "now-tiles", "now-inside")
        assert client.get("/display.json").json["number"] == "1"  # type: ignore[index]
