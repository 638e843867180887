"""The directory of people: search, filters, order, pages, and what visits say of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from tests.tracker.store.conftest import NOON
from tracker.presence.people import Person, PersonKind, Role
from tracker.store.directory import DirectoryQuery, Order, Who
from tracker.store.observation import Observation
from tracker.store.store import Store

QUERY = DirectoryQuery(site_id="gym", since=NOON - timedelta(days=1), today=date(2026, 3, 2))
AHEAD = NOON + timedelta(hours=1)


def person(number: int, name: str, **fields: Any) -> Person:
    added = NOON - timedelta(days=number)
    return Person(person_id=f"p-{number}", name=name, created_at=added, **{"consented_at": NOON, **fields})


@pytest.fixture
def store(tmp_path: Any, records: Any) -> Any:
    with Store(tmp_path / "store.sqlite3", clock=lambda: AHEAD) as opened:
        for each in (
            person(1, "Åsa Öberg", groups=("Morning course", "Yoga")),
            person(2, "Bob", role=Role.STAFF, valid_until=date(2026, 3, 1)),
            person(3, "Zoë", groups=("yoga",), access=False, valid_until=date(2026, 3, 2)),
            person(4, "Adam", consented_at=None),
            person(5, "Visitor 1", kind=PersonKind.VISITOR, consented_at=None),
        ):
            opened.people.add(each, records.vectors(0))
        opened.record(
            Observation(
                events=[
                    records.event(0, person_id="p-1"),
                    records.event(60, "exit", person_id="p-1"),
                    records.event(1200, person_id="p-1"),
                    records.event(1260, "exit", person_id="p-1"),
                    records.event(3000, person_id="p-3"),
                    records.event(-200_000, person_id="p-5"),
                    records.event(-190_000, "exit", person_id="p-5"),
                    records.event(0, person_id="p-2", site="pool"),
                ]
            )
        )
        yield opened


def names(store: Store, **changes: Any) -> list[str]:
    return [each.person.name for each in store.directory.page(replace(QUERY, **changes))]


@pytest.mark.parametrize(
    ("who", "found"),
    [
        (Who.ENROLLED, ["Adam", "Åsa Öberg", "Bob", "Zoë"]),
        (Who.MEMBERS, ["Adam", "Åsa Öberg", "Zoë"]),
        (Who.STAFF, ["Bob"]),
        (Who.VISITORS, ["Visitor 1"]),
        (Who.NO_CONSENT, ["Adam"]),
        (Who.NO_ACCESS, ["Zoë"]),
        (Who.EXPIRED, ["Bob"]),
        (Who.EVERYBODY, ["Adam", "Åsa Öberg", "Bob", "Visitor 1", "Zoë"]),
    ],
)
def test_who_is_listed(store: Store, who: Who, found: list[str]) -> None:
    assert names(store, who=who) == found
    assert store.directory.count(replace(QUERY, who=who)) == len(found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("asa", ["Åsa Öberg"], id="without-accents"),
        pytest.param("ZOË", ["Zoë"], id="any-case"),
        pytest.param("oberg morning", ["Åsa Öberg"], id="every-word"),
        pytest.param("yoga", ["Åsa Öberg", "Zoë"], id="groups"),
        pytest.param("a%", [], id="no-pattern"),
        pytest.param("'; DROP TABLE people", [], id="no-statement"),
    ],
)
def test_search(store: Store, text: str, found: list[str]) -> None:
    assert names(store, text=text) == found


def test_one_group_in_any_case(store: Store) -> None:
    assert names(store, group="YOGA") == ["Åsa Öberg", "Zoë"]
    assert store.directory.groups() == ["Morning course", "Yoga"]


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (Order.VISITS, ["Åsa Öberg", "Zoë", "Adam", "Bob"]),
        (Order.SEEN, ["Zoë", "Åsa Öberg", "Adam", "Bob"]),
        (Order.ADDED, ["Åsa Öberg", "Bob", "Zoë", "Adam"]),
        (Order.UNTIL, ["Zoë", "Bob", "Adam", "Åsa Öberg"]),
    ],
)
def test_order_with_those_last_who_have_no_value(store: Store, order: Order, found: list[str]) -> None:
    assert names(store, order=order, descending=True) == found


def test_pages(store: Store) -> None:
    pages = [store.directory.page(QUERY, skip=skip, limit=3) for skip in (0, 3, 6)]
    assert [[each.person.name for each in page] for page in pages] == [["Adam", "Åsa Öberg", "Bob"], ["Zoë"], []]


def test_what_visits_to_the_site_say(store: Store, records: Any) -> None:
    found = {each.person.person_id: each for each in store.directory.page(replace(QUERY, who=Who.EVERYBODY))}
    assert [(found[f"p-{number}"].visits, found[f"p-{number}"].inside) for number in range(1, 6)] == [
        (2, False), (0, False), (1, True), (0, False), (0, False),
    ]  # fmt: skip
    assert found["p-1"].seen_at == records.at(1260)
    assert found["p-2"].seen_at is None
    assert found["p-3"].seen_at == records.at(3000)
    assert found["p-5"].seen_at == records.at(-190_000)


def test_an_answer_reads_no_sessions_but_those_of_its_rows(store: Store) -> None:
    """Every access to sessions is a search by person in the index that has them."""
    with store.reading() as connection:
        plans: list[str] = []
        connection.set_trace_callback(plans.append)
        store.directory.page(replace(QUERY, order=Order.SEEN))
        connection.set_trace_callback(None)
        steps = [row[3] for text in plans for row in connection.execute(f"EXPLAIN QUERY PLAN {text}")]
    of_sessions = [step for step in steps if " s " in f"{step} "]
    assert of_sessions
    assert [step for step in of_sessions if "sessions_person (person_id=? AND site_id=?" not in step] == []
