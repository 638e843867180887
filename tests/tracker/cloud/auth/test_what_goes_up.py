"""Uploaded documents hold no picture, no vector without consent, and no address of a camera.

The uplink itself sends a store that holds all of that; then everything that Firestore has is looked at.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.config.test_firestore_rules import CHECKS, FUNCTIONS
from tests.config.test_firestore_rules import fields as fields_of
from tests.rules.guard import plain
from tests.tracker.cloud.auth.conftest import CAMERA, SITE, Project
from tests.tracker.cloud.auth.stores import (
    AGREED,
    DID_NOT,
    LATER,
    PICTURE,
    SECRET_SOURCE,
    VECTORS,
    VISITOR,
    filled,
    forget_somebody,
)
from tracker.cloud.paths import Collection
from tracker.cloud.upload import Terms
from tracker.cloud.uploader import Uploader
from tracker.store.store import Store

Found = dict[tuple[str, ...], dict[str, Any]]
LARGEST = 4096
"""Bytes; a picture of a face that anybody could recognise has more."""
LONGEST_TEXT = 1000
MOST_NUMBERS = 16
"""In one document; a vector has 128 or 512."""
PICTURES = (b"\xff\xd8\xff", b"\x89PNG", b"RIFF", b"GIF8", b"BM")


def send(project: Project, store: Store, key: Path | None = None, **terms: Any) -> None:
    chosen = Terms(**({"site_id": SITE, "version": "0.1.0", "timeout_s": 10.0} | terms))
    uplink = Uploader(store, lambda: project.connect(key), chosen, now=lambda: LATER)
    uplink.drain(threading.Event(), patience_s=20.0)


def everything(project: Project) -> Found:
    """All documents of all collections, read from the server itself."""
    database = project.server.engine.archive.database(f"projects/{project.name}/databases/(default)")
    found: Found = {}
    for collection, documents in database.collections.items():
        for name, version in documents.items():
            document = version.document()
            if document is not None:
                found[(*collection, name)] = plain(document.fields)
    return found


def values(value: Any) -> Iterator[Any]:
    """Everything in a document, at any depth; names of fields too."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from values(each)
    elif isinstance(value, list):
        for each in value:
            yield from values(each)
    else:
        yield value


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.sqlite3") as opened:
        yield opened


@pytest.fixture(params=[True, False], ids=["vectors-shared", "vectors-kept"])
def uploaded(project: Project, store: Store, request: pytest.FixtureRequest) -> Found:
    site = {"name": "The gym", "time_zone": "Europe/Berlin", "capacity": 40, "rules": ""}
    forget_somebody(store)
    send(project, store, vectors=request.param, site=site)
    assert store.outbox.rejected() == []
    return everything(project)


def test_every_kind_of_record_is_uploaded(uploaded: Found) -> None:
    names = {ids[2] for ids in uploaded if len(ids) > 2}
    assert names >= {each.value for each in Collection} - {"devices"}


def test_every_document_has_the_fields_of_the_rules(uploaded: Found) -> None:
    checks = CHECKS | {"embeddings": "isEmbedding", "sites": "isSite"}
    for ids, document in uploaded.items():
        if ids[-2] in checks:
            always, sometimes = fields_of(FUNCTIONS[checks[ids[-2]]])
            assert always <= {*document} <= always | sometimes, ids


def test_bytes_are_only_vectors_of_people_who_consented(uploaded: Found, request: pytest.FixtureRequest) -> None:
    with_bytes = {ids for ids, fields in uploaded.items() if any(isinstance(each, bytes) for each in values(fields))}
    owners = {ids[:4] for ids in with_bytes}
    shared = "shared" in request.node.name
    assert owners == ({("sites", SITE, "people", AGREED)} if shared else set())
    assert len(with_bytes) == (2 if shared else 0)
    known = {row.astype("<f4").tobytes() for row in VECTORS[AGREED]}
    for ids in with_bytes:
        assert ids[4] == "embeddings"
        assert {name for name, value in uploaded[ids].items() if isinstance(value, bytes)} == {"vector"}
        assert uploaded[ids]["vector"] in known
        assert len(uploaded[ids]["vector"]) == 4 * uploaded[ids]["dimension"]


