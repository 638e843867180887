"""The access table over the wire with tokens: on the test server with the rules, and on Google's emulator where
FIRESTORE_EMULATOR_HOST is set.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import requests
from google.api_core.exceptions import PermissionDenied, Unauthenticated
from google.auth.credentials import AnonymousCredentials
from google.cloud import firestore
from google.oauth2.credentials import Credentials

from tests.rules.expectations import (
    COLLECTIONS,
    EVERYBODY,
    may_change,
    may_create,
    may_read,
    may_read_site,
    may_read_vectors,
)
from tests.rules.guard import GuardedServer
from tests.rules.id_tokens import token
from tests.rules.ruling import DEPLOYED
from tests.rules.samples import BY_MACHINES, CAMERA, EMBEDDING, SITE, STORED, WRITTEN, Who, agent_void, embedding
from tracker.cloud.client import Client
from tracker.presence.events import CameraRef, unidentified_id

OFFICIAL = os.environ.get("FIRESTORE_EMULATOR_HOST", "")
LONG_AGO = datetime(2026, 1, 5, tzinfo=UTC)
PEOPLE = [name for name in EVERYBODY if name != "nobody"]
"""The users with a token."""


@dataclass(frozen=True)
class Served:
    """A server that has the rules, and a project on it with the stored documents of the samples."""

    project: str
    _open: ExitStack

    def client(self, who: Who | None) -> firestore.Client:
        """A client of a user; None for the owner."""
        credentials = AnonymousCredentials() if who is None else Credentials(token(self.project, who))
        client = Client(project=self.project, credentials=credentials)
        self._open.callback(client.close)
        return client


@pytest.fixture(scope="module", params=["ours", *(["official"] if OFFICIAL else [])])
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """The rules are loaded into the emulator as Google's test library does."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        found = Served(f"demo-{uuid.uuid4().hex[:8]}", stack)
        if request.param == "ours":
            patch.setenv("FIRESTORE_EMULATOR_HOST", stack.enter_context(GuardedServer()).host)
        else:
            patch.setenv("FIRESTORE_EMULATOR_HOST", OFFICIAL)
            files = {"files": [{"name": "firestore.rules", "content": DEPLOYED.read_text(encoding="utf-8")}]}
            address = f"http://{OFFICIAL}/emulator/v1/projects/{found.project}:securityRules"
            requests.put(address, json={"rules": files}, timeout=30).raise_for_status()
        owner = found.client(None)
        for ids, fields in STORED.items():
            owner.document("/".join(ids)).set(fields)
        owner.document(f"sites/{SITE}/events/e-now").update({"received_at": firestore.SERVER_TIMESTAMP})
        yield found


