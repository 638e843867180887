"""Errors of the server: a gRPC status and a message."""

from __future__ import annotations

from grpc import StatusCode


class RefusedError(Exception):
    """The request ends with this status; nothing of it was applied unless noted."""

    def __init__(self, code: StatusCode, reason: str) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code = code
        self.reason = reason


def invalid(reason: str) -> RefusedError:
    return RefusedError(StatusCode.INVALID_ARGUMENT, reason)


def expect(right: object, reason: str) -> None:
    """Refuse the request as invalid unless what it needs is so."""
    if not right:
        raise invalid(reason)
