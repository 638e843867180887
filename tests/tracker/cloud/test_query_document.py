"""The programs in docs/query.md and README.md run as printed and equal the reports of the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.firestore.fixtures import Firestore, project_on
from tests.firestore.processes import NODE_FOLDER, lacks_node
from tests.firestore.rest import rest_of
from tests.rules.expectations import EVERYBODY
from tests.rules.guard import GuardedServer
from tests.rules.id_tokens import token
from tests.tracker.cloud.machines import SITE, Machine
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person
from tracker.presence.rules import Rules
from tracker.store.observation import Observation

README = Path(__file__).parents[3] / "README.md"
DOCUMENT = README.parent / "docs" / "query.md"
ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
EXPECTED = """\
in now: Bob since 2026-03-04 18:30
visit: Ada 09:00, 90 min
visit: Bob 10:00, 30 min
visit: Ada 22:30, 60 min
week: Ada 2.50 h
week: Bob 0.50 h
"""


def blocks(language: str, document: Path = DOCUMENT) -> list[str]:
    return blocks_in(language, document.read_text(encoding="utf-8"))


def blocks_in(language: str, text: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def stay(person_id: str, start: datetime, minutes: float | None) -> Iterator[Event]:
    named: dict[str, Any] = {"site_id": SITE, "camera_id": "front", "person_id": person_id, "track_id": f"t{start}"}
    yield Event(kind=EventKind.ENTER, at=start, **named)
    if minutes is not None:
        yield Event(kind=EventKind.EXIT, at=start + timedelta(minutes=minutes), **named)


@pytest.fixture
def gym(full_firestore: Firestore, tmp_path: Path) -> dict[str, str]:
    return in_firestore(full_firestore, tmp_path)


def in_firestore(firestore: Firestore, tmp_path: Path) -> dict[str, str]:
    """A week at the gym in Firestore; the environment of a program that may read it."""
    machine = Machine(tmp_path / "store.sqlite3", firestore)
    machine.now = MONDAY + timedelta(days=2, hours=19)
    machine.store.sites.use_default_rules(Rules(zone=ZONE))
    for person_id, name in (("p-ada", "Ada"), ("p-bob", "Bob")):
        person = Person(person_id=person_id, name=name, created_at=MONDAY, consented_at=MONDAY)
        machine.store.people.add(person, np.zeros((1, 128), np.float32))
    before, after = MONDAY - timedelta(days=8), MONDAY + timedelta(days=2, hours=18, minutes=30)
    stays = [
        *stay("p-ada", before, 45),
        *stay("p-ada", MONDAY + timedelta(hours=9), 90),
        *stay("p-bob", MONDAY + timedelta(hours=10), 30),
        *stay("p-ada", MONDAY + timedelta(hours=22, minutes=30), 60),
        *stay("p-bob", after, None),
    ]
    machine.store.record(Observation(events=stays))
    machine.drain()
    machine.close()
    return firestore.env | {"GOOGLE_APPLICATION_CREDENTIALS": str(_account(tmp_path / "reader.json"))}


def _account(path: Path) -> Path:
    """The key file of a service account that does not exist; emulators accept it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    content = {
        "type": "service_account",
        "project_id": "test",
        "private_key_id": "1",
        "private_key": key.decode(),
        "client_email": "reader@test.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_the_python_program_gives_the_answers(gym: dict[str, str]) -> None:
    (program,) = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-"], input=program, env=gym, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, EXPECTED), ran.stderr


def test_the_program_of_the_readme_prints_who_is_in(gym: dict[str, str]) -> None:
    (program,) = blocks("python", README)
    ran = subprocess.run(
        [sys.executable, "-"], input=program, env=gym, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "p-bob since 2026-03-04 17:30:00+00:00\n"), ran.stderr


def test_the_node_program_gives_the_same(gym: dict[str, str]) -> None:
    reason = lacks_node()
    if reason:
        pytest.skip(reason)
    (program,) = blocks("js")
    ran = subprocess.run(
        [shutil.which("node") or "node", "-"],
        input=program, cwd=NODE_FOLDER, env=gym, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (0, EXPECTED), ran.stderr


# -- by HTTP

_AS_IN_PYTHON = """
import json
queries = {"inside": inside.order_by("started_at").limit(500), "day": day, "week": week}
results = {name: [each.to_dict() | {"id": each.id} for each in query.stream()] for name, query in queries.items()}
print(json.dumps(results | {"name": names_of(["p-ada"])["p-ada"]}, default=lambda at: at.isoformat()))
"""
"""Put behind the program of the document: its own queries, whole."""


def _curled(env: dict[str, str], *lines: str) -> subprocess.CompletedProcess[str]:
    """The result of these lines in a shell, after the first block of the document."""
    if shutil.which("curl") is None:
        pytest.skip("curl is missing")
    script = "\n".join([_http_blocks()[0], *lines])
    return subprocess.run(["sh", "-eu"], input=script, env=env, capture_output=True, text=True, timeout=60, check=False)


def _http_blocks() -> list[str]:
    section = DOCUMENT.read_text(encoding="utf-8").partition("## By HTTP\n")[2].partition("\n## ")[0]
    return blocks_in("sh", section)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    """The fields of a document of the REST interface, and its id."""
    fields = {name: _value(value) for name, value in document["fields"].items()}
    return fields | {"id": document["name"].rpartition("/")[2]}


def _value(value: dict[str, Any]) -> Any:
    ((kind, raw),) = value.items()
    if kind == "timestampValue":
        return datetime.fromisoformat(raw).isoformat()
    if kind == "mapValue":
        return {name: _value(each) for name, each in raw.get("fields", {}).items()}
    if kind == "arrayValue":
        return [_value(each) for each in raw.get("values", [])]
    return int(raw) if kind == "integerValue" else raw


def test_curl_finds_the_same_as_firebase_admin(gym: dict[str, str], full_firestore: Firestore) -> None:
    (program,) = blocks("python")
    ran = subprocess.run(
        [sys.executable, "-"], input=program + _AS_IN_PYTHON, env=gym, capture_output=True, text=True, check=True
    )
    expected = json.loads(ran.stdout.splitlines()[-1])
    with rest_of(full_firestore.kind, full_firestore.host) as address:
        env = gym | {"FIRESTORE": address, "TOKEN": "owner"}
        answers = [_curled(env, line) for line in _http_blocks()[1:]]
    assert [each.returncode for each in answers] == [0] * 4, [each.stderr for each in answers]
    inside, day, week, name = (json.loads(each.stdout) for each in answers)
    assert [_plain(each["document"]) for each in inside] == expected["inside"]
    assert [_plain(each["document"]) for each in day] == expected["day"]
    some = ("id", "person_id", "started_at", "dwell_s")
    assert [_plain(each["document"]) for each in week] == [
        {key: each[key] for key in some} for each in expected["week"]
    ]
    assert _plain(name)["name"] == expected["name"] == "Ada"
    assert [len(each) for each in (inside, day, week)] == [1, 3, 4]


def test_curl_uses_google_and_gcloud_tokens_by_default(tmp_path: Path) -> None:
    gcloud = tmp_path / "gcloud"
    gcloud.write_text("#!/bin/sh\necho token-of $*\n", encoding="utf-8")
    gcloud.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    ran = _curled({"PATH": path, "GOOGLE_CLOUD_PROJECT": "my-gym-1234"}, 'echo "$TOKEN $GYM"')
    place = "https://firestore.googleapis.com/v1/projects/my-gym-1234/databases/(default)/documents/sites/gym"
    assert ran.stdout == f"token-of auth application-default print-access-token {place}\n", ran.stderr


@pytest.mark.parametrize("who", ["operator", "stranger", "admin-elsewhere"])
def test_curl_with_a_user_token_is_subject_to_the_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    with GuardedServer() as server, rest_of("ours", server.host) as address:
        firestore = project_on("ours", server.host, monkeypatch)
        env = in_firestore(firestore, tmp_path)
        env |= {"FIRESTORE": address, "TOKEN": token(firestore.project, EVERYBODY[who])}
        answers = [_curled(env, line) for line in _http_blocks()[1:]]
    if who == "operator":
        assert [each.returncode for each in answers] == [0] * 4
        return
    error = {"code": 403, "message": "Missing or insufficient permissions.", "status": "PERMISSION_DENIED"}
    assert [each.returncode for each in answers] == [22] * 4
    assert [json.loads(each.stdout) for each in answers] == [[{"error": error}]] * 3 + [{"error": error}]


def test_every_query_of_the_document_is_bounded() -> None:
    for language, asks, bound in (
        ("python", ".stream()", ".limit("),
        ("js", ".get()", ".limit("),
        ("sh", ":runQuery", '"limit"'),
    ):
        for block in blocks(language):
            assert block.count(bound) == block.count(asks)
