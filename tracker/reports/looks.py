"""The looks of charts: colours and type of pages in light and dark, and of files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif"


class Scheme(StrEnum):
    LIGHT = "light"
    DARK = "dark"

    @classmethod
    def of(cls, value: object) -> Scheme:
        """The scheme that a browser reports; light for anything else."""
        return cls.DARK if value == cls.DARK else cls.LIGHT


@dataclass(frozen=True, slots=True)
class Look:
    """How charts are drawn. narrow: for a phone, with fewer labels. printed: as a file of its own, with a legend."""

    scheme: Scheme = Scheme.LIGHT
    narrow: bool = False
    printed: bool = False

    @classmethod
    def of(cls, colours: object, viewport: object) -> Look:
        """What a browser reports about itself."""
        return cls(Scheme.of(colours), viewport == "narrow")

    @property
    def palette(self) -> Palette:
        """The colours of this look."""
        return PALETTES[self.scheme]


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
    third: str
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
        third="#9fc9bf",
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
        third="#2c5b50",
        warn="#f0a24e",
        bad="#f2716b",
        blind="rgba(152, 166, 160, 0.24)",
    ),
}

PRINT = Look(printed=True)


@cache
def template(look: Look) -> dict[str, Any]:
    """What all charts of a look have in common: a template of Plotly."""
    colours = look.palette
    axis = {
        "showgrid": False,
        "zeroline": False,
        "fixedrange": not look.printed,
        "tickfont": {"color": colours.muted, "size": 12},
        "ticks": "",
        "automargin": True,
    }
    ground = colours.surface if look.printed else "rgba(0,0,0,0)"
    layout = {
        "paper_bgcolor": ground,
        "plot_bgcolor": ground,
        "font": {"family": FONT, "size": 13 if look.printed else 12, "color": colours.text},
        **({} if look.printed else {"showlegend": False}),
        "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom"},
        "dragmode": "zoom" if look.printed else False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": colours.surface,
            "bordercolor": colours.line,
            "font": {"family": FONT, "size": 13, "color": colours.text},
            "align": "left",
        },
        "transition": {"duration": 0},
        "xaxis": {**axis, "showline": True, "linecolor": colours.line, "ticklabelstandoff": 6},
        "yaxis": {
            **axis, "showgrid": True, "gridcolor": colours.line, "rangemode": "tozero", "ticklabelstandoff": 8,
        },
    }  # fmt: skip
    return {"layout": layout}
