"""Google's list prices, in one place, and what a camera costs at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

LOOKED_UP = date(2026, 11, 22)
"""When the prices below were looked up: not on Google's live pages, but in stored copies of them that a search finds.

Firestore in the United States (multi-region) and in Oregon: the table of a copy of Google's page about it
(firebase.google.com/docs/firestore/pricing), from before that table was moved. The operations of the multi-region stand
in copies of 2018 and 2020 as well, those of a single region in a guide by others. Files: copies of the page below of
2021 and 2022, and Google's examples of prices. No copy says until when its prices hold.
"""
SOURCES = ("https://cloud.google.com/firestore/pricing", "https://cloud.google.com/storage/pricing")
"""Where the prices of today stand."""
DAYS_A_MONTH = 30.4
GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars, before any free quota: operations of documents a 100,000, the rest a GiB a month.

    Sending to Google is free, and so are the first 10 GiB a month that Firestore sends out: a camera and an open
    dashboard stay far below that.
    """

    writes: float
    reads: float
    stored: float
    video_stored: float


UNITED_STATES = Prices(writes=0.18, reads=0.06, stored=0.18, video_stored=0.020)
"""Firestore in the multi-region nam5 (United States); files of the class Standard in us-central1 (Iowa)."""
OREGON = Prices(writes=0.09, reads=0.03, stored=0.15, video_stored=0.020)
"""Both in the single region us-west1."""


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
