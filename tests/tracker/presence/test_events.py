from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tracker.presence.events import Event, EventKind, as_utc, content_id, time_text

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
ENTER = Event(kind=EventKind.ENTER, site_id="s", camera_id="a", person_id="p", at=AT, track_id="t")


def test_the_id_is_the_same_on_every_machine_and_in_every_release() -> None:
    assert content_id("a", "bc") == "b534ce16ac9c8b36823f39a395ce8e0e"
    assert content_id("ab", "c") != content_id("a", "bc") != content_id("a", "bc", "")


def test_an_event_id_is_made_from_its_content() -> None:
    told_again = replace(ENTER, at=AT.astimezone(timezone(timedelta(hours=-5))), event_id="")
    assert told_again == ENTER
    others = [
        {"kind": "exit"},
        {"site_id": "z"},
        {"camera_id": "z"},
        {"person_id": "z"},
        {"track_id": "z"},
        {"at": AT + timedelta(microseconds=1)},
    ]
    assert len({ENTER.event_id, *(replace(ENTER, event_id="", **changes).event_id for changes in others)}) == 7


def test_times_are_kept_in_utc() -> None:
    kept = as_utc(AT.astimezone(timezone(timedelta(hours=9))))
    assert (kept, kept.tzinfo) == (AT, UTC)
    assert time_text(AT.astimezone(timezone(timedelta(hours=9)))) == "2026-01-05T09:00:00.000000Z"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"at": AT.replace(tzinfo=None)}, "zone", id="naive-time"),
        pytest.param({"person_id": " "}, "person_id", id="blank-person"),
        pytest.param({"track_id": ""}, "track_id", id="empty-track"),
        pytest.param({"x_frac": 1.01}, "x_frac", id="right-of-the-frame"),
        pytest.param({"y_frac": float("nan")}, "y_frac", id="not-a-number"),
        pytest.param({"kind": "hover"}, "hover", id="unknown-kind"),
    ],
)
def test_bad_values_are_refused_by_name(changes: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(ENTER, **changes)
