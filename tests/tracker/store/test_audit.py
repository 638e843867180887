"""The audit trail, and transactions that several methods share."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from config.errors import PeopleError, StoreError
from tracker.presence.events import time_text
from tracker.store.audit import SubjectKind
from tracker.store.observation import Observation
from tracker.store.store import Store
from tracker.store.users import UserRole


def add(store: Store, subject_id: str = "p-ada", actor: str = "Ann", **more: Any) -> int:
    fields: dict[str, Any] = {"reason": "", "before": {"name": "Ada"}, "after": {"name": "Bob"}, **more}
    return store.audit.add(
        actor=actor, role=UserRole.DESK, action="people.rename", subject_kind=SubjectKind.PERSON,
        subject_id=subject_id, **fields,
    )  # fmt: skip


@pytest.fixture
def known(store: Store, records: Any) -> Store:
    store.people.add(records.person(), records.vectors(1))
    store.people.add(records.person("p-bob", "Bob"), records.vectors(1))
    return store


def test_entries_come_back_the_latest_first(known: Store) -> None:
    ids = [add(known), add(known, "p-bob", "Bea"), add(known, "p-bob")]
    assert [each.audit_id for each in known.audit.all()] == ids[::-1]
    assert [each.audit_id for each in known.audit.all(limit=1)] == ids[2:]
    assert [each.actor for each in known.audit.all(actor="Bea")] == ["Bea"]
    assert known.audit.all(since=known.now()) == []
    assert [each.audit_id for each in known.audit.about(SubjectKind.PERSON, "p-bob")] == [ids[2], ids[1]]
    entry = known.audit.get(ids[0])
    assert entry is not None
    assert (entry.before, entry.after, entry.undone_by) == ({"name": "Ada"}, {"name": "Bob"}, None)


def test_an_entry_is_undone_once(known: Store) -> None:
    first = add(known)
    second = add(known, undoes=first)
    assert [each.undone_by for each in known.audit.all()] == [None, second]
    with pytest.raises(StoreError):
        add(known, undoes=first)


def test_old_entries_are_deleted(known: Store) -> None:
    first = add(known)
    add(known, undoes=first)
    assert known.audit.drop(known.now()) == 2
    assert known.audit.all() == []
    assert known.rows("SELECT count(*) FROM audit_subjects") == [(0,)]


def test_forgetting_takes_the_person_out_of_all_entries(known: Store) -> None:
    add(known, reason="Ada said so", others=[(SubjectKind.VISIT, "s-1")])
    add(known, "p-bob", actor="Ada", reason="like ada", before={"names": ["Ada", "Bob"]}, after={"name": "Bob"})
    add(known, "p-bob", others=[(SubjectKind.PERSON, "p-ada")])
    known.people.forget("p-ada", erase_history=False)
    first, second, third = reversed(known.audit.all())
    for each in (first, third):
        assert (each.subject_id, each.reason, each.before, each.after) == ("", "", {}, {})
        assert each.action == "people.rename"
    assert (second.actor, second.reason) == ("somebody", "like somebody")
    assert second.before == {"names": ["somebody", "Bob"]}
    assert known.audit.about(SubjectKind.VISIT, "s-1") == []
    for file in known.path.parent.glob(f"{known.path.name}*"):
        assert b"Ada said so" not in file.read_bytes()


# -- one transaction


def test_methods_inside_a_transaction_are_one_commit(known: Store, records: Any) -> None:
    with known.writing():
        known.people.rename("p-ada", "Ada Lovelace")
        known.record(Observation(events=[records.event(0), records.event(60, "exit")]))
        assert [person.name for person in known.people.all()] == ["Ada Lovelace", "Bob"]
        (visit,) = known.sessions.select(site_id="gym", now=records.at(3600))
        assert time_text(visit.started_at) == time_text(records.at(0))
        with Store(known.path).open(create=False) as other:
            assert [person.name for person in other.people.all()] == ["Ada", "Bob"]
        version = known.version()
    assert known.version() == version + 1
    assert len(known.sessions.select(site_id="gym", now=records.at(3600))) == 1


def test_an_error_takes_everything_back(known: Store, records: Any) -> None:
    def fail() -> None:
        with known.writing():
            known.record(Observation(events=[records.event(0)]))
            known.people.rename("p-ada", "bob")

    with pytest.raises(PeopleError):
        fail()
    assert known.events.select() == []
    known.people.rename("p-ada", "Zoe")


def test_another_thread_is_not_in_the_transaction(known: Store) -> None:
    names: list[str] = []

    def read() -> None:
        names.extend(person.name for person in known.people.all())

    with known.writing():
        known.people.rename("p-ada", "Zoe")
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
    assert names == ["Ada", "Bob"]


def test_somebody_who_is_forgotten_in_a_transaction_is_overwritten_after_it(known: Store, records: Any) -> None:
    secret = records.vectors(1).tobytes()
    with known.writing():
        known.people.forget("p-ada", erase_history=True)
        known.people.forget("p-bob", erase_history=True)
    assert not known.scrub_due()
    assert all(secret not in each.read_bytes() for each in known.path.parent.glob(f"{known.path.name}*"))
