"""What a check of the machine found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of one check. detail: what was found. fix: what to do, empty when all is well."""

    check: str
    outcome: Outcome = Outcome.OK
    detail: str
    fix: str = ""
