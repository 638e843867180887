"""Few writes go over a stream: opened once, left when it is old, and nothing is lost or done twice when it breaks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials, Credentials

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import ServerProcess
from tests.firestore.server.control import Control
from tests.tracker.cloud.machines import SITE, Cloud, Machine, assert_same, visits, wait_until
from tests.tracker.cloud.proxy import Mode, Proxy
from tracker.cloud.line import Line
from tracker.cloud.wire import MOST_STREAMED, Verdict, Wire, WireError, Write
from tracker.store.observation import Observation

HOUR_S = 3600.0
OURS_TO_DEAL_WITH = ["UNAVAILABLE", "ABORTED", "INTERNAL", "CANCELLED", "UNKNOWN", "UNAUTHENTICATED", "NOT_FOUND"]


class Sender:
    """A line of a machine, and what the server was asked over it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.line = Line(machine.store, machine.connect(), machine.terms)
        self._known: dict[str, int] = {}
        self._visits = 0

    def send(self, visits_more: int = 1) -> dict[str, int]:
        """Record so many visits and send them; what the server was asked for it."""
        self.machine.record(visits_more, first=self._visits)
        self._visits += visits_more
        more = True
        while more:
            _, more = self.line.send(self.machine.now)
        return self.asked()

    def asked(self) -> dict[str, int]:
        """Answers of the server since the last time, by method and status."""
        answers = self.machine.firestore.control.counts()["answers"]
        since = {name: count - self._known.get(name, 0) for name, count in answers.items()}
        self._known = answers
        return {name: count for name, count in since.items() if count and not name.startswith("RunQuery")}


@pytest.fixture
def sender(machine: Machine) -> Iterator[Sender]:
    made = Sender(machine)
    yield made
    made.line.close()


@pytest.fixture
def wire(machine: Machine) -> Iterator[Wire]:
    made = Wire(machine.connect(), timeout_s=10)
    yield made
    made.close()


def document(wire: Wire, number: int, *, creates: bool = True) -> Any:
    write = Write()
    write.update.name = f"{wire.database}/documents/sites/{SITE}/things/{number}"
    write.update.fields["n"].integer_value = number
    if creates:
        write.current_document.exists = False
    return write


def assert_sent(machine: Machine) -> None:
    """All that the machine has is there, once, and nothing was parked."""
    cloud = Cloud(machine.firestore)
    assert_same(cloud, [machine.store])
    assert machine.store.outbox.rejected() == []
    cloud.close()


def test_visits_as_they_happen_share_one_stream(sender: Sender) -> None:
    assert sender.send() == {"OpenWrite OK": 1, "Write OK": 1}
    for _ in range(3):
        assert sender.send() == {"Write OK": 1}
    assert_sent(sender.machine)


def test_a_backlog_goes_by_commits(sender: Sender) -> None:
    assert sender.send(MOST_STREAMED) == {"Commit OK": 1}
    assert sender.send() == {"OpenWrite OK": 1, "Write OK": 1}
    assert_sent(sender.machine)


def test_a_later_state_of_a_visit_follows_an_earlier_one(sender: Sender) -> None:
    (enter, leave), matches = visits(1, first=9000)
    for events in ([enter], [leave]):
        sender.machine.store.record(Observation(events=events, matches=matches if events == [enter] else []))
        sender.line.send(enter.at)
        sender.line.send(leave.at)
    assert_sent(sender.machine)


# -- a stream that ends


