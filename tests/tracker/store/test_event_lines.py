"""Events as JSON lines: bad lines are named, nothing that was read is kept, and pages are complete."""

from __future__ import annotations

import io
import tracemalloc
from pathlib import Path

import pytest

from tests.tracker.event_json import LATER, WHOLE, event, lines
from tracker.store.event_import import ImportedEvent
from tracker.store.event_lines import LONGEST_LINE, pages, read_events
from tracker.store.observation import Observation
from tracker.store.store import Store

BAD_LINES = {
    "not-json": (b"{\n", "it is not JSON"),
    "not-utf8": (b'{"kind": "\xff"}\n', "it is not UTF-8"),
    "a-list": (b"[]\n", "expected an object"),
    "nested-without-end": (b"[" * 60_000 + b"\n", "it is not JSON"),
    "endless": (b" " * (LONGEST_LINE + 9) + b"\n", "longer than"),
    "before-cameras": (lines({**WHOLE, "at": "1969-12-31T23:59:59Z"}).encode(), "is before 1970"),
    "nan": (lines({**WHOLE, "x_frac": float("nan")}).encode(), "x_frac: expected"),
    "outside": (lines({**WHOLE, "x_frac": 1.5}).encode(), "x_frac: expected 0..1, got 1.5"),
    "naive-time": (lines({**WHOLE, "at": "2026-01-05T12:00:00"}).encode(), "at: expected an ISO 8601 time with a zone"),
    "no-person": (lines({**WHOLE, "person_id": " "}).encode(), "person_id: expected a text"),
    "missing": (lines({key: WHOLE[key] for key in ("kind", "at")}).encode(), "camera_id is missing"),
    "unknown-field": (lines({**WHOLE, "door": 1}).encode(), "unknown field 'door'"),
    "still-to-come": (
        lines({**WHOLE, "at": "2026-01-05T13:00:01Z"}).encode(),
        "at: 2026-01-05 13:00 UTC is in the future",
    ),
    "newer": (lines({**WHOLE, "schema": 2}).encode(), "schema: expected version 1"),
    "half-a-character": (b'{"kind": "enter", "camera_id": "a", "person_id": "\\ud800", "at": 1}\n', "person_id"),
}


@pytest.mark.parametrize(("line", "reason"), BAD_LINES.values(), ids=BAD_LINES)
def test_a_bad_line_is_refused_with_its_reason_and_the_next_one_is_read(line: bytes, reason: str) -> None:
    good = lines(WHOLE).encode()
    first, refused, last = read_events(io.BytesIO(good + line + good), site_id="gym", latest=LATER)
    assert isinstance(first, ImportedEvent)
    assert isinstance(last, ImportedEvent)
    assert first.event == last.event
    assert (getattr(refused, "number", None), reason in getattr(refused, "reason", "")) == (2, True), refused


def test_the_last_line_needs_no_end() -> None:
    (found,) = read_events(io.BytesIO(lines(WHOLE).encode().rstrip()), site_id="gym", latest=LATER)
    assert isinstance(found, ImportedEvent)


def test_reading_uses_constant_memory() -> None:
    text = lines(WHOLE).encode() * 20_000
    tracemalloc.start()
    try:
        count = sum(1 for _ in read_events(io.BytesIO(text), site_id="gym", latest=LATER))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert most < 3e6


def test_pages_give_every_event_once_however_many_share_an_instant(tmp_path: Path) -> None:
    events = [event(minutes, person=f"p{number}") for minutes in (0, 0, 0, 1, 1, 2) for number in range(4)]
    with Store(tmp_path / "s.sqlite3") as store:
        store.record(Observation(events=events))
        whole = store.events.select()
        for page in (1, 2, 3, 5, 7, 100):
            assert list(pages(store, site_id=None, since=None, until=None, page=page)) == whole
