"""Paths and ids of documents: valid for every record id, and unique."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracker.cloud.paths import Collection, document_id, embeddings_path, heartbeat_id, path_of, record_id

IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize("record_id", ["p-1", "Visitor 3", "köln", "a.b", "3f9c" * 8])
def test_ordinary_ids_are_unchanged(record_id: str) -> None:
    assert document_id(record_id) == record_id


@given(st.lists(st.one_of(IDS, st.sampled_from([".", "..", "__x__", "a/b", "a%2Fb", "%", "/"])), unique=True))
def test_document_ids_are_valid_and_unique(record_ids: list[str]) -> None:
    found = [document_id(record_id) for record_id in record_ids]
    assert len(set(found)) == len(record_ids)
    for each in found:
        assert "/" not in each
        assert each not in (".", "..")
        assert not re.fullmatch(r"__.*__", each)
    assert [record_id(each) for each in found] == record_ids


@pytest.mark.parametrize("record_id", [".", "..", "__x__", "x" * 2000, "ß" * 700])
def test_ids_that_firestore_refuses_are_quoted(record_id: str) -> None:
    changed = document_id(record_id)
    assert changed != record_id
    assert len(changed.encode()) <= 1500


def test_an_empty_id_is_refused() -> None:
    with pytest.raises(ValueError, match="not empty"):
        document_id("")


def test_every_path_is_under_its_site() -> None:
    assert path_of("gym", Collection.EVENTS) == "sites/gym/events"
    assert path_of("gym", Collection.EVENTS, "e/1") == "sites/gym/events/e%2F1"
    assert embeddings_path("gym", "p-1", "v1") == "sites/gym/people/p-1/embeddings/v1"


def test_heartbeats_have_ids_of_their_own() -> None:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert heartbeat_id("a", at) == heartbeat_id("a", at) != heartbeat_id("b", at)
