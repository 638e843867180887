"""The client of an emulator, which says with every call who we are, as it would to Firestore itself.

Google's client speaks to an emulator as the owner of the project whatever its credentials, so that no rules hold, and
calls beside its own methods are then nobody's, for whom all rules hold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
from google.auth import credentials as auth_credentials
from google.cloud import firestore

_SIGNED = "authorization"
_OWNER = "Bearer owner"
"""For whom no rules hold."""


class EmulatorClient(firestore.Client):
    """Speaks as the user of the credentials, without any as the owner of the project."""

    def signed(self, channel: grpc.Channel) -> grpc.Channel:
        """The channel, with the token put on every call."""
        return grpc.intercept_channel(channel, _Bearer(self._credentials))

    def _emulator_channel(self, transport: Any) -> grpc.Channel:
        return self.signed(super()._emulator_channel(transport))


class _Details(NamedTuple):
    """What gRPC's interceptors hand on of a call."""

    method: str
    timeout: float | None
    metadata: list[tuple[str, str]]
    credentials: Any
    wait_for_ready: bool | None
    compression: Any


class _Bearer(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor):
    """Puts the token on every call."""

    def __init__(self, credentials: auth_credentials.Credentials) -> None:
        self._credentials = credentials

    def intercept_unary_unary(self, proceed: Callable[..., Any], details: Any, request: Any) -> Any:
        return proceed(self._signed(details), request)

    def intercept_unary_stream(self, proceed: Callable[..., Any], details: Any, request: Any) -> Any:
        return proceed(self._signed(details), request)

    def intercept_stream_stream(self, proceed: Callable[..., Any], details: Any, requests: Any) -> Any:
        return proceed(self._signed(details), requests)

    def _signed(self, details: Any) -> _Details:
        headers: dict[str, str] = {}
        self._credentials.before_request(None, details.method, "", headers)
        said = [(name, value) for name, value in details.metadata or () if name != _SIGNED]
        return _Details(
            details.method,
            details.timeout,
            [*said, (_SIGNED, headers.get(_SIGNED, _OWNER))],
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )
