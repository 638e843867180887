"""Admins enrol and forget people, over HTTP as Firebase's clients call; nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from functions import handlers
from functions.forgetting import forget
from tests.firestore.fixtures import Firestore
from tests.functions.framework import Function
from tests.functions.gym import SITE, Gym, at, event, visit
from tests.functions.tokens import bearer
from tracker.cloud import documents
from tracker.cloud.paths import EMBEDDINGS, Collection, path_of
from tracker.presence.events import Action, Correction, Match
from tracker.presence.people import digest_of
from tracker.presence.zones import ZoneStay


class Callable:
    """One callable function, called as an admin of the site by default."""

    def __init__(self, function: Function, project: str) -> None:
        self._function = function
        self._project = project

    def __call__(self, *, sites: dict[str, str] | None = None, **data: Any) -> tuple[int, Any]:
        claims = {SITE: "admin"} if sites is None else sites
        headers = bearer(self._project, sites=claims) if claims else {}
        answer = requests.post(self._function.url, json={"data": {"site": SITE, **data}}, headers=headers, timeout=60)
        return answer.status_code, answer.json().get("result") or answer.json()["error"]["message"]


@pytest.fixture
def call(request: pytest.FixtureRequest, gym: Gym, firestore_server: Firestore, tmp_path: Path) -> Iterator[Callable]:
    env = {**firestore_server.env, "FIREBASE_AUTH_EMULATOR_HOST": "127.0.0.1:9"}
    with Function(request.param, env, tmp_path / "function.log", kind="http") as function:
        yield Callable(function, firestore_server.project)


ENROLL = pytest.mark.parametrize("call", ["enroll"], indirect=True)
FORGET = pytest.mark.parametrize("call", ["forget"], indirect=True)


@ENROLL
def test_a_consenting_person_is_enrolled_once_and_without_a_face(gym: Gym, call: Callable) -> None:
    with ThreadPoolExecutor(4) as pool:
        names = ["Ada Lovelace", "ada LOVELACE", "Ada Lovelace", "Bob"]
        answers = list(pool.map(lambda name: call(name=name, consent=True, role="staff"), names))
    assert {status for status, _ in answers} == {200}
    assert sorted(found["created"] for _, found in answers) == [False, False, True, True]
    assert len({found["person_id"] for _, found in answers[:3]}) == 1
    assert "--add" in answers[0][1]["next"]
    people = gym.documents(Collection.PEOPLE)
    assert len(people) == 2
    for person_id, document in people.items():
        person, merged_into = documents.person_of(person_id, document)
        assert (person.kind, person.role, merged_into) == ("enrolled", "staff", None)
        assert person.consented_at is not None
        assert not list(gym.client.collection(f"{path_of(SITE, Collection.PEOPLE, person_id)}/{EMBEDDINGS}").stream())


@ENROLL
def test_enrolment_needs_an_admin_and_consent(gym: Gym, call: Callable) -> None:
    assert call(sites={}, name="Ada", consent=True)[0] == 401
    assert call(sites={SITE: "operator"}, name="Ada", consent=True)[0] == 403
    assert call(sites={"pool": "admin"}, name="Ada", consent=True)[0] == 403
    for wrong, word in (
        ({"name": "Ada"}, "consent"),
        ({"name": "Ada", "consent": "yes"}, "consent"),
        ({"name": " ", "consent": True}, "name"),
        ({"name": "A" * 201, "consent": True}, "name"),
        ({"name": "Ada", "consent": True, "role": "boss"}, "role"),
        ({"name": "Ada", "consent": True, "access": 1}, "access"),
        ({"name": "Ada", "consent": True, "vector": [0.1]}, "vector"),
        ({"name": "Ada", "consent": True, "site": 7}, "site"),
    ):
        status, problem = call(**wrong)
        assert (status, word in problem) == (400, True), problem
    assert gym.documents(Collection.PEOPLE) == {}


def _leave_traces(gym: Gym) -> None:
    """Ada, whom a visitor was merged into, has been here twice and is in Bob's company."""
    for who in ("ada", "bob"):
        gym.put_person(who)
    gym.put_person("v-1", "ada")
    last = event("exit", 20, "v-1")
    gym.send([event("enter", 0, "v-1"), last, *visit(40, 60, "ada"), *visit(10, 50, "bob")])
    gym.correct(Correction(action=Action.VOID, event_id=event("enter", 40).event_id, by="op", at=at(90), reason="twin"))
    added = event("enter", 45, camera="@operator")
    gym.correct(Correction(action=Action.ADD, event_id=added.event_id, by="op", at=at(91), event=added))
    match = Match(
        site_id=SITE, camera_id="door-1", track_id="t", at=at(0), person_id="ada", distance=0.3, margin=0.2,
        quality=0.9, authorised=True, reason="",
    )  # fmt: skip
    stay = ZoneStay(site_id=SITE, camera_id="c", zone="bar", person_id="ada", started_at=at(41), seen_at=at(50))
    for collection, name, document in (
        (Collection.MATCHES, match.match_id, documents.match_document(match)),
        (Collection.ZONE_STAYS, stay.stay_id, documents.zone_stay_document(stay)),
    ):
        gym.client.document(path_of(SITE, collection, name)).set(document)
    vector = {"model": "dlib", "dimension": 1, "vector": bytes(4), "source": "", "schema": 1}
    gym.client.document(f"{path_of(SITE, Collection.PEOPLE, 'ada')}/{EMBEDDINGS}/v").set(vector)


