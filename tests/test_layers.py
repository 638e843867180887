"""Architecture: allowed imports, file sizes, forbidden text."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("config", "models", "tracker", "dashboard", "functions", "benchmarks")

# A module may import of this project only what the longest prefix of its name lists here.
ALLOWED: dict[str, tuple[str, ...]] = {
    "config": ("config",),
    "models": ("models", "config"),
    "tracker": (
        "tracker",
        "models.runtime",
        "models.cards",
        "models.cascades",
        "models.catalog",
        "models.embedding",
        "models.packs",
        "config",
    ),
    "tracker.vision": (
        "tracker.vision",
        "tracker.presence",
        "models.cascades",
        "models.catalog",
        "models.embedding",
        "models.packs",
        "models.runtime",
        "config",
    ),
    "tracker.identity": (
        "tracker.identity",
        "tracker.cameras",
        "tracker.demo.portraits",
        "tracker.presence",
        "tracker.reports.text",
        "tracker.store",
        "tracker.vision",
        "models.cards",
        "models.catalog",
        "models.embedding",
        "models.runtime",
        "config",
    ),
    "tracker.cameras": (
        "tracker.cameras",
        "tracker.identity.pictures",
        "tracker.presence",
        "tracker.vision",
        "config",
    ),
    "tracker.store": ("tracker.store", "tracker.presence", "config"),
    "tracker.agent": (
        "tracker.agent",
        "tracker.cameras",
        "tracker.identity",
        "tracker.presence",
        "tracker.reports.text",
        "tracker.store",
        "tracker.vision",
        "models.catalog",
        "models.runtime",
        "config",
    ),
    "tracker.demo": (
        "tracker.demo",
        "tracker.cameras",
        "tracker.identity",
        "tracker.presence",
        "tracker.store",
        "tracker.vision",
        "models.runtime",
        "config",
    ),
    "tracker.bench": (
        "tracker.bench",
        "tracker.demo.portraits",
        "tracker.identity",
        "tracker.reports",
        "tracker.vision",
        "models.catalog",
        "models.packs",
        "config",
    ),
    "tracker.presence": ("tracker.presence",),
    "tracker.reports": ("tracker.reports", "tracker.presence", "config.errors", "config.text"),
    "tracker.reports.selection": ("tracker.reports", "tracker.presence", "tracker.store", "config"),
    "tracker.reports.session_cache": ("tracker.reports", "tracker.presence", "tracker.store"),
    "tracker.reports.headcount_cache": ("tracker.reports", "tracker.presence", "tracker.store"),
    "tracker.presence.documents": ("tracker.presence", "tracker.presence.documents", "config.errors", "config.text"),
    "tracker.cloud": ("tracker.cloud", "tracker.store", "tracker.presence", "config"),
    "tracker.cloud.auth.access": ("config.text",),
    "tracker.cloud.paths": ("tracker.presence",),
    "tracker.cloud.documents": ("tracker.presence", "tracker.presence.documents", "config.errors"),
    "tracker.simulation": ("tracker.simulation", "tracker.presence"),
    "tracker.simulation.recording": ("tracker.simulation", "tracker.presence", "tracker.store", "config.errors"),
    "tracker.dataset": (
        "tracker.dataset",
        "tracker.identity",
        "tracker.vision",
        "tracker.reports.sheets",
        "tracker.reports.text",
        "config",
    ),
    "tracker.moving": (
        "tracker.moving",
        "tracker.identity",
        "tracker.presence",
        "tracker.store.people_copy",
        "tracker.vision",
        "models.weight_files.array_format",
        "config",
    ),
    "tracker.training": (
        "tracker.training",
        "tracker.dataset",
        "tracker.identity",
        "tracker.vision",
        "tracker.reports.text",
        "models",
        "config",
    ),
    "tracker.review": (
        "tracker.review",
        "tracker.identity",
        "tracker.presence",
        "tracker.store",
        "tracker.vision.embedders",
        "config",
    ),
    "tracker.actions": (
        "tracker.actions",
        "tracker.identity",
        "tracker.presence",
        "tracker.review",
        "tracker.store",
        "tracker.vision.embedders",
        "tracker.vision.faces",
        "config",
    ),
    "tracker.cli": (
        "tracker",
        "models.runtime",
        "models.catalog",
        "models.model_folder",
        "models.packs",
        "models.training.start",
        "models.training.state",
        "models.cli",
        "config",
    ),
    "dashboard": (
        "dashboard",
        "tracker.actions",
        "tracker.reports",
        "tracker.presence",
        "tracker.identity",
        "tracker.review",
        "tracker.store",
        "config",
    ),
    "dashboard.devices.app_files": ("dashboard", "models.browser", "config"),
    "functions": (
        "functions",
        "tracker.presence",
        "tracker.presence.documents",
        "tracker.cloud.auth.access",
        "tracker.cloud.paths",
        "tracker.cloud.documents",
        "tracker.reports.attendance",
        "tracker.reports.data",
        "tracker.reports.frames",
        "tracker.reports.headcount",
        "tracker.reports.json_values",
        "tracker.reports.periods",
        "tracker.reports.ranges",
        "tracker.reports.sheets",
        "tracker.reports.tables",
        "config.errors",
        "config.text",
    ),
    "benchmarks": ("benchmarks", "tracker", "models", "config"),
}
STANDARD_LIBRARY_ONLY = (
    "tracker.presence",
    "tracker.presence.documents",
    "tracker.cloud.auth.access",
    "tracker.cloud.paths",
    "tracker.cloud.documents",
    "tracker.reports.json_values",
    "tracker.reports.periods",
    "tracker.reports.ranges",
    "tracker.reports.sheets",
    "tracker.reports.text",
)
TENSORFLOW_ALLOWED = ("models.networks", "models.convert", "models.build", "models.training", "benchmarks")
HEAVY = {"tensorflow", "keras", "mtcnn", "face_recognition_models"}
FOR_REPORTS = {"pandas", "plotly", "xlsxwriter", "kaleido"}
"""Packages that only the reports which need them import, when they are asked for."""

FOR_STREAMS = {"av"}
"""Imported when a recording or a network stream is opened."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            yield name, ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(tree: ast.Module, *, run_time_only: bool = False) -> set[str]:
    """Dotted names that the module imports anywhere in it; `from a import b` counts as a.b."""
    hidden: set[ast.AST] = set()
    if run_time_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                hidden.update(child for statement in node.body for child in ast.walk(statement))
    found: set[str] = set()
    for node in ast.walk(tree):
        if node in hidden:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def rule_for(module: str) -> tuple[str, ...]:
    return ALLOWED[max((prefix for prefix in ALLOWED if within(module, (prefix,))), key=len)]


