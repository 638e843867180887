"""Events as JSON lines: those of other systems, line by line, and those of a store, page by page."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import BinaryIO

from config.errors import PeopleError, RecordError
from tracker.presence.documents import decode
from tracker.presence.events import EARLIEST, SCHEMA, Event, time_text
from tracker.store.event_import import ImportedEvent
from tracker.store.store import Store

LONGEST_LINE = 65_536
"""Bytes; a longer line is refused."""
_PAGE = 5_000
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no event. number: counted from 1."""

    number: int
    reason: str


def pages(
    store: Store, *, site_id: str | None, since: datetime | None, until: datetime | None, page: int = _PAGE
) -> Iterator[Event]:
    """Events in order of (at, event_id), read `page` at a time.

    Events that are written meanwhile may be among them or not.
    """
    seen: set[str] = set()  # of the instant at which the last page ended
    while True:
        found = store.events.select(site_id=site_id, since=since, until=until, limit=page + len(seen))
        fresh = [event for event in found if event.event_id not in seen]
        yield from fresh
        if not fresh or len(found) < page + len(seen):
            return
        if fresh[-1].at != since:
            seen.clear()
        since = fresh[-1].at
        seen.update(event.event_id for event in fresh if event.at == since)


def read_events(
    file: BinaryIO, *, site_id: str, latest: datetime, clean_name: Callable[[str], str] = str
) -> Iterator[ImportedEvent | Refused]:
    """Each line that is not blank, as an event or as the reason why it is none.

    site_id: of those that name none. latest: events after it (UTC) are refused. clean_name: returns the name as it is
    stored, and raises PeopleError on one that is not valid.
    """
    number = 0
    while line := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(line) > LONGEST_LINE:
            while line and not line.endswith(b"\n"):
                line = file.readline(_CHUNK)
            yield Refused(number, f"longer than {LONGEST_LINE} bytes")
            continue
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield _event_of(text, number, site_id, latest, clean_name)


def _event_of(
    line: bytes, number: int, site_id: str, latest: datetime, clean_name: Callable[[str], str]
) -> ImportedEvent | Refused:
    try:
        document = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return Refused(number, "it is not UTF-8")
    except (ValueError, RecursionError) as error:
        return Refused(number, f"it is not JSON ({error})")
    if not isinstance(document, dict):
        return Refused(number, "expected an object with the fields of an event")
    has_id, has_track = "event_id" in document, "track_id" in document
    try:
        name = _name_of(document.pop("name", None), clean_name)
        event = decode(Event, _completed(document, site_id))
    except RecordError as error:
        return Refused(number, error.problem.removeprefix("event: "))
    if event.at < EARLIEST:
        return Refused(number, f"at: {time_text(event.at)[:10]} is before 1970")
    if event.at > latest:
        return Refused(number, f"at: {event.at:%Y-%m-%d %H:%M} UTC is in the future")
    # A crossing without a track gets one of its own; ids depend on the instant, not on how it was written.
    track_id = event.track_id if has_track else f"{event.camera_id}-{time_text(event.at)}"
    event = replace(event, track_id=track_id, event_id=event.event_id if has_id else "")
    return ImportedEvent(line=number, event=event, identified=has_id or has_track, name=name)


def _name_of(value: object, clean_name: Callable[[str], str]) -> str | None:
    """The name beside an event, None where there is none. Raises RecordError."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise RecordError("event: name: expected a text", fix="correct name, or leave it out")
    try:
        return clean_name(value)
    except PeopleError as error:
        raise RecordError(f"event: name: {error.problem}", fix=error.fix) from error


def _completed(document: Mapping[str, object], site_id: str) -> dict[str, object]:
    """The document with values for what may be left out."""
    return {
        "site_id": site_id,
        "track_id": "-",
        "x_frac": None,
        "y_frac": None,
        "inferred": False,
        "schema": SCHEMA,
        "event_id": "-",
        **document,
    }
