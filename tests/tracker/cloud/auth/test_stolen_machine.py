"""A device key under the deployed rules, end to end: what the thief of a camera machine can and cannot do."""

from __future__ import annotations

import stat
from collections.abc import Callable
from typing import Any

import pytest
from google.api_core.exceptions import AlreadyExists, PermissionDenied
from google.cloud import firestore
from google.cloud.firestore_v1.base_query import FieldFilter

from config.errors import CloudError
from tests.rules import samples
from tests.tracker.cloud.auth.conftest import CAMERA, SITE, Project, wait_until
from tracker.cloud.auth.device_key import DeviceKey
from tracker.cloud.auth.devices import revoke
from tracker.cloud.client import Client, Connection, connect
from tracker.cloud.errors import explained
from tracker.cloud.paths import Collection, embeddings_path, path_of, site_path

ARCHIVE = [each for each in Collection if each not in (Collection.PEOPLE, Collection.FORGOTTEN)]


def filled(project: Project) -> None:
    """A document of the machine's camera in every collection."""
    with project.connect() as owner:
        stamp = {"received_at": firestore.SERVER_TIMESTAMP}
        owner.client.document(site_path(SITE)).set(samples.site() | stamp)
        for name, make in samples.WRITTEN.items():
            owner.client.document(path_of(SITE, Collection(name), "x-1")).set(make() | stamp)
        owner.client.document(path_of(SITE, Collection.PEOPLE, "p-1")).set(samples.WRITTEN["people"]() | stamp)
        owner.client.document(embeddings_path(SITE, "p-1", "v-1")).set(samples.embedding() | stamp)


def create(connection: Connection, collection: str, record_id: str = "new", **changes: Any) -> None:
    """Create a document as the uploader does."""
    fields = samples.WRITTEN[collection]() | {"received_at": firestore.SERVER_TIMESTAMP} | changes
    connection.client.document(path_of(SITE, Collection(collection), record_id)).create(fields)


def refused(deed: Callable[[], object]) -> None:
    with pytest.raises(PermissionDenied):
        deed()


@pytest.fixture
def machine(project: Project) -> Connection:
    filled(project)
    return project.connect(project.registered())


def test_the_key_file_is_private_and_for_one_camera(project: Project) -> None:
    path = project.registered()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    device = project.connect(path).device
    assert isinstance(device, DeviceKey)
    assert (device.project, device.site_id, device.camera_id) == (project.name, SITE, CAMERA)
    assert device.refresh_token not in repr(device)


@pytest.mark.parametrize("collection", samples.BY_MACHINES)
def test_a_machine_adds_what_its_camera_sees_once(machine: Connection, collection: str) -> None:
    create(machine, collection)
    with pytest.raises(AlreadyExists):
        create(machine, collection)


def test_a_machine_reads_the_gallery(machine: Connection) -> None:
    people = machine.client.collection(path_of(SITE, Collection.PEOPLE))
    assert {each.id for each in people.get()} == {"x-1", "p-1"}
    assert [len(each.get("vector")) for each in people.document("p-1").collection("embeddings").get()] == [512]
    assert machine.client.document(site_path(SITE)).get().get("name") == "The gym"
    assert len(machine.client.collection(path_of(SITE, Collection.FORGOTTEN)).get()) == 1


@pytest.mark.parametrize("collection", ARCHIVE)
def test_a_thief_cannot_read_events(machine: Connection, collection: Collection) -> None:
    place = machine.client.collection(path_of(SITE, collection))
    refused(lambda: place.document("x-1").get())
    refused(place.get)
    refused(place.limit(1).get)
    refused(place.where(filter=FieldFilter("person_id", "==", "p-1")).get)
    refused(place.count().get)
    refused(machine.client.collection_group(collection).get)
    refused(lambda: list(machine.client.collections()))


