"""Firestore triggers: what can never succeed is logged and acknowledged, what may succeed later is retried.

Firestore delivers an event until the function returns without an error, for at most a day. A fault in the event itself
is still there at the next delivery.
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cloudevents.http import CloudEvent
from google.api_core import exceptions as google_errors
from google.events.cloud.firestore import DocumentEventData
from google.protobuf.message import DecodeError

from config.errors import RecordError
from functions.database import Fields, client_of
from tracker.cloud.paths import record_id

LOG = logging.getLogger(__name__)

_ATTRIBUTES = ("location", "project", "database", "namespace", "document", "subject", "time", "datacontenttype")
_WILDCARD = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A document of a site that was written. before, after: its fields, None where it did not exist. now: UTC."""

    client: Any
    site_id: str
    record_id: str
    before: Fields | None
    after: Fields | None
    now: datetime


Handler = Callable[[Change], None]


def retried(function: Callable[..., None]) -> Callable[[CloudEvent], None]:
    """Turn retries on for a function with a Firestore trigger, and acknowledge malformed events without calling it.

    firebase-functions has no option for the former, and fails on the latter at every delivery.
    """
    trigger = function.__firebase_endpoint__.eventTrigger  # type: ignore[attr-defined] # set by the decorator
    pattern = re.compile(_WILDCARD.sub("[^/]+", trigger["eventFilterPathPatterns"]["document"]))

    @functools.wraps(function)
    def deliver(raw: CloudEvent) -> None:
        problem = _problem(raw, pattern)
        if problem is None:
            function(raw)
        else:
            LOG.error("event rejected: %s", problem)

    trigger["retry"] = True
    return deliver


def handle(event: Any, handler: Handler, *, changed: bool = False) -> None:
    """Call a handler with the document of a Firestore event.

    changed: the event has the document before and after. Raises what another delivery may resolve.
    """
    parts = event.document.split("/")
    before, after = (event.data.before, event.data.after) if changed else (None, event.data)
    change = Change(
        client=client_of(event.project, event.database),
        site_id=record_id(parts[1]),
        record_id=record_id(parts[-1]),
        before=None if before is None else before.to_dict(),
        after=None if after is None else after.to_dict(),
        now=datetime.now(UTC),
    )
    try:
        handler(change)
    except RecordError as error:
        LOG.error("%s rejected: %s", event.document, error)
    except google_errors.InvalidArgument as error:
        LOG.critical("%s failed for good: Firestore rejects what was derived from it: %s", event.document, error)


def _problem(raw: CloudEvent, pattern: re.Pattern[str]) -> str | None:
    """Why this is no Firestore event of a document that matches the pattern; None where it is one."""
    attributes = raw.get_attributes()
    missing = [name for name in _ATTRIBUTES if not attributes.get(name)]
    if missing:
        return f"{missing[0]}: expected an attribute, got none"
    if not pattern.fullmatch(attributes["document"]):
        return f"document: expected {pattern.pattern}, got {attributes['document']!r}"
    try:
        datetime.fromisoformat(attributes["time"])
    except ValueError:
        return f"time: expected an ISO 8601 time, got {attributes['time']!r}"
    data = raw.get_data()
    try:
        if isinstance(data, bytes):
            DocumentEventData.deserialize(data)
        else:
            DocumentEventData.from_json(data)
    except (DecodeError, ValueError, TypeError) as error:
        return f"data: expected a document, got {error}"
    return None
