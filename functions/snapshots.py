"""Documents as they are read."""

from __future__ import annotations

from typing import Any, TypeAlias

from google.cloud.firestore import DocumentSnapshot

from tracker.cloud.documents import RECEIVED_AT

Snapshot: TypeAlias = DocumentSnapshot[Any]


def fields_of(snapshot: Snapshot) -> dict[str, Any]:
    """The fields of a document, none where there is no document."""
    return snapshot.to_dict() or {}


def content_of(snapshot: Snapshot) -> dict[str, Any]:
    """The fields but for when the server took them: two documents say the same where these are equal."""
    return {name: value for name, value in fields_of(snapshot).items() if name != RECEIVED_AT}