def test_rules_apply_to_raw_protocol_requests(machine: Connection, project: Project) -> None:
    parent = f"projects/{project.name}/databases/(default)/documents/{site_path(SITE)}"
    query = {"from_": [{"collection_id": "events"}]}
    request = {"parent": parent, "structured_query": query}

    def found(client: Client) -> list[object]:
        return list(client._firestore_api.run_query(request=request, metadata=client._rpc_metadata))

    refused(lambda: found(machine.client))
    assert len(found(project.connect().client)) == 1


@pytest.mark.parametrize("collection", [*Collection])
def test_a_thief_cannot_change_or_delete(machine: Connection, project: Project, collection: Collection) -> None:
    path = path_of(SITE, collection, "x-1")
    before = project.connect().client.document(path).get().to_dict()
    document = machine.client.document(path)
    refused(document.delete)
    refused(lambda: document.update({"person_id": "p-2", "received_at": firestore.SERVER_TIMESTAMP}))
    refused(lambda: document.set({"frame": b"\xff\xd8" * 1000}))
    assert project.connect().client.document(path).get().to_dict() == before


@pytest.mark.parametrize("collection", samples.BY_MACHINES)
def test_a_thief_cannot_write_for_another_camera_or_site(machine: Connection, collection: str) -> None:
    refused(lambda: create(machine, collection, camera_id="back"))
    fields = samples.WRITTEN[collection]() | {"received_at": firestore.SERVER_TIMESTAMP}
    refused(lambda: machine.client.document(f"sites/pool/{collection}/new").create(fields))
    refused(lambda: machine.client.collection("sites/pool/people").get())


@pytest.mark.parametrize("collection", [each for each in Collection if each not in samples.BY_MACHINES])
def test_a_thief_cannot_write_sessions_or_people(machine: Connection, collection: str) -> None:
    refused(lambda: create(machine, collection))


def test_one_denied_document_rejects_the_whole_batch(machine: Connection, project: Project) -> None:
    batch = machine.client.batch()
    for number, camera_id in enumerate((CAMERA, CAMERA, "back")):
        fields = samples.WRITTEN["events"]() | {"camera_id": camera_id, "received_at": firestore.SERVER_TIMESTAMP}
        batch.create(machine.client.document(path_of(SITE, Collection.EVENTS, f"new-{number}")), fields)
    refused(batch.commit)
    assert [each.id for each in project.connect().client.collection(f"sites/{SITE}/events").get()] == ["x-1"]


def test_the_time_of_receipt_cannot_be_chosen(machine: Connection) -> None:
    refused(lambda: create(machine, "events", received_at=samples.AT))


def test_a_revoked_machine_cannot_read_with_its_current_token(machine: Connection, project: Project) -> None:
    people = machine.client.collection(path_of(SITE, Collection.PEOPLE))
    assert len(people.get()) == 2
    revoke(project.connect(), SITE, "pi")
    refused(people.get)
    refused(lambda: machine.client.document(site_path(SITE)).get())
    refused(lambda: machine.client.document(embeddings_path(SITE, "p-1", "v-1")).get())


def test_a_revoked_machine_cannot_sign_in(project: Project) -> None:
    path = project.registered()
    revoke(project.connect(), SITE, "pi")
    with (
        connect(project.address, path) as machine,
        pytest.raises(CloudError, match="revoked") as caught,
        explained(),
    ):
        create(machine, "events")
    assert not caught.value.retryable
    assert "register-device" in caught.value.fix


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # the client's own thread raises
def test_a_machine_can_listen_to_people_but_not_to_events(machine: Connection) -> None:
    snapshots = []
    watch = machine.client.collection(path_of(SITE, Collection.PEOPLE)).on_snapshot(
        lambda documents, *_: snapshots.append({each.id for each in documents})
    )
    try:
        wait_until(lambda: bool(snapshots))
        assert snapshots[0] == {"x-1", "p-1"}
    finally:
        watch.unsubscribe()
    closed = []
    events = machine.client.collection(path_of(SITE, Collection.EVENTS)).on_snapshot(
        lambda documents, *_: closed.append(documents)
    )
    wait_until(lambda: not events.is_active)
    assert closed == []
