"""The plot of a comparison."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tracker.bench.test_accuracy import VECTORS, collection_of
from tracker.bench.accuracy import pair_accuracy
from tracker.bench.plot import plot
from tracker.bench.results import Comparison, DetectorResult, EmbedderResult
from tracker.bench.timing import Timing
from tracker.identity.evaluation import Pair

PAIRS = (Pair("a", "b", True), Pair("a", "c", False), Pair("c", "d", True))


def detector(name: str, *, faces: int, size_bytes: int) -> DetectorResult:
    return DetectorResult(
        name=name,
        timing=Timing(median_ms=3.0 * faces, p95_ms=9.0, calls=5),
        size_bytes=size_bytes,
        pictures=4,
        faces=faces,
        missed=None,
        false_positives=None,
        mtcnn_recall=None,
        extra_faces=None,
    )


def embedder(*pairs: Pair, timed: bool = True) -> EmbedderResult:
    accuracy = pair_accuracy(collection_of(*pairs), VECTORS, threshold=2.0) if pairs else None
    timing = Timing(median_ms=5, p95_ms=6, calls=5) if timed else None
    return EmbedderResult(
        name="<mine>", timing=timing, size_bytes=7_000_000, dimension=2, faces=4, limit=2.0, accuracy=accuracy
    )


def drawn(*results: DetectorResult | EmbedderResult) -> dict[str, Any]:
    comparison = Comparison(
        detectors=tuple(each for each in results if isinstance(each, DetectorResult)),
        embedders=tuple(each for each in results if isinstance(each, EmbedderResult)),
    )
    found: dict[str, Any] = json.loads(plot(comparison, title="A <b>").to_json())
    return found


def test_detectors_by_faces_and_embedders_by_accuracy() -> None:
    results = (detector("mtcnn", faces=4, size_bytes=4_000_000), detector("yunet", faces=3, size_bytes=1_000_000))
    found = drawn(*results, embedder(*PAIRS))
    dots, others = found["data"]
    assert (dots["x"], dots["y"], dots["text"]) == ([12.0, 9.0], [4, 3], ["mtcnn", "yunet"])
    assert dots["marker"]["size"] == pytest.approx([28, 18])
    assert (others["y"], others["text"]) == ([0.5], ["&lt;mine&gt;"])
    layout = found["layout"]
    assert layout["title"]["text"] == "A &lt;b&gt;"
    assert layout["yaxis"]["title"]["text"] == "faces found in 4 pictures"
    low, high = layout["yaxis2"]["range"]
    assert low < 0.5 < 1 < high
    assert max(layout["yaxis2"]["tickvals"]) == 1


def test_without_pairs_the_size_is_drawn() -> None:
    (dots,) = drawn(embedder())["data"]
    assert dots["y"] == [7_000_000]


def test_pairs_of_one_kind_have_an_accuracy_only() -> None:
    found = drawn(embedder(PAIRS[0], PAIRS[2]))
    assert found["data"][0]["y"] == [0.5]
    assert "accuracy" in found["layout"]["yaxis"]["title"]["text"]


def test_what_was_not_timed_is_left_out() -> None:
    (dots,) = drawn(embedder(*PAIRS, timed=False))["data"]
    assert (dots["x"], dots["y"]) == ([], [])
