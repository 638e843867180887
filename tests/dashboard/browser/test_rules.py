"""The rules of the browser's camera, in Node, are those of an agent: the same records, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from config.settings import CameraSettings
from tests.dashboard.browser.door_scenarios import DOOR_SCENARIOS, ROLES
from tests.dashboard.browser.rules_node import Node, running_node
from tests.dashboard.browser.scenarios import NAME_SCENARIOS, ada, still
from tests.dashboard.browser.scripts import scripts
from tests.dashboard.browser.time_scenarios import TIME_SCENARIOS
from tests.dashboard.browser.trace_cameras import PEOPLE, QUALITY, START, Restart, Script
from tests.dashboard.browser.traces import Trace, trace
from tracker.identity.gallery import Gallery
from tracker.identity.match import nearest
from tracker.presence.documents import decode, encode
from tracker.presence.events import CameraRef, Correction, Event, Match, content_id, time_text, unidentified_id
from tracker.vision.faces import FloatArray
from tracker.vision.quality import Quality, rejection

SCENARIOS = NAME_SCENARIOS | TIME_SCENARIOS | DOOR_SCENARIOS
_RECORDS = {"events": Event, "matches": Match, "corrections": Correction}

quick = settings(max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as node:
        yield node


def require_same(node: Node, made: Trace) -> None:
    """The browser's camera makes of the trace what the agent made of it."""
    for index, (expected, found) in enumerate(zip(made.expected, node.replay(made), strict=True)):
        assert found == expected, f"step {index}: {made.steps[index]}"


# -- traces


@pytest.mark.parametrize("name", SCENARIOS)
def test_named_scenarios(node: Node, name: str) -> None:
    scenario = SCENARIOS[name]
    made = trace(scenario.script, role=scenario.role, people=scenario.people)
    assert _reported(made) == scenario.reported
    require_same(node, made)


