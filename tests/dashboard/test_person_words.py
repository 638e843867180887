"""Why somebody may not be here."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.person_words import refusal
from tracker.presence.people import Person, PersonKind

NOW = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
"""Half past midnight on 3 March in Berlin."""


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({}, "", id="may"),
        pytest.param({"valid_from": date(2026, 3, 3), "valid_until": date(2026, 3, 3)}, "", id="last-day"),
        pytest.param({"access": False}, "no access", id="no-access"),
        pytest.param({"valid_until": date(2026, 3, 2)}, "expired yesterday", id="expired"),
        pytest.param({"valid_until": date(2025, 11, 3)}, "expired 3 Nov 2025", id="expired-last-year"),
        pytest.param({"valid_from": date(2026, 4, 1)}, "valid from 1 Apr", id="not-yet"),
        pytest.param({"access": False, "valid_from": date(2026, 4, 1)}, "no access", id="neither"),
        pytest.param({"kind": PersonKind.VISITOR}, "", id="visitor"),
    ],
)
def test_the_reason(fields: dict[str, object], words: str) -> None:
    person = Person(person_id="p-1", name="Ada", created_at=NOW, **fields)  # type: ignore[arg-type] # by name
    assert refusal(person, NOW, ZoneInfo("Europe/Berlin")) == words
