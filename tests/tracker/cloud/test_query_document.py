"""The programs in docs/query.md, run as they stand there, find what the reports of the command line find."""

from __future__ import annotations

import json
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
from google.cloud.firestore_v1.types import RunQueryRequest, RunQueryResponse
from google.protobuf import json_format

from tests.firestore.fixtures import Firestore
from tests.firestore.processes import NODE_FOLDER, lacks_node
from tests.tracker.cloud.machines import SITE, Machine
from tracker.presence.events import Event, EventKind
from tracker.presence.people import Person
from tracker.presence.rules import Rules

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
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


def stay(person_id: str, start: datetime, minutes: float | None) -> Iterator[Event]:
    named: dict[str, Any] = {"site_id": SITE, "camera_id": "front", "person_id": person_id, "track_id": f"t{start}"}
    yield Event(kind=EventKind.ENTER, at=start, **named)
    if minutes is not None:
        yield Event(kind=EventKind.EXIT, at=start + timedelta(minutes=minutes), **named)


@pytest.fixture
def gym(firestore_server: Firestore, tmp_path: Path) -> dict[str, str]:
    """A week at the gym in Firestore; the environment of a program that may read it."""
    machine = Machine(tmp_path / "store.sqlite3", firestore_server)
    machine.now = MONDAY + timedelta(days=2, hours=19)
    machine.store.use_rules(Rules(zone=ZONE))
    for person_id, name in (("p-ada", "Ada"), ("p-bob", "Bob")):
        person = Person(person_id=person_id, name=name, created_at=MONDAY, consented_at=MONDAY)
        machine.store.add_person(person, np.zeros((1, 128), np.float32))
    before, after = MONDAY - timedelta(days=8), MONDAY + timedelta(days=2, hours=18, minutes=30)
    stays = [
        *stay("p-ada", before, 45),
        *stay("p-ada", MONDAY + timedelta(hours=9), 90),
        *stay("p-bob", MONDAY + timedelta(hours=10), 30),
        *stay("p-ada", MONDAY + timedelta(hours=22, minutes=30), 60),
        *stay("p-bob", after, None),
    ]
    machine.store.record(events=stays)
    machine.drain()
    machine.close()
    return firestore_server.env | {"GOOGLE_APPLICATION_CREDENTIALS": str(_account(tmp_path / "reader.json"))}


def _account(path: Path) -> Path:
    """The file of a service account that is nobody's: emulators do not ask."""
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


def test_the_program_of_the_readme_tells_who_is_in(gym: dict[str, str]) -> None:
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


def test_the_queries_by_http_find_the_same_documents(gym: dict[str, str], firestore_server: Firestore) -> None:
    """The bodies as they stand, put to the server as the messages that Firestore's HTTP door makes of them."""
    client = firestore_server.client()
    found = []
    for block in blocks("json"):
        request = RunQueryRequest(parent=f"{client._database_string}/documents/sites/{SITE}")
        body = {"structuredQuery": json.loads(block)}
        json_format.ParseDict(body, RunQueryRequest.pb(request))
        answers = client._firestore_api.run_query(request=request)
        found.append([answer for answer in answers if RunQueryResponse.pb(answer).HasField("document")])
    client.close()
    assert [len(answers) for answers in found] == [1, 3, 3]


def test_every_query_of_the_document_is_bounded() -> None:
    for language, asks, bound in (
        ("python", ".stream()", ".limit("),
        ("js", ".get()", ".limit("),
        ("json", "from", '"limit"'),
    ):
        for block in blocks(language):
            assert block.count(bound) == block.count(asks)
