"""Documents are correct: links resolve, commands and options exist, no path of one machine."""

from __future__ import annotations

import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from tracker.cli.main import app

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"```(?:sh|console|powershell)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"`(footfall [^`]+)`")


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def anchors(path: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands_in(text: str) -> list[str]:
    lines = [line.strip() for block in FENCE.findall(text) for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in [*lines, *INLINE.findall(text)] if line.startswith("footfall ")]


def unknown_part(line: str) -> str | None:
    """The first word of a `footfall` command line that names no command or flag, None where all exist."""
    command = command_line()
    words = re.split(r"\s+[|>&#]\s*|\s+2>", line)[0].split()[1:]
    for word in words:
        subcommands = getattr(command, "commands", None)
        if subcommands and not word.startswith("-"):
            if word not in subcommands:
                return None if word == "…" else word
            command = subcommands[word]
            command = command.load() if hasattr(command, "load") else command
        elif word.startswith("-") and len(word) > 1:
            flags = {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
            if word.split("=")[0] not in flags | {"--help", "-h"}:
                return word
    return None


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_exist(path: Path) -> None:
    broken = []
    for match in LINK.finditer(path.read_text(encoding="utf-8")):
        target, _, anchor = (match.group(1) or match.group(2)).partition("#")
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file = (path.parent / target).resolve() if target else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
            broken.append(match.group(0))
    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_commands_and_flags_in_documents_exist(path: Path) -> None:
    lines = commands_in(path.read_text(encoding="utf-8"))
    assert {line: part for line in lines if (part := unknown_part(line))} == {}


def test_the_command_check_finds_what_does_not_exist() -> None:
    assert unknown_part("footfall report todday") == "todday"
    assert unknown_part("footfall track --camrea 0") == "--camrea"
    assert unknown_part("footfall track --camera 0 | head") is None


def test_readme_has_the_main_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [word for word in ("make demo", "make test", "footfall enroll", "footfall track") if word not in text] == []


def test_changelog_has_the_version_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## {package}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_no_file_has_a_path_of_one_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    pattern = re.compile(r"(?<![\w.])/(?:home|Users|root|work)/\w+")
    endings = {".py", ".md", ".toml", ".css", ".js", ".json", ".lock", ""}
    files = [ROOT / name for name in listed.splitlines() if Path(name).suffix in endings]
    found = [str(path) for path in files if path.is_file() and pattern.search(path.read_text(encoding="utf-8"))]
    assert len(files) > 20
    assert found == []