@pytest.mark.parametrize("status", [*OURS_TO_DEAL_WITH, "RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"])
def test_a_stream_that_ends_while_nothing_is_sent_is_opened_anew_and_nobody_hears_of_it(
    sender: Sender, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    sender.send()
    for _ in range(3):
        assert sender.machine.firestore.control.cut(status) == 1
        wait_until(lambda: not sender.line.wire._streams.is_open)
        sender.asked()
        assert sender.send() == {"OpenWrite OK": 1, "Write OK": 1}
    assert_sent(sender.machine)
    assert not caplog.records


@pytest.mark.parametrize("applied", [False, True], ids=["undone", "done-unanswered"])
@pytest.mark.parametrize("status", OURS_TO_DEAL_WITH)
def test_what_becomes_of_a_request_whose_stream_ends_is_asked_at_once(
    machine: Machine, status: str, applied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    machine.record(2)
    control = machine.firestore.control
    control.fail("Write", status, applied=applied)
    machine.drain()
    assert control.counts()["calls"]["Commit"] == 1
    assert control.counts()["writes_by_collection"]["events"] == 4
    assert_sent(machine)
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


@pytest.mark.parametrize("applied", [False, True], ids=["undone", "done-unanswered"])
@pytest.mark.parametrize("status", ["RESOURCE_EXHAUSTED", "DEADLINE_EXCEEDED"])
def test_where_the_server_wants_time_it_gets_time(
    machine: Machine, status: str, applied: bool, caplog: pytest.LogCaptureFixture
) -> None:
    machine.record(2)
    control = machine.firestore.control
    control.fail("Write", status, applied=applied)
    machine.drain()
    assert status in caplog.text
    assert control.counts()["writes_by_collection"]["events"] == 4
    assert_sent(machine)


def test_where_streams_fail_again_and_again_they_are_left_alone(sender: Sender) -> None:
    sender.machine.firestore.control.fail("OpenWrite", "UNAVAILABLE", count=-1)
    assert sender.send() == {"OpenWrite UNAVAILABLE": 1, "Commit OK": 1}
    assert sender.send() == {"OpenWrite UNAVAILABLE": 1, "Commit OK": 1}
    for _ in range(3):
        assert sender.send() == {"Commit OK": 1}
    assert_sent(sender.machine)


# -- documents that will not do


def test_what_is_there_already_is_done(sender: Sender, tmp_path: Path) -> None:
    other = Machine(tmp_path / "other.sqlite3", sender.machine.firestore)
    other.record(1)
    other.drain()
    other.close()
    sender.asked()
    asked = sender.send(2)
    assert asked["Write ALREADY_EXISTS"] == asked["Commit ALREADY_EXISTS"] == 1
    assert sender.send() == {"OpenWrite OK": 1, "Write OK": 1}
    assert_sent(sender.machine)


def test_a_document_that_will_not_do_is_found_alone_and_ends_no_order(wire: Wire, machine: Machine) -> None:
    bad = document(wire, 2)
    bad.update.fields["text"].string_value = "x" * 2**20
    for number, writes in enumerate(([bad], [document(wire, 1), bad, document(wire, 3)])):
        with pytest.raises(WireError) as refusal:
            wire.commit(writes)
        assert refusal.value.verdict is Verdict.INVALID
        wire.commit([document(wire, 10 + number)])
    answers = wire.write_each([document(wire, 1), bad, document(wire, 3)])
    assert [answer is None for answer in answers] == [True, False, True]
    assert machine.firestore.control.counts()["answers"]["Write OK"] == 2


def test_where_streams_refuse_what_commits_take_they_are_left_alone(sender: Sender) -> None:
    sender.machine.firestore.control.fail("Write", "INVALID_ARGUMENT", count=-1)
    for _ in range(2):
        assert sender.send()["Commit OK"] == 1
    assert sender.send() == {"Commit OK": 1}
    assert_sent(sender.machine)


# -- networks


@pytest.fixture
def behind(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Machine, Proxy]]:
    """A machine whose way to the server leads through a proxy."""
    with Proxy(machine.firestore.host) as proxy:
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
        yield machine, proxy
        machine.end()
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", machine.firestore.host)


@pytest.mark.parametrize(
    ("mode", "held"),
    [(Mode.CUT, True), (Mode.RESET, True), (Mode.CUT, False), (Mode.RESET, False), (Mode.HALVE, False)],
    ids=["cut-under-way", "reset-under-way", "cut-idle", "reset-idle", "halved"],
)
def test_a_line_that_breaks_loses_nothing(
    behind: tuple[Machine, Proxy], mode: Mode, held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, proxy = behind
    control = machine.firestore.control
    machine.start()
    machine.record(1)
    wait_until(machine.is_drained)
    if held:
        control.delay("Write", HOUR_S)
        machine.record(1, first=1)
        wait_until(lambda: not control.faults())
    proxy.be(mode)
    machine.record(1, first=2)
    wait_until(lambda: "trouble" in machine.store.outbox.notes("up "))
    proxy.be(Mode.PASS)
    wait_until(machine.is_drained)
    control.heal()  # what was held is done now, if the server does it still
    machine.end()
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", machine.firestore.host)
    assert_sent(machine)
    assert control.counts()["writes_by_collection"]["events"] == len(machine.store.events.select())


@pytest.mark.parametrize("done", [None, False, True], ids=["idle", "not-yet-done", "done-unanswered"])
def test_a_server_that_is_killed_and_comes_back_has_all(
    durable_firestore: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool | None
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", durable_firestore.host)
    machine = Machine(tmp_path / "store.sqlite3", Firestore("ours", durable_firestore.host, "killed"), timeout_s=5.0)
    machine.start()
    machine.record(2)
    wait_until(machine.is_drained)
    if done is not None:
        with Control(durable_firestore.host, "killed") as control:
            control.fail("Write", "UNAVAILABLE", applied=done, delay_s=HOUR_S)
            machine.record(1, first=2)
            wait_until(lambda: not control.faults())
    durable_firestore.kill()
    machine.record(1, first=3)
    durable_firestore.start()
    wait_until(machine.is_drained)
    machine.end()
    assert_sent(machine)
    machine.close()


def test_a_server_that_does_not_answer_is_waited_for_no_longer_than_for_a_commit(machine: Machine) -> None:
    wire = Wire(machine.connect(), timeout_s=0.5)
    control = machine.firestore.control
    wire.commit([document(wire, 1)])
    control.delay("Write", HOUR_S)
    began_s = time.monotonic()
    with pytest.raises(WireError, match="DEADLINE_EXCEEDED") as late:
        wire.commit([document(wire, 2)])
    assert 0.5 <= time.monotonic() - began_s < 5
    assert late.value.verdict is Verdict.LATER
    control.heal()
    wire.commit([document(wire, 3)])
    wire.close()


def test_where_streams_do_not_get_through_commits_do(sender: Sender) -> None:
    sender.line.wire._streams._timeout_s = 0.3
    sender.machine.firestore.control.delay("OpenWrite", HOUR_S, count=-1)
    for _ in range(2):
        assert sender.send()["Commit OK"] == 1
    began_s = time.monotonic()
    assert sender.send() == {"Commit OK": 1}  # nobody waits for streams any more
    assert time.monotonic() - began_s < 5
    assert_sent(sender.machine)


def test_closing_ends_a_request_under_way_at_once(wire: Wire, machine: Machine) -> None:
    control = machine.firestore.control
    wire.commit([document(wire, 1)])
    control.delay("Write", HOUR_S)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(wire.commit, [document(wire, 2)])
        wait_until(lambda: not control.faults())
        began_s = time.monotonic()
        wire.close()
        with pytest.raises(WireError) as ended:
            asked.result(timeout=20)
        assert time.monotonic() - began_s < 5
    assert ended.value.verdict is Verdict.LATER
    assert control.counts()["calls"].get("Commit", 0) == 0


@pytest.mark.parametrize("count", [1, MOST_STREAMED + 1], ids=["streamed", "committed"])
def test_what_is_sent_after_closing_is_for_another_time(wire: Wire, count: int) -> None:
    wire.commit([document(wire, 0)])
    writes = [document(wire, 1 + number) for number in range(count)]
    wire.close()
    with pytest.raises(WireError, match="closed") as ended:
        wire.commit(writes)
    assert ended.value.verdict is Verdict.LATER


def test_streams_that_ended_leave_no_thread(wire: Wire, machine: Machine) -> None:
    wire.commit([document(wire, 0)])
    before = threading.active_count()
    for number in range(1, 8):
        machine.firestore.control.cut()
        wait_until(lambda: not wire._streams.is_open)
        wire.commit([document(wire, number)])
    wait_until(lambda: threading.active_count() <= before)
    wire.close()
    wait_until(lambda: not any(each.name == "firestore-answers" for each in threading.enumerate()))


# -- tokens


class Renewed(Credentials):
    """Credentials whose token is another one each time it is asked for anew."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def refresh(self, request: object) -> None:
        del request
        self.asked += 1
        self.token = f"token-{self.asked}"


def test_a_renewed_token_goes_with_a_new_stream(machine: Machine) -> None:
    connection = machine.connect()
    credentials = connection.client._credentials = Renewed()
    wire = Wire(connection, timeout_s=10)
    for number in range(3):
        wire.commit([document(wire, number)])
    credentials.token = None  # it has expired
    for number in range(3, 5):
        wire.commit([document(wire, number)])
    calls = machine.firestore.control.counts()["calls"]
    assert (credentials.asked, calls["OpenWrite"], calls["Write"]) == (2, 2, 5)
    wire.close()


def test_the_owner_of_an_emulator_has_no_token_that_ends(wire: Wire) -> None:
    assert isinstance(wire.connection.client._credentials, AnonymousCredentials)
    for number in range(2):
        wire.commit([document(wire, number)])
        assert wire._streams.is_open
