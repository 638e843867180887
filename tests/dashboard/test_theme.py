"""Colours: one set for plots and pages, with enough contrast."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dashboard.theme
from tracker.reports.looks import PALETTES, Palette, Scheme

SHEET = (Path(dashboard.theme.__file__).parent / "assets" / "base.css").read_text(encoding="utf-8")
SELECTORS = {Scheme.LIGHT: ":root {", Scheme.DARK: ':root[data-mantine-color-scheme="dark"] {'}


def properties(scheme: Scheme) -> dict[str, str]:
    """Custom properties of one scheme in the style sheet."""
    block = SHEET.split(SELECTORS[scheme], 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", Scheme)
def test_plots_and_pages_share_their_colours(scheme: Scheme) -> None:
    palette: Palette = PALETTES[scheme]
    shared = ("surface", "line", "text", "muted", "main", "second", "warn", "bad")
    assert {name: getattr(palette, name) for name in shared} == {name: properties(scheme)[name] for name in shared}


@pytest.mark.parametrize("scheme", Scheme)
@pytest.mark.parametrize("words", ["text", "muted", "main", "second", "warn", "bad"])
@pytest.mark.parametrize("ground", ["page", "surface", "sunken"])
def test_text_has_contrast_on_every_background(scheme: Scheme, words: str, ground: str) -> None:
    colours = properties(scheme)
    assert contrast(colours[words], colours[ground]) >= 4.5


def test_a_chosen_page_can_be_read() -> None:
    for scheme in Scheme:
        colours = properties(scheme)
        assert contrast(colours["main"], colours["main-soft"]) >= 4.5


def test_without_scripts_the_systems_dark_scheme_has_the_same_colours() -> None:
    block = SHEET.split(":root:not([data-mantine-color-scheme]) {", 1)[1].split("}", 1)[0]
    assert dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block)) == properties(Scheme.DARK)
