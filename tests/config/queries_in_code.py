"""Firestore queries in code, read from its source: the fields that are compared, and those that give the order.

It follows names, attributes of self, and functions of the same module that do nothing but return a query; where code
adds a condition in one case only, both queries count, and so does every step on the way to one.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

COLLECTION_MAKERS = {"collection", "_collection", "collection_group"}
UNCHANGED = {"limit", "limit_to_last", "select", "start_at", "start_after", "end_at", "end_before", "offset"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A query. collections: the names it may be of, empty if unknown."""

    collections: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    orders: tuple[tuple[str, str], ...] = ()


@dataclass
class Names:
    """What is known in a place of the text."""

    values: dict[str, ast.expr]
    queries: dict[str, set[Asked]] = field(default_factory=dict)


class Reader(ast.NodeVisitor):
    """Collects the queries of one module. constants: field names defined in other modules."""

    def __init__(self, tree: ast.Module, constants: dict[str, str]) -> None:
        self.found: set[Asked] = set()
        self._constants = constants
        self._functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        self._own: dict[str, ast.expr] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Attribute):
                        self._own[target.attr] = node.value
        self._busy: set[str] = set()
        self._followed: set[tuple[str, ...]] = set()
        self._block(tree.body, Names({}))

    def _block(self, statements: Iterable[ast.stmt], names: Names) -> None:
        for statement in statements:
            if isinstance(statement, ast.FunctionDef | ast.ClassDef):
                self._block(statement.body, Names(dict(names.values), dict(names.queries)))
                continue
            for part in self._expressions(statement):
                self._all_in(part, names)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                for target in targets:
                    self._bind(target, statement.value, names)
            for body in ("body", "orelse", "finalbody"):
                inner = Names(dict(names.values), dict(names.queries))
                self._block([each for each in getattr(statement, body, []) if isinstance(each, ast.stmt)], inner)
                for name, queries in inner.queries.items():
                    names.queries[name] = names.queries.get(name, set()) | queries
                names.values.update(inner.values)
            for handler in getattr(statement, "handlers", []):
                self._block(handler.body, names)

    def _expressions(self, statement: ast.stmt) -> list[ast.expr]:
        found = [each for each in ast.iter_child_nodes(statement) if isinstance(each, ast.expr)]
        return found + [each.context_expr for each in getattr(statement, "items", []) if isinstance(each, ast.withitem)]

    def _bind(self, target: ast.expr, value: ast.expr, names: Names) -> None:
        if isinstance(target, ast.Name):
            names.values[target.id] = value
            names.queries[target.id] = self.queries(value, names)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=False):
                self._bind(each, part, names)

    def _all_in(self, node: ast.AST, names: Names) -> None:
        """Note the queries that an expression ends in; the steps on the way to one do not count."""
        found = self.queries(node, names) if isinstance(node, ast.Call) else set()
        self.found |= {each for each in found if each.filters or each.orders}
        if isinstance(node, ast.Call):
            self._follow(node, names)
        for each in () if found else ast.iter_child_nodes(node):
            self._all_in(each, names)

    def _follow(self, node: ast.Call, names: Names) -> None:
        """What a function of the module makes of the queries that it is given."""
        name, inner = self._called(node, names)
        function = self._functions.get(name)
        key = (name, *(f"{parameter}={sorted(given, key=str)}" for parameter, given in inner.queries.items()))
        if function is not None and any(inner.queries.values()) and key not in self._followed:
            self._followed.add(key)
            self._block(function.body, inner)

    def _called(self, node: ast.Call, names: Names) -> tuple[str, Names]:
        """Which function is called, and what its parameters are."""
        called = node.func
        name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
        inner = Names({}, {})
        function = self._functions.get(name)
        if function is not None:
            given = [each.arg for each in function.args.args if each.arg != "self"]
            for parameter, argument in zip(given, node.args, strict=False):
                inner.queries[parameter] = self.queries(argument, names)
        return name, inner

    def queries(self, node: ast.expr, names: Names) -> set[Asked]:
        """What queries an expression may give; none where it gives something else."""
        if isinstance(node, ast.Name):
            return names.queries.get(node.id, set())
        if isinstance(node, ast.IfExp):
            return self.queries(node.body, names) | self.queries(node.orelse, names)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return self._once(node.attr, self._own.get(node.attr), names)
        if isinstance(node, ast.Call):
            return self._call(node, names)
        return set()

    def _call(self, node: ast.Call, names: Names) -> set[Asked]:
        name, inner = self._called(node, names)
        if name in COLLECTION_MAKERS:
            return {Asked(self._collections(node))}
        if isinstance(node.func, ast.Attribute) and name in {"where", "order_by", *UNCHANGED}:
            return {self._step(name, node, each, names) for each in self.queries(node.func.value, names)}
        function = self._functions.get(name)
        if function is None:
            return set()
        found: set[Asked] = set()
        for each in ast.walk(function):
            if isinstance(each, ast.Return) and each.value is not None:
                found |= self._once(name, each.value, inner)
        return found

    def _once(self, name: str, node: ast.expr | None, names: Names) -> set[Asked]:
        if node is None or name in self._busy:
            return set()
        self._busy.add(name)
        try:
            return self.queries(node, names)
        finally:
            self._busy.discard(name)

    def _step(self, name: str, node: ast.Call, query: Asked, names: Names) -> Asked:
        if name == "where":
            (condition,) = [each.value for each in node.keywords if each.arg == "filter"]
            return replace(query, filters=(*query.filters, self._condition(condition, names)))
        if name == "order_by":
            text = ast.unparse(node.keywords[0].value) if node.keywords else ""
            if text and "DESCENDING" not in text and "ASCENDING" not in text:
                return replace(query, orders=(*query.orders, (self._text(node.args[0], names), "ANY")))
            direction = "DESCENDING" if "DESCENDING" in text else "ASCENDING"
            return replace(query, orders=(*query.orders, (self._text(node.args[0], names), direction)))
        return query

    def _condition(self, node: ast.expr, names: Names) -> tuple[str, str]:
        if isinstance(node, ast.Name) and node.id in names.values:
            return self._condition(names.values[node.id], names)
        if (
            isinstance(node, ast.Subscript)
            and isinstance(node.value, ast.Name)
            and isinstance(node.slice, ast.Constant)
        ):
            several = names.values[node.value.id]
            assert isinstance(several, ast.Tuple)
            return self._condition(several.elts[node.slice.value], names)
        assert isinstance(node, ast.Call), f"line {node.lineno}: a condition that cannot be followed"
        if ast.unparse(node.func) == "equals_any":
            return self._text(node.args[0], names), "in"
        return self._text(node.args[0], names), self._text(node.args[1], names)

    def _text(self, node: ast.expr, names: Names) -> str:
        if isinstance(node, ast.Constant):
            return str(node.value)
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in self._constants:
            return self._constants[name]
        if name in names.values:
            return self._text(names.values[name], names)
        return f"<{ast.unparse(node)}>"

    def _collections(self, node: ast.Call) -> tuple[str, ...]:
        known: list[str] = []
        for argument in node.args:
            for each in ast.walk(argument):
                if isinstance(each, ast.Attribute) and ast.unparse(each.value) in ("Collection", "layout.Collection"):
                    known.append(each.attr.lower())
                elif isinstance(each, ast.Constant) and isinstance(each.value, str):
                    known.append(each.value.rpartition("/")[2])
        return tuple(dict.fromkeys(known))


def queries_in(source: str, constants: dict[str, str] | None = None) -> set[Asked]:
    """All queries that the text of a module may make."""
    return Reader(ast.parse(source), constants or {}).found
