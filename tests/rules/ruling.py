"""Whether a rules file allows a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.rules.evaluator import Budget, Look, Scope, is_true
from tests.rules.kinds import UNKNOWN, Place, RuleError
from tests.rules.parser import parse
from tests.rules.syntax import Allow, Match, Ruleset, Segment

DEPLOYED = Path(__file__).parents[2] / "config" / "firestore.rules"
MEANS = {"read": ("get", "list"), "write": ("create", "update", "delete")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request for one document, or for a collection if method is `list`.

    ids: from the root of the database; of a collection for a list. uid, claims: of the signed-in user, uid None for
    nobody. before, after: the document's fields now, and as the write would leave them.
    """

    method: str
    ids: tuple[str, ...]
    at: datetime
    uid: str | None = None
    claims: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Ruling:
    """expressions: how many were evaluated. reasons: why matching rules denied."""

    allowed: bool
    expressions: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """A parsed file. look, look_after: documents of the database before and after the request."""

    ruleset: Ruleset

    @classmethod
    def read(cls, path: Path = DEPLOYED) -> Rules:
        return cls(parse(path.read_text(encoding="utf-8")))

    def rule(self, request: Request, look: Look, look_after: Look | None = None) -> Ruling:
        budget, reasons = Budget(), list[str]()
        ids = ("databases", "(default)", "documents", *request.ids, *(("?",) if request.method == "list" else ()))
        root = Scope(_said(request), {}, look, look_after or look, budget).inside(self.ruleset.functions, {})
        for allow, scope in _speaking(self.ruleset.matches, ids, root, request.method == "list"):
            if request.method not in {each for method in allow.methods for each in MEANS.get(method, (method,))}:
                continue
            try:
                if allow.condition is None or is_true(allow.condition, scope):
                    return Ruling(True, budget.expressions)
                reasons.append("a condition is false")
            except RuleError as error:
                reasons.append(str(error))
        return Ruling(False, budget.expressions, tuple(reasons))


def _said(request: Request) -> dict[str, Any]:
    listing = request.method == "list"
    auth = None if request.uid is None else {"uid": request.uid, "token": dict(request.claims or {})}
    fields: dict[str, Any] = {
        "auth": auth,
        "method": request.method,
        "time": request.at,
        "path": Place(request.ids),
        "resource": None if request.after is None else {"data": request.after, "id": request.ids[-1]},
    }
    now = None if request.before is None else {"data": request.before, "id": request.ids[-1]}
    return {"request": fields, "resource": UNKNOWN if listing else now}


def _speaking(
    matches: tuple[Match, ...], ids: tuple[str, ...], scope: Scope, listing: bool
) -> Iterator[tuple[Allow, Scope]]:
    """The allows of the matches of the path, each with its scope."""
    for match in matches:
        bound = _bound(match.path, ids, listing)
        if bound is None:
            continue
        variables, taken = bound
        inner = scope.inside(match.functions, variables)
        if taken == len(ids):
            yield from ((allow, inner) for allow in match.allows)
        else:
            yield from _speaking(match.matches, ids[taken:], inner, listing)


def _bound(path: tuple[Segment, ...], ids: tuple[str, ...], listing: bool) -> tuple[dict[str, Any], int] | None:
    """The values of the wildcards, and the number of ids that the path matches; None if it does not match."""
    variables: dict[str, Any] = {}
    for at, segment in enumerate(path):
        if segment.deep:
            variables[segment.text] = Place(ids[at:])
            return variables, len(ids)
        if at >= len(ids):
            return None
        if segment.wildcard:
            variables[segment.text] = UNKNOWN if listing and ids[at] == "?" and at == len(ids) - 1 else ids[at]
        elif segment.text != ids[at]:
            return None
    return variables, len(path)