def test_imports_follow_the_layers() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, tree in modules()
        for name in sorted(imports(tree))
        if name.split(".")[0] in ROOMS and not within(name, rule_for(module))
    ]
    assert wrong == []


def test_no_room_of_the_tracker_imports_the_command_line() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, tree in modules()
        if module.startswith("tracker.") and not within(module, ("tracker.cli",))
        for name in imports(tree)
        if within(name, ("tracker.cli", "typer"))
    ]
    assert wrong == []


def test_only_the_command_line_and_training_import_the_datasets() -> None:
    users = {
        module
        for module, tree in modules()
        if not within(module, ("tracker.dataset", "tracker.training"))
        and any(within(name, ("tracker.dataset",)) for name in imports(tree))
    }
    assert users == {"tracker.cli.dataset"}


def test_presence_and_the_documents_import_only_the_standard_library() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, tree in modules()
        if within(module, STANDARD_LIBRARY_ONLY)
        for name in imports(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and name.split(".")[0] not in ROOMS
    ]
    assert wrong == []


def test_only_building_the_models_touches_tensorflow() -> None:
    wrong = [
        f"{module} imports {name}"
        for module, tree in modules()
        if not within(module, TENSORFLOW_ALLOWED)
        for name in imports(tree)
        if name.split(".")[0] in HEAVY
    ]
    assert wrong == []


def test_the_check_finds_a_forbidden_import() -> None:
    tree = ast.parse("from dashboard import app\nimport tracker.presence.events")
    assert [name for name in imports(tree) if not within(name, rule_for("tracker.agent.loop"))] == ["dashboard.app"]


@pytest.mark.parametrize("name", ["tracker.agent.assembly", "tracker.cli.main", "tracker.cli.step_output"])
def test_an_agent_imports_neither_tensorflow_nor_pandas(name: str) -> None:
    code = f"import sys, {name}; print(*sorted({HEAVY | FOR_REPORTS | FOR_STREAMS!r} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_packages_keep_their_init_files_empty() -> None:
    assert [str(path) for room in ROOMS for path in (ROOT / room).rglob("__init__.py") if path.stat().st_size] == []


def test_no_file_grows_past_400_lines() -> None:
    paths = [path for room in (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py")]
    long = {path.name: lines for path in paths if (lines := len(path.read_text(encoding="utf-8").splitlines())) > 400}
    assert paths
    assert long == {}


def test_no_lock_file_holds_an_address() -> None:
    locks = [path for path in ROOT.iterdir() if path.suffix == ".lock" or path.name.endswith("lock.json")]
    assert locks
    assert [path.name for path in locks if re.search(r"https?://", path.read_text(encoding="utf-8"))] == []
