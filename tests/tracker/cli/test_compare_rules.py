"""`footfall people compare-rules`."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from tests.tracker.cli.conftest import Run
from tests.tracker.fake_cameras import NOON
from tests.tracker.identity.galleries import faces
from tracker.presence.people import Person
from tracker.store.store import Store

RULES = ["nearest", "knn", "softmax", "svm"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


def enrol(path: Path, *counts: int) -> None:
    """Ada, Bob and so on, with so many pictures each; the last resembles Ada."""
    names = ("Ada", "Bob", "Eve", "Kim")
    with Store(path) as store:
        for number, count in enumerate(counts):
            person = Person(person_id=f"p-{number:012x}", name=names[number], created_at=NOON, consented_at=NOON)
            twin = {"resembles": 0, "spread": 0.5} if number == 3 else {"spread": 0.5}
            vectors = faces(number, count, **twin)  # type: ignore[arg-type] # by name
            store.people.add(person, vectors, sources=[f"{person.name}-{row}.jpg" for row in range(count)])


def test_rules_are_compared_and_nothing_changes(run: Run, store: Path) -> None:
    enrol(store, 3, 2, 1)
    before = store.read_bytes()
    done = run("people", "compare-rules")
    assert done.code == 0
    header, _, *lines = [line for line in done.out.splitlines() if line.strip()]
    assert " ".join(header.split()) == "rule right wrong person not named strangers rejected strangers named"
    assert [line.split()[0] for line in lines[:4]] == RULES
    assert all("5 of 5, 57 to 100%" in line and "6 of 6, 61 to 100%" in line for line in lines[:4])
    assert lines[0].startswith("nearest (now)")
    assert "too small to tell: 2 of 3 people have pictures that differ enough; it takes at least 8" in done.out
    assert done.out.split()[-2:] == ["nearest", "remains"]
    assert store.read_bytes() == before


def test_json_has_stable_keys_and_the_rule_in_use(run: Run, store: Path, tmp_path: Path) -> None:
    enrol(store, 3, 2, 1, 2)
    settings = tmp_path / "svm.toml"
    settings.write_text('[match]\nrule = "svm"\nmax_distance = 0.2\n')
    data: Any = run("people", "compare-rules", "--json", "--folds", 3, "--seed", 7, "--settings", settings).data
    assert {key: data[key] for key in data if key not in ("reason", "rules")} == {
        "folds": 3, "seed": 7, "vectors": 8, "people": 4, "people_with_several_pictures": 3, "people_needed": 8,
        "current": "svm", "advice": "too small", "recommended": "nearest",
    }  # fmt: skip
    assert [each["rule"] for each in data["rules"]] == RULES
    assert set(data["rules"][3]) == {
        "rule", "right", "wrong_person", "not_named", "strangers_rejected", "strangers_named",
        "names_against_nearest", "false_accepts_against_nearest",
    }  # fmt: skip
    assert data["rules"][0]["not_named"] == {"count": 7, "of": 7, "share": 1.0, "low": 0.6457, "high": 1.0}
    assert data["rules"][3]["names_against_nearest"] == {"people_better": 0, "people_worse": 0, "p_value": 1.0}
    assert data["rules"][0]["names_against_nearest"] is None
    plain = run("people", "compare-rules", "--settings", settings).out
    assert "svm (now)" in plain
    assert "nearest is recommended, match.rule is svm" in " ".join(plain.split())


def test_csv_has_a_line_for_each_face_under_all_rules(run: Run, store: Path, tmp_path: Path) -> None:
    enrol(store, 3, 2, 1, 2)
    out = tmp_path / "faces.csv"
    done = run("people", "compare-rules", "--csv", out)
    assert f"wrote {out}" in done.err
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["person_id", "name", "picture", "enrolled", *RULES]
    assert len(rows) == 7 + 8
    assert {row["picture"] for row in rows} >= {"Ada-0.jpg", "Kim-1.jpg"}
    strangers = [row for row in rows if row["enrolled"] == "false"]
    assert {row["nearest"] for row in strangers if row["name"] in ("Bob", "Eve")} == {"rejected"}
    assert "named: Ada" in {row["nearest"] for row in strangers if row["name"] == "Kim"}


@pytest.mark.parametrize("people", [0, 1])
def test_nobody_to_tell_apart_is_an_error(run: Run, store: Path, people: int) -> None:
    enrol(store, *[3] * people)
    run("people", "compare-rules").refused("nobody to tell apart", "footfall enroll")


def test_missing_scikit_learn_and_wrong_files_are_errors(
    run: Run, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(store, 2, 2)
    run("people", "compare-rules", "--csv", tmp_path / "faces.jpg").refused("does not end in .csv", code=2)
    monkeypatch.setattr("tracker.cli.extras.find_spec", lambda _name: None)
    run("people", "compare-rules").refused("needs scikit-learn", "pip install 'footfall[rules]'")
