"""The client of an emulator for a camera machine: it says who it is, as it would to Firestore itself.

Google's client speaks to an emulator as the owner of the project, whatever its credentials: no rules would hold.
"""

from __future__ import annotations

from google.cloud import firestore

_SIGNED = "authorization"


class DeviceEmulatorClient(firestore.Client):
    """Speaks as the user of the credentials."""

    @property
    def _rpc_metadata(self) -> list[tuple[str, str]]:
        headers: dict[str, str] = {}
        self._credentials.before_request(None, "", "", headers)
        owners = [(name, value) for name, value in super()._rpc_metadata if name != _SIGNED]
        return [*owners, (_SIGNED, headers[_SIGNED])]