def test_no_other_vector_is_uploaded_in_any_form(uploaded: Found) -> None:
    forbidden = [row for name in (DID_NOT, VISITOR, "negative", "evidence") for row in VECTORS[name]]
    text = repr(uploaded)
    for row in forbidden:
        packed = row.astype("<f4").tobytes()
        assert repr(packed)[2:-1][:40] not in text
        assert base64.b64encode(packed).decode()[:24] not in text
        assert packed.hex()[:24] not in text
        assert f"{float(row[0]):.5f}"[:-1] not in text
    for fields in uploaded.values():
        numbers = [each for each in values(fields) if isinstance(each, float | int) and not isinstance(each, bool)]
        assert len(numbers) <= MOST_NUMBERS


def test_no_document_is_large_enough_for_a_picture(uploaded: Found) -> None:
    for ids, fields in uploaded.items():
        size = sum(len(each) for each in values(fields) if isinstance(each, str | bytes))
        assert size <= LARGEST, ids
        for each in values(fields):
            if isinstance(each, bytes):
                assert not each.startswith(PICTURES)
            if isinstance(each, str):
                assert len(each) <= LONGEST_TEXT, ids
                assert not each.startswith(("data:", "/9j/", "iVBOR"))


def test_addresses_of_cameras_and_pictures_are_not_uploaded(uploaded: Found) -> None:
    text = repr(uploaded)
    for secret in (SECRET_SOURCE, "10.0.0.7", "pass-word", "rtsp", PICTURE, "lovelace.jpg"):
        assert secret not in text
    assert {each["problem"] for ids, each in uploaded.items() if ids[2:3] == ("heartbeats",)} != {None}


def test_a_match_names_only_its_own_person(uploaded: Found) -> None:
    for ids, fields in uploaded.items():
        if ids[2:3] == ("matches",) and fields["person_id"] != DID_NOT:
            assert DID_NOT not in repr(fields)


def test_a_device_key_uploads_records_of_its_camera_under_the_rules(project: Project, store: Store) -> None:
    """Under the deployed rules: all records of the camera arrive, none of the other camera, and none is rejected."""
    send(project, store, project.registered(), vectors=True)
    assert store.outbox.rejected() == []
    found = {ids[2:]: fields for ids, fields in everything(project).items() if len(ids) == 4 and ids[2] != "devices"}
    assert {name for name, _ in found} == {"events", "matches", "zone_stays", "heartbeats"}
    assert {fields["camera_id"] for fields in found.values()} == {CAMERA}
    own = {each.event_id for each in store.events.select() if each.camera_id == CAMERA}
    voided = {each.event_id for each in store.events.corrections() if each.event is None}
    assert {record_id for name, record_id in found if name == "events"} == own | voided


def test_uploading_again_with_lost_cursors_changes_nothing(project: Project, tmp_path: Path) -> None:
    key = project.registered()
    for name in ("first", "put-back"):
        with filled(tmp_path / f"{name}.sqlite3", cameras=(CAMERA,)) as opened:
            send(project, opened, key)
            assert opened.outbox.rejected() == []
            assert opened.outbox.backlog(people=False).total == 0
        found = {ids for ids in everything(project) if len(ids) == 4 and ids[2] != "devices"}
        assert len(found) == 6 + 6 + 1 + 1


def test_the_check_detects_vectors_stored_as_numbers() -> None:
    document = {"a": [{"b": [float(each) for each in np.arange(MOST_NUMBERS + 1)]}]}
    assert len([each for each in values(document) if isinstance(each, float)]) > MOST_NUMBERS
