"""Levels of occupancy, and the theme of the components."""

from __future__ import annotations

from enum import StrEnum

from tracker.reports.looks import FONT

ORANGE_FRACTION = 0.8
RED_FRACTION = 0.9
"""Shares of the capacity from which occupancy is shown in orange and in red."""


class Level(StrEnum):
    """The level of occupancy, shown as a colour."""

    CALM = "calm"
    ORANGE = "orange"
    RED = "red"

    @classmethod
    def of(cls, inside: int, capacity: int | None) -> Level:
        """The level of so many people inside; calm without a capacity."""
        if capacity is None or inside < ORANGE_FRACTION * capacity:
            return cls.CALM
        return cls.RED if inside >= RED_FRACTION * capacity else cls.ORANGE


MANTINE_THEME = {
    "fontFamily": FONT,
    "headings": {"fontFamily": FONT, "fontWeight": "600"},
    "primaryColor": "leaf",
    "primaryShade": {"light": 7, "dark": 5},
    "defaultRadius": "md",
    "focusRing": "auto",
    "autoContrast": True,
    "colors": {
        "leaf": [
            "#e9f7f3",
            "#d3ece5",
            "#a7d9cb",
            "#77c6af",
            "#53b598",
            "#3fbfa3",
            "#1f9478",
            "#0d7a66",
            "#0a6353",
            "#064c40",
        ]
    },
}
