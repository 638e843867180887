"""Google's list prices, in one place, and what a camera costs at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

LOOKED_UP = date(2026, 11, 22)
"""When the prices below were looked up. They change: see the pages themselves."""
SOURCES = ("https://cloud.google.com/firestore/pricing", "https://cloud.google.com/storage/pricing")
DAYS_A_MONTH = 30.4
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars, before any free quota: operations of documents a 100,000, the rest a GiB (of storage: a month)."""

    writes: float
    reads: float
    deletes: float
    stored: float
    sent_out: float
    video_stored: float


UNITED_STATES = Prices(writes=0.18, reads=0.06, deletes=0.02, stored=0.18, sent_out=0.12, video_stored=0.020)
"""Firestore in a multi-region of the United States, which costs twice what a single region does; files in Iowa."""


def month_of_documents(
    prices: Prices, *, writes_a_day: float, reads_a_day: float, stored_bytes_a_day: float, months_kept: float = 12.0
) -> float:
    """Dollars a month. stored_bytes_a_day: as Firestore counts them, indexes included, kept for so many months."""
    operations = (writes_a_day * prices.writes + reads_a_day * prices.reads) * DAYS_A_MONTH / 100_000
    return operations + stored_bytes_a_day * DAYS_A_MONTH * months_kept / GIB * prices.stored


def month_of_video(prices: Prices, *, bits_a_second: float, days_kept: float = 30.0) -> tuple[float, float]:
    """GiB sent up in a month, and dollars to keep so many days of it; sending it to Google is free."""
    bytes_a_day = bits_a_second / 8 * 86_400
    return bytes_a_day * DAYS_A_MONTH / GIB, bytes_a_day * days_kept / GIB * prices.video_stored
