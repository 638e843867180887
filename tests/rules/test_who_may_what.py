"""config/firestore.rules, evaluated: who may do what with which document, as tables."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import pytest

from tests.rules.expectations import (
    COLLECTIONS,
    EVERYBODY,
    may_change,
    may_create,
    may_read,
    may_read_site,
    may_read_vectors,
)
from tests.rules.samples import (
    ADMIN_OF_GYM,
    AT,
    BY_MACHINES,
    CAMERA,
    CAMERA_MACHINE,
    EMBEDDING,
    MACHINE_ELSEWHERE,
    NOW,
    OPERATOR_OF_GYM,
    REVOKED,
    SITE,
    STORED,
    Who,
    agent_void,
    ask,
    correction,
    embedding,
    event,
    received,
    site,
    whole,
)
from tracker.cloud import documents
from tracker.presence.events import ITSELF, Action, CameraRef, Correction, unidentified_id

NOBODY_KNOWN = unidentified_id(CameraRef(SITE, CAMERA), "t-1")


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_reading(collection: str, name: str) -> None:
    expected = may_read(name, collection)
    assert ask(EVERYBODY[name], "get", collection, "x-1").allowed is expected
    assert ask(EVERYBODY[name], "list", collection).allowed is expected


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_creating_a_whole_document(collection: str, name: str) -> None:
    expected = may_create(name, collection)
    assert ask(EVERYBODY[name], "create", collection, "new", data=whole(collection)).allowed is expected


@pytest.mark.parametrize("name", EVERYBODY)
@pytest.mark.parametrize("collection", COLLECTIONS)
def test_changing_and_deleting(collection: str, name: str) -> None:
    changed = {"people": {"name": "Eve"}, "devices": {"name": "x"}}.get(collection, {"schema": 2, "at": NOW})
    after = {**STORED["sites", SITE, collection, "x-1"], **changed, "received_at": NOW}
    expected = may_change(name, collection)
    assert ask(EVERYBODY[name], "update", collection, "x-1", data=after).allowed is expected
    assert ask(EVERYBODY[name], "delete", collection, "x-1").allowed is expected


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_site_itself(name: str) -> None:
    who = EVERYBODY[name]
    assert ask(who, "get", "sites", SITE).allowed is may_read_site(name)
    assert not ask(who, "list", "sites").allowed
    assert ask(who, "update", "sites", SITE, data=received(site())).allowed is (name == "admin")
    assert not ask(who, "delete", "sites", SITE).allowed


@pytest.mark.parametrize("name", EVERYBODY)
def test_face_vectors(name: str) -> None:
    who = EVERYBODY[name]
    expected = may_read_vectors(name)
    assert ask(who, "get", *EMBEDDING).allowed is expected
    assert ask(who, "list", *EMBEDDING[:-1]).allowed is expected
    assert ask(who, "create", *EMBEDDING[:-1], "v-2", data=received(embedding())).allowed is (name == "admin")
    assert ask(who, "delete", *EMBEDDING).allowed is (name == "admin")


@pytest.mark.parametrize(
    "path",
    [
        ("sites", SITE, "secrets", "x"),
        ("sites", SITE, "events", "e", "x", "y"),
        ("sites", SITE, "people", "p-1", "x", "y"),
    ],
    ids="-".join,
)
@pytest.mark.parametrize("name", EVERYBODY)
def test_paths_without_a_rule_are_denied(path: tuple[str, ...], name: str) -> None:
    who = EVERYBODY[name]
    for method in ("get", "create", "update", "delete"):
        assert not ask(who, method, *path, data={"a": 1}).allowed


@pytest.mark.parametrize("collection", BY_MACHINES)
def test_a_machine_writes_for_its_own_camera_only(collection: str) -> None:
    assert ask(CAMERA_MACHINE, "create", collection, "new", data=whole(collection)).allowed
    assert not ask(CAMERA_MACHINE, "create", collection, "new", data=whole(collection, camera_id="back")).allowed
    without_camera = Who("device-1", {"role": "device", "site": SITE})
    assert not ask(without_camera, "create", collection, "new", data=whole(collection)).allowed
    assert not ask(without_camera, "create", collection, "new", data=whole(collection, camera_id="")).allowed


@pytest.mark.parametrize("collection", BY_MACHINES)
def test_repeating_a_write_is_allowed_and_changing_it_is_not(collection: str) -> None:
    again = {**STORED["sites", SITE, collection, "x-1"], "received_at": NOW}
    assert ask(CAMERA_MACHINE, "update", collection, "x-1", data=again).allowed
    assert not ask(CAMERA_MACHINE, "update", collection, "x-1", data={**again, "received_at": AT}).allowed
    assert not ask(MACHINE_ELSEWHERE, "update", collection, "x-1", data=again).allowed
    for name in [each for each in again if each not in ("received_at", "machine_id", "backlog", "rejected", "version")]:
        changed = {**again, name: "other"}
        assert not ask(CAMERA_MACHINE, "update", collection, "x-1", data=changed).allowed
        assert not ask(CAMERA_MACHINE, "update", collection, "x-1", data=whole(collection, **{name: ...})).allowed


@pytest.mark.parametrize("collection", [*BY_MACHINES, "people", "corrections", "forgotten"])
def test_every_field_is_required_and_no_other_is_allowed(collection: str) -> None:
    who = CAMERA_MACHINE if collection in BY_MACHINES else ADMIN_OF_GYM
    optional = {"x_frac", "y_frac", "distance", "margin", "machine_id", "rejected"}
    optional |= {"groups", "valid_from", "valid_until", "consent_version", "consent_by"}
    for name in whole(collection):
        ruling = ask(who, "create", collection, "new", data=whole(collection, **{name: ...}))
        assert ruling.allowed is (name in optional), name
    for extra in ({"frame": b"\xff\xd8"}, {"vector": bytes(512)}, {"source": "rtsp://10.0.0.7"}):
        assert not ask(who, "create", collection, "new", data=whole(collection, **extra)).allowed


@pytest.mark.parametrize(
    ("collection", "changes"),
    [
        ("events", {"kind": "peek"}),
        ("events", {"person_id": ""}),
        ("events", {"person_id": "p" * 201}),
        ("events", {"person_id": 7}),
        ("events", {"x_frac": 1.01}),
        ("events", {"x_frac": None}),
        ("events", {"y_frac": math.nan}),
        ("events", {"at": "2026-03-02T09:29:00Z"}),
        ("events", {"at": NOW + timedelta(days=2)}),
        ("events", {"at": NOW - timedelta(days=365 * 40)}),
        ("events", {"received_at": NOW - timedelta(seconds=1)}),
        ("events", {"schema": 2}),
        ("events", {"schema": True}),
        ("events", {"inferred": "no"}),
        ("events", {"track_id": {"frame": b"x" * 1000}}),
        ("matches", {"person_id": None}),
        ("matches", {"distance": -0.1}),
        ("matches", {"quality": 2}),
        ("matches", {"reason": "x" * 1001}),
        ("heartbeats", {"state": "dreaming"}),
        ("heartbeats", {"frames": -1}),
        ("heartbeats", {"frames": 1.5}),
        ("heartbeats", {"problem": "x" * 1001}),
        ("heartbeats", {"last_frame_at": "now"}),
        ("zone_stays", {"zone": ""}),
        ("zone_stays", {"started_at": NOW, "seen_at": AT}),
        ("people", {"name": ""}),
        ("people", {"role": "owner"}),
        ("people", {"consented_at": True}),
        ("people", {"merged_into": ""}),
        ("corrections", {"action": "undo"}),
        ("corrections", {"action": "add"}),
        ("corrections", {"by": ""}),
        ("forgotten", {"erase_history": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_values_of_a_wrong_type_size_or_range_are_denied(collection: str, changes: dict[str, Any]) -> None:
    who = CAMERA_MACHINE if collection in BY_MACHINES else ADMIN_OF_GYM
    assert ask(who, "create", collection, "new", data=whole(collection)).allowed
    assert not ask(who, "create", collection, "new", data=whole(collection, **changes)).allowed


def test_an_added_event_is_complete_and_of_this_site() -> None:
    fields = received(documents.correction_document(correction(Action.ADD), "p-1"))
    assert ask(ADMIN_OF_GYM, "create", "corrections", "new", data=fields).allowed
    for wrong in ({"site_id": "pool"}, {"event_id": "e-2"}, {"kind": "peek"}, {"frame": b"x"}):
        spoilt = {**fields, "event": {**fields["event"], **wrong}}
        assert not ask(ADMIN_OF_GYM, "create", "corrections", "new", data=spoilt).allowed
    for action in ("void", "undo"):
        assert not ask(ADMIN_OF_GYM, "create", "corrections", "new", data={**fields, "action": action}).allowed


@pytest.mark.parametrize(
    ("event_id", "by", "expected"),
    [
        ("e-now", ITSELF, True),
        ("e-now", "Ann", False),
        ("e-old", ITSELF, False),
        ("e-back", ITSELF, False),
        ("never-sent", ITSELF, False),
    ],
)
def test_an_agent_voids_events_of_its_own_camera_of_the_last_day(event_id: str, by: str, expected: bool) -> None:
    fields = received(agent_void(event_id, by=by))
    assert ask(CAMERA_MACHINE, "create", "corrections", "new", data=fields).allowed is expected
    assert not ask(MACHINE_ELSEWHERE, "create", "corrections", "new", data=fields).allowed
    assert not ask(OPERATOR_OF_GYM, "create", "corrections", "new", data=fields).allowed
    assert not ask(CAMERA_MACHINE, "create", "corrections", "new", data={**fields, "frame": b"x"}).allowed


@pytest.mark.parametrize("camera_id", [CAMERA, "back"])
def test_an_agent_restores_events_of_its_own_camera(camera_id: str) -> None:
    added = event(camera_id)
    added_correction = Correction(
        action=Action.ADD, event_id=added.event_id, by=ITSELF, at=AT, reason="theirs", event=added
    )
    fields = received(documents.correction_document(added_correction, "p-1")) | {"event_id": "e-now"}
    fields["event"] = {**fields["event"], "event_id": "e-now"}
    expected = camera_id == CAMERA
    assert ask(CAMERA_MACHINE, "create", "corrections", "new", data=fields).allowed is expected


def test_an_agent_repeats_its_correction_and_changes_none() -> None:
    own, anns = STORED["sites", SITE, "corrections", "c-own"], STORED["sites", SITE, "corrections", "x-1"]
    assert ask(CAMERA_MACHINE, "update", "corrections", "c-own", data={**own, "received_at": NOW}).allowed
    assert not ask(MACHINE_ELSEWHERE, "update", "corrections", "c-own", data={**own, "received_at": NOW}).allowed
    changed = {**own, "received_at": NOW, "reason": "another"}
    assert not ask(CAMERA_MACHINE, "update", "corrections", "c-own", data=changed).allowed
    assert not ask(CAMERA_MACHINE, "update", "corrections", "x-1", data={**anns, "received_at": NOW}).allowed
    assert not ask(CAMERA_MACHINE, "delete", "corrections", "c-own").allowed


def test_an_agent_repeats_old_corrections_but_makes_none() -> None:
    old = received(agent_void("e-old"), NOW - timedelta(days=2))
    after = {**old, "received_at": NOW}
    assert ask(CAMERA_MACHINE, "update", "corrections", "c-old", data=after, before=old).allowed
    assert not ask(MACHINE_ELSEWHERE, "update", "corrections", "c-old", data=after, before=old).allowed
    assert not ask(CAMERA_MACHINE, "create", "corrections", "c-old", data=after).allowed


@pytest.mark.parametrize("collection", ["events", "matches"])
def test_a_machine_writes_of_unidentified_people_for_its_own_camera_only(collection: str) -> None:
    def of(camera_id: str) -> dict[str, Any]:
        return whole(collection, person_id=unidentified_id(CameraRef(SITE, camera_id), "t-1"), camera_id=camera_id)

    assert ask(CAMERA_MACHINE, "create", collection, "new", data=of(CAMERA)).allowed
    assert not ask(CAMERA_MACHINE, "create", collection, "new", data=of("back")).allowed
    assert not ask(MACHINE_ELSEWHERE, "create", collection, "new", data=of(CAMERA)).allowed


@pytest.mark.parametrize(
    ("person_id", "expected"), [(NOBODY_KNOWN, False), (NOBODY_KNOWN[:-1], True), ("u-1001", True), ("p-1", True)]
)
def test_an_unidentified_person_has_no_profile(person_id: str, expected: bool) -> None:
    """An id of another system may begin alike."""
    assert ask(ADMIN_OF_GYM, "create", "people", person_id, data=whole("people")).allowed is expected
    stored = STORED["sites", SITE, "people", "p-1"]
    ruling = ask(ADMIN_OF_GYM, "update", "people", person_id, data=whole("people"), before=stored)
    assert ruling.allowed is expected
    assert not ask(CAMERA_MACHINE, "create", "people", person_id, data=whole("people")).allowed


@pytest.mark.parametrize("person_id", ["visitor-1", "p-2", "p-3", "nobody-known", NOBODY_KNOWN])
def test_vectors_without_consent_are_denied(person_id: str) -> None:
    ruling = ask(ADMIN_OF_GYM, "create", "people", person_id, "embeddings", "v", data=received(embedding()))
    assert not ruling.allowed


@pytest.mark.parametrize("vector", [bytes(511), b"", "0" * 512, [0.0] * 128], ids=["short", "empty", "text", "list"])
def test_a_vector_has_the_bytes_of_its_dimension(vector: object) -> None:
    fields = received(embedding()) | {"vector": vector}
    assert not ask(ADMIN_OF_GYM, "create", *EMBEDDING[:-1], "v-2", data=fields).allowed


def test_a_picture_is_denied_as_a_vector() -> None:
    fields = received(embedding(2048))
    assert not ask(ADMIN_OF_GYM, "create", *EMBEDDING[:-1], "v-2", data=fields).allowed


@pytest.mark.parametrize(
    "changes",
    [
        {"retention": None},
        {"retention": {"events_days": 1}},
        {"retention": {"matches_days": 0}},
        {"retention": {"matches_days": 1.5}},
        {"retention": {"zone_stays_days": "30"}},
        {"retention": {"heartbeats_days": 36501}},
        {"settings": {"secrets": {}}},
        {"capacity": -1},
        {"derived_by": ""},
        {"name": ""},
        {"rules": "x" * 10_001},
    ],
    ids=str,
)
def test_settings_of_a_site_are_checked(changes: dict[str, Any]) -> None:
    assert not ask(ADMIN_OF_GYM, "update", "sites", SITE, data={**received(site()), **changes}).allowed


def test_a_site_that_shares_no_settings_can_be_changed() -> None:
    fields = {name: value for name, value in received(site()).items() if name != "settings"}
    assert ask(ADMIN_OF_GYM, "update", "sites", SITE, data=fields).allowed


def test_a_site_may_set_the_retention() -> None:
    for retention in ({}, {"matches_days": 30, "zone_stays_days": None}, {"heartbeats_days": 36500}):
        fields = {**received(site()), "retention": retention}
        assert ask(ADMIN_OF_GYM, "update", "sites", SITE, data=fields).allowed


@pytest.mark.parametrize(
    "claims",
    [
        {"role": "device"},
        {"role": "device", "site": "pool", "camera": CAMERA},
        {"role": "admin", "site": SITE, "camera": CAMERA},
        {"role": ["device"], "site": SITE, "camera": CAMERA},
        {"sites": SITE},
        {"sites": [SITE]},
        {"sites": {SITE: "owner"}},
        {"sites": {SITE: True}},
        {"sites": {SITE: None}},
    ],
    ids=str,
)
def test_malformed_claims_give_no_access(claims: dict[str, Any]) -> None:
    who = Who("u-1", claims)
    assert not ask(who, "get", "sites", SITE).allowed
    for collection in COLLECTIONS:
        assert not ask(who, "list", collection).allowed
        assert not ask(who, "create", collection, "new", data=whole(collection)).allowed


def test_a_machine_record_without_claims_gives_no_access() -> None:
    without_claims = Who(CAMERA_MACHINE.uid, {})
    assert not ask(without_claims, "list", "people").allowed
    assert not ask(without_claims, "get", "sites", SITE).allowed
    assert not ask(without_claims, "get", "devices", "device-1").allowed


def test_a_repeated_heartbeat_is_checked() -> None:
    again = {**STORED["sites", SITE, "heartbeats", "x-1"], "received_at": NOW}
    assert ask(CAMERA_MACHINE, "update", "heartbeats", "x-1", data={**again, "backlog": 5, "rejected": 1}).allowed
    assert not ask(CAMERA_MACHINE, "update", "heartbeats", "x-1", data={**again, "backlog": "x" * 100}).allowed


@pytest.mark.parametrize("extra", [{"frame": b"\xff\xd8"}, {"picture": "x"}], ids=lambda extra: next(iter(extra)))
def test_sites_and_vectors_allow_no_other_field(extra: dict[str, Any]) -> None:
    assert not ask(ADMIN_OF_GYM, "update", "sites", SITE, data={**received(site()), **extra}).allowed
    fields = {**received(embedding()), **extra}
    assert not ask(ADMIN_OF_GYM, "create", *EMBEDDING[:-1], "v-2", data=fields).allowed


def test_a_machine_reads_its_own_record_and_no_other() -> None:
    assert ask(CAMERA_MACHINE, "get", "devices", "device-1").allowed
    assert ask(REVOKED, "get", "devices", "device-2").allowed
    assert not ask(CAMERA_MACHINE, "get", "devices", "device-2").allowed
    assert not ask(CAMERA_MACHINE, "list", "devices").allowed


@pytest.mark.parametrize("collection", [*BY_MACHINES, "people", "corrections"])
def test_rules_stay_far_from_the_limit_of_expressions(collection: str) -> None:
    who = CAMERA_MACHINE if collection in BY_MACHINES else ADMIN_OF_GYM
    ruling = ask(who, "create", collection, "new", data=whole(collection))
    assert ruling.allowed
    assert ruling.expressions < 400