def _everything(gym: Gym) -> str:
    """All that the site holds, as text."""
    found: list[object] = []
    for collection in Collection:
        for name, document in gym.documents(collection).items():
            vectors = gym.client.collection(f"{path_of(SITE, collection, name)}/{EMBEDDINGS}").stream()
            found.append((collection.value, name, document, [each.id for each in vectors]))
    return repr(found)


@FORGET
def test_a_forgotten_person_leaves_counts_and_no_trace(gym: Gym, call: Callable) -> None:
    _leave_traces(gym)
    before = [(begin, end) for begin, end, _ in gym.visits()]
    events = set(gym.documents(Collection.EVENTS))
    status, found = call(person_id="ada")
    assert status == 200
    assert found["events_kept"] == 4
    anonymous = {each["person_id"] for each in gym.documents(Collection.EVENTS).values()} - {"bob"}
    assert {each[:2] for each in anonymous} == {"x-"}
    new = [
        documents.event_of(SITE, name, each)
        for name, each in gym.documents(Collection.EVENTS).items()
        if each["person_id"] in anonymous
    ]
    gym.deliver(new)
    assert [(begin, end) for begin, end, _ in gym.visits()] == before
    text = _everything(gym)
    assert [trace for trace in ("'ada'", "'v-1'", "Ada", "twin", "'v'") if trace in text] == []
    gone = events - set(gym.documents(Collection.EVENTS))
    assert [each for each in gone if each in text] == []
    tombstones = gym.documents(Collection.FORGOTTEN)
    assert set(tombstones) == {digest_of("ada"), digest_of("v-1")}
    assert len(gym.documents(Collection.ZONE_STAYS)) == 1


@FORGET
def test_the_open_session_of_a_forgotten_person_is_closed(gym: Gym, call: Callable) -> None:
    gym.now = at(30)
    gym.put_person("ada")
    gym.send([event("enter", 0), event("enter", 20, camera="hall")])
    assert gym.visits() == [(0, None, "ada")]
    assert call(person_id="ada")[0] == 200
    gym.deliver(documents.event_of(SITE, name, each) for name, each in gym.documents(Collection.EVENTS).items())
    ((begin, end, who),) = gym.visits()
    assert (begin, end, who[:2]) == (0, 20, "x-")


