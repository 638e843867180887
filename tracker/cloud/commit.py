"""Committing writes so that each is done once, whatever became of earlier requests, and none holds up the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.api_core import exceptions as google_errors

from config.errors import CloudError
from tracker.cloud.batch import MOST_WRITES
from tracker.cloud.client import Client
from tracker.cloud.errors import explained, text_of
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


_Encoded: TypeAlias = tuple[Write, Any]
"""A write and its protobuf message."""


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

    def commit(self, writes: Sequence[Write]) -> list[RejectedWrite]:
        """Do all writes but those that are rejected, which are returned. ALREADY_EXISTS counts as success.

        Raises CloudError when nothing, or only some of the writes, could be done; all of them may be sent again.
        """
        rejected: list[RejectedWrite] = []
        encoded: list[_Encoded] = []
        for write in writes:
            try:
                encoded.append((write, write.message(self._client.database)))
            except (ValueError, TypeError) as error:
                rejected += _rejected(write, error)
        try:
            with explained():
                for chunk in chunks(encoded):
                    rejected += self._commit(chunk)
        except CloudError as error:
            self._slow_down(len(writes), error)
            raise
        invalid = [each for each in rejected if not each.denied]
        if len(invalid) == len(writes) >= _SUSPICIOUS:
            problem = f"Firestore takes nothing from us ({invalid[0].reason})"
            raise CloudError(problem, fix="check store.url: the project and its database")
        self.size = min(MOST_WRITES, 2 * self.size)
        self._timeout_s = max(self._least_s, self._timeout_s / 2)
        return rejected

    def _slow_down(self, sent: int, error: CloudError) -> None:
        self.size = max(1, min(sent, self.size) // 2)
        if isinstance(error.__cause__, google_errors.DeadlineExceeded):
            self._timeout_s = max(self._least_s, min(LONGEST_S, 2 * self._timeout_s))

    def _commit(self, writes: Sequence[_Encoded]) -> list[RejectedWrite]:
        """All in one request, else what can be done of it."""
        try:
            self._client.commit([message for _, message in writes], timeout_s=self._timeout_s)
        except _REFUSALS as error:
            return self._commit_apart(writes) if len(writes) > 1 else _rejected(writes[0][0], error)
        return []

    def _commit_apart(self, writes: Sequence[_Encoded]) -> list[RejectedWrite]:
        """Find the writes that are refused: by one request where the server has BatchWrite, else by halves."""
        if self._has_batch_write:
            try:
                return self._batch_write(writes)
            except (google_errors.MethodNotImplemented, google_errors.NotFound, google_errors.PermissionDenied):
                self._has_batch_write = False
            except google_errors.Unknown as error:
                if "not implemented" not in str(error):  # as the npm emulator puts it
                    raise
                self._has_batch_write = False
            except google_errors.InvalidArgument:
                pass  # one document may have spoilt it for all
        middle = len(writes) // 2
        return self._commit(writes[:middle]) + self._commit(writes[middle:])

    def _batch_write(self, writes: Sequence[_Encoded]) -> list[RejectedWrite]:
        statuses = self._client.batch_write([message for _, message in writes], timeout_s=self._timeout_s)
        rejected: list[RejectedWrite] = []
        for (write, _), status in zip(writes, statuses, strict=True):
            if status.code:
                error = google_errors.from_grpc_status(status.code, status.message)
                if not isinstance(error, _REFUSALS):
                    raise error
                rejected += _rejected(write, error)
        return rejected


def chunks(writes: Sequence[_Encoded], most: int = MOST_WRITES) -> Iterator[list[_Encoded]]:
    """The writes in order, so many and so many bytes at a time."""
    chunk: list[_Encoded] = []
    size = 0
    for each in writes:
        bytes_ = each[1].ByteSize()
        if chunk and (len(chunk) >= most or size + bytes_ > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += bytes_
    if chunk:
        yield chunk


def _rejected(write: Write, error: Exception) -> list[RejectedWrite]:
    if isinstance(error, google_errors.AlreadyExists) and write.kind is Kind.CREATE:
        return []
    return [RejectedWrite(write, text_of(error), denied=isinstance(error, google_errors.PermissionDenied))]
