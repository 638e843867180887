"""Delivering writes so that each is done once, whatever became of the requests before, and none holds up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from tracker.cloud.wire import Verdict, WireError, WriteMessage
from tracker.cloud.writes import Outgoing

MOST_WRITES = 500
MOST_BYTES = 9 * 2**20
"""Firestore takes 10 MiB a request."""
_SUSPICIOUS = 10
"""So many documents, none of which will do: it is not the documents."""


class Sender(Protocol):
    def commit(self, writes: Sequence[WriteMessage]) -> None: ...
    def write_each(self, writes: Sequence[WriteMessage]) -> list[WireError | None]: ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that the cloud will not do, and why."""

    write: Outgoing
    error: WireError


class Delivery:
    """Sends writes in order, in commits as large as the line bears."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._each_works = True
        self._most = MOST_WRITES

    def deliver(self, writes: Sequence[Outgoing]) -> list[Refusal]:
        """Do all writes; those that cannot be done come back. A document that was to be created and is there is done.

        Raises WireError when nothing, or only some of it, could be done; all of it may be delivered again.
        """
        refusals: list[Refusal] = []
        for chunk in chunks(writes, self._most):
            try:
                refusals += self._send(chunk)
            except WireError:
                self._most = max(1, len(chunk) // 2)
                raise
            self._most = min(MOST_WRITES, 2 * self._most)
        invalid = sum(refusal.error.verdict is Verdict.INVALID for refusal in refusals)
        if invalid == len(writes) >= _SUSPICIOUS:
            raise WireError(Verdict.MISPLACED, refusals[0].error.said)
        return refusals

    def _send(self, chunk: Sequence[Outgoing]) -> list[Refusal]:
        try:
            self._sender.commit([write.message for write in chunk])
        except WireError as error:
            if error.verdict not in (Verdict.EXISTS, Verdict.REFUSED, Verdict.INVALID):
                raise
            if len(chunk) == 1:
                done = error.verdict is Verdict.EXISTS and chunk[0].creates
                return [] if done else [Refusal(chunk[0], error)]
            return self._apart(chunk)
        return []

    def _apart(self, chunk: Sequence[Outgoing]) -> list[Refusal]:
        """Find out what is wrong with which: by one request where the server can tell, else by halves."""
        if self._each_works:
            try:
                return self._each(chunk)
            except WireError as error:
                if error.verdict in (Verdict.LATER, Verdict.UNKNOWN_TO_THEM):
                    raise
                self._each_works = error.verdict is Verdict.INVALID  # one document may have spoilt it for all
        middle = len(chunk) // 2
        return self._send(chunk[:middle]) + self._send(chunk[middle:])

    def _each(self, chunk: Sequence[Outgoing]) -> list[Refusal]:
        answers = self._sender.write_each([write.message for write in chunk])
        refusals: list[Refusal] = []
        for write, error in zip(chunk, answers, strict=True):
            if error is None or (error.verdict is Verdict.EXISTS and write.creates):
                continue
            if error.verdict not in (Verdict.EXISTS, Verdict.REFUSED, Verdict.INVALID):
                raise error
            refusals.append(Refusal(write, error))
        return refusals


def chunks(writes: Sequence[Outgoing], most: int) -> Iterator[list[Outgoing]]:
    """The writes in order, so many and so many bytes at a time."""
    chunk: list[Outgoing] = []
    size = 0
    for write in writes:
        if chunk and (len(chunk) >= most or size + write.size > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(write)
        size += write.size
    if chunk:
        yield chunk
