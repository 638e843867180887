"""Aggregations over the documents of a query: count, sum and average."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tests.firestore.server.filters import Path
from tests.firestore.server.names import field_path
from tests.firestore.server.protos import AggregationResult, Value
from tests.firestore.server.refusal import expect, invalid
from tests.firestore.server.values import find
from tests.firestore.server.writes import MAX_INTEGER, MIN_INTEGER

MAX_AGGREGATIONS = 5


def check_aggregations(asked: Any) -> None:
    aggregations = asked.aggregations
    expect(0 < len(aggregations) <= MAX_AGGREGATIONS, f"A query takes 1 to {MAX_AGGREGATIONS} aggregations.")
    aliases = [each.alias for each in aggregations]
    expect(len({*aliases} - {""}) == len([each for each in aliases if each]), "An alias is used twice.")


def aggregated_paths(asked: Any) -> list[Path]:
    """Fields that are summed or averaged."""
    paths = []
    for each in asked.aggregations:
        kind = each.WhichOneof("operator")
        if kind in ("sum", "avg"):
            paths.append(field_path(getattr(each, kind).field.field_path))
    return paths


def aggregate(asked: Any, documents: Sequence[Any]) -> Any:
    """The result over the documents; one that lacks an aggregated field counts for none of them.

    Where documents are only counted, anything of that length does.
    """
    paths = aggregated_paths(asked)
    counted = [each for each in documents if all(find(each.fields, path) is not None for path in paths)]
    result = AggregationResult()
    for index, each in enumerate(asked.aggregations, start=1):
        result.aggregate_fields[each.alias or f"field_{index}"].CopyFrom(_one(each, counted))
    return result


def _one(aggregation: Any, documents: list[Any]) -> Any:
    kind = aggregation.WhichOneof("operator")
    if kind == "count":
        up_to = aggregation.count.up_to.value if aggregation.count.HasField("up_to") else len(documents)
        return Value(integer_value=min(len(documents), up_to))
    if kind not in ("sum", "avg"):
        raise invalid("An aggregation says nothing to do.")
    numbers = _numbers(documents, field_path(getattr(aggregation, kind).field.field_path))
    if kind == "sum":
        return _sum(numbers)
    return Value(double_value=_total(numbers) / len(numbers)) if numbers else Value(null_value=0)


def _numbers(documents: list[Any], path: Path) -> list[int | float]:
    numbers: list[int | float] = []
    for document in documents:
        value = find(document.fields, path)
        kind = value.WhichOneof("value_type")
        if kind in ("integer_value", "double_value"):
            numbers.append(getattr(value, kind))
    return numbers


def _sum(numbers: list[int | float]) -> Any:
    if all(isinstance(each, int) for each in numbers):
        total = sum(numbers)
        if MIN_INTEGER <= total <= MAX_INTEGER:
            return Value(integer_value=total)
    return Value(double_value=float(_total(numbers)))


def _total(numbers: list[int | float]) -> float:
    if any(math.isnan(each) or math.isinf(each) for each in numbers):
        return float(sum(numbers))
    return math.fsum(numbers)
