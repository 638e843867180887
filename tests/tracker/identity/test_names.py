"""Names of people: valid and rejected ones."""

from __future__ import annotations

import unicodedata

import pytest

from config.errors import PeopleError
from tracker.identity.names import MAX_NAME, clean_name
from tracker.presence.people import name_key


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("Ada", "Ada", id="plain"),
        pytest.param("  Ada \u00a0 Lovelace ", "Ada Lovelace", id="spaces-collapse"),
        pytest.param("\tAda\n", "Ada", id="blank-ends-go"),
        pytest.param(unicodedata.normalize("NFD", "Žofia Kráľ"), "Žofia Kráľ", id="composed"),
        pytest.param("张伟", "张伟", id="other-scripts"),
        pytest.param("👩‍🚀 Zoë 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍🚀 Zoë 🏴󠁧󠁢󠁥󠁮󠁧󠁿", id="emoji-keep-their-joiners"),
        pytest.param("O'Brien-Smith, Jr.", "O'Brien-Smith, Jr.", id="punctuation"),
        pytest.param("x" * MAX_NAME, "x" * MAX_NAME, id="longest"),
    ],
)
def test_valid_names_are_kept(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        pytest.param("", "empty", id="nothing"),
        pytest.param(" \t\u3000 ", "empty", id="only-spaces"),
        pytest.param("\u200d\ufe0f", "empty", id="nothing-visible"),
        pytest.param("a/b", "slash", id="slash"),
        pytest.param("..\\up", "slash", id="backslash"),
        pytest.param("a\0b", r"U\+0000", id="zero"),
        pytest.param("a\nb", r"U\+000A", id="line-break"),
        pytest.param("a\x1b[31mb", r"U\+001B", id="terminal-escape"),
        pytest.param("a\u202eb", r"U\+202E", id="turned-text"),
        pytest.param("a\u200bb", r"U\+200B", id="invisible-space"),
        pytest.param("a\udcffb", r"U\+DCFF", id="half-a-character"),
        pytest.param("x" * (MAX_NAME + 1), "201 characters", id="too-long"),
        pytest.param("x" * 10_000, "10,000 characters", id="far-too-long"),
    ],
)
def test_invalid_names_are_reported_in_a_short_printable_line(given: str, problem: str) -> None:
    with pytest.raises(PeopleError, match=problem) as caught:
        clean_name(given)
    message = str(caught.value)
    assert len(message) < 200
    assert message.isprintable()


def test_spellings_of_one_name_share_a_key() -> None:
    assert name_key("STRASSE É") == name_key(unicodedata.normalize("NFD", "straße é"))
    assert name_key("Ada") != name_key("Ida")
