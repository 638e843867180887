"""The site's document is everybody's: it is read before it is written, and nobody takes turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.firestore import DocumentReference, DocumentSnapshot

from config.errors import CloudError
from tests.firestore.fixtures import Firestore
from tests.tracker.cloud.machines import SITE, Cloud, Machine
from tracker.cloud.connect import Connection
from tracker.presence import rule_text
from tracker.presence.rules import Rules
from tracker.store.arrivals import Arrivals
from tracker.store.site_words import SiteWords

PATH = f"sites/{SITE}"
WHOLE = {"name": "My site", "time_zone": "UTC", "capacity": None, "visits_by": "edge"}
FRONT = SiteWords(
    own={"name": "Gym"}, otherwise=WHOLE, rules=Rules(entrances=frozenset({"front"})), cameras=frozenset({"front"})
)
LAPTOP = SiteWords(otherwise=WHOLE)


@pytest.fixture
def cloud(firestore_server: Firestore) -> Iterator[Cloud]:
    found = Cloud(firestore_server)
    yield found
    found.close()


@pytest.fixture
def machine(tmp_path: Path, firestore_server: Firestore) -> Iterator[Callable[..., Machine]]:
    """Makes machines; a name made before is the same file again."""
    made: list[Machine] = []

    def make(name: str, words: SiteWords, **terms: Any) -> Machine:
        made.append(Machine(tmp_path / f"{name}.sqlite3", firestore_server, site=words, **terms))
        return made[-1]

    yield make
    for each in made:
        each.close()


def said(cloud: Cloud) -> dict[str, Any]:
    return {name: value for name, value in (cloud.document(PATH) or {}).items() if name != "received_at"}


def hear(machine: Machine, cloud: Cloud) -> None:
    """The document comes down."""
    machine.store.inbox.apply(Arrivals(came=machine.now, site={SITE: said(cloud)}))


def test_the_site_is_described_once_and_its_settings_stay(
    machine: Any, firestore_server: Firestore, cloud: Cloud
) -> None:
    firestore_server.client().document(PATH).set({"settings": {"match": {"max_distance": 0.5}}})
    front = machine("front", FRONT)
    assert front.drain() == 1
    assert said(cloud) == {
        "name": "Gym",
        "time_zone": "UTC",
        "visits_by": "edge",
        "settings": {"match": {"max_distance": 0.5}},
        "rules": rule_text.written(FRONT.rules),
        "schema": 1,
    }
    assert front.drain() == 0


def test_whoever_is_first_describes_all_of_it_and_others_add_what_they_say(machine: Any, cloud: Cloud) -> None:
    assert machine("laptop", LAPTOP).drain() == 1
    assert said(cloud) == {**WHOLE, "rules": rule_text.written(Rules()), "schema": 1}
    assert machine("front", FRONT).drain() == 1
    there = {**WHOLE, "name": "Gym", "rules": rule_text.written(FRONT.rules), "schema": 1}
    assert said(cloud) == there
    assert machine("another", LAPTOP).drain() == 0
    assert machine("back", SiteWords(otherwise=WHOLE, cameras=frozenset({"back"}), rules=Rules())).drain() == 0
    assert said(cloud) == there


def test_two_that_say_different_things_do_not_take_turns(machine: Any, cloud: Cloud) -> None:
    ours, theirs = machine("ours", FRONT), machine("theirs", SiteWords(own={"name": "Spa"}, otherwise=WHOLE))
    for each in (ours, theirs):
        each.drain()
    sent = []
    for _ in range(3):
        for each in (ours, theirs):
            hear(each, cloud)
            sent.append(each.drain())
    assert sent == [0] * 6
    assert said(cloud)["name"] == "Spa"


def test_what_another_wrote_over_is_put_back_once_it_is_heard_of(machine: Any, cloud: Cloud) -> None:
    """Two wrote rules at once, each without the other's camera."""
    front = machine("front", FRONT)
    front.drain()
    alone = rule_text.written(Rules(exits=frozenset({"back"})))
    front.firestore.client().document(PATH).update({"rules": alone, "name": "Spa"})
    hear(front, cloud)
    assert front.drain() == 1
    assert rule_text.read(said(cloud)["rules"]) == Rules(entrances=frozenset({"front"}), exits=frozenset({"back"}))
    assert said(cloud)["name"] == "Spa"


def test_a_document_that_another_made_in_the_same_moment_stays(machine: Any, cloud: Cloud) -> None:
    slow, quick = machine("slow", FRONT), machine("quick", SiteWords(own={"capacity": 9}, otherwise=WHOLE))
    slow.record(1)

    def none_is_there_but_soon(*_: object, **__: object) -> DocumentSnapshot:
        patch.undo()
        found = connection.client.document(PATH).get()
        quick.drain()
        return found

    connection: Connection = slow.connect()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DocumentReference, "get", none_is_there_but_soon)
        slow.drain(connecting=lambda: connection)
    assert slow.store.outbox.rejected() == []
    assert slow.drain() == 0
    assert (said(cloud)["name"], said(cloud)["capacity"]) == ("Gym", 9)
    assert len(cloud.events()) == 2


def test_events_go_up_while_the_document_cannot_be_read(
    machine: Any, firestore_server: Firestore, cloud: Cloud
) -> None:
    front = machine("front", FRONT)
    front.record(3)
    firestore_server.control.fail("BatchGetDocuments", "PERMISSION_DENIED", count=-1)
    with pytest.raises(CloudError, match="ordered by a test"):
        front.drain()
    assert len(cloud.events()) == 6
    firestore_server.control.heal()
    assert front.drain() == 1
    assert said(cloud)["name"] == "Gym"


@pytest.mark.parametrize(
    ("document", "visits"),
    [(None, 2), ({"name": "Gym"}, 2), ({"visits_by": "edge"}, 2), ({"visits_by": "functions"}, 0)],
    ids=["no-document", "not-said", "edge", "functions"],
)
def test_where_the_settings_do_not_say_who_writes_visits_the_document_does(
    machine: Any, firestore_server: Firestore, cloud: Cloud, document: Any, visits: int
) -> None:
    if document is not None:
        firestore_server.client().document(PATH).set(document)
    front = machine("front", FRONT, visits=None)
    front.record(2)
    front.drain()
    assert (len(cloud.events()), len(cloud.documents("sessions"))) == (4, visits)


def test_visits_wait_while_the_functions_write_them_and_go_up_when_they_do_not(
    machine: Any, firestore_server: Firestore, cloud: Cloud
) -> None:
    place = firestore_server.client().document(PATH)
    place.set({"visits_by": "functions"})
    front = machine("front", FRONT, visits=None)
    front.record(2)
    front.drain()
    place.update({"visits_by": "edge"})
    hear(front, cloud)
    front.drain()
    assert len(cloud.documents("sessions")) == 2