def allowed(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except (PermissionDenied, Unauthenticated):
        return False
    return True


def place(client: firestore.Client, collection: str) -> firestore.CollectionReference:
    return client.collection(f"sites/{SITE}/{collection}")


@pytest.mark.parametrize("name", PEOPLE)
def test_reading(served: Served, name: str) -> None:
    client = served.client(EVERYBODY[name])
    got = {each: allowed(place(client, each).document("x-1").get) for each in COLLECTIONS}
    listed = {each: allowed(place(client, each).limit(5).get) for each in COLLECTIONS}
    assert got == listed == {each: may_read(name, each) for each in COLLECTIONS}
    assert allowed(client.document(f"sites/{SITE}").get) is may_read_site(name)
    assert not allowed(client.collection("sites").get)
    assert allowed(client.document("/".join(EMBEDDING)).get) is may_read_vectors(name)
    assert allowed(client.collection("/".join(EMBEDDING[:-1])).get) is may_read_vectors(name)


@pytest.mark.parametrize("name", PEOPLE)
def test_creating(served: Served, name: str) -> None:
    client, owner = served.client(EVERYBODY[name]), served.client(None)
    stamp = {"received_at": firestore.SERVER_TIMESTAMP}
    found = {}
    for each in COLLECTIONS:
        document = place(client, each).document(f"new-{name}")
        found[each] = allowed(lambda document=document, each=each: document.create(WRITTEN[each]() | stamp))
        assert place(owner, each).document(document.id).get().exists is found[each]
    assert found == {each: may_create(name, each) for each in COLLECTIONS}


def test_unidentified_people_have_events_and_no_profile(served: Served) -> None:
    machine, admin = served.client(EVERYBODY["machine"]), served.client(EVERYBODY["admin"])
    nobody = unidentified_id(CameraRef(SITE, CAMERA), "t-1")
    stamp = {"received_at": firestore.SERVER_TIMESTAMP}
    for each in ("events", "matches"):
        fields = WRITTEN[each]() | stamp | {"person_id": nobody}
        assert allowed(lambda each=each, fields=fields: place(machine, each).document("of-u").create(fields))
        other = fields | {"camera_id": "back"}
        assert not allowed(lambda each=each, other=other: place(machine, each).document("other").create(other))
    profile = place(admin, "people").document(nobody)
    vectors = profile.collection(EMBEDDING[-2]).document("v-1")
    assert not allowed(lambda: profile.create(WRITTEN["people"]() | stamp))
    assert not allowed(lambda: vectors.create(embedding() | stamp))
    batch = admin.batch()
    batch.create(profile, WRITTEN["people"]() | stamp)
    batch.create(vectors, embedding() | stamp)
    assert not allowed(batch.commit)


@pytest.mark.parametrize("name", PEOPLE)
def test_changing_and_deleting(served: Served, name: str) -> None:
    client, owner = served.client(EVERYBODY[name]), served.client(None)
    for each in COLLECTIONS:
        field = {"people": "name", "devices": "name"}.get(each, "schema")
        change = {field: "changed", "received_at": firestore.SERVER_TIMESTAMP}
        document = place(client, each).document("x-1")
        before = place(owner, each).document("x-1").get().to_dict()
        assert allowed(lambda document=document, change=change: document.update(change)) is may_change(name, each)
        assert allowed(document.delete) is may_change(name, each)
        if may_change(name, each):
            place(owner, each).document("x-1").set(before or {})
        assert place(owner, each).document("x-1").get().to_dict() == before


@pytest.mark.parametrize("collection", BY_MACHINES)
def test_a_repeated_write_changes_nothing(served: Served, collection: str) -> None:
    client = served.client(EVERYBODY["machine"])
    document = place(client, collection).document(f"again-{collection}")
    stamp = {"received_at": firestore.SERVER_TIMESTAMP}
    fields = WRITTEN[collection]()
    document.create(fields | stamp)
    assert allowed(lambda: document.set(fields | stamp))
    assert not allowed(lambda: document.set(fields | {"camera_id": "back"} | stamp))
    assert not allowed(lambda: document.set(fields | {"schema": 2} | stamp))


def test_an_agent_voids_an_event_in_the_commit_that_creates_it(served: Served) -> None:
    client = served.client(EVERYBODY["machine"])
    stamp = {"received_at": firestore.SERVER_TIMESTAMP}
    batch = client.batch()
    batch.create(place(client, "events").document("e-with"), WRITTEN["events"]() | stamp)
    batch.set(place(client, "corrections").document("c-with"), agent_void("e-with") | stamp)
    assert allowed(batch.commit)
    again = place(client, "corrections").document("c-with")
    assert allowed(lambda: again.set(agent_void("e-with") | stamp))
    served.client(None).document(f"sites/{SITE}/events/e-with").update({"received_at": LONG_AGO})
    assert allowed(lambda: again.set(agent_void("e-with") | stamp))
    assert not allowed(lambda: again.set(agent_void("e-with") | {"reason": "another"} | stamp))
    for event_id, expected in (("e-now", True), ("e-old", False), ("e-back", False)):
        document = place(client, "corrections").document(f"c-{event_id}")
        assert allowed(lambda document=document, one=event_id: document.create(agent_void(one) | stamp)) is expected


def test_a_commit_voids_a_limited_number_of_events(served: Served) -> None:
    client = served.client(EVERYBODY["machine"])
    stamp = {"received_at": firestore.SERVER_TIMESTAMP}

    def take_back(name: str, count: int) -> None:
        batch = client.batch()
        for number in range(count):
            batch.create(place(client, "events").document(f"{name}-{number}"), WRITTEN["events"]() | stamp)
            batch.set(place(client, "corrections").document(f"{name}-{number}"), agent_void(f"{name}-{number}") | stamp)
        batch.commit()

    assert allowed(lambda: take_back("twenty", 20))
    assert not allowed(lambda: take_back("more", 21))
