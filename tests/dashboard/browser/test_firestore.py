"""The browser camera's Firestore transport, against the test server with the deployed rules, over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.cloud.firestore import SERVER_TIMESTAMP

from config.recognition import RULE_FIELDS, MatchSettings
from config.settings import Settings
from tests.dashboard.browser.sign_in import SignInService, sign_in_of
from tests.firestore.fixtures import Firestore
from tests.firestore.rest import RestFront
from tests.node import Ask
from tests.rules.guard import GuardedServer
from tests.rules.samples import Who
from tests.tracker.cloud.machines import SITE, START, visits
from tracker.cloud import documents, paths
from tracker.cloud.auth.access import device_claims
from tracker.cloud.paths import Collection
from tracker.cloud.writes import Encoder, Write
from tracker.identity.limits import match_settings
from tracker.presence.coverage import CoverageSpan
from tracker.presence.documents import encode
from tracker.presence.events import ITSELF, Action, Correction, Event, EventKind, Match, time_text
from tracker.presence.health import CameraHealth, CameraState
from tracker.presence.people import Person, PersonKind
from tracker.store.correction_rows import PersonCorrection
from tracker.store.outbox_messages import Message
from tracker.vision.embedders import DLIB, SFACE, EmbedderSpec

if TYPE_CHECKING:
    from google.cloud import firestore

CAMERA = "front"
DEVICE = Who("d-1", device_claims(SITE, CAMERA))
VECTOR = np.linspace(0, 1, 128, dtype="<f4")


@dataclass(frozen=True)
class Cloud:
    """Firestore with the rules, a registered camera, and the key of it."""

    ask: Ask
    owner: firestore.Client
    sign_in: SignInService
    key: dict[str, Any]

    def call(self, call: str, **given: Any) -> Any:
        return self.ask({"call": call, "key": self.key, **given})

    def send(self, **records: Any) -> Any:
        empty = {"events": [], "matches": [], "corrections": [], "heartbeat": None}
        owners = records.pop("owners", {})
        return self.call("send", body={**empty, **records}, owners=owners)

    def documents(self, collection: Collection) -> dict[str, dict[str, Any]]:
        return {each.id: each.to_dict() for each in self.owner.collection(paths.path_of(SITE, collection)).get()}

    def put(self, path: str, document: dict[str, Any]) -> None:
        self.owner.document(path).set({**document, "received_at": SERVER_TIMESTAMP})

    def put_person(self, person: Person, *, vectors: int = 1, merged_into: str | None = None) -> None:
        document = documents.person_document(person, merged_into=merged_into)
        self.put(paths.path_of(SITE, Collection.PEOPLE, person.person_id), document)
        for number in range(vectors):
            raw = (VECTOR + np.float32(number)).tobytes()
            path = paths.embeddings_path(SITE, person.person_id, f"v{number}")
            fields = {"model": "dlib_resnet", "dimension": 128, "vector": raw, "source": "", "schema": 1}
            self.put(path, fields)

    def revoke(self, at: datetime | None) -> None:
        self.put(paths.path_of(SITE, Collection.DEVICES, DEVICE.uid), {"name": "hall", "revoked_at": at})


@pytest.fixture
def cloud(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    project = "camera"
    with GuardedServer() as server, RestFront(server.host) as front, sign_in_of(project, {"secret": DEVICE}) as sign_in:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", server.host)
        key = {
            "kind": "firestore", "project": project, "uid": DEVICE.uid, "site_id": SITE, "camera_id": CAMERA,
            "api_key": "k", "refresh_token": "secret",
            "emulators": {"firestore": front.address, "sign_in": sign_in.address},
        }  # fmt: skip
        with closing(Firestore("ours", server.host, project).client()) as owner:
            found = Cloud(ask, owner, sign_in, key)
            found.revoke(None)
            yield found


def heartbeat(at: datetime = START) -> dict[str, Any]:
    """A heartbeat as the page makes it."""
    fields = documents.heartbeat_document(health(at), span(at), machine_id="m-1", version="1", backlog=2, rejected=1)
    return {name: time_text(value) if isinstance(value, datetime) else value for name, value in fields.items()}


def health(at: datetime) -> CameraHealth:
    return CameraHealth(
        site_id=SITE, camera_id=CAMERA, source="", state=CameraState.LIVE, started_at=START, updated_at=at,
        last_frame_at=at, fps=7.0, frames=12, dropped=1,
    )  # fmt: skip


def span(at: datetime) -> CoverageSpan:
    return CoverageSpan(site_id=SITE, camera_id=CAMERA, started_at=START, ended_at=at)


def void(event: Event) -> Correction:
    return Correction(
        action=Action.VOID, event_id=event.event_id, by=ITSELF, at=START, reason="the track shows somebody else"
    )


def of_python(collection: str, record: Any, record_id: str) -> Write:
    message = Message(collection=collection, site_id=SITE, record_id=record_id, record=record)
    return Encoder(SITE).write(message, START)


def without_receipt(found: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    assert all(isinstance(each.pop("received_at"), datetime) for each in found.values())
    return found


def test_the_documents_are_those_of_the_python_uploader(cloud: Cloud) -> None:
    events, matches = visits(3)
    named = Match(
        site_id=SITE, camera_id=CAMERA, track_id="t/ü", at=START, person_id="p-0000000000aa", distance=None,
        margin=None, quality=1, authorised=False, reason="p-0000000000aa, nearer than p-0000000000bb",
    )  # fmt: skip
    plain = Event(kind=EventKind.EXIT, site_id=SITE, camera_id=CAMERA, person_id="u/1", at=START, track_id="..")
    events, matches = [*events, plain], [*matches, named]
    voided = void(events[0])
    added = Correction(action=Action.ADD, event_id=plain.event_id, by=ITSELF, at=START, event=plain)
    sent = cloud.send(
        events=[encode(each) for each in events],
        matches=[encode(each) for each in matches],
        corrections=[encode(voided), encode(added)],
        heartbeat=heartbeat(),
    )
    assert sent["result"]["rejected"] == []
    expected = {
        Collection.EVENTS: [of_python("events", each, each.event_id) for each in events],
        Collection.MATCHES: [of_python("matches", each, each.match_id) for each in matches],
        Collection.CORRECTIONS: [
            of_python("corrections", PersonCorrection(correction=each, person_id=person_id), each.correction_id)
            for each, person_id in ((voided, events[0].person_id), (added, plain.person_id))
        ],
    }
    for collection, writes in expected.items():
        mine = {write.path.rpartition("/")[2]: dict(write.document or {}) for write in writes}
        assert without_receipt(cloud.documents(collection)) == mine
    beat_id = paths.heartbeat_id(CAMERA, START)
    mine = documents.heartbeat_document(
        health(START), span(START), machine_id="m-1", version="1", backlog=2, rejected=1
    )
    assert without_receipt(cloud.documents(Collection.HEARTBEATS)) == {beat_id: mine}
    beat = cloud.documents(Collection.HEARTBEATS)[beat_id]
    assert isinstance(beat["fps"], float)
    assert isinstance(beat["frames"], int)


def test_a_batch_that_is_sent_twice_changes_nothing(cloud: Cloud) -> None:
    events, matches = visits(40)
    records = {"events": [encode(each) for each in events], "matches": [encode(each) for each in matches]}
    assert cloud.send(**records)["result"]["rejected"] == []
    assert cloud.send(**records)["result"]["rejected"] == []
    found = cloud.owner.collection(paths.path_of(SITE, Collection.EVENTS)).get()
    assert len(found) == len(events)
    assert [each.id for each in found if each.update_time != each.create_time] == []


def test_a_void_names_the_person_of_an_event_that_was_sent_before(cloud: Cloud) -> None:
    (event, _), _ = visits(1)
    cloud.send(events=[encode(event)])
    voided = void(event)
    sent = cloud.send(corrections=[encode(voided)], owners={event.event_id: event.person_id})
    assert sent["result"]["rejected"] == []
    (document,) = cloud.documents(Collection.CORRECTIONS).values()
    assert document["person_id"] == event.person_id


def test_many_corrections_of_one_batch_are_sent_although_rules_look_up_a_few_documents_a_request(cloud: Cloud) -> None:
    events, _ = visits(30)
    cloud.send(events=[encode(each) for each in events])
    voids = [void(each) for each in events]
    sent = cloud.send(corrections=[encode(each) for each in voids])
    assert sent["result"]["rejected"] == []
    assert len(cloud.documents(Collection.CORRECTIONS)) == len(voids)


def test_a_match_that_names_nobody_is_not_sent(cloud: Cloud) -> None:
    match = Match(
        site_id=SITE, camera_id=CAMERA, track_id="t", at=START, person_id=None, distance=None, margin=None, quality=0.2,
        authorised=False, reason="too few sightings",
    )  # fmt: skip
    assert cloud.send(matches=[encode(match)])["result"]["rejected"] == []
    assert cloud.documents(Collection.MATCHES) == {}


def test_one_event_that_the_rules_deny_does_not_hold_up_the_others(cloud: Cloud) -> None:
    events, _ = visits(2)
    other, _ = visits(1, camera="back")
    answer = cloud.send(events=[encode(each) for each in [*other[:1], *events]])["result"]
    assert [each["id"] for each in answer["rejected"]] == [other[0].event_id]
    assert set(cloud.documents(Collection.EVENTS)) == {each.event_id for each in events}


def test_rules_that_deny_everything_reject_nothing(cloud: Cloud) -> None:
    other, _ = visits(1, camera="back")
    answer = cloud.send(events=[encode(each) for each in other])
    assert (answer["retryable"], answer["revoked"]) == (True, False)
    assert "denies" in answer["error"]


def test_a_revoked_camera_learns_of_it_with_its_next_heartbeat(cloud: Cloud) -> None:
    cloud.revoke(datetime.now(UTC))
    assert cloud.send(heartbeat=heartbeat())["revoked"]
    assert cloud.call("config")["revoked"]


@pytest.mark.parametrize(
    ("reason", "status", "revoked", "retryable"),
    [
        ("USER_DISABLED", 200, True, False),
        ("TOKEN_EXPIRED", 200, True, False),
        ("API key not valid", 200, False, False),
        ("", 503, False, True),
    ],
)
def test_what_sign_in_answers(cloud: Cloud, reason: str, status: int, revoked: bool, retryable: bool) -> None:
    cloud.sign_in.refusal, cloud.sign_in.status = reason, status
    answer = cloud.call("config")
    assert (answer["revoked"], answer["retryable"]) == (revoked, retryable)
    assert answer["fix"]


def test_a_server_that_is_away_is_tried_again(cloud: Cloud) -> None:
    key = {**cloud.key, "emulators": {**cloud.key["emulators"], "firestore": "http://127.0.0.1:9"}}
    answer = cloud.ask({"call": "config", "key": key})
    assert answer["retryable"]
    assert "127.0.0.1:9" in answer["error"]


def test_the_gallery_has_enrolled_people_who_consented(cloud: Cloud) -> None:
    def person(person_id: str, **fields: Any) -> Person:
        return Person(
            **{"person_id": person_id, "name": f"N {person_id}", "created_at": START, "consented_at": START, **fields}
        )

    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    cloud.put_person(person("p-1"), vectors=2)
    cloud.put_person(person("p-2", access=False))
    cloud.put_person(person("p-3", valid_until=yesterday))
    cloud.put_person(person("p-4", consented_at=None))
    cloud.put_person(person("p-5", kind=PersonKind.VISITOR))
    cloud.put_person(person("p-6"), merged_into="p-1")
    cloud.put_person(person("p-7"), vectors=0)
    found = cloud.call("gallery", version=None)["result"]
    assert (found["sealed"], found["gallery"]["embedder"]) == (None, "dlib_resnet")
    people = {each["person_id"]: each for each in found["gallery"]["people"]}
    assert {key: each["authorised"] for key, each in people.items()} == {"p-1": True, "p-2": False, "p-3": False}
    assert people["p-1"]["name"] == "N p-1"
    assert np.array_equal(np.array(people["p-1"]["vectors"], np.float32), [VECTOR, VECTOR + np.float32(1)])
    version = found["gallery"]["version"]
    assert cloud.call("gallery", version=version)["result"] is None
    cloud.put(paths.path_of(SITE, Collection.FORGOTTEN, "digest"), {"at": START, "erase_history": False, "schema": 1})
    assert cloud.call("gallery", version=version)["result"] is not None


def test_the_configuration_is_that_of_the_site(cloud: Cloud) -> None:
    shared = {"presence": {"exit_after_s": 7.0}, "match": {"min_sightings": 3}}
    cloud.put(paths.site_path(SITE), {"name": "Northside", "time_zone": "Europe/Berlin", "settings": shared})
    config = cloud.call("config")["result"]
    assert (config["site_name"], config["zone"], config["camera_id"]) == ("Northside", "Europe/Berlin", CAMERA)
    assert config["settings"]["presence"]["exit_after_s"] == 7.0
    assert config["settings"]["match"]["min_sightings"] == 3
    assert (config["embedder"], config["keep_gallery"]) == ("sface", False)
    assert abs(datetime.fromisoformat(config["now"]) - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize("embedder", [DLIB, SFACE], ids=lambda each: each.network)
@pytest.mark.parametrize("people", [3, 100, 101])
@pytest.mark.parametrize("match", [{}, {"max_distance": 0.9}, {"stranger_distance": 0.5}, {"clear_by": 0.01}], ids=str)
def test_settings_are_those_of_an_agent(ask: Ask, embedder: EmbedderSpec, people: int, match: dict[str, float]) -> None:
    shared = {"match": match, "quality": {"min_width": 40}}
    question = {"call": "settings", "shared": shared, "embedder": embedder.network, "people": people}
    found = ask(question)["result"]
    own = Settings.model_validate({**shared, "detect": {}})
    sections = {"presence", "match", "track", "quality", "detect"}
    expected = json.loads(own.model_dump_json(include=sections))
    del expected["detect"]["haar_cascade"]  # browsers run MTCNN
    own_match = match_settings(MatchSettings(**match), embedder, people=people)
    of_match = own_match.model_dump(mode="json", exclude=set(RULE_FIELDS))
    expected["match"] = {**of_match, "full_margin": embedder.embedding.full_margin}
    assert found == expected
