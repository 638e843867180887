"""Profiles of people as Firestore documents."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from config.errors import RecordError
from tracker.cloud import documents
from tracker.presence.people import Person

START = datetime(2026, 3, 2, tzinfo=UTC)
ADA = Person(person_id="p-ada", name="Ada", created_at=START, consented_at=START)
PROFILE = replace(
    ADA,
    groups=("Rowing", "Yoga"),
    valid_from=date(2026, 3, 2),
    valid_until=date(2026, 12, 31),
    consent_version="2026-01",
    consent_by="Ann",
)


@pytest.mark.parametrize("person", [ADA, PROFILE], ids=["without", "with"])
def test_a_document_is_the_person_again(person: Person) -> None:
    assert documents.person_of("p-ada", documents.person_document(person)) == (person, None)


def test_a_document_has_values_that_firestore_knows() -> None:
    found = documents.person_document(PROFILE)
    assert (found["groups"], found["valid_from"], found["valid_until"]) == (
        ["Rowing", "Yoga"], "2026-03-02", "2026-12-31",
    )  # fmt: skip


def test_a_profile_without_groups_and_limits_is_written_as_earlier_versions_read_it() -> None:
    assert set(documents.person_document(ADA)) == {
        "name", "created_at", "kind", "role", "access", "consented_at", "merged_into", "schema",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        pytest.param({"groups": "Yoga"}, "groups: expected a list", id="no-list"),
        pytest.param({"groups": [1]}, "groups: expected a text", id="no-text"),
        pytest.param({"groups": ["x" * 61]}, "groups: expected texts", id="long"),
        pytest.param({"valid_until": "31.12.2026"}, "valid_until: expected a day", id="no-day"),
        pytest.param({"valid_until": "2026-03-01"}, "valid_until: expected a day that is not before", id="backwards"),
        pytest.param({"shoe_size": 40}, "unknown field 'shoe_size'", id="unknown"),
    ],
)
def test_a_damaged_profile_is_refused_by_field(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(RecordError, match=problem):
        documents.person_of("p-ada", documents.person_document(PROFILE) | change)
