"""What a machine says of its site: what its own settings say, put over what the document of the site has."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.settings import load_settings
from config.storage import VisitsBy
from tracker.presence import rule_text
from tracker.presence.rules import Rules
from tracker.store.site_words import SiteWords, first_words_of, visits_said, words_of

RULES = Rules(
    merge_gap=timedelta(seconds=77),
    closes_at=time(22, 30),
    zone=ZoneInfo("Asia/Tokyo"),
    entrances=frozenset({"in"}),
    rooms=frozenset({"bar"}),
)
DOCUMENT: dict[str, object] = {
    "name": "The gym",
    "time_zone": "Asia/Tokyo",
    "capacity": 80,
    "visits_by": "functions",
    "rules": rule_text.written(RULES),
    "settings": {"match": {"max_distance": 0.5}},
    "schema": 1,
}
FRONT = '[[camera]]\nid = "front"\nsource = "0"\nrole = "entrance"\n'
LAPTOP = '[site]\nid = "gym"\n[store]\nurl = "firestore://my-gym-1234"\n'


@pytest.fixture
def words(tmp_path: Path) -> Any:
    """What a machine with this settings file says."""

    def of(text: str) -> SiteWords:
        path = tmp_path / "footfall.toml"
        path.write_text(text)
        return words_of(load_settings(path))

    return of


def new(words: SiteWords, document: dict[str, object] | None = None, before: SiteWords | None = None) -> dict[str, Any]:
    return words.over(DOCUMENT if document is None else document, {} if before is None else before.said)


def rules(found: dict[str, Any]) -> Rules:
    return rule_text.read(found["rules"])


def test_a_machine_that_says_nothing_changes_nothing(words: Any) -> None:
    said = words(LAPTOP)
    assert said.is_silent
    assert new(said) == {}


def test_a_site_without_a_document_gets_all_of_it(words: Any) -> None:
    whole = words('[site]\nname = "Gym"\ntime_zone = "Europe/Berlin"\n').whole()
    assert {**whole, "rules": ""} == {
        "name": "Gym",
        "time_zone": "Europe/Berlin",
        "capacity": None,
        "visits_by": "edge",
        "rules": "",
        "schema": 1,
    }
    assert rules(whole) == Rules(zone=ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[site]\nname = "Spa"\n', {"name": "Spa"}),
        ("[site]\ncapacity = 9\n", {"capacity": 9}),
        ('[site]\ntime_zone = "Europe/Rome"\n', {"time_zone": "Europe/Rome"}),
        ('[cloud]\nvisits = "edge"\n', {"visits_by": "edge"}),
        ('[cloud]\nvisits = "functions"\n', {}),
        ("[cloud]\nheartbeat_s = 60\n", {}),
        ("[presence]\nmerge_gap_s = 5\n", {}),
    ],
    ids=["name", "capacity", "zone", "who-writes-visits", "as-it-is", "of-the-machine", "rules-without-cameras"],
)
def test_what_the_settings_say_goes_up_and_nothing_else(words: Any, text: str, expected: dict[str, Any]) -> None:
    assert new(words(text)) == expected


def test_an_environment_says_what_a_file_says(words: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTFALL_SITE__CAPACITY", "7")
    assert new(words(LAPTOP)) == {"capacity": 7}


def test_what_was_said_once_is_not_said_over_what_others_say(words: Any) -> None:
    spa = words('[site]\nname = "Spa"\n')
    assert new(spa, before=spa) == {}
    assert new(words('[site]\nname = "Baths"\n'), before=spa) == {"name": "Baths"}


def test_a_camera_of_the_machine_joins_those_of_others(words: Any) -> None:
    found = new(words(FRONT))
    assert {*found} == {"rules"}
    assert rules(found) == replace(RULES, entrances=frozenset({"in", "front"}))


def test_a_camera_that_is_another_or_none_any_more_leaves_its_place(words: Any) -> None:
    before = words(FRONT)
    there = DOCUMENT | new(before)
    room = words('[[camera]]\nid = "hall"\nsource = "0"\n')
    assert rules(new(room, there, before)) == replace(RULES, rooms=frozenset({"bar", "hall"}))
    as_exit = words(FRONT.replace("entrance", "exit"))
    assert rules(new(as_exit, there, before)) == replace(RULES, exits=frozenset({"front"}))


def test_a_machine_with_cameras_says_the_rules_that_it_sets(words: Any) -> None:
    said = words(f'[presence]\nmin_visit_s = 9\n[site]\ntime_zone = "Europe/Rome"\n{FRONT}')
    there = replace(RULES, entrances=frozenset({"in", "front"}))
    zone = ZoneInfo("Europe/Rome")
    assert rules(new(said)) == replace(there, min_visit=timedelta(seconds=9), zone=zone)
    meanwhile = DOCUMENT | {"rules": rule_text.written(replace(there, min_visit=timedelta(seconds=3)))}
    assert new(said, meanwhile, said) == {}, "somebody else said so since"


def test_rules_in_the_settings_that_a_site_shares_become_its_rules(words: Any) -> None:
    front = words(FRONT)
    document = DOCUMENT | new(front) | {"settings": {"presence": {"min_visit_s": 60}}, "time_zone": "Europe/Rome"}
    found = rules(new(front, document, front))
    assert (found.min_visit, found.merge_gap) == (timedelta(seconds=60), timedelta(seconds=77))
    assert found.zone == ZoneInfo("Europe/Rome")
    assert new(words(LAPTOP), document) == {}


@pytest.mark.parametrize("there", [{}, {"rules": "spoilt", "schema": 1}], ids=["none", "spoilt"])
def test_a_document_without_rules_gets_those_of_a_machine_with_cameras(words: Any, there: dict[str, object]) -> None:
    document = {"settings": {"match": {"max_distance": 0.5}}} | there
    found = new(words(FRONT), document)
    assert rules(found).entrances == {"front"}
    assert (found["name"], found["visits_by"]) == ("My site", "edge")
    assert (document | found)["schema"] == 1
    assert new(words(LAPTOP), document) == {}


def test_a_command_that_only_corrects_has_a_say_where_nobody_said_anything(tmp_path: Path) -> None:
    path = tmp_path / "footfall.toml"
    path.write_text(f'[site]\nname = "Spa"\n{FRONT}')
    said = first_words_of(load_settings(path))
    assert said.is_silent
    assert new(said) == {}
    assert (said.whole()["name"], rules(said.whole()).entrances) == ("Spa", {"front"})


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (None, None),
        ({}, VisitsBy.EDGE),
        ({"visits_by": "functions"}, VisitsBy.FUNCTIONS),
        ({"visits_by": ["?"]}, VisitsBy.EDGE),
    ],
    ids=["no-document", "not-said", "functions", "spoilt"],
)
def test_a_document_says_who_writes_visits(document: Any, expected: VisitsBy | None) -> None:
    assert visits_said(document) is expected
