"""How events are delivered: what can never be read is logged and done with, what may work later is asked for again.

Firestore's triggers deliver an event until the function returns without an error, for a day at most. Whatever is wrong
with the event itself will be wrong the next time too.
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
from functions.transactions import client_of
from tracker.cloud.layout import record_id

LOG = logging.getLogger(__name__)

_ATTRIBUTES = ("location", "project", "database", "namespace", "document", "subject", "time", "datacontenttype")
_NAMED_PART = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A document of a site that was written. before, after: its fields, None where it was not there. now: UTC."""

    client: Any
    site_id: str
    record_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    now: datetime


Handler = Callable[[Delivered], None]


def delivered(function: Callable[..., None]) -> Callable[[CloudEvent], None]:
    """Have a function that Firestore triggers delivered to until it returns, and keep from it what is no such event.

    firebase-functions has no option for the former, and fails on the latter each time anew.
    """

    trigger = function.__firebase_endpoint__.eventTrigger  # type: ignore[attr-defined] # set by the decorator
    place = re.compile(_NAMED_PART.sub("[^/]+", trigger["eventFilterPathPatterns"]["document"]))

    @functools.wraps(function)
    def deliver(raw: CloudEvent) -> None:
        problem = _problem(raw, place)
        if problem is None:
            function(raw)
        else:
            LOG.error("an event is refused: %s", problem)

    trigger["retry"] = True
    return deliver


def hand_over(event: Any, handler: Handler, *, changed: bool = False) -> None:
    """Give the document of a Firestore event to a handler.

    changed: the event holds the document before and after. Raises what may be mended by another delivery.
    """
    parts = event.document.split("/")
    before, after = (event.data.before, event.data.after) if changed else (None, event.data)
    delivered = Delivered(
        client=client_of(event.project, event.database),
        site_id=record_id(parts[1]),
        record_id=record_id(parts[-1]),
        before=None if before is None else before.to_dict(),
        after=None if after is None else after.to_dict(),
        now=datetime.now(UTC),
    )
    try:
        handler(delivered)
    except RecordError as error:
        LOG.error("%s is refused: %s", event.document, error)
    except google_errors.InvalidArgument as error:
        LOG.critical("%s cannot be worked out, Firestore refuses what follows from it: %s", event.document, error)


def _problem(raw: CloudEvent, place: re.Pattern[str]) -> str | None:
    """Why a CloudEvent cannot be one of Firestore's about such a document, None where it can."""
    attributes = raw.get_attributes()
    missing = [name for name in _ATTRIBUTES if not attributes.get(name)]
    if missing:
        return f"it has no {missing[0]}"
    if not place.fullmatch(attributes["document"]):
        return f"{attributes['document']!r} is no document that is watched"
    try:
        datetime.fromisoformat(attributes["time"])
    except ValueError:
        return f"its time is {attributes['time']!r}"
    data = raw.get_data()
    try:
        if isinstance(data, bytes):
            DocumentEventData.deserialize(data)
        else:
            DocumentEventData.from_json(data)
    except (DecodeError, ValueError, TypeError) as error:
        return f"its content is no document ({error})"
    return None
