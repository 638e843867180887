"""Names of forgotten people are removed from texts of others; who may be where they are, and when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tracker.presence.people import Person, PersonKind, Redaction, is_authorised

ADA = ("p-0123", "Ada Lovelace")


@pytest.mark.parametrize(
    ("names", "text", "redacted"),
    [
        pytest.param(ADA, "that was ada  lovelace", "that was somebody", id="whole-name-in-any-case"),
        pytest.param(ADA, "that was Ada's sister", "that was somebody's sister", id="first-name"),
        pytest.param(ADA, "Mrs Lovelace, not Bob", "Mrs somebody, not Bob", id="last-name"),
        pytest.param(ADA, "event of p-0123", "event of somebody", id="id"),
        pytest.param(ADA, "Adam in Canada", "Adam in Canada", id="within-words"),
        pytest.param(("x", "Zoe\u0308"), "Zo\u00eb waved", "somebody waved", id="another-unicode-form"),
        pytest.param(("x", "Will Hand"), "she will lend a hand", "she will lend a hand", id="common-words"),
        pytest.param(("x", "the Plumber"), "left by the door", "left by the door", id="lower-case-part"),
        pytest.param(("x", "Visitor 3"), "Visitor 3, not Visitor 5", "somebody, not Visitor 5", id="label"),
        pytest.param(("x", "\u674e \u5c0f\u9f8d"), "\u5c0f\u9f8d waved", "somebody waved", id="no-cases"),
        pytest.param(("x", "(Al*"), "saw (Al* here", "saw somebody here", id="pattern-characters"),
    ],
)
def test_names_are_replaced(names: tuple[str, str], text: str, redacted: str) -> None:
    assert Redaction(names).text(text) == redacted


@pytest.mark.parametrize(("name", "redacted"), [("ada", "somebody"), ("ada.lovelace", "somebody"), ("adam", "adam")])
def test_authors_are_replaced_in_any_case(name: str, redacted: str) -> None:
    assert Redaction(ADA).user_name(name) == redacted


def test_nothing_is_replaced_without_names() -> None:
    assert Redaction([]).text("Ada") == "Ada"


def person(**fields: Any) -> Person:
    return Person(person_id="p-1", name="Ada", created_at=datetime(2026, 1, 1, tzinfo=UTC), **fields)


def test_groups_are_sorted_and_never_differ_in_case_only() -> None:
    ada = person(groups=("Rowing", "evening course", "Evening Course", "Cafe\u0301", "Caf\u00e9"))
    assert ada.groups == ("Cafe\u0301", "Evening Course", "Rowing")
    assert ada.is_in("CAF\u00c9")
    assert not ada.is_in("Row")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        pytest.param({"groups": tuple(map(str, range(21)))}, "groups", id="21-groups"),
        pytest.param({"groups": ("x" * 61,)}, "groups", id="long-group"),
        pytest.param({"groups": (" ",)}, "groups", id="empty-group"),
        pytest.param({"consent_by": "x" * 201}, "consent_by", id="long-name"),
        pytest.param({"valid_from": date(2026, 2, 1), "valid_until": date(2026, 1, 31)}, "valid_until", id="backwards"),
    ],
)
def test_impossible_profiles_are_refused(fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        person(**fields)


BERLIN = ZoneInfo("Europe/Berlin")
MIDNIGHT = datetime(2026, 1, 31, 23, tzinfo=UTC)  # in Berlin


@pytest.mark.parametrize(
    ("fields", "authorised"),
    [
        pytest.param({}, True, id="no-limits"),
        pytest.param({"access": False}, False, id="no-access"),
        pytest.param({"kind": PersonKind.VISITOR}, False, id="visitor"),
        pytest.param({"valid_from": date(2026, 2, 1)}, True, id="first-day"),
        pytest.param({"valid_from": date(2026, 2, 2)}, False, id="before"),
        pytest.param({"valid_until": date(2026, 2, 1)}, True, id="last-day"),
        pytest.param({"valid_until": date(2026, 1, 31)}, False, id="expired-on-the-clock-of-the-site"),
    ],
)
def test_who_may_be_here_on_a_local_day(fields: dict[str, Any], authorised: bool) -> None:
    assert is_authorised(person(**fields), MIDNIGHT, BERLIN) is authorised


def test_a_second_before_midnight_is_the_day_before() -> None:
    until = person(valid_until=date(2026, 1, 31))
    assert is_authorised(until, MIDNIGHT - timedelta(seconds=1), BERLIN)
