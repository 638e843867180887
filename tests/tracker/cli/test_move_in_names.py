"""`footfall import`: names that nobody can have."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.tracker.cli.conftest import Run
from tracker.presence.people import Role
from tracker.store.store import Store


def test_a_name_that_is_none_is_listed_and_the_others_are_enrolled(run: Run, tmp_path: Path) -> None:
    rows = np.eye(128)[:2].tolist()
    names = ("A\ada", "Grace")
    file = tmp_path / "members.json"
    people = [{"name": name, "role": "staff", "encoding": row} for name, row in zip(names, rows, strict=True)]
    file.write_text(json.dumps({"people": people}))
    done = run("import", file, "--network", "sface")
    done.refused("1 of 2 people were not enrolled")
    assert "contains the control character U+0007" in done.err
    with Store(tmp_path / "store.sqlite3") as store:
        assert [(each.name, each.role) for each in store.people.all()] == [("Grace", Role.STAFF)]
