"""Field by field: the values that config/firestore.rules accepts equal those that the records allow."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.rules.samples import (
    ADMIN_OF_GYM,
    BY_MACHINES,
    CAMERA,
    CAMERA_MACHINE,
    EMBEDDING,
    NOW,
    SITE,
    Fields,
    Who,
    ask,
    correction,
    embedding,
    received,
    site,
    whole,
)
from tracker.cloud import documents
from tracker.presence.events import OPERATOR, Action

Test = Callable[[Any], bool]

PROBES: tuple[Any, ...] = (
    None, True, False, 0, 1, 2, 7, -1, 0.5, 1.5, -0.5, math.nan, "", "x", "x" * 64, "x" * 65, "x" * 200, "x" * 201,
    "x" * 1000, "x" * 1001, "x" * 10_000, "x" * 10_001, b"", b"x" * 28, [], [1], {}, {"a": 1}, NOW,
    NOW + timedelta(hours=23), NOW + timedelta(hours=25), NOW - timedelta(days=365 * 20),
    NOW - timedelta(days=365 * 40), ["x" * 60] * 20, ["x"] * 21, "2026-01-31", "2026-1-31",
)  # fmt: skip
"""Values of every type, around every limit."""


def text(most: int) -> Test:
    return lambda value: isinstance(value, str) and 0 < len(value) <= most


def note(most: int) -> Test:
    return lambda value: isinstance(value, str) and len(value) <= most


def number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def amount(value: Any) -> bool:
    return number(value) and value >= 0


def fraction(value: Any) -> bool:
    return number(value) and 0 <= value <= 1


def count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def flag(value: Any) -> bool:
    return isinstance(value, bool)


def time(value: Any) -> bool:
    return isinstance(value, datetime) and timedelta(days=-10_000) < value - NOW < timedelta(days=1)


def groups(value: Any) -> bool:
    return isinstance(value, list) and len(value) <= 20 and all(note(60)(each) for each in value)


def day(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is not None


def one_of(*values: Any) -> Test:
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def or_null(test: Test) -> Test:
    return lambda value: value is None or test(value)


STAMP: Mapping[str, Test] = {"schema": one_of(1), "received_at": one_of(NOW)}
EVENT: Mapping[str, Test] = {
    "kind": one_of("enter", "exit"),
    "person_id": text(200),
    "at": time,
    "track_id": text(200),
    "x_frac": fraction,
    "y_frac": fraction,
    "inferred": flag,
}
FIELDS: Mapping[str, Mapping[str, Test]] = {
    "events": {**EVENT, **STAMP, "camera_id": one_of(CAMERA)},
    "matches": {
        "camera_id": one_of(CAMERA),
        "track_id": text(200),
        "at": time,
        "person_id": text(200),
        "distance": amount,
        "margin": number,
        "quality": fraction,
        "authorised": flag,
        "reason": note(1000),
        **STAMP,
    },
    "heartbeats": {
        "camera_id": one_of(CAMERA),
        "at": time,
        "state": one_of("live", "lost", "ended", "stopped"),
        "started_at": time,
        "last_frame_at": or_null(time),
        "fps": amount,
        "frames": count,
        "dropped": count,
        "problem": or_null(note(1000)),
        "watch_started_at": or_null(time),
        "watch_ended_at": or_null(time),
        "backlog": count,
        "rejected": count,
        "machine_id": text(64),
        "version": text(100),
        **STAMP,
    },
    "zone_stays": {
        "camera_id": one_of(CAMERA),
        "zone": text(200),
        "person_id": text(200),
        "started_at": lambda value: time(value) and value <= NOW,
        "seen_at": lambda value: time(value) and value >= NOW,
        "over": flag,
        **STAMP,
    },
    "people": {
        "name": text(200),
        "created_at": time,
        "kind": one_of("enrolled", "visitor"),
        "role": one_of("member", "staff"),
        "access": flag,
        "consented_at": or_null(time),
        "merged_into": or_null(text(200)),
        "groups": groups,
        "valid_from": day,
        "valid_until": day,
        "consent_version": note(200),
        "consent_by": note(200),
        **STAMP,
    },
    "corrections": {
        "action": one_of("void"),
        "event_id": text(200),
        "by": text(200),
        "at": time,
        "reason": note(1000),
        "person_id": note(200),
        **STAMP,
    },
    "forgotten": {"at": time, "erase_history": flag, **STAMP},
}
SITE_FIELDS: Mapping[str, Test] = {
    "name": text(200),
    "time_zone": text(64),
    "capacity": or_null(count),
    "settings": one_of({}),
    "rules": note(10_000),
    "derived_by": text(64),
    **STAMP,
}
VECTOR_FIELDS: Mapping[str, Test] = {
    "model": text(200),
    "dimension": one_of(7),
    "vector": one_of(b"x" * 28),
    "source": one_of(""),
    **STAMP,
}
ADDED_FIELDS: Mapping[str, Test] = {
    **EVENT,
    "schema": one_of(1),
    "site_id": one_of(SITE),
    "camera_id": text(64),
}


def wrongly_ruled(
    fields: Mapping[str, Test], write: Callable[[Fields], bool], right: Fields
) -> list[tuple[str, Any, bool]]:
    """Wrong decisions of the rules: field, value, and whether they allowed it."""
    assert write(right)
    assert {*fields} <= {*right}
    found = []
    for name, test in fields.items():
        values = [*PROBES, right[name], "gone", "stopped"]
        results = [(name, value, write({**right, name: value})) for value in values]
        found += [each for each in results if each[2] is not test(each[1])]
    return found


def creates(who: Who, *path: str) -> Callable[[Fields], bool]:
    return lambda data: ask(who, "create", *path, data=data).allowed


@pytest.mark.parametrize("collection", FIELDS)
def test_documents_of_collections(collection: str) -> None:
    who = CAMERA_MACHINE if collection in BY_MACHINES else ADMIN_OF_GYM
    assert {*FIELDS[collection]} == {*whole(collection)}
    assert wrongly_ruled(FIELDS[collection], creates(who, collection, "new"), whole(collection)) == []


def test_the_document_of_a_site() -> None:
    right = received(site())
    assert {*SITE_FIELDS} == {*right}
    changes = {**right, "settings": {}}
    assert (
        wrongly_ruled(SITE_FIELDS, lambda data: ask(ADMIN_OF_GYM, "update", "sites", SITE, data=data).allowed, changes)
        == []
    )


def test_face_vectors() -> None:
    right = {**received(embedding(7)), "vector": b"x" * 28}
    assert {*VECTOR_FIELDS} == {*right}
    assert wrongly_ruled(VECTOR_FIELDS, creates(ADMIN_OF_GYM, *EMBEDDING[:-1], "v-2"), right) == []


@pytest.mark.parametrize(("dimension", "right"), [(0, False), (-1, False), (1024, True), (1025, False), (1.0, False)])
def test_the_dimension_of_a_vector(dimension: Any, right: bool) -> None:
    fields = {**received(embedding(7)), "dimension": dimension, "vector": bytes(max(0, int(dimension * 4)))}
    assert ask(ADMIN_OF_GYM, "create", *EMBEDDING[:-1], "v-2", data=fields).allowed is right


def test_the_event_within_an_added_one() -> None:
    right = received(documents.correction_document(correction(Action.ADD), "p-1"))
    event = {**right["event"], "x_frac": 0.5, "y_frac": 0.5}
    assert event["camera_id"] == OPERATOR
    assert {*ADDED_FIELDS, "event_id"} == {*event}

    def write(data: Fields) -> bool:
        return ask(ADMIN_OF_GYM, "create", "corrections", "new", data={**right, "event": data}).allowed

    assert wrongly_ruled(ADDED_FIELDS, write, event) == []
