"""The distances that decide, by embedder, gallery and settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import ModelError
from config.findings import Outcome
from config.recognition import MatchSettings, RuleName
from tracker.identity.check import check_recognition
from tracker.identity.limits import match_settings
from tracker.vision.embedders import DLIB, SFACE, EmbedderSpec, chosen


@pytest.mark.parametrize(
    ("embedder", "people", "max_distance", "stranger_distance"),
    [
        pytest.param(SFACE, 0, 1.05, 1.13, id="nobody"),
        pytest.param(SFACE, 100, 1.05, 1.13, id="a-hundred"),
        pytest.param(SFACE, 101, 1.0, 1.1, id="more"),
        pytest.param(DLIB, 100, 0.38, 0.6, id="dlib"),
        pytest.param(DLIB, 101, 0.36, 0.6, id="dlib-more"),
    ],
)
def test_unset_distances_depend_on_embedder_and_gallery(
    embedder: EmbedderSpec, people: int, max_distance: float, stranger_distance: float
) -> None:
    found = match_settings(MatchSettings(min_sightings=5), embedder, people=people)
    assert (found.max_distance, found.stranger_distance) == (max_distance, stranger_distance)
    assert (found.min_margin, found.clear_by) == (embedder.embedding.min_margin, embedder.embedding.clear_by)
    assert found.min_sightings == 5


def test_defaults_of_the_settings_are_those_of_sface() -> None:
    assert match_settings(MatchSettings(), SFACE, people=1) == MatchSettings()


@pytest.mark.parametrize(
    ("given", "max_distance", "stranger_distance"),
    [
        pytest.param({"max_distance": 0.9}, 0.9, 1.1, id="stricter"),
        pytest.param({"max_distance": 1.12}, 1.12, 1.12, id="looser"),
        pytest.param({"stranger_distance": 0.8}, 0.8, 0.8, id="strangers-sooner"),
        pytest.param({"max_distance": 0.7, "stranger_distance": 0.8}, 0.7, 0.8, id="both"),
    ],
)
def test_given_distances_stay_and_the_others_keep_the_order(
    given: dict[str, float], max_distance: float, stranger_distance: float
) -> None:
    found = match_settings(MatchSettings(**given), SFACE, people=500)
    assert (found.max_distance, found.stranger_distance) == (max_distance, stranger_distance)


@pytest.mark.parametrize(
    ("setting", "stored", "expected"),
    [
        pytest.param(None, None, SFACE, id="new"),
        pytest.param("dlib_resnet", None, DLIB, id="new-with-dlib"),
        pytest.param(None, "dlib_resnet", DLIB, id="store-of-dlib"),
        pytest.param("sface", "sface", SFACE, id="agreed"),
    ],
)
def test_a_store_goes_on_with_its_network(
    setting: str | None, stored: str | None, expected: EmbedderSpec, tmp_path: Path
) -> None:
    assert chosen(setting, stored, tmp_path) is expected


def test_another_network_than_that_of_the_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="were enrolled with dlib") as caught:
        chosen("sface", "dlib_resnet", tmp_path)
    assert "re-enroll" in caught.value.fix
    with pytest.raises(ModelError, match="no embedder named 'nope'"):
        chosen("nope", "sface", tmp_path)
    with pytest.raises(ModelError, match="model pack facenet, which is not in"):
        chosen(None, "facenet@0123456789ab", tmp_path)


@pytest.mark.parametrize(
    ("given", "embedder", "outcome", "words"),
    [
        pytest.param({}, SFACE, Outcome.OK, "sface", id="sface"),
        pytest.param({"max_distance": 0.9}, SFACE, Outcome.OK, "sface", id="stricter"),
        pytest.param({"max_distance": 0.55}, SFACE, Outcome.WARNING, "0.75 to 1.2", id="distance-of-dlib"),
        pytest.param({}, DLIB, Outcome.WARNING, "confuses people of some groups", id="dlib"),
    ],
)
def test_check_warns_of_distances_and_networks(
    given: dict[str, float], embedder: EmbedderSpec, outcome: Outcome, words: str
) -> None:
    found = check_recognition(MatchSettings(**given), embedder)
    assert found.outcome is outcome
    assert words in found.detail


@pytest.mark.parametrize(("rule", "fails"), [("nearest", False), ("knn", False), ("softmax", True), ("svm", True)])
def test_check_fails_where_a_rule_cannot_be_fitted(monkeypatch: pytest.MonkeyPatch, rule: str, fails: bool) -> None:
    given = MatchSettings(rule=RuleName(rule))
    assert check_recognition(given, SFACE).outcome is Outcome.OK
    monkeypatch.setattr("tracker.identity.check.find_spec", lambda _name: None)
    found = check_recognition(given, SFACE)
    assert (found.outcome is Outcome.FAILED, found.fix == "pip install 'footfall[rules]'") == (fails, fails)
