"""A request with records of a device, of which the parts are checked by `records`.

It has `instance`, the id of the page; lists of `events`, `matches` and `corrections`, documents as `presence.documents`
has them; and `heartbeat`, None or an object with `at`, `state`, `started_at`, `last_frame_at`, `fps`, `frames`,
`dropped`, `problem`, `watch_started_at` and `watch_ended_at` as in Firestore, and where the page has them `role`, an
object with its `kind`, and `presences`, who is in sight. Other fields of a heartbeat are not read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from config.errors import RecordError

MOST_RECORDS = 500
FIX = "reload the page of the camera"
_INSTANCE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LISTS = ("events", "matches", "corrections")


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The parts, not checked yet. instance: of the page that sent it."""

    instance: str
    events: Sequence[object]
    matches: Sequence[object]
    corrections: Sequence[object]
    heartbeat: object


def read_instance(value: object) -> str:
    """The id of a page. Raises RecordError."""
    if not isinstance(value, str) or not _INSTANCE.fullmatch(value):
        raise RecordError("instance: expected 1 to 64 letters, digits, _ or -", fix=FIX)
    return value


def read_body(content: bytes) -> Body:
    """The parts of a body. Raises RecordError where it is none, or has too many records."""
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"the body is not JSON ({str(error)[:80]})", fix=FIX) from error
    if not isinstance(document, dict):
        raise RecordError("the body: expected an object", fix=FIX)
    unknown = sorted(set(document) - {*_LISTS, "heartbeat", "instance"})
    if unknown:
        raise RecordError(f"the body: unknown field {unknown[0][:50]!r}", fix=FIX)
    lists = {name: document.get(name, []) for name in _LISTS}
    for name, value in lists.items():
        if not isinstance(value, list):
            raise RecordError(f"{name}: expected a list", fix=FIX)
    if sum(map(len, lists.values())) > MOST_RECORDS:
        raise RecordError(f"expected up to {MOST_RECORDS} records", fix="send fewer at once")
    instance = read_instance(document.get("instance"))
    return Body(instance=instance, heartbeat=document.get("heartbeat"), **lists)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")
