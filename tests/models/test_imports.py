"""Modules of one package import each other without cycles."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports_within(package: str) -> dict[str, set[str]]:
    """By module: the modules of the same package that it imports, anywhere in the file."""
    prefix = package.replace("/", ".")
    names = {path.stem: f"{prefix}.{path.stem}" for path in (ROOT / package).glob("*.py")}
    found: dict[str, set[str]] = {}
    for stem, name in names.items():
        tree = ast.parse((ROOT / package / f"{stem}.py").read_text(encoding="utf-8"))
        nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
        imported = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
        imported |= {str(node.module) for node in nodes}
        found[name] = {other for other in names.values() if other in imported and other != name}
    return found


@pytest.mark.parametrize("package", ["models", "config", "tracker/vision", "tracker/identity", "tracker/simulation"])
def test_modules_of_a_package_import_without_cycles(package: str) -> None:
    order = list(TopologicalSorter(imports_within(package)).static_order())
    assert order
