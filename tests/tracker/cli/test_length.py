"""Lengths of time as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tracker.cli.door import UsageError
from tracker.cli.length import parse_length


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2s", 2), ("10m", 600), ("10min", 600), ("1h", 3600), ("1.5h", 5400), ("500ms", 0.5), ("1h30m", 5400),
        (" 1 h 30 m ", 5400), ("0", 0), ("0s", 0), ("7d", 604_800),
    ],
)  # fmt: skip
def test_a_length_of_time_is_read_with_its_unit(text: str, seconds: float) -> None:
    assert parse_length(text, option="--skew") == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", " ", "2", "s", "2x", "-2s", "2s3", "1e3s", "٢s", "8d", "nan", "9" * 400 + "s"])
def test_what_is_no_length_of_time_is_refused_by_the_name_of_the_option(text: str) -> None:
    with pytest.raises(UsageError, match="--skew"):
        parse_length(text, option="--skew")
