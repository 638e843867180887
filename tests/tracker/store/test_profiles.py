"""Groups, validity and consent of people in the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from tracker.presence.people import MOST_GROUPS, Consent, Person, PersonKind
from tracker.store.store import Store

DAY = date(2026, 12, 31)


@pytest.fixture
def ada(records: Any) -> Person:
    person: Person = records.person()
    return replace(person, groups=("Café", "Rowing"), valid_until=DAY, consent_version="v1", consent_by="Ann")


def test_a_profile_is_kept(store: Store, ada: Person, records: Any, reopened: Callable[[], Store]) -> None:
    store.people.add(ada, records.vectors(1))
    assert reopened().people.get(ada.person_id) == ada


def test_an_update_writes_every_field(store: Store, ada: Person, records: Any) -> None:
    store.people.add(ada, records.vectors(1))
    version = store.people.version()
    changed = replace(ada, access=False, groups=(), valid_from=date(2026, 1, 1), consent_by="Bob")
    store.people.update(changed)
    assert store.people.get(ada.person_id) == changed
    assert store.people.version() > version


def test_merging_keeps_the_groups_and_the_consent_of_both(store: Store, ada: Person, records: Any) -> None:
    bob = replace(records.person("p-bob", "Bob"), consented_at=None, groups=("ROWING", "Yoga"))
    store.people.add(ada, records.vectors(1))
    store.people.add(bob, records.vectors(0))
    store.people.merge("p-ada", "p-bob")
    merged = store.people.get("p-ada")
    assert merged is not None
    assert merged.groups == ("Café", "ROWING", "Yoga")
    assert merged.consent == ada.consent is not None


def test_merging_never_gives_more_groups_than_a_person_can_have(store: Store, ada: Person, records: Any) -> None:
    full = replace(records.person("p-bob", "Bob"), groups=tuple(f"Group {number:02}" for number in range(MOST_GROUPS)))
    store.people.add(ada, records.vectors(1))
    store.people.add(full, records.vectors(1))
    store.people.merge("p-ada", "p-bob")
    assert store.people.get("p-bob") == full


def test_a_promoted_visitor_has_the_consent(store: Store, records: Any) -> None:
    visitor = records.visitor()
    store.people.add(visitor, records.vectors(1))
    consent = Consent(at=records.at(5), version="2026-01", by="Ann")
    promoted = store.people.promote(visitor.person_id, "Eve", consent=consent)
    assert (promoted.kind, promoted.consent) == (PersonKind.ENROLLED, consent)
    assert store.people.get(visitor.person_id) == promoted
