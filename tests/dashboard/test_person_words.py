"""What somebody may, why they may not be here, and when they were here last."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard.person_words import Rights, refusal, rights, seen
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


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        pytest.param({}, Rights("Always"), id="always"),
        pytest.param({"valid_until": date(2026, 12, 31)}, Rights("Until 31 Dec"), id="until"),
        pytest.param({"valid_until": date(2026, 3, 2)}, Rights("Expired yesterday", fine=False), id="expired"),
        pytest.param({"valid_from": date(2026, 4, 1)}, Rights("Valid from 1 Apr", fine=False), id="not-yet"),
        pytest.param({"access": False}, Rights("No access", fine=False), id="no-access"),
        pytest.param({"kind": PersonKind.VISITOR}, Rights("Not enrolled"), id="visitor"),
    ],
)
def test_rights(fields: dict[str, object], found: Rights) -> None:
    person = Person(person_id="p-1", name="Ada", created_at=NOW, **fields)  # type: ignore[arg-type] # by name
    assert rights(person, NOW, ZoneInfo("Europe/Berlin")) == found


def test_last_here() -> None:
    zone = ZoneInfo("Europe/Berlin")
    assert seen(None, zone, NOW, inside=False) == "Never"
    assert seen(NOW, zone, NOW, inside=True) == "In now"
    assert seen(NOW, zone, NOW, inside=False) == "00:30"
