"""Colours and type, in one place, for the components, the style sheet and the plots."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

ORANGE_FRACTION = 0.8
RED_FRACTION = 0.9
"""Shares of the capacity from which occupancy is shown in orange and in red."""


class Scheme(StrEnum):
    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def of(cls, value: object) -> Scheme:
        """The scheme that a browser reports; light for anything else."""
        return cls.DARK if value == cls.DARK else cls.LIGHT


@dataclass(frozen=True, slots=True)
class Look:
    """How plots are drawn. narrow: for a phone, with fewer labels."""

    scheme: Scheme = Scheme.LIGHT
    narrow: bool = False

    @classmethod
    def of(cls, colours: object, viewport: object) -> Look:
        """What a browser reports about itself."""
        return cls(Scheme.of(colours), viewport == "narrow")

    @property
    def palette(self) -> Palette:
        """The colours of this look."""
        return PALETTES[self.scheme]


class Level(StrEnum):
    """How full the site is, as a colour that everybody reads alike."""

    CALM = "calm"
    ORANGE = "orange"
    RED = "red"

    @classmethod
    def of(cls, inside: int, capacity: int | None) -> Level:
        """The level of so many people inside; calm where no capacity is set."""
        if capacity is None or inside < ORANGE_FRACTION * capacity:
            return cls.CALM
        return cls.RED if inside >= RED_FRACTION * capacity else cls.ORANGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of one scheme, CSS hex. They equal the custom properties in assets/base.css.

    blind: over what nobody watched.
    """

    surface: str
    line: str
    text: str
    muted: str
    main: str
    main_soft: str
    second: str
    warn: str
    bad: str
    blind: str


PALETTES = {
    Scheme.LIGHT: Palette(
        surface="#ffffff",
        line="#e4e8e6",
        text="#17211d",
        muted="#5b6a64",
        main="#0d7a66",
        main_soft="rgba(13, 122, 102, 0.13)",
        second="#8a5a16",
        warn="#ad4f08",
        bad="#c0312b",
        blind="rgba(91, 106, 100, 0.2)",
    ),
    Scheme.DARK: Palette(
        surface="#161c1a",
        line="#28312e",
        text="#e7edea",
        muted="#98a6a0",
        main="#3fbfa3",
        main_soft="rgba(63, 191, 163, 0.16)",
        second="#e0b06a",
        warn="#f0a24e",
        bad="#f2716b",
        blind="rgba(152, 166, 160, 0.24)",
    ),
}

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
