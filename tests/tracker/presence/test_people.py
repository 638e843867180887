"""Names of forgotten people are removed from texts of others."""

from __future__ import annotations

import pytest

from tracker.presence.people import Redaction

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