@pytest.mark.parametrize("role", ROLES.values(), ids=ROLES)
def test_any_script(node: Node, role: CameraSettings) -> None:
    counts: Counter[str] = Counter()

    @given(script=scripts())
    @settings(max_examples=100, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def same(script: Script) -> None:
        made = trace(script, role=role)
        require_same(node, made)
        for outcome in made.expected:
            counts.update({name: len(outcome[name]) for name in _RECORDS})
            counts["not due"] += outcome.get("due", []).count(False)

    same()
    assert counts["events"] >= 20  # else little was compared
    assert min(counts["matches"], counts["not due"]) >= 100


@pytest.mark.parametrize("people", [1, 2, 50])
def test_nearest_person_of_a_gallery(node: Node, people: int) -> None:
    """With vectors of whole length, personal limits, and faces that are marked as not theirs."""
    random = np.random.default_rng(people)
    centres = _units(random, people)
    rows = np.repeat(centres, 5, axis=0) + random.normal(scale=0.05, size=(5 * people, 128)).astype(np.float32)
    ids = [f"p-{index}" for index in range(people)]
    limits = {ids[0]: 0.9}
    queries = np.concatenate([centres + _units(random, people) * np.float32(0.7), _units(random, 5), rows[:3]])
    negatives = queries[: people // 2 + 1] + np.float32(0.05)
    gallery = Gallery.of(rows, np.repeat(ids, 5).tolist()).with_exceptions(limits, negatives, ids[: len(negatives)])
    documents = [
        {
            "person_id": person_id,
            "vectors": rows[5 * index : 5 * index + 5].tolist(),
            "limit": limits.get(person_id),
            "negatives": negatives[index : index + 1].tolist(),
        }
        for index, person_id in enumerate(ids)
    ]
    for expected, query in zip(nearest(gallery, queries), queries, strict=True):
        assert expected is not None
        found = node.ask("nearest", people=documents, vector=query.tolist())
        assert (found["personId"], found["limit"], found["excluded"]) == (
            expected.person_id,
            expected.limit,
            expected.excluded,
        )
        margin = np.inf if found["margin"] is None else found["margin"]
        assert [found["distance"], margin] == pytest.approx([expected.distance, expected.margin], abs=1e-6)


@given(
    cost=st.integers(0, 6).flatmap(
        lambda columns: st.lists(
            st.lists(st.sampled_from((0.0, 0.25, 0.3, 1.0, 2.01)), min_size=columns, max_size=columns),
            min_size=1,
            max_size=6,
        )
    )
)
@quick
def test_assignments_with_ties(node: Node, cost: list[list[float]]) -> None:
    expected = zip(*linear_sum_assignment(np.array(cost).reshape(len(cost), -1)), strict=True)
    assert sorted(node.ask("assign", cost=cost)) == [[int(row), int(column)] for row, column in expected]


def test_records_are_whole_documents(node: Node) -> None:
    """As the import of records checks them."""
    for name in ("entrance-renames-a-stranger", "voided-and-happened-after-all", "near-the-limit-only"):
        found = node.replay(trace(SCENARIOS[name].script, role=SCENARIOS[name].role))
        for kind, record in _RECORDS.items():
            for document in (each for outcome in found for each in outcome[kind]):
                decoded: Any = decode(record, document)
                assert encode(replace(decoded, **{f"{record.__name__.lower()}_id": ""})) == document


@pytest.mark.parametrize("known_again", [True, False])
def test_a_restart_before_the_people_are_known_forgets_nobody(node: Node, known_again: bool) -> None:
    """Ada is in sight before and after it. Where the people stay unknown she left when she was recognised last."""
    made = trace([*still(0, 4, ada()), Restart(), *still(4.2, 12, ada())], role=ROLES["room"])
    restart = next(index for index, each in enumerate(made.steps) if each["kind"] == "restart")
    steps = [dict(each) for each in made.steps[:-1]]
    steps[restart]["gallery"] = None
    if known_again:
        steps[restart + 2]["gallery"] = made.options["gallery"]
    found = node.ask("replay", options=made.options, steps=steps)
    person_id = PEOPLE[0].person_id
    events = [each for outcome in found for each in outcome["events"] if each["person_id"] == person_id]
    assert [each["kind"] for each in events] == (["enter"] if known_again else ["enter", "exit"])
    is_present = person_id in [each["person_id"] for each in found[-1]["present"]]
    assert is_present is known_again


# -- ids and figures


@given(seconds=st.floats(0, 1e6) | st.integers(0, 4_000_000).map(lambda halves: halves / 2e6))
@quick
def test_durations_in_microseconds(node: Node, seconds: float) -> None:
    assert node.ask("microseconds", seconds=seconds) == timedelta(seconds=seconds) // timedelta(microseconds=1)


_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@quick
@given(parts=st.lists(_TEXTS, max_size=6))
def test_content_ids(node: Node, parts: list[str]) -> None:
    assert node.ask("content_id", parts=parts) == content_id(*parts)


@pytest.mark.parametrize("length", [0, 51, 52, 55, 56, 60, 64, 119, 120, 1000])
def test_content_ids_at_the_ends_of_blocks(node: Node, length: int) -> None:
    assert node.ask("content_id", parts=["ü" * (length // 2), "x" * (length % 2)]) == content_id(
        "ü" * (length // 2), "x" * (length % 2)
    )


@pytest.mark.parametrize("camera_id", ["front", "tür", "門", "🚪-1", "e\u0301"])
def test_unidentified_ids(node: Node, camera_id: str) -> None:
    track_id = f"{camera_id}-20260302T120000.000000-1"
    found = node.ask("unidentified_id", site_id="gym", camera_id=camera_id, track_id=track_id)
    assert found == unidentified_id(CameraRef("gym", camera_id), track_id)


@pytest.mark.parametrize("microseconds", [0, 1, 999_999, 1_000_000, 1_772_452_800_000_001, 7_258_118_399_999_999])
def test_texts_of_times(node: Node, microseconds: int) -> None:
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
    assert node.ask("time_text", at=microseconds) == time_text(at)


_FIGURES = {
    "widths_px": (31.5, 30.5, 29.499, 32.0, 80.0),
    "clipped": (0.5, 0.505, 0.625, 1.0),
    "brightness": (0.1, 0.25, 0.5, 0.9),
    "contrast": (0.0125, 0.02, 0.0195, 0.3),
    "sharpness": (0.25, 0.05, 1.45, 1.5, 6.0),
    "yaw": (0.0, 75.0, 75.5, 76.5),
    "pitch": (-0.875, -0.8, 0.0, 0.8, 0.995),
}


@quick
@given(figures=st.fixed_dictionaries({name: st.sampled_from(values) for name, values in _FIGURES.items()}))
def test_reasons_of_rejections(node: Node, figures: dict[str, float]) -> None:
    """With halves, which are rounded to the even digit, and values at the limits."""
    columns = {name: np.array([value], np.float32) for name, value in ({"eyes": 1.0, "score": 1.0} | figures).items()}
    quality = {name: float(column[0]) for name, column in columns.items()}
    quality["widthsPx"] = quality.pop("widths_px")
    found = node.ask("rejection", quality=quality, settings=QUALITY.model_dump(mode="json"))
    assert found == rejection(Quality(**columns), 0, QUALITY)


# -- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"role": {"kind": "lobby"}}, "role: expected room, entrance, exit or door", id="unknown-role"),
        pytest.param({"role": {"kind": "door"}}, "a door needs line and inside", id="door-without-a-line"),
        pytest.param(
            {"role": {"kind": "door", "line": [[0.5, 0], [0.5, 1.5]], "inside": "left"}},
            "fractions",
            id="outside-the-frame",
        ),
        pytest.param(
            {"role": {"kind": "door", "line": [[0.5, 0.5], [0.51, 0.5]], "inside": "above"}}, "lie apart", id="short"
        ),
        pytest.param(
            {"role": {"kind": "door", "line": [[0.5, 0], [0.5, 1]], "inside": "above"}}, "no side above", id="no-side"
        ),
        pytest.param(
            {"role": {"kind": "door", "line": [[0.5, 0], [0.5, 1]], "inside": "in"}}, "expected left", id="no-such-side"
        ),
        pytest.param({"state": {"version": 0}}, "start without a state", id="state-of-another-version"),
        pytest.param(
            {"gallery": [{**PEOPLE[0].document(), "vectors": [[1.0, 0.0], [1.0]]}]}, "expected 2", id="uneven-vectors"
        ),
        pytest.param({"gallery": [{**PEOPLE[0].document(), "vectors": [["x", 0.0]]}]}, "finite", id="no-number"),
    ],
)
def test_bad_options_are_refused(node: Node, change: dict[str, Any], message: str) -> None:
    made = trace([], role=ROLES["room"])
    with pytest.raises(AssertionError, match=message):
        node.ask("replay", options=made.options | change, steps=[])


@pytest.mark.parametrize("at", [-1, 0.5, 2**53, None], ids=["negative", "fraction", "too-large", "missing"])
def test_bad_times_are_refused(node: Node, at: float | None) -> None:
    made = trace(still(0, 1), role=ROLES["room"])
    with pytest.raises(AssertionError, match="expected whole microseconds since 1970"):
        node.ask("replay", options=made.options, steps=[made.steps[0] | {"at": at}])


def _reported(made: Trace) -> list[tuple[str, str, float, bool]]:
    """(name, kind, second, inferred) of the events that hold in the end, in order."""
    events: dict[str, dict[str, Any]] = {}
    for outcome in made.expected:
        events |= {each["event_id"]: each for each in outcome["events"]}
        for each in outcome["corrections"]:
            events.pop(each["event_id"], None)
            events |= {each["event_id"]: each["event"]} if each["event"] else {}
    names = {each["person_id"]: each["name"].partition("+")[0] for each in made.options["gallery"]}
    found = [
        (names.get(each["person_id"], "?"), each["kind"], _second(each["at"]), each["inferred"])
        for each in events.values()
    ]
    return sorted(found, key=lambda each: (each[2], each[0], each[1]))


def _second(text: str) -> float:
    return (datetime.fromisoformat(text) - START).total_seconds()


def _units(random: np.random.Generator, count: int) -> FloatArray:
    """(N, 128) of length 1."""
    vectors = random.normal(size=(count, 128)).astype(np.float32)
    units: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units