@FORGET
def test_history_is_erased_on_request(gym: Gym, call: Callable) -> None:
    _leave_traces(gym)
    assert call(person_id="ada", erase_history=True)[0] == 200
    assert {each["person_id"] for each in gym.documents(Collection.EVENTS).values()} == {"bob"}
    assert gym.visits() == [(10, 50, "bob")]
    assert gym.documents(Collection.ZONE_STAYS) == {}
    gym.send(visit(200, 220, "v-1"))  # by a machine that has not received the tombstone
    assert gym.visits() == [(10, 50, "bob")]
    gym.put_person("ada")
    document = gym.documents(Collection.PEOPLE)["ada"]
    handlers.person_written(gym.change("ada", document))
    assert set(gym.documents(Collection.PEOPLE)) == {"bob"}
    assert call(person_id="ada")[0] == 200  # again only cleans up again


@FORGET
def test_forgetting_needs_an_admin_and_an_existing_person(gym: Gym, call: Callable) -> None:
    gym.put_person("ada")
    assert call(sites={}, person_id="ada")[0] == 401
    assert call(sites={SITE: "operator"}, person_id="ada")[0] == 403
    assert call(person_id="nobody")[0] == 404
    assert call(person_id="ada", erase_history="yes")[0] == 400
    assert call(person_id=7)[0] == 400
    assert call()[0] == 400
    assert set(gym.documents(Collection.PEOPLE)) == {"ada"}


@FORGET
def test_firestore_not_being_available_is_reported_as_such(
    gym: Gym, call: Callable, firestore_server: Firestore
) -> None:
    gym.put_person("ada")
    firestore_server.control.fail("Commit", "PERMISSION_DENIED", count=-1)
    assert call(person_id="ada")[0] == 503


@pytest.mark.parametrize("commits", [1, 2, 3, 4, 5, 6])
def test_interrupted_forgetting_is_completed_by_the_next_call(
    gym: Gym, firestore_server: Firestore, commits: int
) -> None:
    _leave_traces(gym)
    more = [each for number in range(2, 60) for each in visit(40 * number, 40 * number + 20, "ada")]
    gym.put(more)
    gym.deliver(more[-1:])
    count = sum(who != "bob" for _, _, who in gym.visits())
    firestore_server.control.fail("Commit", "PERMISSION_DENIED", skip=commits)
    with pytest.raises(Exception, match="ordered by a test"):
        forget(gym.client, SITE, "ada", erase_history=False, now=at(0))
    firestore_server.control.heal()
    forget(gym.client, SITE, "ada", erase_history=False, now=at(0))
    stored = gym.documents(Collection.EVENTS)
    first = {each["person_id"]: documents.event_of(SITE, name, each) for name, each in stored.items()}
    gym.deliver(first.values())
    assert sum(who != "bob" for _, _, who in gym.visits()) == count
    assert {who[:2] for _, _, who in gym.visits()} == {"x-", "bo"}
    assert "'ada'" not in _everything(gym)


@FORGET
@pytest.mark.parametrize("erase_history", [False, True])
def test_the_name_of_a_forgotten_person_leaves_corrections_of_others(
    gym: Gym, call: Callable, erase_history: bool
) -> None:
    for who in ("ada", "bob"):
        gym.put_person(who)
    gym.put_person("v-1", "ada")
    gym.send(visit(0, 20, "bob"))
    texts = {
        "Seen with ADA at the bar": "Seen with somebody at the bar",
        "not v-1": "not somebody",
        "Adamant that it was him": "Adamant that it was him",
        "twin": "twin",
    }
    for number, reason in enumerate(texts):
        by = "Ada" if reason == "twin" else "op"
        one = event("exit", 20, "bob")
        gym.put_correction(
            Correction(action=Action.VOID, event_id=one.event_id, by=by, at=at(30 + number), reason=reason), "bob"
        )
    before = gym.visits()
    assert call(person_id="ada", erase_history=erase_history)[0] == 200
    found = sorted(gym.documents(Collection.CORRECTIONS).values(), key=lambda each: each["at"])
    assert [each["reason"] for each in found] == list(texts.values())
    assert [each["by"] for each in found] == ["op", "op", "op", "somebody"]
    assert gym.visits() == before
