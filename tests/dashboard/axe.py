"""axe-core: what a page does wrong for people who use it by keyboard or by ear, or see little."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

NODE_FOLDER = Path(__file__).parent / "node"
_SCRIPT = NODE_FOLDER / "node_modules" / "axe-core" / "axe.min.js"
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
_RUN = """rules => axe.run(document, {runOnly: {type: "tag", values: rules}, resultTypes: ["violations"]}).then(
  found => found.violations.map(each => [each.impact, each.id, each.nodes.map(node => node.html.slice(0, 160))]))"""
SERIOUS = {"serious", "critical"}


def serious(page: Page) -> list[list[object]]:
    """The serious violations of a page as it is now: impact, rule, elements."""
    if not _SCRIPT.is_file():
        pytest.skip(f"axe-core is not installed: npm ci --prefix tests/dashboard/{NODE_FOLDER.name}")
    page.evaluate(_SCRIPT.read_text(encoding="utf-8"))
    return [each for each in page.evaluate(_RUN, list(_RULES)) if each[0] in SERIOUS]
