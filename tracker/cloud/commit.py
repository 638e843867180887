"""Committing writes so that each is done once, whatever became of earlier requests, and none holds up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from google.api_core import exceptions as google_errors
from google.cloud.firestore_v1.base_batch import BaseBatch
from google.cloud.firestore_v1.bulk_batch import BulkWriteBatch

from config.errors import CloudError, FootfallError
from tracker.cloud.batch import MOST_WRITES
from tracker.cloud.client import Client
from tracker.cloud.errors import CLOSED, explained, text_of
from tracker.cloud.writes import Kind, Write

MOST_BYTES = 9 * 2**20
"""Firestore takes 10 MiB a request."""
LONGEST_S = 600.0
"""The deadline of a request on a line on which every answer is late."""
_SUSPICIOUS = 10
"""So many documents, all of them invalid: the fault is not in the documents."""

_REFUSALS = (
    google_errors.AlreadyExists,
    google_errors.PermissionDenied,
    google_errors.InvalidArgument,
    google_errors.FailedPrecondition,
    google_errors.OutOfRange,
)
"""What one document of a batch can cause for all."""


@dataclass(frozen=True, slots=True)
class RejectedWrite:
    """A write that Firestore refuses for good. denied: by the rules or the credentials, not for its content."""

    write: Write
    reason: str
    denied: bool


@dataclass(frozen=True, slots=True)
class Delivered:
    """All writes are done, but for those that were rejected."""

    rejected: tuple[RejectedWrite, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """Nothing, or only some of the writes, could be done; all of them may be sent again."""

    error: FootfallError


Outcome: TypeAlias = Delivered | Failed
_Batch = TypeVar("_Batch", bound=BaseBatch)


class Committer:
    """Commits writes in order. For one thread.

    After a failure a batch should have `size` writes at most, and a request is given more time: on a slow line
    something gets through in the end. Both go back after successes.
    """

    def __init__(self, client: Client, *, timeout_s: float) -> None:
        self._client = client
        self._least_s = self._timeout_s = timeout_s
        self._has_batch_write = True
        self.size = MOST_WRITES

    def commit(self, writes: Sequence[Write]) -> Outcome:
        """Do all writes. A document that was to be created and exists counts as done."""
        rejected: list[RejectedWrite] = []
        try:
            with explained():
                for chunk in chunks(writes):
                    rejected += self._commit(chunk)
        except FootfallError as error:
            self._slow_down(len(writes), error)
            return Failed(error)
        invalid = [each for each in rejected if not each.denied]
        if len(invalid) == len(writes) >= _SUSPICIOUS:
            problem = f"Firestore takes nothing from us ({invalid[0].reason})"
            return Failed(CloudError(problem, fix="check store.url: the project and its database"))
        self.size = min(MOST_WRITES, 2 * self.size)
        self._timeout_s = max(self._least_s, self._timeout_s / 2)
        return Delivered(tuple(rejected))

    def _slow_down(self, sent: int, error: FootfallError) -> None:
        self.size = max(1, min(sent, self.size) // 2)
        if isinstance(error.__cause__, google_errors.DeadlineExceeded):
            self._timeout_s = max(self._least_s, min(LONGEST_S, 2 * self._timeout_s))

    def _commit(self, writes: Sequence[Write]) -> list[RejectedWrite]:
        """All in one request, else what can be done of it."""
        try:
            # The client's own retry would turn a lost answer into ALREADY_EXISTS.
            _filled(self._client.batch(), writes).commit(retry=None, timeout=self._timeout_s)
        except (*_REFUSALS, ValueError, TypeError) as error:
            if isinstance(error, ValueError) and CLOSED in str(error):
                raise
            if len(writes) > 1:
                return self._commit_apart(writes)
            return _rejected(writes[0], error)
        return []

    def _commit_apart(self, writes: Sequence[Write]) -> list[RejectedWrite]:
        """Find the writes that are refused: by one request where the server has BatchWrite, else by halves."""
        if self._has_batch_write:
            try:
                return self._batch_write(writes)
            except (google_errors.MethodNotImplemented, google_errors.NotFound):
                self._has_batch_write = False
            except google_errors.Unknown as error:
                if "not implemented" not in str(error):  # as the npm emulator puts it
                    raise
                self._has_batch_write = False
            except (google_errors.InvalidArgument, TypeError, ValueError):
                pass  # one document may have spoilt it for all
            except google_errors.PermissionDenied:
                self._has_batch_write = False
        middle = len(writes) // 2
        return self._commit(writes[:middle]) + self._commit(writes[middle:])

    def _batch_write(self, writes: Sequence[Write]) -> list[RejectedWrite]:
        answer = _filled(BulkWriteBatch(self._client), writes).commit(retry=None, timeout=self._timeout_s)
        rejected: list[RejectedWrite] = []
        for write, status in zip(writes, answer.status, strict=True):
            if status.code:
                error = google_errors.from_grpc_status(status.code, status.message)
                if not isinstance(error, _REFUSALS):
                    raise error
                rejected += _rejected(write, error)
        return rejected


def chunks(writes: Sequence[Write], most: int = MOST_WRITES) -> Iterator[list[Write]]:
    """The writes in order, so many and so many bytes at a time."""
    chunk: list[Write] = []
    size = 0
    for write in writes:
        if chunk and (len(chunk) >= most or size + write.size > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(write)
        size += write.size
    if chunk:
        yield chunk


def _filled(batch: _Batch, writes: Sequence[Write]) -> _Batch:
    for write in writes:
        write.add_to(batch)
    return batch


def _rejected(write: Write, error: Exception) -> list[RejectedWrite]:
    if isinstance(error, google_errors.AlreadyExists) and write.kind is Kind.CREATE:
        return []
    return [RejectedWrite(write, text_of(error), denied=isinstance(error, google_errors.PermissionDenied))]
