"""Durations, days and numbers as text."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from dashboard import wording

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        pytest.param(None, "–", id="unknown-is-a-dash"),
        pytest.param(-3, "0 s", id="clocks-that-differ-give-no-negative-time"),
        pytest.param(59.4, "59 s", id="seconds"),
        pytest.param(59.6, "1 min", id="rounded-up-to-a-minute"),
        pytest.param(3599, "59 min", id="minutes"),
        pytest.param(3900, "1 h 05 min", id="hours-keep-two-digits-of-minutes"),
        pytest.param(86400 * 2 + 3 * 3600, "2 d 3 h", id="days"),
    ],
)
def test_lengths_of_time(seconds: float | None, words: str) -> None:
    assert wording.duration(seconds) == words


def test_times_are_those_of_the_site_and_name_the_day_when_it_is_another() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert wording.moment(datetime(2026, 3, 10, 7, 5, tzinfo=UTC), BERLIN, now) == "08:05"
    assert wording.moment(datetime(2026, 3, 9, 22, 59, tzinfo=UTC), BERLIN, now) == "yesterday 23:59"
    assert wording.moment(datetime(2026, 3, 9, 23, 1, tzinfo=UTC), BERLIN, now) == "00:01"
    assert wording.moment(datetime(2025, 7, 1, 8, tzinfo=UTC), BERLIN, now) == "1 Jul 2025 10:00"


def test_columns_show_weekday_day_and_time() -> None:
    at = datetime(2026, 11, 22, 12, 37, tzinfo=UTC)
    assert wording.stamp(at, BERLIN) == "Sun 22 Nov 13:37"


def test_counts_and_shares() -> None:
    assert wording.count(1, "entry", "entries") == "1 entry"
    assert wording.count(1204, "visit") == "1,204 visits"
    assert (wording.percent(0.374), wording.percent(None)) == ("37 %", "–")


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Ada Lovelace", "AL"), ("Jean-Luc van der Berg", "JB"), ("cher", "C"), ("  ", "?"), ("👍 x", "👍X")],
)
def test_initials(name: str, letters: str) -> None:
    assert wording.initials(name) == letters


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("no store at /srv/gym.sqlite3", "No store at /srv/gym.sqlite3.", id="words"),
        pytest.param("garbage.sqlite3: it is a folder", "garbage.sqlite3: it is a folder.", id="file"),
        pytest.param("my store: it is a folder", "my store: it is a folder.", id="file-with-a-space"),
        pytest.param("gym.sqlite3.lock cannot be written", "gym.sqlite3.lock cannot be written.", id="file-within"),
        pytest.param("./gym is closed", "./gym is closed.", id="path"),
        pytest.param("retry!", "Retry!", id="one-word"),
    ],
)
def test_sentences_begin_with_a_capital_but_names_stay_as_they_are(text: str, expected: str) -> None:
    assert wording.sentence(text) == expected


def test_sentences_keep_capitals_within() -> None:
    assert wording.sentence("from 16 Nov to today") == "From 16 Nov to today."
    assert wording.day(date(2026, 3, 9), date(2026, 3, 10)) == "yesterday"
