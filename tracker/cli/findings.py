"""The findings of checks, as a command prints them."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from config.errors import FootfallError
from config.findings import Finding, Outcome
from tracker.cli.output import Result

_STYLES = {Outcome.OK: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "bold red"}


def result_of(findings: Sequence[Finding]) -> Result:
    """A line for each check, and its fix; it fails where a check failed."""
    failed = ", ".join(finding.check for finding in findings if finding.outcome is Outcome.FAILED)
    return Result(
        document=findings,
        parts=[_line(finding) for finding in findings],
        failure=FootfallError(f"failed: {failed}", fix="apply each fix, then run this again") if failed else None,
    )


def _line(finding: Finding) -> Text:
    line = Text.assemble((f"{finding.outcome:<8}", _STYLES[finding.outcome]), f"{finding.check:<12}  {finding.detail}")
    if finding.fix:
        line.append(f"\n{'':<22}fix: {finding.fix}")
    return line
