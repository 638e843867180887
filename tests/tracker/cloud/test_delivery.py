"""Delivery: whatever the server answers, each write is done once, in order, and the bad ones are found alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tracker.cloud.backoff import Backoff
from tracker.cloud.delivery import MOST_BYTES, Delivery, chunks
from tracker.cloud.load import Load
from tracker.cloud.wire import Verdict, WireError, Write
from tracker.cloud.writes import Outgoing

BAD = {"invalid": Verdict.INVALID, "refused": Verdict.REFUSED}


def outgoing(number: int, *, kind: str = "good", creates: bool = True, size: int = 0) -> Outgoing:
    message = Write()
    message.update.name = f"{kind}/{number}"
    message.update.fields["text"].string_value = "x" * size
    message.current_document.exists = not creates
    return Outgoing(collection="events", record_id=f"{kind}/{number}", message=message, creates=creates)


@dataclass
class Server:
    """Holds documents by name. each: whether it takes writes one by one. fails: verdicts of the requests to come."""

    each: bool = True
    there: list[str] = field(default_factory=list)
    fails: list[tuple[Verdict, bool] | None] = field(default_factory=list)
    requests: int = 0

    def commit(self, writes: Sequence[Any]) -> None:
        done = self._begin()
        error = next((found for write in writes if (found := self._wrong(write))), None)
        if error is None:
            self.there += [write.update.name for write in writes]
        done()
        if error is not None:
            raise error

    def write_each(self, writes: Sequence[Any]) -> list[WireError | None]:
        done = self._begin()
        if not self.each:
            raise WireError(Verdict.MISPLACED, "UNIMPLEMENTED")
        answers = [self._wrong(write) for write in writes]
        self.there += [write.update.name for write, error in zip(writes, answers, strict=True) if error is None]
        done()
        return answers

    def _begin(self) -> Any:
        """Fails before anything is done, or gives what fails afterwards."""
        self.requests += 1
        fault = self.fails.pop(0) if self.fails else None
        if fault is not None and not fault[1]:
            raise WireError(fault[0], "before")

        def done() -> None:
            if fault is not None:
                raise WireError(fault[0], "after")

        return done

    def _wrong(self, write: Any) -> WireError | None:
        kind = write.update.name.split("/")[0]
        if kind in BAD:
            return WireError(BAD[kind], kind)
        creates = write.HasField("current_document") and not write.current_document.exists
        if creates and write.update.name in self.there:
            return WireError(Verdict.EXISTS, "exists")
        return None


FAULTS = st.lists(st.one_of(st.none(), st.tuples(st.just(Verdict.LATER), st.booleans())), max_size=12)
KINDS = st.lists(st.sampled_from(["good", "good", "good", "invalid", "refused"]), max_size=40)


@settings(max_examples=200, deadline=None)
@given(kinds=KINDS, faults=FAULTS, each=st.booleans(), before=st.sets(st.integers(0, 39)))
def test_each_write_is_done_once_and_the_bad_ones_come_back(
    kinds: list[str], faults: list[Any], each: bool, before: set[int]
) -> None:
    writes = [outgoing(number, kind=kind) for number, kind in enumerate(kinds)]
    server = Server(each=each, fails=list(faults))
    server.there = [
        write.record_id for number, write in enumerate(writes) if number in before and "good" in kinds[number]
    ]
    delivery = Delivery(server)
    bad = [write.record_id for write in writes if not write.record_id.startswith("good")]
    while True:
        try:
            refusals = delivery.deliver(writes)
        except WireError as error:
            if error.verdict is Verdict.MISPLACED and set(kinds) == {"invalid"}:
                return  # then it is not the documents
            if error.verdict is not Verdict.LATER:
                raise
        else:
            break
    assert [refusal.write.record_id for refusal in refusals] == bad
    good = [write.record_id for write in writes if write.record_id.startswith("good")]
    assert sorted(server.there) == sorted(good)


def test_a_batch_that_is_there_already_takes_two_requests_where_the_server_tells_which() -> None:
    writes = [outgoing(number) for number in range(500)]
    server = Server(there=[write.record_id for write in writes])
    assert Delivery(server).deliver(writes) == []
    assert server.requests == 2


def test_one_bad_document_of_many_is_found_by_halves() -> None:
    writes = [outgoing(number, kind="invalid" if number == 300 else "good") for number in range(500)]
    server = Server(each=False)
    (refusal,) = Delivery(server).deliver(writes)
    assert refusal.write.record_id == "invalid/300"
    assert server.requests <= 2 + 2 * 9
    assert len(server.there) == 499


def test_what_is_set_may_be_there_and_what_is_created_may_not() -> None:
    server = Server(there=["good/1"])
    assert Delivery(server).deliver([outgoing(1, creates=False), outgoing(1), outgoing(2)]) == []
    assert server.there == ["good/1", "good/1", "good/2"]


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN_TO_THEM, Verdict.MISPLACED, Verdict.LATER])
def test_what_is_not_about_documents_is_raised(verdict: Verdict) -> None:
    server = Server(fails=[(verdict, False)])
    with pytest.raises(WireError) as raised:
        Delivery(server).deliver([outgoing(1), outgoing(2)])
    assert raised.value.verdict is verdict
    assert server.there == []


def test_after_a_failure_less_is_sent_at_once_and_then_more_again() -> None:
    writes = [outgoing(number) for number in range(500)]
    server = Server(fails=[(Verdict.LATER, False)] * 3)
    delivery = Delivery(server)
    for _ in range(3):
        with pytest.raises(WireError):
            delivery.deliver(writes)
    delivery.deliver(writes)
    assert server.requests == 3 + 9  # of 62
    delivery.deliver([outgoing(number) for number in range(500, 1000)])
    assert server.requests == 3 + 9 + 1


def test_commits_keep_within_what_firestore_takes() -> None:
    writes = [outgoing(number, size=900_000) for number in range(25)]
    found = list(chunks(writes, 500))
    assert [write for chunk in found for write in chunk] == writes
    assert all(sum(write.size for write in chunk) <= MOST_BYTES for chunk in found)
    assert len(found) == 3
    assert [len(chunk) for chunk in chunks(writes, 10)] == [10, 10, 5]


def test_of_two_writes_for_a_document_the_newer_is_sent_and_what_is_created_once() -> None:
    load = Load()
    load.add([outgoing(1, creates=False), outgoing(1, creates=False, size=5), outgoing(2), outgoing(2, size=5)])
    assert [write.message.update.fields["text"].string_value for write in load.writes.values()] == ["xxxxx", ""]


def test_pauses_double_up_to_a_minute_and_are_anywhere_below() -> None:
    most = Backoff(between=lambda _, high: high)
    assert [most.next_s() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    most.reset()
    assert most.next_s() == 0.5
    chance = Backoff()
    pauses = [chance.next_s() for _ in range(200)]
    assert all(0 <= pause <= 60 for pause in pauses)
    assert min(pauses[20:]) < 15 < 45 < max(pauses[20:])
