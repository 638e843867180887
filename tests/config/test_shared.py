"""Shared settings of a site: which settings may be shared, and why others are rejected."""

from __future__ import annotations

from typing import Any

import pytest

from config.settings import load_settings
from config.shared import accepted


@pytest.mark.parametrize(
    ("given", "kept", "refused"),
    [
        ({"presence": {"merge_gap_s": 60}}, {"presence": {"merge_gap_s": 60}}, []),
        ({"presence": {"merge_gap_s": -1, "skew_s": 3}}, {"presence": {"skew_s": 3}}, ["presence.merge_gap_s"]),
        ({"site": {"id": "other", "name": "Gym"}}, {"site": {"name": "Gym"}}, ["site.id"]),
        ({"site": {"time_zone": "Mars/Base"}}, {}, ["site.time_zone"]),
        ({"store": {"url": "sqlite:///x"}}, {}, ["store"]),
        ({"cloud": {"share_vectors": True}}, {}, ["cloud"]),
        ({"match": {"max_distance": "near"}}, {}, ["match.max_distance"]),
        ({"match": {"max_distance": 2.5}}, {}, ["match.max_distance"]),
        ({"match": {"nearest": 1}}, {}, ["match.nearest"]),
        ({"quality": 5}, {}, ["quality"]),
        ({"quality": {}}, {}, []),
        ([], {}, ["settings"]),
        ("text", {}, ["settings"]),
    ],
)
def test_only_valid_shareable_settings_are_accepted(given: Any, kept: dict[str, Any], refused: list[str]) -> None:
    found = accepted(given)
    assert found.sections == kept
    assert list(found.refused) == refused
    assert all(found.refused.values())


def test_shared_settings_are_between_defaults_and_file(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "footfall.toml"
    file.write_text("[presence]\nskew_s = 4\n")
    monkeypatch.setenv("FOOTFALL_PRESENCE__MERGE_GAP_S", "50")
    shared = {"presence": {"skew_s": 9, "merge_gap_s": 9, "min_visit_s": 9, "exit_after_s": 9}}
    found = load_settings(file, {"presence": {"min_visit_s": 5}}, shared=shared).presence
    assert (found.skew_s, found.merge_gap_s, found.min_visit_s, found.exit_after_s) == (4, 50, 5, 9)
    assert found.max_visit_s == 57600
