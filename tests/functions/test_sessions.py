"""Sessions follow events, corrections, merges and rules; every handler is idempotent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from config.errors import RecordError
from functions import handlers
from functions.handlers import NotYetError
from functions.site import site_of
from tests.functions.gym import RULES, SITE, Gym, assert_as_on_the_edge, at, event, on_the_edge, person, visit
from tracker.cloud import documents
from tracker.cloud.documents import FUNCTIONS
from tracker.cloud.paths import Collection, path_of, site_path
from tracker.presence.events import Action, CameraRef, Correction, content_id, unidentified_id
from tracker.presence.rules import Rules, encode_rules
from tracker.store.store import Store

DAY = 24 * 60
SEEN_IN_THE_HALL = [("enter", 20, 1), ("exit", 25, 1), ("enter", 50, 2), ("exit", 55, 2)]
_NO_VECTORS = np.zeros((0, 128), np.float32)


def test_an_enter_opens_a_visit_and_the_exit_ends_it(gym: Gym) -> None:
    gym.now = at(30)
    gym.send([event("enter", 0)])
    assert gym.visits() == [(0, None, "ada")]
    (opened,) = gym.documents(Collection.SESSIONS).values()
    assert opened["due_at"] is not None
    assert opened["dwell_s"] is None
    gym.send([event("exit", 20)])
    assert gym.visits() == [(0, 20, "ada")]
    (closed,) = gym.documents(Collection.SESSIONS).values()
    assert (closed["due_at"], closed["dwell_s"]) == (None, 1200.0)


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(map(str, order)))
def test_any_order_gives_the_same(gym: Gym, tmp_path: Path, order: tuple[int, ...]) -> None:
    events = [*visit(0, 20), *visit(40, 60)]
    gym.send([events[place] for place in order])
    with on_the_edge(events, tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


def test_a_delivery_again_writes_nothing(gym: Gym) -> None:
    events = [*visit(0, 20), *visit(40, 60)]
    gym.send(events)
    before = {each.id: each.update_time for each in gym.client.collection(path_of(SITE, Collection.SESSIONS)).stream()}
    gym.deliver([*events, *reversed(events)])
    after = {each.id: each.update_time for each in gym.client.collection(path_of(SITE, Collection.SESSIONS)).stream()}
    assert after == before


def test_unidentified_people_have_no_sessions(gym: Gym) -> None:
    nobody = unidentified_id(CameraRef(SITE, "door-1"), "t")
    gym.send([event("enter", 0, who=nobody), *visit(5, 20), event("exit", 30, who=nobody)])
    assert gym.visits() == [(5, 20, "ada")]
    before = gym.site_document()
    gym.rules = replace(gym.rules, min_visit=timedelta(minutes=1))
    gym.open()
    handlers.site_written(gym.change(SITE, gym.site_document(), before))
    assert gym.visits() == [(5, 20, "ada")]


def test_a_late_event_joins_two_visits_and_the_second_is_gone(gym: Gym) -> None:
    gym.rules = Rules()
    gym.open()
    enter = event("enter", 0, camera="room", track="t")
    other = [event(kind, at_, camera="hall", track=f"h-{track}") for kind, at_, track in SEEN_IN_THE_HALL]
    gym.send([enter, *other])
    assert len(gym.visits()) == 2
    gym.send([event("exit", 60, camera="room", track="t")])
    assert gym.visits() == [(0, 60, "ada")]


def test_people_do_not_touch_each_other(gym: Gym) -> None:
    gym.send([*visit(0, 20, "ada"), event("enter", 10, "bob")])
    gym.now = at(30)
    gym.deliver([event("enter", 10, "bob")])
    assert gym.visits() == [(0, 20, "ada"), (10, None, "bob")]


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=lambda order: "".join(map(str, order)))
def test_an_operator_voids_and_brings_back(gym: Gym, tmp_path: Path, order: tuple[int, ...]) -> None:
    first, last = visit(0, 20)
    corrections = [
        Correction(action=Action.VOID, event_id=last.event_id, by="op", at=at(100)),
        Correction(action=Action.ADD, event_id=last.event_id, by="op", at=at(101), event=last),
        Correction(action=Action.VOID, event_id=last.event_id, by="op", at=at(102)),
    ]
    gym.send([first, last])
    for place in order:
        gym.correct(corrections[place])
    assert [ended for _, ended, _ in gym.visits()] == [0.0]
    with on_the_edge(
        [first, last], tmp_path / "edge.sqlite3", work=lambda store: store.events.correct(corrections)
    ) as store:
        assert_as_on_the_edge(gym, store)


def test_voiding_the_enter_that_ended_a_session_continues_it(gym: Gym) -> None:
    wrong = event("enter", 100)
    gym.now = at(120)
    gym.send([event("enter", 0), wrong])
    assert gym.visits() == [(0, 0, "ada"), (100, None, "ada")]
    gym.correct(Correction(action=Action.VOID, event_id=wrong.event_id, by="op", at=at(110)))
    assert gym.visits() == [(0, None, "ada")]


def test_an_event_that_an_operator_adds_counts_whether_it_is_sent_or_not(gym: Gym) -> None:
    exit_seen = event("exit", 25, camera="@operator")
    gym.send([event("enter", 0)])
    gym.correct(Correction(action=Action.ADD, event_id=exit_seen.event_id, by="op", at=at(90), event=exit_seen))
    assert gym.visits() == [(0, 25, "ada")]
    gym.send([exit_seen])
    assert gym.visits() == [(0, 25, "ada")]


def test_a_correction_may_come_before_its_event(gym: Gym) -> None:
    first, last = visit(0, 20)
    gym.correct(Correction(action=Action.VOID, event_id=last.event_id, by="op", at=at(100)))
    gym.now = at(30)
    gym.send([first, last])
    assert gym.visits() == [(0, None, "ada")]


def test_merged_people_have_one_history(gym: Gym, tmp_path: Path) -> None:
    events = [*visit(0, 20, "v-1"), *visit(30, 50, "ada"), *visit(22, 24, "v-2"), *visit(DAY, DAY + 5, "v-1")]
    for who in ("ada", "v-1", "v-2"):
        gym.put_person(who)
    gym.send(events)
    gym.merge("v-1", "v-2")
    gym.merge("v-2", "ada")
    late = visit(60, 70, "v-1")
    gym.send(late)

    def merge(store: Store) -> None:
        for who in ("ada", "v-1", "v-2"):
            store.people.add(person(who), _NO_VECTORS)
        store.people.merge("v-1", "v-2")
        store.people.merge("v-2", "ada")

    with on_the_edge([*events, *late], tmp_path / "edge.sqlite3", work=merge) as store:
        assert_as_on_the_edge(gym, store)
    assert {who for _, _, who in gym.visits()} == {"ada"}


def test_a_reversed_merge_separates_the_sessions(gym: Gym) -> None:
    for who in ("ada", "bob"):
        gym.put_person(who)
    gym.send([*visit(0, 20, "bob"), *visit(40, 60, "ada")])
    gym.merge("bob", "ada")
    assert {who for _, _, who in gym.visits()} == {"ada"}
    gym.merge("bob", None)
    assert gym.visits() == [(0, 20, "bob"), (40, 60, "ada")]


def test_merges_in_a_circle_come_to_an_end(gym: Gym) -> None:
    gym.put_person("ada", "bob")
    gym.put_person("bob", "ada")
    gym.send(visit(0, 20, "ada"))
    assert len(gym.visits()) == 1


def test_other_rules_derive_all_sessions_again(gym: Gym, tmp_path: Path) -> None:
    events = [*visit(0, 20), *visit(22, 50), *visit(10, 12, "bob"), *visit(DAY, DAY + 5)]
    gym.send(events)
    before = gym.client.document(site_path(SITE)).get().to_dict()
    gym.rules = replace(gym.rules, merge_gap=timedelta(minutes=1), min_visit=timedelta(minutes=5))
    gym.open()
    after = gym.client.document(site_path(SITE)).get().to_dict()
    handlers.site_written(gym.change(SITE, after, before))
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)
    marks = {each["rules"] for each in gym.documents(Collection.SESSIONS).values()}
    assert marks == {site_of(SITE, after).rules_digest}


def test_an_event_after_other_rules_derives_all_sessions_of_the_person_again(gym: Gym, tmp_path: Path) -> None:
    events = [*visit(0, 20), *visit(22, 50), *visit(DAY, DAY + 10), *visit(2 * DAY, 2 * DAY + 10)]
    gym.send(events)
    gym.rules = replace(gym.rules, merge_gap=timedelta(minutes=1))
    gym.open()
    events += visit(3 * DAY, 3 * DAY + 10)
    gym.send(events[-2:])
    with on_the_edge(events, tmp_path / "edge.sqlite3", rules=gym.rules) as store:
        assert_as_on_the_edge(gym, store)


def test_visits_that_a_machine_wrote_are_taken_over(gym: Gym, tmp_path: Path) -> None:
    events = [*visit(0, 20), *visit(40, 60)]
    gym.send(events)
    for name, document in gym.sessions().items():
        gym.client.document(path_of(SITE, Collection.SESSIONS, name)).set(document)
    late = visit(80, 90)
    gym.send(late)
    with on_the_edge([*events, *late], tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)
    assert all("clean" in each for each in gym.documents(Collection.SESSIONS).values())


def test_a_damaged_session_is_derived_again(gym: Gym, tmp_path: Path) -> None:
    gym.send(visit(0, 20))
    (name,) = gym.sessions()
    gym.client.document(path_of(SITE, Collection.SESSIONS, name)).update({"segments": "all day"})
    gym.send(visit(40, 60))
    with on_the_edge([*visit(0, 20), *visit(40, 60)], tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


@pytest.mark.parametrize("fields", [{"derived_by": "m-1"}, {"derived_by": "", "visits_by": "edge"}], ids=str)
def test_where_a_machine_derives_the_functions_write_nothing(gym: Gym, fields: dict[str, str]) -> None:
    gym.open(**fields)
    before = gym.site_document()
    gym.send(visit(0, 20))
    assert (gym.visits(), gym.site_document()) == ([], before)


@pytest.mark.parametrize("document", [None, {"name": "Gym", "capacity": 20}], ids=["no-document", "no-field"])
def test_the_functions_claim_a_site_that_nobody_derives(gym: Gym, document: dict[str, object] | None) -> None:
    reference = gym.client.document(site_path(SITE))
    reference.delete()
    if document is not None:
        reference.set(document)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(gym.send, [visit(0, 20, "ada"), visit(0, 20, "bob")]))
    assert gym.site_document() == {**(document or {}), "derived_by": FUNCTIONS, "schema": 1}
    assert len(gym.visits()) == 2


def test_a_machine_that_claimed_first_keeps_the_site(gym: Gym) -> None:
    gym.client.document(site_path(SITE)).set({"derived_by": "m-1"})
    gym.send(visit(0, 20))
    assert (gym.visits(), gym.site_document()) == ([], {"derived_by": "m-1"})


def test_visits_by_of_the_release_before_is_still_read() -> None:
    assert site_of(SITE, {"visits_by": "functions"}).is_derived_here
    assert not site_of(SITE, {"visits_by": "functions", "derived_by": "m-1"}).is_derived_here
    assert site_of(SITE, {"visits_by": "edge"}).derived_by == "edge"
    assert site_of(SITE, None).derived_by == ""


def test_a_site_that_is_handed_over_gets_the_sessions_of_all_events(gym: Gym, tmp_path: Path) -> None:
    events = [*visit(0, 20), *visit(30, 50, "bob")]
    gym.open(derived_by="m-1")
    gym.send(events)
    before = gym.site_document()
    gym.open()
    handlers.site_written(gym.change(SITE, gym.site_document(), before))
    with on_the_edge(events, tmp_path / "edge.sqlite3") as store:
        assert_as_on_the_edge(gym, store)


def test_an_event_ahead_of_the_clock_takes_effect_when_its_time_comes(gym: Gym) -> None:
    gym.now = at(0)
    gym.send([event("enter", 0.5)])  # within the difference of two clocks
    assert gym.visits() == [(0.5, None, "ada")]
    late = event("enter", 30, "bob")
    gym.put([late])
    with pytest.raises(NotYetError):
        gym.deliver([late])
    with pytest.raises(RecordError, match="expected a time in the past"):
        gym.deliver([event("enter", 2 * DAY, "bob")])
    assert len(gym.visits()) == 1
    gym.now = at(31)
    gym.deliver([late])
    assert len(gym.visits()) == 2


def test_without_a_site_document_the_defaults_hold(gym: Gym, tmp_path: Path) -> None:
    gym.client.document(site_path(SITE)).delete()
    gym.rules = Rules()
    gym.send(visit(0, 20))
    with on_the_edge(visit(0, 20), tmp_path / "edge.sqlite3", rules=Rules()) as store:
        assert_as_on_the_edge(gym, store)


def test_malformed_fields_of_a_site_use_their_defaults(caplog: pytest.LogCaptureFixture) -> None:
    site = site_of(SITE, {"rules": "{}", "time_zone": "Mars/Base", "capacity": -3, "retention": {"matches_days": 0}})
    assert site.rules == Rules()
    assert (site.capacity, site.retention[Collection.MATCHES].days) == (None, 90)
    assert "Mars/Base" in caplog.text
    assert site_of(SITE, {"rules": encode_rules(RULES)}).rules == RULES


def test_an_event_of_somebody_forgotten_is_deleted(gym: Gym) -> None:
    digest = content_id("forgotten", "ada")
    gym.client.document(path_of(SITE, Collection.FORGOTTEN, digest)).set({"at": at(0), "erase_history": True})
    gym.send(visit(0, 20))
    assert gym.documents(Collection.EVENTS) == {}
    assert gym.visits() == []


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "jump"}, {"schema": 99}, {"at": "yesterday"}, {"person_id": 7}, {"colour": "red"}, {"x_frac": 7.0}],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_document_that_is_no_event_is_rejected_and_affects_nothing_else(gym: Gym, wrong: dict[str, object]) -> None:
    first, last = visit(0, 20)
    bad = {**documents.event_document(event("enter", 5)), **wrong}
    gym.client.document(path_of(SITE, Collection.EVENTS, "bad")).set(bad)
    with pytest.raises(RecordError):
        handlers.event_created(gym.change("bad", bad))
    gym.send([first, last])
    assert gym.visits() == [(0, 20, "ada")]
